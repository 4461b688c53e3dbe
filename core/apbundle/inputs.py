"""What users give as a model, turned into bytes that can be read by position."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from apbundle.errors import bundle_error
from apbundle.format.model import ModelMetadata
from apbundle.format.sources import BuffersSource, FileSource, ModelSource

Array = np.ndarray[Any, Any]
ModelData = bytes | bytearray | memoryview | Array | str | os.PathLike[str] | Mapping[str, Array]


def as_source(name: str, data: ModelData) -> ModelSource:
    """The bytes that ``data`` stands for, as the payload of the model ``name``.

    A string or path is a file; arrays become a safetensors payload, a single one under the model's name. Buffers and
    arrays are not copied where that can be avoided: they must not change until the bundle is written.

    Raises
    ------
    TypeError
        ``data`` is nothing of the kind, or an array of a type that safetensors does not have.
    OSError
        The file cannot be opened.
    """
    if isinstance(data, str | os.PathLike):
        return FileSource(data)
    if isinstance(data, np.ndarray):
        data = {name: data}
    if isinstance(data, Mapping):
        from apbundle.payload.safetensors import serialize

        header, buffers = serialize(data)
        return BuffersSource([memoryview(header), *buffers])
    if isinstance(data, bytes | bytearray | memoryview):
        view = memoryview(data)
        if not view.c_contiguous:
            view = memoryview(view.tobytes())
        return BuffersSource([np.frombuffer(view, np.uint8).data] if view.nbytes else [])  # whatever its elements
    raise TypeError(
        f"a model is bytes, a memoryview, an array, a path or a mapping of names to arrays, not {type(data).__name__}"
    )


def as_metadata(
    metadata: ModelMetadata | None,
    version: str,
    architecture: str,
    hyperparameters: Mapping[str, str],
    custom: Mapping[str, str],
) -> ModelMetadata | None:
    """The metadata that is given as a whole or in parts; ``None`` if none is.

    Raises
    ------
    TypeError, ValueError
        It is not text, or given in both ways.
    """
    if metadata is not None and not isinstance(metadata, ModelMetadata):
        raise TypeError(f"metadata is a ModelMetadata, not {type(metadata).__name__}")
    if not (version or architecture or hyperparameters or custom):
        return metadata
    if metadata is not None:
        raise ValueError("give either metadata or its parts, not both")
    return ModelMetadata(version, architecture, dict(hyperparameters), dict(custom))


def read_whole(source: ModelSource) -> memoryview:
    """All bytes of ``source``, read-only.

    Raises
    ------
    LimitExceeded
        There is no memory for that many.
    SourceChanged
        They changed meanwhile.
    """
    try:
        buffer = memoryview(bytearray(source.size))
    except MemoryError as error:
        message = f"There is no memory for {source.size} bytes."
        raise bundle_error("limit_exceeded", message, path=source.path) from error
    source.open()
    try:
        source.read_into(0, buffer)
    finally:
        source.close()
    return buffer.toreadonly()
