"""A recording as a file: opened, checked, and read by slots."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass

from apbundle.errors import bundle_error
from apbundle.fileio import NotRegularFile, syscalls
from apbundle.fileio.system import LOCK_NOW, LOCK_SHARED, O_BINARY, O_NONBLOCK, UNLOCK
from apbundle.fileio.temporary import close_quietly
from apbundle.text import format_size
from apbundle.trace.records import (
    MAGIC,
    MAX_HEADER,
    PRELUDE,
    SLOT,
    VERSION,
    RecordingHeader,
    bad_recording,
    data_start,
)

_FINGERPRINT = 256  # bytes at the start, of which the times differ between any two recordings


@dataclass(frozen=True)
class RecordingFile:
    """An open recording: descriptor, header, where the first record stands, and how to tell it from another."""

    descriptor: int
    header: RecordingHeader
    start: int
    fingerprint: bytes
    inode: tuple[int, int]

    @classmethod
    def open(cls, path: str, max_header: int = MAX_HEADER) -> RecordingFile:
        """The recording at ``path``; raises ``BadRecording``, ``LimitExceeded`` and ``OSError``."""
        descriptor = syscalls.open(path, os.O_RDONLY | O_NONBLOCK | O_BINARY)
        try:
            status = syscalls.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise NotRegularFile(path)
            fingerprint = _pread(descriptor, 0, _FINGERPRINT)
            length = _header_length(fingerprint, path)
            if length > max_header:
                message = f"The header of the recording takes {format_size(length)}: more than is read here."
                raise bundle_error("limit_exceeded", message, path=path)
            text = _pread(descriptor, PRELUDE.size, length)
            if status.st_size < data_start(length) or len(text) < length:
                hint = "If a program is just beginning to record here, try again."
                raise bundle_error("bad_recording", "The recording ends inside its header.", path=path, hint=hint)
            header = RecordingHeader.from_json(text, path)
            inode = (status.st_dev, status.st_ino)
            return cls(descriptor, header, data_start(length), fingerprint, inode)
        except BaseException:
            close_quietly(descriptor)
            raise

    @property
    def slots(self) -> int:
        """Complete slots in the file now."""
        return max(syscalls.fstat(self.descriptor).st_size - self.start, 0) // SLOT

    def read(self, slot: int, count: int) -> bytes:
        """Up to ``count`` slots from number ``slot``."""
        data = _pread(self.descriptor, self.start + slot * SLOT, count * SLOT)
        return data[: len(data) // SLOT * SLOT]

    def is_same(self) -> bool:
        """Whether the file still begins as it did."""
        return _pread(self.descriptor, 0, len(self.fingerprint)) == self.fingerprint

    def writer_lives(self) -> bool:
        """Whether someone holds the lock that a writer holds as long as it lives."""
        try:
            syscalls.flock(self.descriptor, LOCK_SHARED | LOCK_NOW)
        except OSError:  # refused; or there are no locks here, and nobody can tell
            return True
        with suppress(OSError):
            syscalls.flock(self.descriptor, UNLOCK)
        return False


def _header_length(start: bytes, path: str) -> int:
    if not start.startswith(MAGIC):
        raise bad_recording("This is not a recording.", path, 0)
    if len(start) < PRELUDE.size:
        raise bad_recording("The recording ends inside its header.", path, len(start))
    _, version, length = PRELUDE.unpack_from(start)
    if version != VERSION:
        raise bad_recording(f"The recording has version {version}; version {VERSION} is known here.", path, len(MAGIC))
    if length > MAX_HEADER:
        raise bad_recording(f"The header claims {length} bytes; the limit is {MAX_HEADER}.", path, len(MAGIC) + 4)
    return int(length)


def _pread(descriptor: int, offset: int, size: int) -> bytes:
    """Up to ``size`` bytes: fewer only at the end of the file."""
    data: bytes = syscalls.pread(descriptor, size, offset)
    while data and len(data) < size:
        more = syscalls.pread(descriptor, size - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data
