"""Damaged models of every kind that is walked: whatever is in them, a description comes of it, and nothing else.

``APBUNDLE_FUZZ`` is how many damaged payloads are made of each sound one, ``APBUNDLE_SEED`` which.
"""

from __future__ import annotations

import os
import pickle
import random
import struct
from collections import OrderedDict

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from apbundle.payload.contents import read_contents
from apbundle.payload.tensors import MAX_MESSAGE
from apbundle.text import is_hazardous
from support.flatbuffers import Number, Vector, tflite, tflite_tensor
from support.payloads import Strict
from support.torch_files import Made, Named, Storage, archive, legacy, pickled, tensor

FUZZ = int(os.environ.get("APBUNDLE_FUZZ", "3000")) // 4
SEED = int(os.environ.get("APBUNDLE_SEED", "1"))
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
MOST_READ = 1 << 22  # bytes, of payloads of a few kilobytes


def checkpoint() -> OrderedDict[str, object]:
    floats, longs = Storage("FloatStorage", "0", 12), Storage("LongStorage", "1", 2)
    weight = tensor(floats, (3, 4), (4, 1))
    sparse = (tensor(longs, (1, 2), (2, 1)), tensor(floats, (2,), (1,)), (4,))
    return OrderedDict(
        weight=weight,
        tied=Made("torch._utils._rebuild_parameter", weight, True, OrderedDict()),
        strided=tensor(floats, (4, 3), (1, 4)),
        sparse=Made("torch._utils._rebuild_sparse_tensor", Named("torch.sparse_coo"), sparse),
        state={"step": 3, "lr": 0.5, "betas": (0.9, 0.99), "names": ["a", "b"]},
        array=np.arange(3),
        odd=Named("os.system"),
    )


def onnx_model() -> bytes:
    inner = helper.make_graph([], "inner", [], [])
    inner.initializer.append(numpy_helper.from_array(np.arange(3), "i"))
    packed = helper.make_tensor("packed", TensorProto.INT64, [3], [1, 300, -1])
    nodes = [
        helper.make_node("If", ["x"], ["y"], name="if", then_branch=inner, else_branch=inner),
        helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.ones(2, np.float32))),
        helper.make_node("Constant", [], ["s"], sparse_value=helper.make_sparse_tensor(packed, packed, [9])),
    ]
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "n"])
    graph = helper.make_graph(nodes, "graph", [value], [value], [packed])
    external = graph.initializer.add(name="outside", data_type=1, dims=[3], data_location=TensorProto.EXTERNAL)
    external.external_data.add(key="location", value="weights.bin")
    model = helper.make_model(graph, producer_name="tests", doc_string="text")
    helper.set_model_props(model, {"key": "value"})
    return bytes(model.SerializeToString())


def tflite_model() -> bytes:
    quantised = {4: {2: Vector("f", [0.5, 0.25]), 3: Vector("q", [0, 0])}}
    tensors = [
        tflite_tensor("x", 0, [1], 0),
        tflite_tensor("w", 0, [2, 3], 1),
        tflite_tensor("q", 9, [4], 2, quantised),
    ]
    main = {0: tensors, 1: Vector("i", [0]), 2: Vector("i", [0]), 3: [{0: Number("I", 0)}], 4: "main"}
    buffers = [{}, {0: bytes(24)}, {0: bytes(4)}, {1: Number("Q", 40), 2: Number("Q", 8)}]
    more = {1: [{0: Number("b", 9)}], 3: "text", 6: [{0: "note", 1: Number("I", 3)}], 7: [{2: "key"}]}
    return tflite([main, {0: [tflite_tensor("w", 0, [6], 1)]}], buffers, more)


def bases() -> dict[str, tuple[str, bytes]]:
    value = checkpoint()
    storages = {"0": bytes(48), "1": bytes(16)}
    script = {"constants.pkl": pickled((1,)), "code/__torch__/net.py": b"", "byteorder": b"little"}
    plain = {"a": [1, 2.5, {"b": (None, True)}], "c": np.arange(4.0), "d": bytearray(b"x"), "e": 1 << 100}
    return {
        "archive": ("pytorch", archive(value, storages)),
        "compressed archive": ("pytorch", archive(value, storages, compressed=True)),
        "TorchScript": ("pytorch", archive(Made("__torch__.Net", state=dict(value)), storages, script)),
        "old checkpoint": ("pytorch", legacy(value, {"0": (12, bytes(48)), "1": (2, bytes(16))})),
        **{f"pickle {protocol}": ("pickle", pickle.dumps(plain, protocol)) for protocol in (2, 4, 5)},
        "onnx": ("onnx", onnx_model()),
        "tflite": ("tflite", tflite_model()),
    }


BASES = bases()


def damaged(content: bytes, rng: random.Random) -> bytes:
    """``content`` with a few changes of the kinds that find mistakes in parsers."""
    data = bytearray(content)
    for _ in range(rng.randrange(1, 6)):
        place, kind = rng.randrange(len(data) + 1), rng.randrange(7)
        if kind == 0:
            data[place : place + 1] = bytes([rng.randrange(256)])
        elif kind == 1 and place < len(data):
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            size = rng.choice((1, 2, 4, 8))
            data[place : place + size] = struct.pack("<Q", rng.choice(NUMBERS))[:size]
        elif kind == 3:
            start = rng.randrange(len(data) + 1)
            data[place:place] = data[start : start + rng.randrange(64)]
        elif kind == 4:
            del data[place : place + rng.randrange(16)]
        elif kind == 5:
            start = rng.randrange(len(data) + 1)
            piece = data[start : start + rng.randrange(64)]
            data[place : place + len(piece)] = piece
        elif rng.random() < 0.2:
            del data[place:]
        if not data:
            data += b"\0"
    return bytes(data)


def check(content: bytes, detected: str) -> None:
    """Read ``content``: nothing is raised, nothing outside is asked for, and what is said can be shown."""
    read = Strict(content)
    found = read_contents(len(content), read, detected=detected)
    assert read.bytes_read <= MOST_READ
    assert found.complete or found.findings
    for finding in found.findings:
        assert not any(map(is_hazardous, finding.message))
        assert 0 < len(finding.message) <= MAX_MESSAGE
    for info in found.tensors:
        assert 0 <= info.offset <= info.offset + info.size <= len(content)
        assert all(length >= 0 for length in info.shape)


@pytest.mark.parametrize("name", BASES)
def test_the_sound_ones_are_sound(name: str):
    detected, content = BASES[name]
    found = read_contents(len(content), Strict(content))
    assert (found.format, found.complete) == (detected, True)
    assert len(found.tensors) + len(found.metadata) >= 3


@pytest.mark.parametrize("name", BASES)
def test_damaged_ones_are_described(name: str):
    detected, content = BASES[name]
    rng = random.Random(f"{SEED} {name}")
    for number in range(FUZZ):
        changed = damaged(content, rng)
        try:
            check(changed, detected)
        except Exception as error:
            raise AssertionError(f"number {number} of seed {SEED}: {changed!r}") from error


@pytest.mark.parametrize("name", BASES)
def test_every_prefix_is_described(name: str):
    detected, content = BASES[name]
    for size in range(1, len(content), 1 if len(content) < 1000 else 7):
        check(content[:size], detected)
