"""What walked pickles hold, put into the sink: tensors, numpy arrays, plain values, imports."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from apbundle.payload.dtypes import element_bits
from apbundle.payload.pickles.arrays import PickledArray, read_array
from apbundle.payload.pickles.nodes import Call, Global, Opaque, Persistent, Value
from apbundle.payload.pickles.paths import SHORT, Leaves
from apbundle.payload.pickles.walker import References
from apbundle.payload.pytorch.tensors import Storage, StoredTensor, is_storage, is_tensor, read_tensors, storage_tensor
from apbundle.payload.pytorch.types import is_powerful, is_usual
from apbundle.payload.sink import Folded, Sink
from apbundle.payload.sink import Value as Metadata
from apbundle.payload.tensors import PayloadError

MOST_IMPORTS_SHOWN = 1000
"""Imports that become facts; the others are counted."""

_ALONE = ("value", "tensor")  # names of what is the whole pickle: a value, something that a call makes
_POWERFUL, _UNUSUAL, _USUAL = "which can run anything", "which tensors do not need", "as usual"  # kinds of imports
_MOST_WARNED_OF = 100
_MOST_FAILURES = 10_000
_LONGEST_NAME = 256  # characters of an import
_LONGEST_ITEM = 256  # characters of a text within a list
_LONGEST_LIST = 1024  # characters of a list that is written out


class Place(NamedTuple):
    """Where a storage lies in the payload."""

    offset: int
    size: int
    """Bytes in the payload."""
    whole: int
    """Bytes when decoded."""
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How what a pickle refers to is found."""

    locate: Callable[[Storage], Place | None]
    big_endian: bool = False
    unpacked: bool = False
    """Whether the pickle itself was compressed: what lies in it has no place in the payload."""


def list_contents(root: Value, prefix: str, checkpoint: Checkpoint, sink: Sink) -> None:
    """List the tensors and plain values in what a pickle would have made.

    Parameters
    ----------
    prefix
        Stands before their names.

    Raises
    ------
    PayloadError
        When there are too many tensors, or too many that cannot be listed.
    """
    leaves = Leaves(root, _is_leaf, sink.reporter.check)
    failures = 0
    for path, leaf in leaves:
        name = ".".join(part for part in (prefix, path) if part) or _ALONE[isinstance(leaf, Call)]
        array = read_array(leaf) if isinstance(leaf, Call) else None
        if array is not None:
            _add_array(name, array, checkpoint, sink)
        elif isinstance(leaf, Call):
            try:
                tensors = list(read_tensors(leaf, name))
            except PayloadError as error:
                sink.finding(f"tensor {name!r} is left out: {error.message}")
                failures += 1
                if failures > _MOST_FAILURES:
                    raise PayloadError(f"more than {_MOST_FAILURES:,} tensors cannot be listed") from None
            else:
                for label, tensor in tensors:
                    _add(label, tensor, checkpoint, sink)
        elif isinstance(leaf, Persistent):
            _add_storage(name, leaf, checkpoint, sink)
        elif not _is_private(path):
            sink.metadata(name, _plain(leaf))
    if leaves.left_out:
        sink.finding(f"{leaves.left_out}; what lies beyond is not listed")


def say_duplicates(sink: Sink) -> None:
    """Say it if two tensors have the same name: paths may come together that were apart."""
    sink.tensors.publish()
    twice = sink.tensors.duplicate()
    if twice is not None:
        sink.finding(f"two tensors are named {twice!r}")


def list_imports(references: References, sink: Sink, *, compiled: bool) -> None:
    """Say what loading would import, and warn of what tensors do not need.

    Parameters
    ----------
    compiled
        Whether the pickles are part of a TorchScript archive.
    """
    kinds: dict[str, list[tuple[Global, int]]] = {_POWERFUL: [], _UNUSUAL: [], _USUAL: []}
    for (module, name), offset in references.imports.items():
        found = Global(module, name)
        usual = is_usual(found, compiled=compiled)
        kinds[_USUAL if usual else _POWERFUL if is_powerful(found) else _UNUSUAL].append((found, offset))
    ordered = [found for kind in kinds.values() for found, _ in kind]  # what is most worth saying is not crowded out
    for found in ordered[:MOST_IMPORTS_SHOWN]:
        sink.fact("would import", found.label[:_LONGEST_NAME])
    if len(ordered) > MOST_IMPORTS_SHOWN:
        sink.fact("would import", f"and {len(ordered) - MOST_IMPORTS_SHOWN:,} more")
    for reason in (_POWERFUL, _UNUSUAL):
        for found, offset in kinds[reason][:_MOST_WARNED_OF]:
            sink.finding(f"loading this with Python would import {found.label[:_LONGEST_NAME]}, {reason}", offset)
        if len(kinds[reason]) > _MOST_WARNED_OF:
            more = len(kinds[reason]) - _MOST_WARNED_OF
            sink.finding(f"loading this with Python would import {more:,} more things, {reason}")


def _is_leaf(call: Call) -> bool:
    return is_tensor(call) or read_array(call) is not None


def _add_array(name: str, array: PickledArray, checkpoint: Checkpoint, sink: Sink) -> None:
    if array.data is None or checkpoint.unpacked:
        sink.metadata(name, f"numpy array of {array.dtype} {list(array.shape)}")
        return
    expected = math.prod(array.shape) * (element_bits(array.dtype) or 8) // 8
    if array.data.size != expected:
        sink.finding(f"array {name!r} takes {expected:,} bytes, its pickle has {array.data.size:,}", array.data.offset)
    sink.tensor(name, array.dtype, array.shape, array.data.offset, array.data.size, order=array.order)


def _add(name: str, tensor: StoredTensor, checkpoint: Checkpoint, sink: Sink) -> None:
    dtype, storage = tensor.dtype, tensor.storage
    if tensor.note:
        sink.metadata(f"{name} quantised", tensor.note)
    if storage is None:
        sink.tensor(name, dtype, tensor.shape, 0, 0, encoding="none")
        return
    place = checkpoint.locate(storage)
    if place is None:
        sink.finding(f"tensor {name!r} is left out: its storage {storage.name!r} is not in the payload")
        return
    if tensor.begin + tensor.size > place.whole:
        sink.finding(f"tensor {name!r} is left out: its storage {storage.name!r} is cut short", place.offset)
        return
    if checkpoint.big_endian and element_bits(dtype) != 8:
        dtype = f">{dtype}"
    if place.encoding:
        offset, size, skip = place.offset, place.size, tensor.begin
    else:
        offset, size, skip = place.offset + tensor.begin, tensor.size, 0
    sink.tensor(name, dtype, tensor.shape, offset, size, strides=tensor.strides, encoding=place.encoding, skip=skip)


def _add_storage(name: str, leaf: Persistent, checkpoint: Checkpoint, sink: Sink) -> None:
    if is_storage(leaf):
        try:
            tensor = storage_tensor(leaf)
        except PayloadError as error:
            sink.finding(f"storage {name!r} is left out: {error.message}")
        else:
            _add(name, tensor, checkpoint, sink)


def _is_private(path: str) -> bool:
    """Whether a value is a program's own: whether a module is in training, and names with an underscore."""
    last = path.rpartition(".")[2]
    return last == "training" or last.startswith("_")


def _plain(leaf: Value) -> Metadata:
    if leaf is None or isinstance(leaf, str | int | float):
        return leaf
    if isinstance(leaf, Global):
        return leaf.label
    if isinstance(leaf, Opaque):
        return Folded(leaf.kind, leaf.size, (), leaf.offset, leaf.size)
    return _listed(leaf) if isinstance(leaf, list | tuple) else "(object)"


def _listed(values: list[Value] | tuple[Value, ...]) -> Metadata:
    first = [value[:_LONGEST_ITEM] if isinstance(value, str) else value for value in values[:SHORT]]
    items = tuple(value for value in first if value is None or isinstance(value, str | int | float))
    text = ", ".join(repr(item) for item in items)
    if len(values) <= SHORT and len(text) <= _LONGEST_LIST:
        return f"[{text}]"
    kinds = {type(value) for value in values}
    kind = {int: "integer", float: "number", str: "text"}.get(kinds.pop(), "value") if len(kinds) == 1 else "value"
    return Folded(kind, len(values), items)
