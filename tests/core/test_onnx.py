"""ONNX payloads, against the format's own library: tensors of all kinds and in all places, and damaged messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from apbundle.payload import protobuf
from apbundle.payload.arrays import payload_arrays, tensor_array
from apbundle.payload.contents import Contents
from apbundle.payload.dtypes import element_bits
from apbundle.payload.onnx import graph as onnx_graph
from apbundle.payload.onnx import tensors as onnx_tensors
from apbundle.payload.onnx.tensors import TYPES
from apbundle.payload.reading import can_read, decoded_size, read_tensor
from support.payloads import Strict, contents
from support.wire import field, varint

VALUES = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "n"]) for name in ("x", "y")]


def model(nodes: list[Any] | None = None, initializers: list[Any] | None = None, **more: Any) -> bytes:
    graph = helper.make_graph(nodes or [helper.make_node("Relu", ["x"], ["y"])], "graph", VALUES[:1], VALUES[1:])
    graph.initializer.extend(initializers or [])
    graph.sparse_initializer.extend(more.pop("sparse", []))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for name, value in more.items():
        part = getattr(made, name)
        part.extend(value) if isinstance(value, list) else setattr(made, name, value)
    return made.SerializeToString()


def messages(found: Contents) -> str:
    return "\n".join(finding.message for finding in found.findings)


def bytes_of(content: bytes, name: str) -> bytes:
    """The decoded bytes of one tensor."""
    found = contents(content)
    info = found.tensors[found.tensors.find(name) or 0]
    assert info.name == name
    into = bytearray(decoded_size(info) or 0)
    read_tensor(info, Strict(content), into)
    return bytes(into)


SAMPLES: dict[int, Any] = {
    TensorProto.BOOL: [True, False, True, True, False, True],
    TensorProto.INT8: [-128, -1, 0, 1, 5, 127],
    TensorProto.INT64: [-(2**63), -1, 0, 1, 300, 2**63 - 1],
    TensorProto.UINT64: [0, 1, 127, 128, 2**63, 2**64 - 1],
    TensorProto.UINT32: [0, 1, 127, 128, 2**31, 2**32 - 1],
    TensorProto.INT32: [-(2**31), -1, 0, 1, 300, 2**31 - 1],
    TensorProto.INT4: [-8, -1, 0, 1, 5, 7],
    TensorProto.COMPLEX64: [1 + 2j, 3, 4j, 5, 6, 7],
    TensorProto.COMPLEX128: [1 + 2j, 3, 4j, 5, 6, 7],
}


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("code", [code for code in TYPES if TYPES[code] not in ("STRING", "F6_E2M3", "F6_E3M2")])
def test_tensors_of_every_type(code: int, raw: bool):
    """Elements as the library writes them: as they are, or as numbers of variable length in typed fields."""
    shape = (2, 3)
    values = SAMPLES.get(code, [0, 1, 1, 0, 1, 0] if "2" in TYPES[code] else [0, 1, 2, 3, 4, 6])
    array = numpy_helper.to_array(helper.make_tensor("t", code, shape, values))
    made = numpy_helper.from_array(array, "t") if raw else helper.make_tensor("t", code, shape, values)
    assert made.data_type == code
    content = model(initializers=[made])
    found = contents(content)
    assert (found.format, found.findings, found.complete) == ("onnx", (), True)
    (info,) = found.tensors
    assert (info.name, info.dtype, info.shape) == ("t", TYPES[code], shape)
    expected = numpy_helper.from_array(array, "t").raw_data
    assert bytes_of(content, "t") == expected
    if (element_bits(info.dtype) or 0) >= 8:
        view = memoryview(bytes_of(content, "t"))
        np.testing.assert_array_equal(tensor_array(info, view), array.astype(tensor_array(info, view).dtype))
    in_place = raw or TYPES[code] in ("F32", "F64", "C64", "C128")
    assert info.encoding == ("" if in_place else "varint")
    if in_place:
        assert content[info.offset : info.offset + info.size] == expected


def constant(name: str, values: Any) -> Any:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(values, np.float32), name))


def test_tensors_in_nodes_and_graphs_within():
    inner = helper.make_graph([constant("c", [1, 2])], "inner", [], [VALUES[1]])
    inner.initializer.append(numpy_helper.from_array(np.array([3], np.int64), "i"))
    middle = helper.make_graph([helper.make_node("Loop", ["a", "b"], ["l"], body=inner)], "middle", [], [VALUES[1]])
    nodes = [
        constant("c", [0]),
        helper.make_node("If", ["x"], ["y"], name="choice", then_branch=middle, else_branch=inner),
        helper.make_node("Odd", [], ["o"], domain="my.ops", several=[numpy_helper.from_array(np.array([4.0]))] * 2),
        helper.make_node("Odd", [], ["p"], graphs=[inner, inner]),
    ]
    found = contents(model(nodes))
    assert found.findings == ()
    assert sorted(info.name for info in found.tensors) == [
        *("c", "choice.else_branch.c", "choice.else_branch.i", "choice.then_branch.l.body.c"),
        *("choice.then_branch.l.body.i", "o.several.0", "o.several.1"),
        *("p.graphs.0.c", "p.graphs.0.i", "p.graphs.1.c", "p.graphs.1.i"),
    ]
    facts = dict(found.facts)
    assert facts["nodes"] == 9
    assert facts["operators"] == "Constant 5, If 1, Loop 1, Odd 1, my.ops.Odd 1"


def test_sparse_tensors():
    values = numpy_helper.from_array(np.array([1.5, 2.5], np.float32), "sparse")
    indices = numpy_helper.from_array(np.array([3, 7], np.int64), "places")
    sparse = helper.make_sparse_tensor(values, indices, [10])
    node = helper.make_node("Constant", [], ["made"], sparse_value=sparse)
    found = contents(model([node], sparse=[sparse]))
    assert sorted(info.name for info in found.tensors) == [
        *("made.indices", "made.values", "sparse.indices", "sparse.values")
    ]
    assert ("sparse is sparse, of shape", "[10]") in found.metadata


def test_data_in_other_files_is_never_opened():
    tensors = [numpy_helper.from_array(np.zeros(3, np.float32), name) for name in ("a", "b", "c")]
    for tensor, location in zip(tensors, ("weights.bin", "weights.bin", "../../etc/passwd\x1b[2J"), strict=True):
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "4096"), ("length", "12")):
            tensor.external_data.add(key=key, value=value)
    content = model(initializers=tensors)
    found = contents(content)
    assert [(info.name, info.encoding, info.size, info.shape) for info in found.tensors] == [
        (name, "external", 0, (3,)) for name in "abc"
    ]
    assert not any(can_read(info) for info in found.tensors)
    assert dict(found.metadata)["a is kept in"] == "location weights.bin, offset 4096, length 12"
    assert "the data of 2 tensors is kept in 'weights.bin'" in messages(found)
    assert all(finding.message.isprintable() for finding in found.findings)
    assert str(dict(found.metadata)["c is kept in"]).isprintable()


def test_what_a_model_says_of_itself():
    content = model(
        producer_name="tests",
        producer_version="1.2",
        domain="org.example",
        model_version=7,
        doc_string="What it does.",
        metadata_props=[onnx.StringStringEntryProto(key="author", value="a\nb")],
        functions=[helper.make_function("my.ops", "Twice", ["a"], ["b"], [constant("c", [2])], [])],
        training_info=[onnx.TrainingInfoProto(initialization=helper.make_graph([constant("s", [0])], "init", [], []))],
        opset_import=[helper.make_opsetid("my.ops", 3)],
    )
    found = contents(content)
    assert found.findings == ()
    facts = dict(found.facts)
    assert facts["format version"] == 8
    assert (facts["producer"], facts["producer version"], facts["domain"]) == ("tests", "1.2", "org.example")
    assert (facts["model version"], facts["functions"]) == (7, 1)
    assert (facts["operators of ai.onnx, version"], facts["operators of my.ops, version"]) == (17, 3)
    assert (facts["input"], facts["output"]) == ("x: F32 [1, n]", "y: F32 [1, n]")
    assert dict(found.metadata) == {"description": "What it does.", "author": "a\nb"}
    assert {info.name for info in found.tensors} == {"my.ops.Twice.c", "training.initialization.s"}


def test_texts_scattered_and_missing_data():
    texts = helper.make_tensor("texts", TensorProto.STRING, [2], [b"one", b"two"])
    empty = helper.make_tensor("empty", TensorProto.FLOAT, [0, 5], [])
    without = TensorProto(name="without", data_type=TensorProto.FLOAT, dims=[3])
    wrong = TensorProto(name="wrong", data_type=TensorProto.FLOAT, dims=[3], raw_data=bytes(8))
    unknown = TensorProto(name="unknown", data_type=99, dims=[3], raw_data=bytes(8))
    six = TensorProto(name="six", data_type=27, dims=[4], int32_data=[1, 2, 3, 4])
    found = contents(model(initializers=[texts, empty, without, wrong, unknown, six]))
    assert {info.name: info.encoding for info in found.tensors} == {
        "texts": "texts",
        "empty": "",
        "without": "none",
        "wrong": "",
        "unknown": "",
        "six": "scattered",
    }
    assert "tensor 'without' has no data" in messages(found)
    assert "tensor 'wrong' takes 12 bytes, its data has 8" in messages(found)
    assert "'unknown' has elements of type 99" in messages(found)


def graph_of(*fields: bytes) -> bytes:
    """A model whose graph has these fields."""
    return field(1, 8) + field(7, b"".join(fields)) + field(8, field(2, 17))


def tensor_of(*fields: bytes, name: str = "t") -> bytes:
    return field(5, field(8, name.encode()) + field(2, 1) + b"".join(fields))


def test_data_in_several_pieces_is_listed_not_read():
    """A writer may split packed numbers, or not pack them: the data is then no row of elements."""
    single = b"".join(varint(4 << 3 | 5) + bytes(4) for _ in range(3))
    found = contents(graph_of(tensor_of(field(1, 3), single), tensor_of(field(1, 2), field(4, bytes(4)) * 2, name="u")))
    assert [info.encoding for info in found.tensors] == ["scattered", "scattered"]
    assert [info.size for info in found.tensors] == [15, 10]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tensor_of(field(1, 2**64 - 1)), "no tensor can have its dimensions"),
        (tensor_of(*[field(1, 1)] * 33), "no tensor can have its dimensions"),
        (tensor_of(field(1, b"\xff" * 11)), "holds no numbers, or too many"),
        (tensor_of(field(1, bytes(33))), "holds no numbers, or too many"),
        (field(5, b"\xff" * 11), "a field has no sound beginning"),
        (field(5, b"\x0b"), "is of kind 3, which is not used"),
        (field(5, b"\x00\x01"), "a field has no sound beginning"),
        (field(5, varint(9 << 3 | 2) + varint(100)), "reaches 100 bytes past what it is part of"),
        (field(5, varint(9 << 3 | 2) + varint(2**64 - 1)), "bytes past what it is part of"),
        (field(1, field(5, field(5, varint(9 << 3 | 1)))), "reaches 8 bytes past"),
    ],
)
def test_damage_is_said_and_the_rest_is_read(content: bytes, said: str):
    good = tensor_of(field(1, 1), field(9, bytes(4)), name="good")
    found = contents(graph_of(content, good))
    assert said in messages(found)
    assert found.complete
    assert "good" in [info.name for info in found.tensors]


def nested(levels: int) -> bytes:
    """A graph within a node within a graph, again and again."""
    graph = tensor_of(field(1, 1), field(9, bytes(4)))
    for _ in range(levels):
        graph = field(1, field(3, b"n") + field(5, field(1, b"body") + field(6, graph)))
    return graph_of(graph)


def test_bounds(monkeypatch: pytest.MonkeyPatch):
    assert len(contents(nested(onnx_graph.MAX_DEPTH)).tensors) == 1
    deep = contents(nested(300))
    assert messages(deep) == "graphs within graphs are followed 32 levels deep, no further"
    many = graph_of(*[field(1, field(4, f"Op{i}".encode())) for i in range(300)], *[field(11, field(1, b"x"))] * 2000)
    found = contents(many)
    assert sum(name == "input" for name, _ in found.facts) == onnx_graph.MOST_VALUES
    assert str(dict(found.facts)["operators"]).endswith("100 more")
    monkeypatch.setattr(protobuf, "MAX_FIELDS", 200)
    stopped = contents(many)
    assert (stopped.complete, stopped.findings[-1].message) == (False, "the payload has more than 200 fields")
    monkeypatch.undo()
    monkeypatch.setattr(onnx_tensors, "MOST_PREFIXES", 50)
    stopped = contents(nested(10))
    assert (stopped.complete, stopped.findings[-1].message) == (False, "the graphs make more names than are kept")


def test_a_model_that_repeats_itself_stays_small():
    """Fields that should come once, a hundred thousand times: the last holds."""
    found = contents(
        graph_of() + field(2, b"p" * 20) * 20_000 + field(8, field(1, b"d") + field(2, 1)) * 20_000, "onnx"
    )
    assert len(found.facts) < 10
    texts = contents(graph_of() + field(14, field(1, b"k") + field(2, bytes(1 << 18))) * 600, "onnx")
    assert 250 < len(texts.metadata) < 600
    assert dict(found.facts)["producer"] == "p" * 20


def test_arrays_of_a_model():
    weights = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "i": np.array([1, -1, 300])}
    content = model(initializers=[numpy_helper.from_array(array, name) for name, array in weights.items()])
    arrays = payload_arrays(memoryview(content))
    for name, array in weights.items():
        np.testing.assert_array_equal(arrays[name], array)
