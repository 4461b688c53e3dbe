"""What a bundle is to become: its models, each kept as it is stored or given anew, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from apbundle.config import BundleConfig
from apbundle.format.model import Compression, ModelEntry, ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.format.sources import DecodedSource, ModelSource, NewModel, StoredSource
from apbundle.format.writer import WriteOptions
from apbundle.saving import kept_options, refuse_loss


@dataclass(frozen=True, slots=True)
class WantedModel:
    """One model of the bundle that is wanted.

    Parameters
    ----------
    name
        Its name from now on.
    metadata
        What is said of it.
    entry
        The entry of the bundle whose bytes it keeps, or ``None``.
    source
        Where its bytes come from otherwise.
    compress
        Whether they are to be stored as zstd frames.
    frames
        How ``source`` decodes, if it yields such frames already.
    """

    name: str
    metadata: ModelMetadata
    entry: ModelEntry | None = None
    source: ModelSource | None = None
    compress: bool = False
    frames: Compression | None = None

    @property
    def stored_as_it_is(self) -> bool:
        """Whether the bytes that the bundle holds stay what they are."""
        return self.entry is not None and self.compress == self.entry.compressed

    def new_model(self, reader: BundleReader) -> NewModel:
        """The model as the writer is given it; ``reader`` has the entries."""
        entry = self.entry
        if entry is None:
            assert self.source is not None
            return NewModel(self.name, self.source, self.metadata, self.compress, self.frames)
        if entry.compressed and not self.compress:
            return NewModel(self.name, DecodedSource(reader, entry), self.metadata)
        compress = self.compress and not entry.compressed
        return NewModel(self.name, StoredSource(reader, entry), self.metadata, compress, entry.compression)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bundle as it is to be.

    Parameters
    ----------
    models
        In their order.
    extension
        Whether it has an extension block; what needs one brings one about.
    alignment, digest
        As in :class:`BundleConfig`; without a block they are 1 and ``None``.
    """

    models: tuple[WantedModel, ...]
    description: str
    created_at: int
    metadata: dict[str, str] = field(default_factory=dict)
    extension: bool = True
    alignment: int = 1
    digest: str | None = None

    @classmethod
    def as_it_is(cls, reader: BundleReader) -> Self:
        """The bundle as it is.

        Raises
        ------
        ExtensionDamaged, UnsupportedFeature
            It holds what this library does not understand and would lose.
        """
        refuse_loss(reader)
        extension, manifest = reader.extension, reader.manifest
        digests = extension.digests if extension else None
        return cls(
            tuple(WantedModel(entry.name, entry.metadata, entry, None, entry.compressed) for entry in manifest),
            manifest.description,
            manifest.created_at,
            dict(extension.bundle_metadata) if extension else {},
            extension is not None,
            reader.alignment,
            None if digests is None else digests.algorithm.name,
        )

    def options(self, reader: BundleReader) -> WriteOptions:
        """How it is written; what other writers put into the bundle that there is stays.

        Raises
        ------
        LimitExceeded, TypeError, ValueError
            Something is not of its type or outside what a bundle holds.
        """
        return kept_options(
            reader,
            BundleConfig(alignment=self.alignment, digest=self.digest, plain=not self.extension),
            description=self.description,
            created_at=self.created_at,
            metadata=self.metadata,
        )
