"""A model of a bundle as arrays, or a sentence that says what it is instead."""

from __future__ import annotations

from typing import Any

import numpy as np

from apbundle.errors import bundle_error
from apbundle.payload.detect import HEAD_SIZE, UNKNOWN, detect_format, format_title
from apbundle.payload.safetensors import arrays
from apbundle.payload.tensors import PayloadError


def model_arrays(view: memoryview, name: str, path: str | None) -> dict[str, np.ndarray[Any, Any]]:
    """The arrays over ``view``, the bytes of the model ``name`` of the bundle at ``path``; nothing is copied.

    Raises
    ------
    UnsupportedFeature
        The model is something else than a sound safetensors payload.
    """
    try:
        return arrays(view)
    except PayloadError as error:
        kind = detect_format(bytes(view[:HEAD_SIZE]), len(view), lambda at, size: bytes(view[at : at + size]))
        reason = str(error) if kind in ("safetensors", UNKNOWN) else f"it looks like {format_title(kind)}"
        raise bundle_error(
            "unsupported_feature",
            f"The model {name!r} cannot be read as arrays: {reason}.",
            path=path,
            hint="Its bytes are in get_model.",
        ) from error
