"""The head a bundle would have after a change that leaves its models where they are, and whether that is possible."""

from __future__ import annotations

from apbundle.edit.wanted import Wanted, WantedModel
from apbundle.fileio import obstacle
from apbundle.format import layout
from apbundle.format.extension import Extension
from apbundle.format.head import Head
from apbundle.format.manifest import BundleManifest
from apbundle.format.model import DIGEST_ALGORITHMS, DigestTable, ModelEntry, ModelMetadata
from apbundle.format.plan import Plan
from apbundle.format.reader import BundleReader

_NO_METADATA = ModelMetadata()


class HeadInPlace:
    """The wanted bundle's head over the data part that there is.

    Attributes
    ----------
    obstacles
        Why the change cannot be made in place, as halves of sentences; none if it can.
    keeps_digests
        Whether the digests that there are serve the wanted bundle.
    """

    def __init__(self, reader: BundleReader, wanted: Wanted) -> None:
        self._reader, self._wanted = reader, wanted
        wanted.options(reader)  # which refuses what no bundle can hold
        self.obstacles = _moved(reader, wanted)
        old = reader.extension.digests if reader.extension else None
        self.keeps_digests = wanted.digest == (None if old is None else old.algorithm.name)
        if self.obstacles:
            return
        self._entries = [_entry(model) for model in wanted.models]
        self._head = self._planned()
        room = reader.data_offset - self._head.size
        if room < 0:
            self.obstacles.append(f"its manifest would need {-room} bytes more than it has room for")
        elif room and not wanted.extension and self._head.size != _used(reader):
            self.obstacles.append("a plain bundle has no room to spare between manifest and models")
        else:
            in_the_way = obstacle(reader.file)
            self.obstacles += [in_the_way] if in_the_way else []

    def _planned(self) -> Head:
        reader, wanted, old = self._reader, self._wanted, self._reader.extension
        manifest = BundleManifest(wanted.description, wanted.created_at, reader.manifest.version)
        for model, entry in zip(wanted.models, self._entries, strict=True):
            manifest.add_model(
                ModelEntry(model.name, entry.size, entry.offset, _NO_METADATA, compression=entry.compression)
            )
        extension = Extension(
            bundle_metadata=wanted.metadata,
            models={model.name: model.metadata for model in wanted.models if model.metadata != _NO_METADATA},
            compression={n: entry.compression for n, entry in enumerate(self._entries) if entry.compression},
            alignment=old.alignment if old else None,
            unknown=old.unknown if old else (),
            extra=old.extra if old else {},
        )
        algorithm = DIGEST_ALGORITHMS.get(wanted.digest or "")
        bound = old is not None and old.binding is not None and old.digests is None
        return Head(manifest, extension, algorithm, bound=bound, plain=not wanted.extension)

    def layout(self) -> Plan:
        """Where everything will be."""
        reader, head = self._reader, self._head
        entries_end = layout.HEADER.size + head.entries_size
        offsets = tuple([entry.offset for entry in self._entries])
        slack = reader.data_offset - head.size
        return Plan(offsets, entries_end, head.block_size, slack, reader.data_offset, reader.file_size)

    def pack(self, digests: DigestTable | None) -> bytes:
        """All bytes before the data part."""
        reader = self._reader
        return self._head.pack(reader.data_offset, reader.file_size - reader.data_offset, digests)

    def kept_digests(self) -> DigestTable | None:
        """The digests of the wanted models where :attr:`keeps_digests`; else as many zeros."""
        algorithm = DIGEST_ALGORITHMS.get(self._wanted.digest or "")
        if algorithm is None:
            return None
        if not self.keeps_digests:
            return DigestTable(algorithm, bytes(algorithm.length * len(self._entries)))
        return DigestTable(algorithm, b"".join(bytes.fromhex(e.digest.hex) for e in self._entries if e.digest))


def _entry(model: WantedModel) -> ModelEntry:
    assert model.entry is not None
    return model.entry


def _used(reader: BundleReader) -> int:
    """Bytes up to the end of the block, or of the last entry."""
    if reader.extension_range is not None:
        return reader.extension_range[1]
    return reader.data_offset - len(reader.manifest_bytes) + reader.entries_end


def _moved(reader: BundleReader, wanted: Wanted) -> list[str]:
    """What is wanted that takes other bytes in the data part."""
    obstacles = []
    stored = [model.entry.name for model in wanted.models if model.entry is not None]
    kept = set(stored)
    if len(kept) < len(wanted.models):  # new ones, or one of those there are twice
        obstacles.append("models are put in")
    elif not all(model.stored_as_it_is for model in wanted.models):
        obstacles.append("models are stored in another way")
    manifest = reader.manifest
    if any(size and name not in kept for name, size in zip(manifest.names, manifest.sizes, strict=True)):
        obstacles.append("models are taken out")
    if any(len(model.name.encode()) > layout.MAX_NAME for model in wanted.models):
        obstacles.append("a name is too long")  # which the writer refuses
    if wanted.extension and reader.extension is None:
        obstacles.append("it gets an extension block")
    elif wanted.alignment != reader.alignment:
        obstacles.append("models move to other places")
    if any(finding.code == "stale_extension" for finding in reader.warnings):
        obstacles.append("its models have to be held against their digests first")
    return obstacles
