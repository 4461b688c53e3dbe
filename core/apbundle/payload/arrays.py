"""Tensors as arrays over their bytes, and a model of a bundle as all of its arrays."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np

from apbundle.errors import bundle_error
from apbundle.payload.contents import Contents, read_contents
from apbundle.payload.detect import UNKNOWN, format_title
from apbundle.payload.dtypes import DTYPES
from apbundle.payload.reading import can_read, decoded_size, read_tensor
from apbundle.payload.tensors import PayloadError, TensorInfo

Array = np.ndarray[Any, Any]

_NUMPY_TEXT = re.compile(r"[<>|][SUMm][0-9]{1,9}(\[[0-9a-zA-Z]{1,8}\])?", re.ASCII)
_LEAST_DECODED = 1 << 28  # bytes that the arrays of any model may take
_MOST_GROWTH = 64  # times the payload, when it is larger


@functools.lru_cache(maxsize=256)
def dtype_of(name: str) -> np.dtype[Any] | None:
    """The numpy type of elements named so (:mod:`apbundle.payload.dtypes`); None where there is none.

    BF16 and the 8-bit floats are types of ``ml_dtypes``.
    """
    known = DTYPES.get(name.removeprefix(">"))
    if known is None or known[1] is None:
        return None
    import ml_dtypes

    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, known[1], known[1]))
    return dtype.newbyteorder(">" if name.startswith(">") else "<")


def tensor_array(info: TensorInfo, view: memoryview) -> Array:
    """A tensor as a read-only array over its decoded bytes. Nothing is copied.

    What has no array type comes as its bytes, one-dimensional ``uint8``: quantised blocks, elements smaller than a
    byte, records.

    Parameters
    ----------
    info
        The tensor.
    view
        Its bytes, contiguous, as :func:`~apbundle.payload.reading.read_tensor` gives them. The array keeps it alive.

    Raises
    ------
    PayloadError
        When the bytes do not suffice for the shape, or no array can have it.
    """
    # An array over a memoryview itself would hold the memory under it, not the view: whoever owns the memory could not
    # tell that somebody still looks at it, and would use it again.
    data = np.frombuffer(view.cast("B").toreadonly(), np.uint8)
    dtype = _array_type(info)
    if dtype is None:
        return data
    if info.strides is None and info.elements * dtype.itemsize != len(data):
        raise PayloadError(
            f"tensor {info.name!r} has {len(data):,} bytes where its shape takes {info.elements * dtype.itemsize:,}",
            info.offset,
        )
    strides = None if info.strides is None else tuple(step * dtype.itemsize for step in info.strides)
    try:
        return np.ndarray(info.shape, dtype, data, strides=strides, order=info.order)
    except (ValueError, OverflowError) as error:  # dimensions or strides beyond what an array can have
        raise PayloadError(f"tensor {info.name!r} cannot be an array: {error}", info.offset) from None


def _array_type(info: TensorInfo) -> np.dtype[Any] | None:
    if info.block is None:
        return dtype_of(info.dtype)
    if not _NUMPY_TEXT.fullmatch(info.block.name):
        return None
    try:
        return np.dtype(info.block.name)
    except TypeError:  # a time in units that there are not
        return None


def payload_arrays(view: memoryview) -> dict[str, Array]:
    """The tensors of a payload as read-only arrays over ``view``, in the order of their data; encoded ones are decoded.

    Raises
    ------
    PayloadError
        The payload lists no tensors, is damaged, or stores some in a way that is not read here.
    """

    def read(offset: int, size: int) -> bytes:
        return bytes(data[offset : offset + size])

    data = view.cast("B")
    contents = read_contents(len(data), read)
    _check(contents, len(data))
    arrays: dict[str, Array] = {}
    for info in sorted(contents.tensors, key=lambda info: (info.offset, info.size)):
        if info.encoding == "":
            decoded = data[info.offset : info.offset + info.size]
        else:
            decoded = memoryview(bytearray(decoded_size(info) or 0))
            read_tensor(info, read, decoded)
        arrays[info.name] = tensor_array(info, decoded)
    return arrays


def model_arrays(view: memoryview, name: str, path: str | None) -> dict[str, Array]:
    """The arrays of the model ``name`` of the bundle at ``path`` over ``view``, its bytes.

    Raises
    ------
    UnsupportedFeature
        When :func:`payload_arrays` cannot give them.
    """
    try:
        return payload_arrays(view)
    except PayloadError as error:
        raise bundle_error(
            "unsupported_feature",
            f"The model {name!r} cannot be read as arrays: {error}.",
            path=path,
            hint="Its bytes are in get_model.",
        ) from error


def _check(contents: Contents, size: int) -> None:
    """The tensors of a payload of ``size`` bytes are all arrays (raises ``PayloadError``)."""
    if not contents.complete:
        raise PayloadError(contents.findings[-1].message, contents.findings[-1].offset)
    if contents.format == UNKNOWN:
        raise PayloadError("its format is not known")
    if not contents.lists_tensors:
        raise PayloadError(f"it looks like {format_title(contents.format)}")
    unread = next((info for info in contents.tensors if not can_read(info)), None)
    if unread is not None:
        raise PayloadError(f"tensor {unread.name!r} is stored in a way that is not read here ({unread.encoding})")
    outside = next((info for info in contents.tensors if info.offset > size - info.size), None)
    if outside is not None:
        raise PayloadError(f"tensor {outside.name!r} reaches past the end of the payload", outside.offset)
    twice = contents.tensors.duplicate()
    if twice is not None:
        raise PayloadError(f"two tensors are named {twice!r}")
    decoded = sum(decoded_size(info) or 0 for info in contents.tensors if info.encoding)
    if decoded > max(_LEAST_DECODED, _MOST_GROWTH * size):
        raise PayloadError(f"{size:,} bytes would be decoded to {decoded:,}")
