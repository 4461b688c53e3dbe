"""Where a model's bytes come from when a bundle is written."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import PIECE, InputFile, NotRegularFile
from apbundle.format.model import DIGEST_ALGORITHMS, Compression, Hasher, ModelEntry, ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.format.scratch import scratch_memory


class ModelSource(Protocol):
    """Bytes that can be read by position; how many is fixed."""

    @property
    def size(self) -> int:
        """Bytes of the model."""
        ...

    @property
    def path(self) -> str | None:
        """The file that must not be written over, if there is one."""
        ...

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill ``buffer`` with the bytes from ``offset``."""

    def open(self) -> None:
        """Make ready to read; called once before the first read."""

    def close(self) -> None:
        """Release what :meth:`open` took, after checking that the bytes did not change meanwhile."""


@dataclass(frozen=True, slots=True)
class NewModel:
    """A model to be written.

    ``compress`` asks for zstd frames; ``compression`` says that ``source`` already yields such frames.
    """

    name: str
    source: ModelSource
    metadata: ModelMetadata | None = None
    compress: bool = False
    compression: Compression | None = None


@contextmanager
def opened(source: ModelSource) -> Iterator[ModelSource]:
    """``source``, ready to be read; closed afterwards, which checks that it did not change."""
    source.open()
    try:
        yield source
    except BaseException:
        with ExitStack() as stack:  # the first failure is the one to tell
            stack.push(lambda *_: True)
            source.close()
        raise
    source.close()


class BuffersSource:
    """A model in memory: one buffer or several that follow each other."""

    path = None

    def __init__(self, buffers: Sequence[memoryview]) -> None:
        self._buffers = [buffer.cast("B") for buffer in buffers if buffer.nbytes]
        self._ends = list(accumulate(len(buffer) for buffer in self._buffers))
        self.size = self._ends[-1] if self._ends else 0

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill ``buffer`` with the bytes from ``offset``."""
        done = 0
        index = bisect_right(self._ends, offset)
        while done < len(buffer):
            part = self._buffers[index]
            start = offset + done - (self._ends[index] - len(part))
            piece = part[start : start + len(buffer) - done]
            buffer[done : done + len(piece)] = piece
            done += len(piece)
            index += 1


class FileSource:
    """A model in a file of its own, read as it stands.

    The file's size is taken now; that it is still the same file with the same size and time is checked when reading
    begins and when it ends.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        with InputFile.open(path) as file:
            self._identity = file.identity
        self.path: str = os.fsdecode(path)
        self.size = self._identity.size
        self._file: InputFile | None = None

    def open(self) -> None:
        """Open the file again (``source_changed`` if it is gone or another one by now)."""
        try:
            self._file = InputFile.open(self.path)
        except (FileNotFoundError, NotRegularFile) as error:
            raise self._changed() from error
        if self._file.identity != self._identity:
            self._file.close()
            self._file = None
            raise self._changed()

    def close(self) -> None:
        """Close the file (``source_changed`` if it changed while it was read)."""
        if self._file is None:
            return
        file, self._file = self._file, None
        try:
            file.check_unchanged()
        except BundleError as error:
            raise self._changed() from error
        finally:
            file.close()

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill ``buffer`` with the bytes from ``offset``."""
        assert self._file is not None
        try:
            self._file.read_into(offset, buffer)
        except BundleError as error:
            raise self._changed() from error

    def _changed(self) -> BundleError:
        return bundle_error(
            "source_changed",
            "An input changed while the bundle was being built.",
            path=self.path,
            hint="Nothing was written. Wait until the file is complete, then build again.",
        )


class StoredSource:
    """A model of an open bundle, its bytes as stored.

    It has no ``path``: saving over the bundle is safe, since the old file stays readable until it is closed. What is
    read in order and to the end, as a copy does, is held against the model's digest: saving never seals damage.
    """

    path = None

    def __init__(self, reader: BundleReader, entry: ModelEntry) -> None:
        self._reader = reader
        self._entry = reader.readable_entry(entry.name)
        self.size = entry.size
        self._hasher: Hasher | None = None
        self._hashed = 0

    def open(self) -> None:
        """Check that the bundle is still what was opened."""
        self._reader.file.check_unchanged()
        digest = self._entry.digest
        self._hasher = None if digest is None else DIGEST_ALGORITHMS[digest.algorithm].hasher()
        self._hashed = 0

    def close(self) -> None:
        """Check that the bundle is still what was opened, and the model what its digest says."""
        self._reader.file.check_unchanged()
        digest, hasher = self._entry.digest, self._hasher
        if digest is None or hasher is None or self._hashed != self.size or hasher.digest().hex() == digest.hex:
            return
        raise bundle_error(
            "checksum_mismatch",
            f"The bytes of the model {self._entry.name!r} do not match its digest.",
            path=self._reader.path,
            offset=self._reader.data_offset + self._entry.offset,
            hint="The model is damaged, and nothing was written; get the bundle again.",
        )

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill ``buffer`` with stored bytes from ``offset``."""
        self._reader.read_stored_into(self._entry, offset, buffer)
        if self._hasher is not None and offset == self._hashed:
            self._hasher.update(buffer)
            self._hashed += len(buffer)


class DecodedSource:
    """A model of an open bundle, its raw bytes where it is stored compressed. Otherwise as :class:`StoredSource`.

    A copy decodes what it reads; that the stored bytes match their digest is checked before it begins.
    """

    path = None

    def __init__(self, reader: BundleReader, entry: ModelEntry) -> None:
        self._reader = reader
        self._entry = reader.readable_entry(entry.name)
        self._stored = StoredSource(reader, entry)
        self.size = entry.raw_size

    def open(self) -> None:
        """Check that the bundle is still what was opened, and the model what its digest says."""
        with opened(self._stored), scratch_memory(PIECE) as scratch:
            for at in range(0, self._stored.size, PIECE):
                self._stored.read_into(at, scratch[: min(PIECE, self._stored.size - at)])

    def close(self) -> None:
        """Check that the bundle is still what was opened."""
        self._reader.file.check_unchanged()

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill ``buffer`` with raw bytes from ``offset``."""
        self._reader.read_into(self._entry.name, offset, buffer)
