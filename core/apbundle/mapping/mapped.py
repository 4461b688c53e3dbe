"""A file as one piece of memory, under the reference's names."""

from __future__ import annotations

import mmap
from types import TracebackType
from typing import Any, Final

from apbundle.errors import bundle_error
from apbundle.fileio import InputFile, StrPath, open_at_rest
from apbundle.mapping.filemap import map_file


class MappedFile:
    """A file mapped read-only: slices of it are views, nothing is copied.

    The file may change under a view that was taken before; each new slice first checks that it has not. Touching a view
    of a file that was cut short since ends the process.
    """

    def __init__(self, file: InputFile) -> None:
        self._file: Final = file
        self._memory = map_file(file)
        self._view: memoryview | None = memoryview(b"" if self._memory is None else self._memory)

    @classmethod
    def open(cls, path: StrPath) -> MappedFile:
        """Map the regular file at ``path``.

        Raises
        ------
        OSError
            When it cannot be opened or mapped, or is no regular file.
        """
        file = open_at_rest(path)
        try:
            return cls(file)
        except BaseException:
            file.close()
            raise

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
        return self._view is None

    def as_slice(self) -> memoryview:
        """All bytes, read-only.

        Raises
        ------
        ChangedOnDisk
            When the file is no longer what was mapped.
        BundleClosed
        """
        return self.slice(0, self.size)

    def slice(self, start: int, end: int) -> memoryview:
        """The bytes from ``start`` (inclusive) to ``end`` (exclusive), read-only.

        Raises
        ------
        ValueError
            When that is not a range inside the file.
        ChangedOnDisk
            When the file is no longer what was mapped.
        BundleClosed
        """
        view = self._opened()
        if not 0 <= start <= end <= self.size:
            raise ValueError(f"bytes {start} to {end} are not inside a file of {self.size}")
        self._file.check_unchanged()
        return view[start:end]

    def advise_sequential(self) -> None:
        """Tell the kernel that the file will be read from front to back: it reads further ahead."""
        self._advise("MADV_SEQUENTIAL")

    def advise_random(self) -> None:
        """Tell the kernel that reads will jump about: it stops reading ahead, and loading longer ranges gets slow."""
        self._advise("MADV_RANDOM")

    def close(self) -> None:
        """Unmap, at once or when the last view of it is gone. Calling it again does nothing."""
        self._view = self._memory = None
        self._file.close()

    def __enter__(self) -> MappedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return self.size

    def __reduce__(self) -> tuple[Any, ...]:
        self._opened()
        return type(self), (self._file,)  # which insists on the same content when it is opened again

    def __repr__(self) -> str:
        return f"MappedFile({self.path!r}, size={self.size}{', closed' if self.closed else ''})"

    def _opened(self) -> memoryview:
        if self._view is None:
            raise bundle_error("closed", "The mapped file was closed.", path=self.path)
        return self._view

    def _advise(self, name: str) -> None:
        self._opened()
        if self._memory is not None and hasattr(mmap, name):  # a hint: where there is none, nothing is lost
            self._memory.madvise(getattr(mmap, name))
