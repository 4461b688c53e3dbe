"""From a bundle to the recipe that builds it again, and what would differ if it did."""

from __future__ import annotations

from collections.abc import Mapping

from apbundle.fileio import PIECE
from apbundle.format import layout
from apbundle.format.compression import encode_chunk
from apbundle.format.model import ModelEntry
from apbundle.format.reader import BundleReader
from apbundle.format.scratch import scratch_memory
from apbundle.format.sources import NewModel, StoredSource
from apbundle.format.writer import PlannedBundle, WriteOptions
from apbundle.recipe.model import BundledModel, Recipe, RecipeModel


def recipe_of(reader: BundleReader, paths: Mapping[str, str] | None = None) -> Recipe:
    """The recipe of an open bundle.

    Parameters
    ----------
    paths
        The files that hold the models, by name; by default the models come from the bundle itself.
    """
    extension = reader.extension
    models = tuple(
        RecipeModel(
            entry.name,
            BundledModel(reader.path, entry.name) if paths is None else paths[entry.name],
            compress=entry.compressed,
            metadata=entry.metadata,
        )
        for entry in reader.manifest
    )
    digests = extension.digests if extension else None
    return Recipe(
        models,
        reader.manifest.description,
        reader.manifest.created_at,
        reader.alignment,
        None if digests is None else digests.algorithm.name,
        extension=extension is not None,
        metadata=dict(extension.bundle_metadata) if extension else {},
    )


def differences(reader: BundleReader) -> list[str]:
    """What would differ if the bundle were built again from :func:`recipe_of` it, one sentence each.

    None means the same bytes: the head is put together again and compared, bytes between models are looked at, and
    models that are stored compressed are compressed again.

    Raises
    ------
    BundleError, OSError
        The bundle cannot be read.
    """
    if reader.extension_error is not None:
        return [f"The extension block is damaged and would not be written: {reader.extension_error.message}"]
    found = _lost(reader)
    if not found:
        found = _moved(reader)
    found += [
        f"The model {entry.name!r} would be compressed to other bytes."
        for entry in reader.manifest
        if entry.compressed and not _compresses_alike(reader, entry)
    ]
    return found


def _lost(reader: BundleReader) -> list[str]:
    """What a recipe cannot say."""
    found = []
    if reader.tail:
        found.append(f"{len(reader.tail)} bytes of the manifest that are not understood would be left out.")
    extension = reader.extension
    if extension is not None:
        found += [f"The section {section.tag} of another writer would be left out." for section in extension.unknown]
        extra = [*extension.extra, *(key for said in extension.models.values() for key in said.extra)]
        if extra:
            found.append(f"Metadata of another writer would be left out: {', '.join(map(repr, extra[:5]))}.")
    return found


def _moved(reader: BundleReader) -> list[str]:
    """How the file differs from what the writer makes of the same models with the same settings."""
    recipe, extension = recipe_of(reader), reader.extension
    options = WriteOptions(
        description=recipe.description,
        created_at=reader.manifest.created_at,
        alignment=recipe.alignment,
        digest=recipe.digest,
        plain=not recipe.extension,
        metadata=recipe.metadata,
    )
    entries = list(reader.manifest)
    models = [NewModel(e.name, StoredSource(reader, e), e.metadata, compression=e.compression) for e in entries]
    planned = PlannedBundle(models, options)
    plan, found = planned.plan, []
    if plan.data_offset != reader.data_offset:
        found.append(f"The data part would begin at byte {plan.data_offset} instead of {reader.data_offset}.")
    if list(plan.offsets) != list(reader.manifest.offsets):
        found.append("Models would lie in other places.")
    elif plan.data_length != reader.file_size - reader.data_offset:
        found.append("Bytes after the last model would be left out.")
    if found:
        return found
    head = reader.header_bytes + reader.manifest_bytes
    if planned.head(extension.digests if extension else None) != head:
        found.append("The manifest or the extension block would be written in another way.")
    if _has_odd_padding(reader):
        found.append("Bytes between models would be zeros.")
    return found


def _has_odd_padding(reader: BundleReader) -> bool:
    """Whether a byte between models that lie as the writer puts them is not zero."""
    end = reader.data_offset
    with scratch_memory(PIECE) as scratch:
        for size, offset in zip(reader.manifest.sizes, reader.manifest.offsets, strict=True):
            begin = reader.data_offset + offset
            if any(piece.tobytes().strip(b"\0") for piece in reader.stored_pieces(end, begin, scratch)):
                return True
            end = begin + size
    return False


def _compresses_alike(reader: BundleReader, entry: ModelEntry) -> bool:
    """Whether the writer, with the zstd there is, makes the frames that the bundle has."""
    table = entry.compression
    if table is None or table.chunk != layout.DEFAULT_CHUNK:
        return False
    with scratch_memory(layout.DEFAULT_CHUNK) as scratch:
        for index in range(len(table.ends)):
            begin, end, size = table.frame(index)
            chunk = scratch[:size]
            reader.read_into(entry.name, index * table.chunk, chunk)
            if encode_chunk(chunk) != reader.read_stored(entry, begin, end - begin):
                return False
    return True
