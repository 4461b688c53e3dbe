"""Standard output and standard error: tables for people, JSON for programs, and nothing a bundle says unescaped."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from apbundle.cli.failures import Failure
from apbundle.text import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_STDOUT = "standard output"
_PIPE_WIDTH = 1000
"""Columns when nobody looks: what reads a pipe wants each record on one line."""


class Output:
    """Where a command says what it found.

    Parameters
    ----------
    json
        Print JSON, errors too, and nothing else.
    """

    def __init__(self, *, json: bool) -> None:
        self.json = json

    def require(self) -> None:
        """Raise ``OSError`` if standard output was closed before this program began."""
        if sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), _STDOUT)

    def document(self, value: Mapping[str, Any]) -> None:
        """Print a JSON document. It is ASCII: whatever a bundle says, a terminal sees no control in it."""
        self._put(json.dumps(value, indent=2) + "\n")

    def raw(self, data: memoryview) -> None:
        """Write bytes."""
        with _named():
            sys.stdout.buffer.write(data)

    def show(self, *renderables: RenderableType) -> None:
        """Print tables and text. Untrusted text in them has to be printable already."""
        with self._console.capture() as capture:  # one: each flushes what was written before, and may exit at a fault
            for renderable in renderables:
                self._console.print(renderable)
        self._write(capture.get())

    def headline(self, word: str, style: str, said: str) -> None:
        """Print the one line that says what came of a command, ``word`` in its style, all of it printable already."""
        if _is_plain():
            self._write(f"{word}  {said}\n")
            return
        from rich.text import Text

        self.show(Text.assemble((word, style), f"  {said}", overflow="fold"))

    def line(self, text: str) -> None:
        """Print one line, made printable."""
        self._write(printable(text) + "\n")

    def row(self, text: str) -> None:
        """Print one line of values that tabs separate, each of them printable already."""
        self._write(text + "\n")

    def fail(self, failure: Failure) -> None:
        """Say why the command did not do what was asked."""
        if self.json:
            self.document({"error": failure.to_json()})
        else:
            self.complain(failure)

    def complain(self, failure: Failure) -> None:
        """Say on standard error what went wrong, on one line."""
        if sys.stderr is None:
            return
        try:
            sys.stderr.write(_encodable(f"apbundle: {failure}\n", sys.stderr))
            sys.stderr.flush()
        except OSError:
            pass  # nobody hears it; the exit status says it too

    def flush(self) -> None:
        """Hand over what is still buffered (``OSError`` where that fails)."""
        with _named():
            sys.stdout.flush()

    def abandon(self) -> None:
        """Drop what is still buffered, so that the interpreter does not try again when it ends."""
        try:
            descriptor = sys.stdout.fileno()
        except (AttributeError, OSError, ValueError):
            return  # none, or not a file
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, descriptor)
        os.close(null)

    @cached_property
    def _console(self) -> Console:
        from rich.console import Console

        width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
        return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)

    def _write(self, text: str) -> None:
        if not sys.stdout.isatty():  # no blanks that only fill cells
            text = "".join(line.rstrip(" ") + "\n" for line in text.splitlines())
        self._put(_encodable(text, sys.stdout))

    def _put(self, text: str) -> None:
        with _named():
            sys.stdout.write(text)


def _is_plain() -> bool:
    """Whether nobody asks for a width or for colours, which take longer to load than all else."""
    return not sys.stdout.isatty() and os.environ.keys().isdisjoint(("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"))


@contextmanager
def _named() -> Iterator[None]:
    """Errors of standard output say that it is meant, and not one of the user's files."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, _STDOUT) from error


def _encodable(text: str, stream: TextIO) -> str:
    """``text`` with what the stream's encoding lacks as escapes."""
    encoding = stream.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
