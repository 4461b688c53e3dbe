"""numpy arrays within walked pickles, and where the data of those lies that is there as it is in memory."""

from __future__ import annotations

from typing import NamedTuple

from apbundle.payload.dtypes import element_bits
from apbundle.payload.pickles.nodes import Call, Global, Opaque, Value
from apbundle.payload.tensors import MAX_RANK, Order

_RECONSTRUCT = "_reconstruct"  # then the state holds version, shape, type, order, data
_FROM_BUFFER = "_frombuffer"  # the arguments are data, type, shape, order
_SCALAR = "scalar"  # the arguments are type and data
_MODULES = ("numpy.core.", "numpy._core.")
_TYPES = {"b1": "BOOL", "c8": "C64", "c16": "C128"} | {
    f"{letter.lower()}{bits // 8}": f"{letter}{bits}" for letter in "IU" for bits in (8, 16, 32, 64)
}
_TYPES |= {"f2": "F16", "f4": "F32", "f8": "F64"}
_BIG_ENDIAN = ">"
_LONGEST_CODE = 16  # characters


class PickledArray(NamedTuple):
    """An array as its pickle describes it."""

    dtype: str
    """The common name of its element type, or numpy's for one that has none."""
    shape: tuple[int, ...]
    order: Order
    data: Opaque | None
    """Where its bytes lie; None when they do not, or have a meaning of their own: texts, objects, records."""


def read_array(call: Call) -> PickledArray | None:
    """The array (or scalar, an array without dimensions) that a call would make; None when it makes none."""
    function = call.function
    if not isinstance(function, Global) or not function.module.startswith(_MODULES):
        return None
    made: Value = call.arguments
    if function.name == _RECONSTRUCT and isinstance(call.state, tuple) and len(call.state) == 5:
        _, shape, dtype, order, data = call.state
        transposed = order is True
    elif function.name == _FROM_BUFFER and isinstance(made, tuple) and len(made) == 4:
        data, dtype, shape, order = made
        transposed = isinstance(order, str) and order == "F"
    elif function.name == _SCALAR and isinstance(made, tuple) and len(made) == 2:
        dtype, data = made
        shape, transposed = (), False
    else:
        return None
    name = _dtype(dtype)
    if not name or not isinstance(shape, tuple) or len(shape) > MAX_RANK:
        return None
    lengths = tuple(length for length in shape if type(length) is int and 0 <= length < 1 << 63)
    if len(lengths) < len(shape):
        return None
    place = data if isinstance(data, Opaque) and element_bits(name) is not None else None
    return PickledArray(name, lengths, "F" if transposed and len(shape) > 1 else "C", place)


def _dtype(value: Value) -> str:
    """The common name of a pickled element type; empty for one that has none."""
    if not isinstance(value, Call) or not isinstance(value.function, Global) or value.function.name != "dtype":
        return ""
    arguments, state = value.arguments, value.state
    if not isinstance(arguments, tuple) or not arguments or not isinstance(arguments[0], str):
        return ""
    code = arguments[0][:_LONGEST_CODE]
    order = state[1] if isinstance(state, tuple) and len(state) > 1 else ""
    if code not in _TYPES:
        return f"numpy {code}"
    return f">{_TYPES[code]}" if isinstance(order, str) and order == _BIG_ENDIAN else _TYPES[code]
