"""What an open bundle is, as plain values: the one source of both the JSON and the tables."""

from __future__ import annotations

from typing import Any

from apbundle.errors import BundleError
from apbundle.format.model import ModelEntry
from apbundle.format.reader import BundleReader
from apbundle.payload.detect import HEAD_SIZE, UNKNOWN, detect_format


def describe_bundle(reader: BundleReader) -> dict[str, Any]:
    """The bundle as a JSON object. ``size`` and ``offset`` of a model are as in the manifest."""
    manifest, error = reader.manifest, reader.extension_error
    return {
        "path": reader.path,
        "file_size": reader.file_size,
        "format_version": reader.version,
        "created_at": manifest.created_at,
        "description": manifest.description,
        "data_offset": reader.data_offset,
        "alignment": reader.alignment,
        "models": [_describe_model(reader, entry) for entry in manifest],
        "warnings": [finding.to_json() for finding in reader.warnings],
        "extension_error": None if error is None else error.to_json(),
    }


def _describe_model(reader: BundleReader, entry: ModelEntry) -> dict[str, Any]:
    digest = entry.digest
    return {
        "name": entry.name,
        "size": entry.size,
        "offset": entry.offset,
        "raw_size": entry.raw_size,
        "format": model_format(reader, entry),
        "digest": None if digest is None else {"algorithm": digest.algorithm, "hex": digest.hex},
        "metadata": entry.metadata.stored(entry.raw_size),
    }


def model_format(reader: BundleReader, entry: ModelEntry) -> str:
    """The format of a model: what its metadata states, or what its content looks like.

    ``"unknown"`` also where the content cannot be read; reading the model says why.

    Raises
    ------
    ChangedOnDisk
    """

    def read(offset: int, size: int) -> bytes:
        return reader.read_range(entry.name, offset, size)

    if entry.format:
        return entry.format
    try:
        return detect_format(read(0, min(HEAD_SIZE, entry.raw_size)), entry.raw_size, read)
    except BundleError as error:
        if error.code == "changed_on_disk":
            raise
        return UNKNOWN
    except OSError:
        return UNKNOWN
