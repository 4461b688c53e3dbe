"""Ranges of a file read once and kept: the reference's older interface. For new code, :class:`MappedFile`."""

from __future__ import annotations

from types import TracebackType
from typing import Final

from apbundle.fileio import InputFile, StrPath, open_at_rest


class MappedRegion:
    """The bytes of a range of a file.

    Parameters
    ----------
    data
        The bytes.
    offset
        Where in the file they begin.
    """

    __slots__ = ("_data", "_offset")

    def __init__(self, data: bytes, offset: int) -> None:
        self._data: Final = data
        self._offset: Final = offset

    @property
    def offset(self) -> int:
        """First byte of the region in the file."""
        return self._offset

    def as_slice(self) -> memoryview:
        """All bytes of the region, read-only."""
        return memoryview(self._data)

    def slice(self, start: int, end: int) -> memoryview:
        """The bytes from ``start`` (inclusive) to ``end`` (exclusive), counted within the region.

        Raises
        ------
        ValueError
            When that is not a range inside the region.
        """
        if not 0 <= start <= end <= len(self._data):
            raise ValueError(f"bytes {start} to {end} are not inside a region of {len(self._data)}")
        return memoryview(self._data)[start:end]

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return f"MappedRegion(offset={self._offset}, size={len(self._data)})"


class MemoryMappedFile:
    """A file read in regions, each of which is kept until :meth:`clear_cache`."""

    def __init__(self, file: InputFile) -> None:
        self._file: Final = file
        self._regions: dict[int, list[MappedRegion]] = {}  # by offset

    @classmethod
    def open(cls, path: StrPath) -> MemoryMappedFile:
        """Open the regular file at ``path`` (``OSError`` when that fails)."""
        return cls(open_at_rest(path))

    @property
    def path(self) -> str:
        """The path it was opened by."""
        return self._file.path

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._file.size

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._file.closed

    @property
    def cached_regions(self) -> int:
        """How many regions are kept."""
        return sum(map(len, self._regions.values()))

    @property
    def cached_bytes(self) -> int:
        """Bytes in the regions that are kept."""
        return sum(len(region) for regions in self._regions.values() for region in regions)

    def map_region(self, offset: int, length: int) -> MappedRegion:
        """The region of ``length`` bytes at ``offset``, read now or kept from before.

        A kept region of the same offset that is longer serves as well, and is returned whole.

        Raises
        ------
        ValueError
            When the range is not inside the file.
        ChangedOnDisk
            When the file is no longer what was opened.
        BundleClosed, OSError
        """
        regions = self._regions.get(offset, [])
        for region in regions:
            if len(region) >= length >= 0:
                return region
        region = MappedRegion(self.read_at(offset, length), offset)
        self._regions[offset] = [*regions, region]
        return region

    def read_at(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``, read now and not kept; raises as :meth:`map_region` does."""
        return self._file.read(offset, length, checked=True)

    def clear_cache(self) -> None:
        """Forget all regions; those in use elsewhere stay valid."""
        self._regions.clear()

    def close(self) -> None:
        """Forget all regions and close the file. Calling it again does nothing."""
        self._regions.clear()
        self._file.close()

    def __enter__(self) -> MemoryMappedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = ", closed" if self.closed else ""
        return f"MemoryMappedFile({self.path!r}, size={self.size}, cached_regions={self.cached_regions}{state})"
