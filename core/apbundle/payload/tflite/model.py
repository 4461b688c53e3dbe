"""TensorFlow Lite payloads: the tensors that have data, what they are quantised with, and the operators.

A FlatBuffer of version 3 of the format's schema. Weights lie in buffers that tensors refer to by number; models larger
than 2 GiB keep these after the FlatBuffer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from apbundle.payload.byterange import ByteRange
from apbundle.payload.dtypes import element_bits
from apbundle.payload.sink import LONGEST_TEXT, Folded, Sink, Value
from apbundle.payload.tensors import MAX_RANK, PayloadError
from apbundle.payload.tflite.flatbuffer import FlatBuffer, Table, TooManyTables
from apbundle.payload.tflite.operators import CUSTOM, operator_name

LONGEST_NAME = 1024
"""Longest name that is kept, in bytes."""

TYPES = (
    *("F32", "F16", "I32", "U8", "I64", "STRING", "BOOL", "I16", "C64", "I8", "F64", "C128", "U64"),
    *("RESOURCE", "VARIANT", "U32", "U16", "I4", "BF16"),
)
"""The common names of the element types, by their numbers."""

# Fields as the schema counts them: of the model, a subgraph, a tensor, its quantisation, a buffer, and the others.
_VERSION, _OPERATOR_CODES, _SUBGRAPHS, _DESCRIPTION, _BUFFERS, _METADATA, _SIGNATURES = 0, 1, 2, 3, 4, 6, 7
_TENSORS, _INPUTS, _OUTPUTS, _OPERATORS, _SUBGRAPH_NAME = 0, 1, 2, 3, 4
_SHAPE, _TYPE, _BUFFER, _NAME, _QUANTISATION, _SPARSITY = 0, 1, 2, 3, 4, 6
_SCALE, _ZERO_POINT, _DIMENSION = 2, 3, 6
_DATA, _OFFSET, _SIZE = 0, 1, 2
_OLD_CODE, _CUSTOM_CODE, _CODE = 0, 1, 3
_OPERATOR_CODE = 0
_METADATA_NAME, _METADATA_BUFFER = 0, 1
_SIGNATURE_NAME = 2

_LEAST_OFFSET = 2  # of data outside the FlatBuffer: smaller ones stand for none
_MOST_SHOWN = 16  # scales and zero points of a tensor
_MOST_LISTED = 1000  # inputs, outputs, entries of metadata, signatures
_MOST_CODES = 10_000
_MOST_OPERATORS_SHOWN = 200
_LONGEST_LABEL = 80  # characters of an operator
_SHORT = 64  # bytes of metadata that may be a word


P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Tensor:
    """What a tensor's table says."""

    name: str
    dtype: str
    shape: list[int]
    place: tuple[int, int] | None
    """First byte and bytes of its data, which most tensors do not have."""
    table: Table


def scan_tflite(data: ByteRange, sink: Sink) -> None:
    """List what a TensorFlow Lite payload holds.

    Raises
    ------
    PayloadError
        When its outermost table is damaged, or it costs too much.
    """
    model = _Model(FlatBuffer(data, sink.reporter.check).root(), data, sink)
    sink.fact("version", model.table.number(_VERSION, 4))
    description = model.table.text(_DESCRIPTION, LONGEST_TEXT)
    if description:
        sink.metadata("description", description)
    for code in model.items(model.table, _OPERATOR_CODES, _MOST_CODES):
        model.codes.append(model.sound("an operator", _operator, code) or "?")
    for number, subgraph in enumerate(model.items(model.table, _SUBGRAPHS)):
        model.read_subgraph(number, subgraph)
    shown = [f"{name} {count:,}" for name, count in model.operators.most_common(_MOST_OPERATORS_SHOWN)]
    sink.fact("nodes", model.operators.total())
    sink.fact("operators", ", ".join(shown))
    sink.fact("tensors without data", model.without_data)
    for signature in model.items(model.table, _SIGNATURES, _MOST_LISTED):
        name = model.sound("a signature", signature.text, _SIGNATURE_NAME, LONGEST_NAME)
        if name is not None:
            sink.fact("signature", name)
    for note in model.items(model.table, _METADATA, _MOST_LISTED):
        model.read_note(note)


@dataclass(slots=True)
class _Model:
    table: Table
    data: ByteRange
    sink: Sink
    codes: list[str] = field(default_factory=list)
    """The operators that nodes refer to by number."""
    operators: Counter[str] = field(default_factory=Counter)
    without_data: int = 0

    def items(self, table: Table, number: int, most: int | None = None) -> Iterator[Table]:
        """The tables in a field, ``most`` at the most; of those that are damaged it is said that they are."""
        for count, item in enumerate(table.tables(number)):
            if count == most:
                return
            if isinstance(item, Table):
                yield item
            else:
                self.sink.finding(item.message, item.offset)

    def sound(self, what: str, read: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T | None:
        """What ``read`` gives; None, and a finding, when what it reads is damaged."""
        try:
            return read(*args, **keywords)
        except TooManyTables:
            raise
        except PayloadError as error:
            self.sink.finding(f"{what} is left out: {error.message}", error.offset)
            return None

    def read_subgraph(self, number: int, subgraph: Table) -> None:
        """List the tensors of a subgraph that have data, and count its nodes."""
        name = self.sound("a name", subgraph.text, _SUBGRAPH_NAME, _LONGEST_LABEL)
        prefix = f"{name or number}." if number else ""
        for table in self.items(subgraph, _TENSORS):
            tensor = self.sound("a tensor", self._described, table)
            if tensor is not None:
                self._add(prefix, tensor)
        for node in self.items(subgraph, _OPERATORS):
            code = self.sound("a node", node.number, _OPERATOR_CODE, 4)
            if code is not None:
                self.operators[self.codes[code] if code < len(self.codes) else "?"] += 1
        for what, vector in (("input", _INPUTS), ("output", _OUTPUTS)) if not number else ():
            for index in self.sound(f"an {what}", subgraph.numbers, vector, "i", _MOST_LISTED) or ():
                tensor = self.sound(f"an {what}", self._numbered, subgraph, int(index))
                if tensor is not None:
                    self.sink.fact(what, f"{tensor.name}: {tensor.dtype} {tensor.shape}")

    def read_note(self, note: Table) -> None:
        """Add an entry of the model's metadata: a word, or where its bytes lie."""
        place = self.sound("metadata", self._noted, note)
        if place is None:
            return
        offset, size = place
        value: Value = Folded("bytes", size, (), offset, size)
        content = self.data.at(offset, size).rstrip(b"\0") if size <= _SHORT else b""
        if content.isascii() and content.decode().isprintable() and content:
            value = content.decode()
        name = self.sound("metadata", note.text, _METADATA_NAME, LONGEST_NAME)
        self.sink.metadata(name or "metadata", value, offset)

    def _noted(self, note: Table) -> tuple[int, int] | None:
        return self._data_of(note.number(_METADATA_BUFFER, 4))

    def _numbered(self, subgraph: Table, index: int) -> _Tensor:
        return self._described(subgraph.item(_TENSORS, index))

    def _described(self, table: Table) -> _Tensor:
        number = table.number(_TYPE, 1)
        dtype = TYPES[number] if number < len(TYPES) else f"type {number}"
        if table.vector(_SHAPE, 4)[1] > MAX_RANK:
            raise PayloadError(f"it has more than {MAX_RANK} dimensions", table.place)
        shape = [int(length) for length in table.numbers(_SHAPE, "i", MAX_RANK)]
        buffer = table.number(_BUFFER, 4)
        place = self._data_of(buffer) if buffer else None
        return _Tensor(table.text(_NAME, LONGEST_NAME), dtype, shape, place, table)

    def _data_of(self, number: int) -> tuple[int, int] | None:
        """First byte and bytes of what a buffer holds; None when it is empty."""
        buffer = self.table.item(_BUFFERS, number)
        begin, size = buffer.vector(_DATA, 1)
        if not size and buffer.number(_OFFSET, 8) >= _LEAST_OFFSET:
            begin, size = buffer.number(_OFFSET, 8), buffer.number(_SIZE, 8)
            if begin > self.data.size or size > self.data.size - begin:
                raise PayloadError(f"buffer {number:,} reaches past the end of the payload", buffer.place)
        return (begin, size) if size else None

    def _add(self, prefix: str, tensor: _Tensor) -> None:
        if tensor.place is None:
            self.without_data += 1
            return
        offset, size = tensor.place
        name = prefix + tensor.name
        if any(length < 0 for length in tensor.shape):
            self.sink.finding(f"tensor {name!r} is left out: it has a negative dimension", tensor.table.place)
            return
        bits = element_bits(tensor.dtype)
        encoding = ""
        if tensor.table.has(_SPARSITY):
            encoding = "sparse"
        elif tensor.dtype == "STRING":
            encoding = "texts"
        elif bits is None:
            self.sink.finding(f"tensor {name!r} has elements of {tensor.dtype}, whose size is not known", offset)
        elif size != -(-math.prod(tensor.shape) * bits // 8):
            expected = -(-math.prod(tensor.shape) * bits // 8)
            self.sink.finding(f"tensor {name!r} takes {expected:,} bytes, its buffer has {size:,}", offset)
        self.sink.tensor(name, tensor.dtype, tensor.shape, offset, size, encoding=encoding)
        for key, value in self.sound("quantisation", _quantisation, tensor.table) or ():
            self.sink.metadata(f"{name} {key}", value, offset)


def _operator(code: Table) -> str:
    number = max(code.number(_OLD_CODE, 1, signed=True), code.number(_CODE, 4, signed=True))
    return code.text(_CUSTOM_CODE, _LONGEST_LABEL) if number == CUSTOM else operator_name(number)


def _quantisation(tensor: Table) -> list[tuple[str, Value]]:
    """What a tensor's integers stand for: ``scale * (integer - zero point)``, along one dimension if there are many."""
    table = tensor.table(_QUANTISATION)
    scales = _summary(table, _SCALE, "f", 4) if table is not None else None
    if table is None or scales is None:
        return []
    values: list[tuple[str, Value]] = [("scale", scales)]
    zeros = _summary(table, _ZERO_POINT, "q", 8)
    if zeros is not None:
        values.append(("zero point", zeros))
    if table.vector(_SCALE, 4)[1] > 1:
        values.append(("quantised along dimension", table.number(_DIMENSION, 4, signed=True)))
    return values


def _summary(table: Table, number: int, kind: str, width: int) -> Value:
    """The number in a vector, or its first ones and where it lies; None when there are none."""
    begin, count = table.vector(number, width)
    first = table.numbers(number, kind, _MOST_SHOWN)
    if count > 1:
        return Folded("F32" if kind == "f" else "I64", count, tuple(first), begin, count * width)
    return first[0] if first else None
