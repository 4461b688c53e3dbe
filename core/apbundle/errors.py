"""What can be wrong with a bundle, and how it is said.

Every failure of a file, a destination or a request is a :class:`BundleError` with a stable ``code``
(`core/FORMAT.md` lists them); wrong use of the library is a ``ValueError`` or ``TypeError``, and what the
operating system says stays an ``OSError``::

    BundleError
    ├── NotABundle            not_a_bundle
    ├── Truncated             truncated
    ├── UnsupportedVersion    unsupported_version
    ├── UnsupportedFeature    unsupported_feature
    ├── CorruptManifest       bad_manifest_length bad_manifest bad_count bad_utf8
    ├── DuplicateName         duplicate_name
    ├── OutOfBounds           out_of_bounds
    ├── Overlap               overlap
    ├── LimitExceeded         limit_exceeded
    ├── ExtensionDamaged      bad_extension extension_checksum bad_metadata
    ├── ChecksumMismatch      checksum_mismatch
    ├── ChangedOnDisk         changed_on_disk
    ├── DecompressionError    decompression_failed
    ├── ModelNotFound         model_not_found (also a KeyError)
    ├── ComponentNotFound     component_not_found (also a KeyError)
    ├── UnsafeName            unsafe_name
    ├── DiskFull              disk_full
    ├── DestinationBusy       destination_busy
    ├── TargetRefused         target_refused
    ├── DurabilityUnknown     durability_unknown
    ├── SourceChanged         source_changed
    ├── Cancelled             cancelled
    ├── BundleClosed          closed
    ├── BadRecording          bad_recording
    ├── BadRecipe             bad_recipe
    └── LimitTooSmall         limit_too_small
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apbundle.text import printable

MAX_MESSAGE = 300
"""Longest message in characters: messages may quote text from a hostile file."""


class BundleError(Exception):
    """A file, destination or request that cannot be served.

    Parameters
    ----------
    message
        What happened, one sentence. Untrusted parts are made printable and the whole is cut at 300 characters.
    code
        The stable identifier, one of :data:`ERROR_CLASSES`.
    path
        The file concerned.
    offset
        Byte offset in that file where the fault was seen, counted from 0.
    hint
        What is safe and what to do next.
    left_behind
        A complete temporary file that a failed write could neither publish nor remove.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        path: str | None = None,
        offset: int | None = None,
        hint: str | None = None,
        left_behind: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = printable(message, MAX_MESSAGE)
        self.code = code
        self.path = path
        self.offset = offset
        self.hint = hint
        self.left_behind = left_behind

    def __str__(self) -> str:
        where = []
        if self.path is not None:
            where.append(printable(self.path))
        if self.offset is not None:
            where.append(f"byte {self.offset:,}")
        text = self.message + (f" ({', '.join(where)})" if where else "")
        if self.left_behind is not None:
            text += f" The finished file was kept as {printable(self.left_behind)}."
        return f"{text} {self.hint}" if self.hint else text

    def to_json(self) -> dict[str, str | int | None]:
        """``{"code", "message", "offset"}``, as :meth:`Finding.to_json`."""
        return {"code": self.code, "message": self.message, "offset": self.offset}

    def __reduce__(self) -> tuple[Any, ...]:
        state = (self.message, self.code, self.path, self.offset, self.hint, self.left_behind)
        return _rebuild, (type(self), *state)


def _rebuild(
    cls: type[BundleError],
    message: str,
    code: str,
    path: str | None,
    offset: int | None,
    hint: str | None,
    left_behind: str | None,
) -> BundleError:
    return cls(message, code=code, path=path, offset=offset, hint=hint, left_behind=left_behind)


class NotABundle(BundleError):
    """The file is something else."""


class Truncated(BundleError):
    """The file ends before its header does."""


class UnsupportedVersion(BundleError):
    """The header names a format version this library does not know."""


class UnsupportedFeature(BundleError):
    """The file needs something this library does not know; no model is read."""


class CorruptManifest(BundleError):
    """The manifest contradicts itself or the file."""


class DuplicateName(BundleError):
    """Two models of one bundle have the same name."""


class OutOfBounds(BundleError):
    """An entry reaches past the end of the file."""


class Overlap(BundleError):
    """Two entries claim the same bytes."""


class LimitExceeded(BundleError):
    """A declared size is above what this library accepts."""


class ExtensionDamaged(BundleError):
    """The extension block cannot be trusted; the bundle reads as plain version 1."""


class ChecksumMismatch(BundleError):
    """The bytes of a model are not those its digest was made of."""


class ChangedOnDisk(BundleError):
    """The file was truncated, rewritten or replaced since it was opened."""


class DecompressionError(BundleError):
    """A compressed model does not decode to what its table declares."""


class ModelNotFound(BundleError, KeyError):
    """No model of this name."""

    __str__ = BundleError.__str__


class ComponentNotFound(BundleError, KeyError):
    """The model has no component of this name."""

    __str__ = BundleError.__str__


class UnsafeName(BundleError):
    """A name cannot be used for what was asked."""


class DiskFull(BundleError):
    """The destination has no room; what was there before is untouched."""


class DestinationBusy(BundleError):
    """Another writer holds the destination."""


class TargetRefused(BundleError):
    """The destination is not something this library overwrites."""


class DurabilityUnknown(BundleError):
    """The new file is in place, but the disk did not confirm it."""


class SourceChanged(BundleError):
    """An input changed while it was being copied."""


class Cancelled(BundleError):
    """The caller asked to stop; nothing was published."""


class BundleClosed(BundleError):
    """The object was used after ``close()``."""


class BadRecording(BundleError):
    """The file is not a recording this library can read."""


class BadRecipe(BundleError):
    """The recipe cannot be followed."""


class LimitTooSmall(BundleError):
    """A memory limit below what the request needs at the least."""


ERROR_CLASSES: dict[str, type[BundleError]] = {
    "not_a_bundle": NotABundle,
    "truncated": Truncated,
    "unsupported_version": UnsupportedVersion,
    "unsupported_feature": UnsupportedFeature,
    "bad_manifest_length": CorruptManifest,
    "bad_manifest": CorruptManifest,
    "bad_count": CorruptManifest,
    "bad_utf8": CorruptManifest,
    "duplicate_name": DuplicateName,
    "out_of_bounds": OutOfBounds,
    "overlap": Overlap,
    "limit_exceeded": LimitExceeded,
    "bad_extension": ExtensionDamaged,
    "extension_checksum": ExtensionDamaged,
    "bad_metadata": ExtensionDamaged,
    "checksum_mismatch": ChecksumMismatch,
    "changed_on_disk": ChangedOnDisk,
    "decompression_failed": DecompressionError,
    "model_not_found": ModelNotFound,
    "component_not_found": ComponentNotFound,
    "unsafe_name": UnsafeName,
    "disk_full": DiskFull,
    "destination_busy": DestinationBusy,
    "target_refused": TargetRefused,
    "durability_unknown": DurabilityUnknown,
    "source_changed": SourceChanged,
    "cancelled": Cancelled,
    "closed": BundleClosed,
    "bad_recording": BadRecording,
    "bad_recipe": BadRecipe,
    "limit_too_small": LimitTooSmall,
}
"""The one table from code to class."""


def bundle_error(
    code: str,
    message: str,
    *,
    path: str | None = None,
    offset: int | None = None,
    hint: str | None = None,
    left_behind: str | None = None,
) -> BundleError:
    """The exception for ``code``, ready to raise."""
    cls = ERROR_CLASSES[code]
    return cls(message, code=code, path=path, offset=offset, hint=hint, left_behind=left_behind)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth saying about a file that is not an exception: a warning, or a reason why it fails to verify."""

    code: str
    message: str
    offset: int | None = None

    def to_json(self) -> dict[str, str | int | None]:
        """``{"code", "message", "offset"}``."""
        return {"code": self.code, "message": self.message, "offset": self.offset}
