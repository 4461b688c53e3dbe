"""What went wrong, in one form for people and one for programs."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from apbundle.errors import BundleError
from apbundle.text import printable


class UsageError(Exception):
    """A command line that cannot be followed; the message is a sentence."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


KINDS = (UsageError, BundleError, OSError, MemoryError)
"""The exceptions that are about the user's files and requests, not about this program."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a command did not do what was asked.

    ``message`` is without its full stop; ``where`` is a path or a place in one; ``hint`` says what is safe and what to
    do. ``status`` is the exit status it leads to.
    """

    code: str
    message: str
    offset: int | None = None
    where: str = ""
    hint: str = ""
    status: int = 2

    def to_json(self) -> dict[str, str | int | None]:
        """``{"code", "message", "offset"}``."""
        return {"code": self.code, "message": f"{self.message}.", "offset": self.offset}

    def __str__(self) -> str:
        text = self.message + (f" ({self.where})" if self.where else "") + "."
        return f"{text} {self.hint}" if self.hint else text


INTERRUPTED = Failure("cancelled", "Stopped at once")

_HINTS = {
    errno.ENOENT: "Check the path.",
    errno.EACCES: "Check the permissions.",
    errno.EPERM: "Check the permissions.",
    errno.EROFS: "Choose a place that can be written to.",
    errno.EISDIR: "Give the files in it one by one.",
    errno.EIO: "The disk could not read or write; check it, then try again.",
    errno.ENOSPC: "Make room, then try again.",
    errno.EMFILE: "Close other programs, or raise the limit of open files.",
}


def describe(error: BaseException, hint: str = "") -> Failure:
    """The failure that one of :data:`KINDS` stands for; ``hint`` in place of its own."""
    if isinstance(error, UsageError):
        return Failure("usage", _sentence(str(error)), hint=hint or error.hint)
    if isinstance(error, BundleError):
        return _of_bundle_error(error, hint)
    if isinstance(error, OSError):
        return _of_os_error(error, hint)
    return Failure("out_of_memory", "There is not enough memory for this", hint=hint)


def _of_bundle_error(error: BundleError, hint: str) -> Failure:
    where = [printable(error.path)] if error.path is not None else []
    if error.offset is not None:
        where.append(f"byte {error.offset:,}")
    message = _sentence(error.message)
    if error.left_behind is not None:
        message += f". The finished file was kept as {printable(error.left_behind)}"
    advice = printable(hint or error.hint or "")
    status = 1 if error.code == "durability_unknown" else 2  # that file is in place
    return Failure(error.code, message, error.offset, ", ".join(where), advice, status)


def _of_os_error(error: OSError, hint: str) -> Failure:
    code = errno.errorcode.get(error.errno, "os_error") if error.errno is not None else "os_error"
    message = _sentence(error.strerror or str(error) or type(error).__name__)
    where = printable(_path(error.filename)) if error.filename is not None else ""
    return Failure(code, message[:1].upper() + message[1:], where=where, hint=hint or _HINTS.get(error.errno or 0, ""))


def _path(name: object) -> str:
    return name.decode(errors="backslashreplace") if isinstance(name, bytes) else str(name)


def _sentence(text: str) -> str:
    return printable(text).removesuffix(".")
