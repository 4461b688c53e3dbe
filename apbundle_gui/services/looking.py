"""A look at a source: a file, or a model of another bundle. What it is, how large, and what its header says of it."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Self

from apbundle.errors import BundleError, Cancelled
from apbundle.fileio import FileIdentity, InputFile
from apbundle.format.model import Compression, ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.payload.contents import Contents, read_contents
from apbundle.payload.detect import HEAD_SIZE, detect_format
from apbundle.payload.tensors import Read
from apbundle.recipe.model import BundledModel
from apbundle_gui.services.details import NO_METADATA, Details, Origin, carried_of, details_of, header_details, merged
from apbundle_gui.services.garbage import kept
from apbundle_gui.services.pacing import Pace

_OBJECTS: Final = 6  # that what is known of one source, and its row, consist of
Source = str | BundledModel
"""Where a model comes from: the path of a file, or a model of another bundle."""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What a source was when it was last looked at.

    Attributes
    ----------
    identity
        Which file, of what size and age; ``None`` when it could not be opened.
    format
        As :func:`apbundle.payload.detect.detect_format` names it; empty when it could not be read.
    tensors
        How many tensors it lists, where the format lists them.
    error
        Why it cannot be used, if so.
    range
        Of a model of a bundle: where it is stored in the file, offset and bytes.
    length
        Of a model of a bundle: its bytes, decompressed.
    frames
        Of a model that its bundle stores compressed: how.
    details
        What the header, or the bundle, says of it.
    carried
        What the bundle says of it besides.
    """

    identity: FileIdentity | None = None
    format: str = ""
    tensors: int | None = None
    error: BundleError | OSError | None = None
    range: tuple[int, int] | None = None
    length: int | None = None
    frames: Compression | None = None
    details: Details = ()
    carried: ModelMetadata = NO_METADATA

    @property
    def size(self) -> int:
        """Bytes of the model; 0 when unknown."""
        if self.length is not None:
            return self.length
        return 0 if self.identity is None else self.identity.size

    @property
    def file(self) -> tuple[int, int] | None:
        """Device and inode of what is read whole: equal for two names of one file. A bundle is not read whole."""
        return None if self.identity is None or self.range else (self.identity.device, self.identity.inode)

    @property
    def content(self) -> Hashable:
        """Equal as long as it is the same bytes; ``None`` when there are none."""
        return None if self.identity is None else (self.identity, self.range)


NO_FACTS: Final = SourceFacts()
"""What is known of a source that was not looked at."""


class Looker:
    """Looks at one source after the other, and keeps a bundle open while its models are looked at."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._reader: BundleReader | None = None

    def look(self, source: Source, known: SourceFacts | None = None) -> SourceFacts:
        """Look at it. What is ``known`` of the same file, unchanged, is not read again."""
        try:
            facts = self._file(source, known) if isinstance(source, str) else self._model(source, known)
            if facts is not known:
                kept.add(_OBJECTS + len(facts.details))
            return facts
        except Cancelled:
            raise
        except (BundleError, OSError) as error:
            return SourceFacts(error=error.with_traceback(None))  # its frames would keep files open

    def _file(self, path: str, known: SourceFacts | None) -> SourceFacts:
        with InputFile.open(path) as file:
            if known is not None and known.error is None and known.identity == file.identity:
                return known
            head = file.read(0, min(HEAD_SIZE, file.size))
            found = detect_format(head, file.size, file.read)
            contents = self._contents(file.size, file.read, head, found)
            return SourceFacts(
                file.identity, found, _count(contents), details=header_details(contents.layout, contents.metadata)
            )

    def _model(self, source: BundledModel, known: SourceFacts | None) -> SourceFacts:
        reader = self.reader(source.bundle)
        identity = reader.file.identity
        if known is not None and known.error is None and known.identity == identity:
            return known
        entry = reader.readable_entry(source.model)

        def read(offset: int, size: int) -> bytes:
            return reader.read_range(entry.name, offset, size)

        head = read(0, min(HEAD_SIZE, entry.raw_size))
        found = detect_format(head, entry.raw_size, read)
        contents = self._contents(entry.raw_size, read, head, found)
        said = details_of(entry.metadata, Origin.BUNDLE)
        return SourceFacts(
            identity,
            found,
            _count(contents),
            range=(reader.data_offset + entry.offset, entry.size),
            length=entry.raw_size,
            frames=entry.compression,
            details=merged(said, header_details(contents.layout, contents.metadata)),
            carried=carried_of(entry.metadata),
        )

    def reader(self, path: str) -> BundleReader:
        """The bundle at ``path``, kept open until another one is asked for (raises BundleError, OSError)."""
        known = self._reader
        if known is None or known.path != path or not known.file.identity.matches(os.stat(path)):
            self.close()
            known = self._reader = BundleReader.open(path)
        return known

    def _contents(self, size: int, read: Read, head: bytes, found: str) -> Contents:
        def rested() -> bool:
            self._pace.step()
            return False

        return read_contents(size, read, head=head, detected=found, cancel=rested)

    def close(self) -> None:
        """Close what is open."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _count(contents: Contents) -> int | None:
    return len(contents.tensors) if contents.lists_tensors and contents.complete else None


def look(source: Source, known: SourceFacts | None = None) -> SourceFacts:
    """Look at one source, as :meth:`Looker.look`."""
    with Looker() as looker:
        return looker.look(source, known)
