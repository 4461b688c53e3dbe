"""TensorFlow Lite payloads: tensors with data, what they are quantised with, and FlatBuffers that lie."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from apbundle.payload.arrays import payload_arrays
from apbundle.payload.contents import Contents
from apbundle.payload.reading import can_read
from apbundle.payload.sink import Folded
from apbundle.payload.tflite import flatbuffer as walker
from apbundle.payload.tflite.model import TYPES
from apbundle.payload.tflite.operators import operator_name
from support.flatbuffers import Number, Table, Vector, flatbuffer, tflite, tflite_tensor
from support.payloads import contents

WEIGHT = np.arange(6, dtype="<f4").reshape(2, 3)


def messages(found: Contents) -> str:
    return "\n".join(finding.message for finding in found.findings)


def listed(found: Contents) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {info.name: (info.dtype, info.shape) for info in found.tensors}


def small(more: Table | None = None) -> bytes:
    """A model of one weight."""
    weight = tflite_tensor("w", 0, [2, 3], 1, more)
    return tflite([{0: [weight]}], [{}, {0: WEIGHT.tobytes()}])


def test_a_model():
    per_tensor = {4: {2: Vector("f", [0.5]), 3: Vector("q", [-3])}}
    per_channel = {4: {2: Vector("f", [0.5, 0.25]), 3: Vector("q", [0, 0]), 6: Number("i", 1)}}
    tensors = [
        tflite_tensor("input", 0, [1, 3], 0),
        tflite_tensor("weight", 0, [2, 3], 1),
        tflite_tensor("q", 9, [4], 2, per_tensor),
        tflite_tensor("channels", 9, [2, 2], 2, per_channel),
        tflite_tensor("output", 0, [1, 2], 3),
        tflite_tensor("sparse", 0, [9, 9], 1, {6: {0: Vector("i", [0])}}),
        tflite_tensor("texts", 5, [2], 2),
    ]
    main: Table = {
        0: tensors,
        1: Vector("i", [0]),
        2: Vector("i", [4]),
        3: [{0: Number("I", 0)}, {0: Number("I", 0)}, {0: Number("I", 1)}, {0: Number("I", 9)}],
        4: "main",
    }
    second: Table = {0: [tflite_tensor("weight", 0, [6], 1)], 4: "body"}
    content = tflite(
        [main, second],
        [{}, {0: WEIGHT.tobytes()}, {0: bytes([1, 2, 253, 4])}, {0: b""}, {0: b"1.14.0\0\0"}, {0: bytes(100)}],
        {
            1: [{0: Number("b", 9), 3: Number("i", 0)}, {0: Number("b", 32), 1: "MyOperator"}],
            3: "What it does.",
            6: [{0: "min_runtime_version", 1: Number("I", 4)}, {0: "blob", 1: Number("I", 5)}],
            7: [{2: "serving_default"}],
        },
    )
    found = contents(content)
    assert (found.format, found.findings, found.complete) == ("tflite", (), True)
    assert listed(found) == {
        "weight": ("F32", (2, 3)),
        "q": ("I8", (4,)),
        "channels": ("I8", (2, 2)),
        "sparse": ("F32", (9, 9)),
        "texts": ("STRING", (2,)),
        "body.weight": ("F32", (6,)),
    }
    weight = found.tensors[0]
    assert content[weight.offset : weight.offset + weight.size] == WEIGHT.tobytes()
    assert {info.name for info in found.tensors if not can_read(info)} == {"sparse", "texts"}
    assert dict(found.facts) == {
        "version": 3,
        "input": "input: F32 [1, 3]",
        "output": "output: F32 [1, 2]",
        "nodes": 4,
        "operators": "FULLY_CONNECTED 2, MyOperator 1, ? 1",
        "tensors without data": 2,
        "signature": "serving_default",
    }
    metadata = dict(found.metadata)
    assert (metadata["q scale"], metadata["q zero point"]) == (0.5, -3)
    scales = metadata["channels scale"]
    assert isinstance(scales, Folded)
    assert (scales.count, scales.first, metadata["channels quantised along dimension"]) == (2, (0.5, 0.25), 1)
    assert struct.unpack_from("<2f", content, scales.offset or 0) == (0.5, 0.25)
    assert metadata["description"] == "What it does."
    assert metadata["min_runtime_version"] == "1.14.0"
    assert isinstance(metadata["blob"], Folded)


def test_arrays():
    np.testing.assert_array_equal(payload_arrays(memoryview(small()))["w"], WEIGHT)


def test_data_behind_the_flatbuffer():
    """Models larger than 2 GiB say where their data lies in the file."""
    weight = tflite_tensor("w", 0, [2, 3], 1)
    size = len(tflite([{0: [weight]}], [{}, {1: Number("Q", 0), 2: Number("Q", 24)}]))
    content = tflite([{0: [weight]}], [{}, {1: Number("Q", size), 2: Number("Q", 24)}]) + WEIGHT.tobytes()
    np.testing.assert_array_equal(payload_arrays(memoryview(content))["w"], WEIGHT)
    assert "buffer 1 reaches past the end" in messages(contents(content[:-1]))
    placeholder = contents(tflite([{0: [weight]}], [{}, {1: Number("Q", 1), 2: Number("Q", 1)}]))
    assert (len(placeholder.tensors), dict(placeholder.facts)["tensors without data"]) == (0, 1)


@pytest.mark.parametrize("code", range(len(TYPES)))
def test_types(code: int):
    content = tflite([{0: [tflite_tensor("t", code, [4], 1)]}], [{}, {0: bytes(64)}])
    (info,) = contents(content).tensors
    assert info.dtype == TYPES[code]


def test_operators():
    assert operator_name(0) == "ADD"
    assert operator_name(150) == "GELU"
    assert operator_name(162) == "STABLEHLO_LOGISTIC"
    assert operator_name(202) == "STABLEHLO_TRANSPOSE"
    assert operator_name(206) == "STABLEHLO_COMPOSITE"
    assert operator_name(9999) == "operator 9999"


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (tflite_tensor("bad", 0, [-1], 1), "negative dimension"),
        (tflite_tensor("bad", 0, [1] * 33, 1), "more than 32 dimensions"),
        (tflite_tensor("bad", 0, [1], 7), "there is no item 7 of 2"),
        (tflite_tensor("bad", 0, [7], 1), "takes 28 bytes, its buffer has 24"),
        (tflite_tensor("bad", 99, [7], 1), "elements of type 99"),
    ],
)
def test_a_tensor_that_cannot_be(tensor: Table, said: str):
    good = tflite_tensor("good", 0, [6], 1)
    found = contents(tflite([{0: [tensor, good]}], [{}, {0: WEIGHT.tobytes()}]))
    assert said in messages(found)
    assert found.complete
    assert "good" in listed(found)


def test_tables_that_refer_to_each_other_a_million_times(monkeypatch: pytest.MonkeyPatch):
    """A thousand times the same subgraph of a thousand times the same tensor takes a few kilobytes."""
    subgraph: Table = {0: [tflite_tensor("w", 0, [2, 3], 1)] * 1000}
    content = tflite([subgraph] * 1000, [{}, {0: WEIGHT.tobytes()}])
    assert len(content) < 10_000
    monkeypatch.setattr(walker, "MAX_TABLES", 10_000)
    found = contents(content)
    assert not found.complete
    assert "refers to more than 10,000 tables" in messages(found)
    assert len(found.tensors) < 10_000


def test_no_table_lies_within_itself():
    """Distances only lead forward: one that should lead back leads out of the payload."""
    subgraph: dict[int, object] = {}
    subgraph[0] = [subgraph]
    found = contents(tflite([subgraph], [{}]))
    assert messages(found) == "a distance leads out of the payload"
    assert found.complete


def test_every_prefix_and_every_distance():
    content = small({4: {2: Vector("f", [0.5, 1.0])}})
    for size in range(8, len(content)):
        assert contents(content[:size], "tflite").format == "tflite"
    for place in range(len(content) - 3):
        for value in (0, 1, 4, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, len(content), len(content) - place):
            damaged = bytearray(content)
            struct.pack_into("<I", damaged, place, value)
            found = contents(bytes(damaged), "tflite")
            for info in found.tensors:
                assert 0 <= info.offset <= info.offset + info.size <= len(content)


def test_fields_of_later_schemas():
    """A table may have any number of fields; those beyond what is known are passed over."""
    assert listed(contents(small({20: Number("I", 1), 30_000: Number("I", 1)}))) == {"w": ("F32", (2, 3))}


def test_no_root():
    assert contents(b"\xff\xff\xff\xffTFL3" + bytes(20)).complete is False
    assert contents(flatbuffer({})).complete
