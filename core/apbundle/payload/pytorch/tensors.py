"""Which calls in a walked pickle of PyTorch's make tensors, and what part of which storage each would be.

The calls are those of ``torch._utils``; a storage is a persistent object with the key
``("storage", type, name, device, elements[, view])``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from apbundle.payload.dtypes import element_bits
from apbundle.payload.pickles.nodes import Call, Global, Persistent, Value
from apbundle.payload.pytorch.types import DTYPES, STORAGES
from apbundle.payload.tensors import MAX_RANK, PayloadError

_DENSE = {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor"}
_WRAPPERS = {"_rebuild_parameter", "_rebuild_parameter_with_state", "_rebuild_device_tensor_from_cpu_tensor"}
_WITHOUT_DATA = "_rebuild_meta_tensor_no_storage"
_SPARSE = "_rebuild_sparse_tensor"
_MAKERS = {
    "torch._utils": _DENSE | _WRAPPERS | {_WITHOUT_DATA, _SPARSE},
    "torch._tensor": {"_rebuild_from_type_v2"},
    "torch.nn.parameter": {"Buffer", "Parameter"},
}
_COORDINATES = (".indices", ".values")
_COMPRESSED = (".compressed_indices", ".plain_indices", ".values")
_PER_CHANNEL = (".scales", ".zero_points")
_DTYPE_ARGUMENT = 6  # of _rebuild_tensor_v3
_QUANTISER_ARGUMENT = 4  # of _rebuild_qtensor
_MOST_WRAPPERS = 8
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Storage:
    """Memory kept outside the pickle."""

    name: str
    dtype: str
    """The common name of its element type."""
    count: int
    """Elements, as the pickle says."""
    begin: int = 0
    """Elements before the first, for a view of a larger storage."""

    @property
    def width(self) -> int:
        """Bytes of one element."""
        return _width(self.dtype)

    @property
    def size(self) -> int:
        """Bytes of its elements."""
        return self.count * self.width


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor as the part of a storage that its elements lie in."""

    storage: Storage | None
    """None for a tensor without data."""
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None = None
    """Elements from one index to the next; None when contiguous."""
    begin: int = 0
    """Bytes from the first of the storage."""
    size: int = 0
    """Bytes from there to the end of the last element."""
    note: str = ""
    """How its integers are to be understood, when it is quantised."""


def is_tensor(call: Call) -> bool:
    """Whether a call makes a tensor."""
    function = call.function
    return isinstance(function, Global) and function.name in _MAKERS.get(function.module, ()) and call.arguments != ()


def read_tensors(call: Call, path: str) -> Iterator[tuple[str, StoredTensor]]:
    """The tensors that a call would make, each with its path: one, but sparse tensors and some quantised are several.

    Raises
    ------
    PayloadError
        When its arguments are not what such a call takes.
    """
    name, arguments = _unwrapped(call)
    parts: tuple[tuple[str, Value], ...] = ()
    if name == _WITHOUT_DATA:
        yield path, StoredTensor(None, _dtype(_item(arguments, 0)), _numbers(_item(arguments, 1)))
    elif name == _SPARSE:
        values = _sequence(_item(arguments, 1))
        layout = _item(arguments, 0)
        labels = _COORDINATES if isinstance(layout, Global) and layout.name == "sparse_coo" else _COMPRESSED
        parts = tuple(zip(labels, values, strict=False))
    else:
        yield path, _dense(name, arguments)
        if name == "_rebuild_qtensor":
            parts = tuple(zip(_PER_CHANNEL, _sequence(_item(arguments, _QUANTISER_ARGUMENT))[1:], strict=False))
    for label, part in parts:
        if isinstance(part, Call):
            yield path + label, _dense(*_unwrapped(part))


def storage_tensor(value: Persistent) -> StoredTensor:
    """A storage as a tensor of its own, for those that are not part of one."""
    storage = storage_of(value)
    begin = storage.begin * storage.width
    return StoredTensor(storage, storage.dtype, (storage.count,), None, begin, storage.size)


def storage_of(value: Value) -> Storage:
    """What a persistent object says of the storage it stands for.

    Raises
    ------
    PayloadError
        When it stands for none, or for one of a type that is not known.
    """
    key = value.key if isinstance(value, Persistent) else None
    if not isinstance(key, tuple) or len(key) < 5 or key[0] != "storage":
        raise PayloadError("its storage is none")
    kind, name, count = key[1], key[2], _number(key[4])
    if not isinstance(kind, Global) or kind.name not in STORAGES:
        raise PayloadError(f"its storage has the type {_named(kind)}, which is not known")
    if not isinstance(name, str | int):
        raise PayloadError("its storage has no name")
    view = key[5] if len(key) > 5 else None
    if not isinstance(view, tuple):
        return Storage(str(name), STORAGES[kind.name], count)
    return Storage(str(name), STORAGES[kind.name], _number(_item(view, 2)), _number(_item(view, 1)))


def is_storage(value: Persistent) -> bool:
    """Whether a persistent object is a storage at all: modules kept their source text that way once."""
    return isinstance(value.key, tuple) and len(value.key) > 0 and value.key[0] == "storage"


def _unwrapped(call: Call) -> tuple[str, tuple[Value, ...]]:
    """Name and arguments of the innermost call that makes a tensor: parameters and subclasses wrap another."""
    for _ in range(_MOST_WRAPPERS):
        if not is_tensor(call) or not isinstance(call.function, Global):
            break
        name, arguments = call.function.name, call.arguments
        if not isinstance(arguments, tuple):
            break
        if name == "_rebuild_from_type_v2":
            call = Call(_item(arguments, 0), _item(arguments, 2))
        elif name in _WRAPPERS or name in _MAKERS["torch.nn.parameter"]:
            inner = _item(arguments, 0)
            if not isinstance(inner, Call):
                break
            call = inner
        else:
            return name, arguments
    raise PayloadError("it is made in a way that is not known")


def _dense(name: str, arguments: tuple[Value, ...]) -> StoredTensor:
    if name not in _DENSE:
        raise PayloadError("it is a tensor within a tensor")
    storage = storage_of(_item(arguments, 0))
    dtype = _dtype(_item(arguments, _DTYPE_ARGUMENT)) if name == "_rebuild_tensor_v3" else storage.dtype
    width = _width(dtype)
    shape, strides = _numbers(_item(arguments, 2)), _numbers(_item(arguments, 3))
    if len(shape) != len(strides):
        raise PayloadError(f"it has {len(shape)} dimensions and {len(strides)} strides")
    last = sum((length - 1) * step for length, step in zip(shape, strides, strict=True))
    begin = _number(_item(arguments, 1)) * width
    size = 0 if 0 in shape else (last + 1) * width
    if begin + size > storage.size:
        raise PayloadError(f"it reaches to byte {begin + size:,} of a storage of {storage.size:,}")
    contiguous = 0 in shape or _is_contiguous(shape, strides)
    note = _quantiser(_item(arguments, _QUANTISER_ARGUMENT)) if name == "_rebuild_qtensor" else ""
    begin += storage.begin * storage.width
    return StoredTensor(storage, dtype, shape, None if contiguous else strides, begin, size, note)


def _is_contiguous(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    step = 1
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length != 1 and stride != step:
            return False
        step *= length
    return True


def _quantiser(value: Value) -> str:
    scheme, *parameters = _sequence(value)
    numbers = ", ".join(str(number) for number in parameters if isinstance(number, int | float))
    return f"{_named(scheme)} {numbers}".strip()


def _dtype(value: Value) -> str:
    if not isinstance(value, Global) or value.module != "torch" or value.name not in DTYPES:
        raise PayloadError(f"its element type is {_named(value)}, which is not known")
    return DTYPES[value.name]


def _width(dtype: str) -> int:
    return (element_bits(dtype) or 8) // 8


def _numbers(value: Value) -> tuple[int, ...]:
    """Dimensions or strides."""
    numbers = _sequence(value)
    if len(numbers) > MAX_RANK:
        raise PayloadError(f"it has {len(numbers):,} dimensions; at most {MAX_RANK} are accepted")
    return tuple(_number(number) for number in numbers)


def _sequence(value: Value) -> tuple[Value, ...]:
    """The items of a tuple, a list, or a call that makes one of these from one (``torch.Size``)."""
    if isinstance(value, Call) and isinstance(value.arguments, tuple) and len(value.arguments) == 1:
        (value,) = value.arguments
    if isinstance(value, list | tuple):
        return tuple(value)
    raise PayloadError("it lacks a list of numbers")


def _number(value: Value) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise PayloadError("a dimension or a place of it is no number")
    return value


def _item(values: Value, index: int) -> Value:
    if not isinstance(values, tuple) or index >= len(values):
        raise PayloadError("it is made from too few things")
    return values[index]


def _named(value: Value) -> str:
    return value.label if isinstance(value, Global) else "nothing that is known"
