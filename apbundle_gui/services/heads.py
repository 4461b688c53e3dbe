"""The first bytes of each model, read for many small models at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from apbundle.format.reader import BundleReader
from apbundle.payload.detect import HEAD_SIZE

SMALL: Final = 16 << 10
"""A model of fewer bytes is read together with those that follow it."""
BLOCK: Final = 256 << 10
"""Bytes that are read at once."""


class Heads:
    """Gives the first bytes of the models of a bundle, for one thread that goes through them in the file's order."""

    def __init__(self, reader: BundleReader, names: Sequence[str]) -> None:
        self._reader = reader
        self._names = names
        extension = reader.extension
        self._raw_sizes = {} if extension is None else {n: t.raw_size for n, t in extension.compression.items()}
        self._begin, self._block = 0, b""

    def size(self, model: int) -> int:
        """The raw bytes of a model."""
        return self._raw_sizes.get(model, self._reader.manifest.sizes[model])

    def of(self, model: int) -> bytes:
        """The first :data:`~apbundle.payload.detect.HEAD_SIZE` raw bytes of a model, or all if there are fewer.

        Raises
        ------
        BundleError, OSError
            They cannot be read.
        """
        size = self.size(model)
        length = min(HEAD_SIZE, size)
        if model in self._raw_sizes or size >= SMALL or self._reader.extension_error is not None:
            return self.read(model, 0, length)
        begin = self._reader.data_offset + self._reader.manifest.offsets[model]
        if not self._begin <= begin <= self._begin + len(self._block) - length:
            self._begin, self._block = begin, self._read_block(begin)
        return self._block[begin - self._begin : begin - self._begin + length]

    def read(self, model: int, offset: int, length: int) -> bytes:
        """Raw bytes of a model, from anywhere in it."""
        return self._reader.read_range(self._names[model], offset, length)

    def _read_block(self, begin: int) -> bytes:
        file = self._reader.file
        file.check_unchanged()
        data = file.read(begin, min(BLOCK, file.size - begin))
        file.check_unchanged()
        return data
