"""PyTorch checkpoints: tensors found where they lie, and nothing of them run. PyTorch itself is not needed."""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

from apbundle.payload.arrays import payload_arrays
from apbundle.payload.contents import Contents
from apbundle.payload.pytorch.types import DTYPES, STORAGES
from support.payloads import contents
from support.torch_files import Made, Named, Storage, archive, legacy, pickled, tensor, zipped

NUMBERS = np.arange(12, dtype="<f4")


def listed(found: Contents) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {info.name: (info.dtype, info.shape) for info in found.tensors}


def messages(found: Contents) -> str:
    return "\n".join(finding.message for finding in found.findings)


def state_dict() -> tuple[dict[str, Any], dict[str, bytes]]:
    """A checkpoint with views, shared storages, wrapped tensors, and values that are none."""
    floats = Storage("FloatStorage", "0", 12)
    bias = tensor(Storage("HalfStorage", "1", 2), (2,), (1,))
    value = {
        "model": OrderedDict(
            [
                ("layer.weight", tensor(floats, (3, 4), (4, 1))),
                ("layer.transposed", tensor(floats, (4, 3), (1, 4))),
                ("layer.row", tensor(floats, (4,), (1,), 8)),
                ("layer.tied", Made("torch._utils._rebuild_parameter", tensor(floats, (12,), (1,)), True, {})),
                ("bias", bias),
                ("again", bias),
                ("empty", tensor(Storage("LongStorage", "2", 0), (0, 7), (7, 1))),
                ("scalar", tensor(Storage("LongStorage", "3", 1), (), ())),
            ]
        ),
        "optimizer": {"state": {0: {"step": 3, "exp_avg": tensor(floats, (2, 2), (4, 1), 1)}}, "lr": 0.5},
        "betas": (0.9, 0.999),
        "note": "trained",
        "many": list(range(100)),
    }
    half = np.array([1, 2], "<f2").tobytes()
    return value, {"0": NUMBERS.tobytes(), "1": half, "2": b"", "3": struct.pack("<q", 42)}


def check_state_dict(content: bytes) -> Contents:
    found = contents(content)
    assert (found.format, found.findings, found.complete) == ("pytorch", (), True)
    assert listed(found) == {
        "model.layer.weight": ("F32", (3, 4)),
        "model.layer.transposed": ("F32", (4, 3)),
        "model.layer.row": ("F32", (4,)),
        "model.layer.tied": ("F32", (12,)),
        "model.bias": ("F16", (2,)),
        "model.again": ("F16", (2,)),
        "model.empty": ("I64", (0, 7)),
        "model.scalar": ("I64", ()),
        "optimizer.state.0.exp_avg": ("F32", (2, 2)),
    }
    arrays = payload_arrays(memoryview(content))
    np.testing.assert_array_equal(arrays["model.layer.weight"], NUMBERS.reshape(3, 4))
    np.testing.assert_array_equal(arrays["model.layer.transposed"], NUMBERS.reshape(3, 4).T)
    np.testing.assert_array_equal(arrays["model.layer.row"], NUMBERS[8:])
    np.testing.assert_array_equal(arrays["model.layer.tied"], NUMBERS)
    np.testing.assert_array_equal(arrays["optimizer.state.0.exp_avg"], [[1, 2], [5, 6]])
    assert arrays["model.scalar"] == 42
    metadata = dict(found.metadata)
    assert metadata["optimizer.state.0.step"] == 3
    assert (metadata["optimizer.lr"], metadata["note"], metadata["betas"]) == (0.5, "trained", "[0.9, 0.999]")
    assert metadata["many"].count == 100
    return found


@pytest.mark.parametrize("compressed", [False, True])
def test_a_checkpoint(compressed: bool):
    value, storages = state_dict()
    content = archive(value, storages, {"byteorder": b"little"}, compressed=compressed)
    found = check_state_dict(content)
    assert dict(found.facts) | {"would import": ""} == {
        "layout": "zip archive",
        "version": "3",
        "byte order": "little",
        "would import": "",
    }
    for info in found.tensors:
        assert info.encoding == ("deflate" if compressed else "")


def test_data_lies_where_it_is_said_to_lie():
    value, storages = state_dict()
    content = archive(value, storages)
    places = {info.name: (info.offset, info.size) for info in contents(content).tensors}
    offset, size = places["model.layer.row"]
    assert content[offset : offset + size] == NUMBERS[8:].tobytes()
    offset, size = places["optimizer.state.0.exp_avg"]
    assert content[offset : offset + size] == NUMBERS[1:7].tobytes()


def test_a_checkpoint_from_before_archives():
    value, storages = state_dict()
    sizes = {"0": 4, "1": 2, "2": 8, "3": 8}
    content = legacy(value, {key: (len(data) // sizes[key], data) for key, data in storages.items()})
    facts = check_state_dict(content).facts
    assert dict(facts)["layout"] == "pickles, from before zip archives"
    assert ("storages", 4) in facts


def test_a_view_of_a_storage():
    """Storages were views of others once: then the key tells where in the other they begin."""
    part = Storage("FloatStorage", "0", 12, ("view", 4, 8))
    content = legacy({"x": tensor(part, (2,), (1,), 1)}, {"0": (12, NUMBERS.tobytes())})
    np.testing.assert_array_equal(payload_arrays(memoryview(content))["x"], [5, 6])
    beyond = legacy({"x": tensor(part, (8,), (1,), 1)}, {"0": (12, NUMBERS.tobytes())})
    assert "reaches to byte 36 of a storage of 32" in messages(contents(beyond))


def test_the_pairs_that_python_2_wrote():
    pairs = [["a.weight", tensor(Storage("FloatStorage", "0", 12), (12,), (1,))], ["b", 1]]
    metadata = {"_metadata": Made("collections.OrderedDict", [["", {"version": 1}]])}
    found = contents(archive(Made("collections.OrderedDict", pairs, state=metadata), {"0": NUMBERS.tobytes()}))
    assert listed(found) == {"a.weight": ("F32", (12,))}
    assert found.metadata == (("b", 1),)


def test_a_module_that_was_pickled_whole():
    """Its tensors have the names of its state dictionary, and its classes are what loading would import."""
    floats = Storage("FloatStorage", "0", 12)
    inner = Made("copyreg._reconstructor", Named("my.model.Layer"), Named("builtins.object"), None, state={
        "training": True, "_parameters": OrderedDict(weight=tensor(floats, (12,), (1,))), "_modules": OrderedDict(),
    })  # fmt: skip
    outer = Made(
        "my.model.Net", state={"_parameters": {}, "_buffers": {}, "_modules": OrderedDict(layer=inner), "k": 3}
    )
    found = contents(archive(outer, {"0": NUMBERS.tobytes()}))
    assert listed(found) == {"layer.weight": ("F32", (12,))}
    assert ("k", 3) in found.metadata
    said = messages(found)
    assert "import my.model.Net, which tensors do not need" in said
    assert "import my.model.Layer" in said
    assert "_reconstructor" not in said
    assert ("would import", "copyreg._reconstructor") in found.facts


@pytest.mark.parametrize(("kind", "dtype"), STORAGES.items())
def test_storages_of_every_type(kind: str, dtype: str):
    value = {"x": tensor(Storage(kind, "k", 2), (2,), (1,))}
    found = contents(archive(value, {"k": bytes(64)}))
    assert listed(found) == {"x": (dtype, (2,))}
    width = found.tensors[0].size // 2
    assert found.tensors[0].size == found.tensors[0].raw_size
    assert messages(found) == f"'model/data/k' has 64 bytes, its pickle says {2 * width}"
    assert contents(archive(value, {"k": bytes(2 * width)})).findings == ()


@pytest.mark.parametrize(("name", "dtype"), DTYPES.items())
def test_untyped_storages(name: str, dtype: str):
    """Element types that came later tell their name themselves; their storages count bytes."""
    storage = Storage("storage.UntypedStorage", "k", 64)
    value = Made(
        "torch._utils._rebuild_tensor_v3", storage, 1, (2,), (1,), False, OrderedDict(), Named(f"torch.{name}")
    )
    found = contents(archive({"x": value}, {"k": bytes(64)}))
    assert found.findings == ()
    (info,) = found.tensors
    assert (info.dtype, info.shape, info.size) == (dtype, (2,), info.raw_size)


def test_big_endian_data():
    content = archive(
        {
            "x": tensor(Storage("FloatStorage", "0", 12), (12,), (1,)),
            "b": tensor(Storage("ByteStorage", "1", 2), (2,), (1,)),
        },
        {"0": NUMBERS.astype(">f4").tobytes(), "1": b"\1\2"},
        {"byteorder": b"big"},
    )
    arrays = payload_arrays(memoryview(content))
    np.testing.assert_array_equal(arrays["x"], NUMBERS)
    assert listed(contents(content))["b"] == ("U8", (2,))


def test_tensors_of_several_parts():
    floats, longs = Storage("FloatStorage", "0", 12), Storage("LongStorage", "1", 4)
    values, indices = tensor(floats, (2,), (1,)), tensor(longs, (2, 2), (2, 1))
    scales = (Named("torch.per_channel_affine"), tensor(floats, (2,), (1,)), tensor(longs, (2,), (1,)), 0)
    packed = Storage("QInt8Storage", "2", 4)
    once = (Named("torch.per_tensor_affine"), 0.5, 3)
    coo, csr = Named("torch.sparse_coo"), Named("torch.sparse_csr")
    value = {
        "coo": Made("torch._utils._rebuild_sparse_tensor", coo, (indices, values, (9, 9), True)),
        "csr": Made("torch._utils._rebuild_sparse_tensor", csr, (indices, indices, values, (9, 9))),
        "meta": Made("torch._utils._rebuild_meta_tensor_no_storage", Named("torch.bfloat16"), (5, 6), (6, 1), False),
        "q": Made("torch._utils._rebuild_qtensor", packed, 0, (2, 2), (2, 1), once, False, OrderedDict()),
        "qc": Made("torch._utils._rebuild_qtensor", packed, 0, (2, 2), (2, 1), scales, False, OrderedDict()),
        "sub": Made("torch._tensor._rebuild_from_type_v2", Named("torch._utils._rebuild_tensor_v2"),
                    Named("torch.nn.parameter.Parameter"), (floats, 0, (3,), (1,), False, OrderedDict()), {}),
        "storage": floats,
        "size": tensor(floats, Made("torch.Size", (2, 3)), Made("torch.jit._pickle.build_intlist", [3, 1])),
    }  # fmt: skip
    found = contents(archive(value, {"0": NUMBERS.tobytes(), "1": bytes(32), "2": bytes(4)}))
    assert found.findings == ()
    assert listed(found) == {
        "coo.indices": ("I64", (2, 2)),
        "coo.values": ("F32", (2,)),
        "csr.compressed_indices": ("I64", (2, 2)),
        "csr.plain_indices": ("I64", (2, 2)),
        "csr.values": ("F32", (2,)),
        "meta": ("BF16", (5, 6)),
        "q": ("I8", (2, 2)),
        "qc": ("I8", (2, 2)),
        "qc.scales": ("F32", (2,)),
        "qc.zero_points": ("I64", (2,)),
        "sub": ("F32", (3,)),
        "storage": ("F32", (12,)),
        "size": ("F32", (2, 3)),
    }
    assert {info.name: info.encoding for info in found.tensors if info.encoding} == {"meta": "none"}
    assert dict(found.metadata)["q quantised"] == "torch.per_tensor_affine 0.5, 3"


def test_a_compiled_archive():
    constant = tensor(Storage("FloatStorage", "0", 12), (12,), (1,))
    root = Made("__torch__.net.Net", state={"training": False, "weight": constant, "stride": 2})
    content = archive(
        root,
        {"0": NUMBERS.tobytes()},
        {"constants.pkl": pickled((constant,)), "constants/0": bytes(48), "code/__torch__/net.py": b"class Net: ..."},
    )
    found = contents(content)
    assert found.findings == ()
    assert ("layout", "TorchScript archive") in found.facts
    assert ("would import", "__torch__.net.Net") in found.facts
    assert listed(found) == {"weight": ("F32", (12,)), "constants.0": ("F32", (12,))}
    assert found.metadata == (("stride", 2),)
    outside = contents(archive(root, {"0": NUMBERS.tobytes()}))  # a checkpoint has no such classes
    assert "import __torch__.net.Net" in messages(outside)


@pytest.mark.parametrize(
    ("storage", "shape", "strides", "begin", "said"),
    [
        (Storage("FloatStorage", "0", 12), (13,), (1,), 0, "reaches to byte 52 of a storage of 48"),
        (Storage("FloatStorage", "0", 12), (2, 2), (12, 1), 0, "reaches to byte 56 of a storage of 48"),
        (Storage("FloatStorage", "0", 12), (1,), (1,), 12, "reaches to byte 52"),
        (Storage("FloatStorage", "0", 13), (13,), (1,), 0, "its storage '0' is cut short"),
        (Storage("FloatStorage", "9", 12), (12,), (1,), 0, "its storage '9' is not in the payload"),
        (Storage("FloatStorage", "0", 12), (12,), (1, 1), 0, "1 dimensions and 2 strides"),
        (Storage("FloatStorage", "0", 12), (-1,), (1,), 0, "is no number"),
        (Storage("FloatStorage", "0", 12), (2**70,), (0,), 0, "is no number"),
        (Storage("FloatStorage", "0", 12), (1.5,), (1,), 0, "is no number"),
        (Storage("FloatStorage", "0", 12), (1,) * 33, (1,) * 33, 0, "33 dimensions"),
        (Storage("FloatStorage", "0", -12), (1,), (1,), 0, "is no number"),
        (Storage("Float3Storage", "0", 12), (1,), (1,), 0, "torch.Float3Storage, which is not known"),
        ("no storage", (1,), (1,), 0, "its storage is none"),
    ],
)
def test_a_tensor_that_cannot_be(storage: Any, shape: Any, strides: Any, begin: int, said: str):
    good = tensor(Storage("FloatStorage", "0", 12), (12,), (1,))
    content = archive({"bad": tensor(storage, shape, strides, begin), "good": good}, {"0": NUMBERS.tobytes()})
    found = contents(content)
    assert said in messages(found)
    assert listed(found) == {"good": ("F32", (12,))}
    assert found.complete


def test_storages_cut_short_before_archives():
    value = {name: tensor(Storage("FloatStorage", name, 4), (4,), (1,)) for name in "abc"}
    whole = legacy(value, {name: (4, NUMBERS[:4].tobytes()) for name in "abc"})
    assert set(listed(contents(whole))) == {"a", "b", "c"}
    assert set(listed(contents(whole[:-1]))) == {"a", "b"}
    assert "the data was cut short" in messages(contents(whole[:-1]))
    assert set(listed(contents(whole[:-20]))) == {"a", "b"}
    assert set(listed(contents(whole[:-26]))) == {"a"}
    assert messages(contents(whole + b"more")) == "4 bytes follow the last storage"


def test_entries_that_contradict():
    value, storages = {"x": tensor(Storage("FloatStorage", "0", 12), (12,), (1,))}, {"0": NUMBERS.tobytes()}
    pickle_bytes = pickled(value)
    twice = zipped(
        [("m/data.pkl", pickle_bytes), ("m/data.pkl", pickled({"y": Named("os.system")})), ("m/data/0", b"")]
    )
    assert "two entries are named 'm/data.pkl'" in messages(contents(twice))
    assert "import os.system, which can run anything" in messages(contents(twice))
    either = zipped([("m/data.pkl", pickle_bytes), ("M/Data.PKL", pickled(Named("os.system"))), ("m/data/0", b"")])
    assert "import os.system" in messages(contents(either))
    folders = zipped([("m/data.pkl", pickle_bytes), ("n/data.pkl", pickled(Named("os.system")))])
    assert "2 folders have a data.pkl" in messages(contents(folders))
    assert "import os.system" in messages(contents(folders))
    content = archive(value, storages)
    renamed = content.replace(b"model/data.pkl", b"model/data.pkX", 1)
    found = contents(renamed)
    assert "has another name at its data" in messages(found)
    assert not found.complete
    encrypted = bytearray(content)
    encrypted[6] |= 1
    assert "stored in two ways at once" in messages(contents(bytes(encrypted)))


def test_names_that_come_together():
    row = tensor(Storage("FloatStorage", "0", 12), (12,), (1,))
    for content in (archive({"a.b": row, "a": {"b": row}}, {"0": NUMBERS.tobytes()}), pickled({"a.b": 1})):
        said = messages(contents(content))
        assert said == ("two tensors are named 'a.b'" if b"storage" in content else "")


def test_the_first_layout_of_all():
    header = b"sys_info".ljust(257, b"\0") + b"ustar  \0"
    found = contents(header.ljust(2048, b"\0"))
    assert (found.format, len(found.tensors), found.complete) == ("pytorch", 0, False)
    assert "a tar archive, is not read here" in messages(found)
