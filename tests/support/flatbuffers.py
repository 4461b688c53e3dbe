"""FlatBuffers made front to back, and a TensorFlow Lite model of them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Number:
    """A number, in the form :mod:`struct` names."""

    form: str
    value: Any


@dataclass(frozen=True)
class Vector:
    """Numbers in a row."""

    form: str
    values: Sequence[Any]


Table = Mapping[int, Any]
"""Field → a number, a vector, a text, bytes, a table, or a list of tables."""


@dataclass
class Writer:
    """Lays tables out one behind the other; each is written once, however often it is referred to."""

    data: bytearray = field(default_factory=bytearray)
    places: dict[int, int] = field(default_factory=dict)

    def align(self, size: int) -> int:
        self.data += bytes(-len(self.data) % size)
        return len(self.data)

    def put(self, value: Any) -> int:
        """Write what a field refers to; its place."""
        if id(value) in self.places and not isinstance(value, str | bytes):
            return self.places[id(value)]
        if isinstance(value, Mapping):
            return self.table(value)
        if isinstance(value, list):
            place = self.align(4)
            self.places[id(value)] = place
            self.data += struct.pack("<I", len(value)) + bytes(4 * len(value))
            for index, item in enumerate(value):
                self.refer(place + 4 + 4 * index, self.put(item))
            return place
        content = value.encode() if isinstance(value, str) else value
        form, values = ("B", content) if isinstance(content, bytes) else (value.form, value.values)
        self.align(4)
        self.data += bytes(-(len(self.data) + 4) % 16)
        place = len(self.data)
        self.data += struct.pack(f"<I{len(values)}{form}", len(values), *values)
        return place

    def table(self, table: Table) -> int:
        count = max(table, default=-1) + 1
        places, size, fixed = [0] * count, 4, b""
        for number, value in table.items():
            form, content = (value.form, value.value) if isinstance(value, Number) else ("I", 0)
            size += -size % struct.calcsize(form)
            fixed = fixed.ljust(size - 4, b"\0") + struct.pack(f"<{form}", content)
            places[number], size = size, size + struct.calcsize(form)
        self.align(8)
        fields = len(self.data)
        self.data += struct.pack(f"<HH{count}H", 4 + 2 * count, size, *places)
        place = self.align(8)
        self.places[id(table)] = place
        self.data += struct.pack("<i", place - fields) + fixed
        for number, value in table.items():
            if not isinstance(value, Number):
                self.refer(place + places[number], self.put(value))
        return place

    def refer(self, place: int, target: int) -> None:
        """Point from ``place`` to ``target``; what lies before it cannot be pointed to, and is a very long way."""
        struct.pack_into("<I", self.data, place, (target - place) % 2**32)


def flatbuffer(root: Table, identifier: bytes = b"TFL3") -> bytes:
    """The buffer of a table and all that it refers to."""
    writer = Writer(bytearray(4) + bytearray(identifier))
    writer.refer(0, writer.table(root))
    return bytes(writer.data)


def tflite_tensor(name: str, code: int, shape: Sequence[int], buffer: int, more: Table | None = None) -> Table:
    """A tensor of a model."""
    return {0: Vector("i", shape), 1: Number("b", code), 2: Number("I", buffer), 3: name, **(more or {})}


def tflite(subgraphs: list[Table], buffers: list[Table], more: Table | None = None) -> bytes:
    """A model of version 3."""
    return flatbuffer({0: Number("I", 3), 2: subgraphs, 4: buffers, **(more or {})})
