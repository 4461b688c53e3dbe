"""Long lists in the metadata of a model, such as a vocabulary: read as a whole when somebody wants to see them."""

from __future__ import annotations

from itertools import islice
from typing import Final

from apbundle.errors import bundle_error
from apbundle.format.reader import BundleReader
from apbundle.payload.contents import Contents
from apbundle.payload.gguf_values import read_list
from apbundle.payload.sink import Folded, Value
from apbundle.payload.tensors import PayloadError
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.pacing import Pace

MOST: Final = 1_000_000
"""Elements that are read at most."""
_STEP: Final = 1024
_VERSION: Final = 4  # where a GGUF payload has its version, whose lower half is never 0


def can_unfold(contents: Contents, value: Value) -> bool:
    """Whether :func:`read_elements` can read the elements of this value of a payload's metadata."""
    listed = isinstance(value, Folded) and value.kind not in ("text", "list")
    return contents.format == "gguf" and listed


def read_elements(reader: BundleReader, model: str, value: Folded, progress: Progress, cancel: Cancel) -> list[str]:
    """The elements of a list in the metadata of a GGUF model as texts, :data:`MOST` at most. For a worker.

    Raises
    ------
    BundleError
        The model is not readable, or not the one it was.
    """
    pace = Pace(cancel)
    found: list[str] = []
    total = min(value.count, MOST)
    big_endian = reader.read_range(model, _VERSION, 2) == bytes(2)

    def read(offset: int, size: int) -> bytes:
        return reader.read_range(model, offset, size)

    try:
        elements = map(str, read_list(value, read, reader.entry(model).raw_size, big_endian=big_endian))
        while part := list(islice(elements, min(_STEP, total - len(found)))):
            found += part
            progress("reading the value", len(found), total)
            pace.step()
    except PayloadError as error:
        raise bundle_error("unsupported_feature", error.message, path=reader.path) from error
    return found
