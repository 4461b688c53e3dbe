"""The bytes of a source, whatever it is: read by position, for jobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from apbundle.fileio import InputFile
from apbundle_gui.services.looking import Looker, Source


class ReadInto(Protocol):
    """Fills a buffer with the bytes from an offset."""

    def __call__(self, offset: int, buffer: memoryview) -> object:
        """Fill ``buffer``."""
        ...


@dataclass(frozen=True, slots=True)
class SourceBytes:
    """How many bytes a source has, and how to read them."""

    size: int
    read_into: ReadInto


@contextmanager
def source_bytes(source: Source, looker: Looker) -> Iterator[SourceBytes]:
    """The bytes of ``source`` while the context lasts; a bundle stays open in ``looker``.

    Raises
    ------
    BundleError, OSError
        It cannot be opened.
    """
    if isinstance(source, str):
        with InputFile.open(source) as file:
            yield SourceBytes(file.size, file.read_into)
        return
    reader, name = looker.reader(source.bundle), source.model

    def read_into(offset: int, buffer: memoryview) -> None:
        reader.read_into(name, offset, buffer)

    yield SourceBytes(reader.readable_entry(name).raw_size, read_into)
