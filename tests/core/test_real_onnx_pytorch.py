"""ONNX and PyTorch models of other projects: what is listed is what the library reads, or what a twin holds."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from apbundle.fileio import InputFile
from apbundle.mapping import FileMap
from apbundle.payload.arrays import payload_arrays
from apbundle.payload.contents import Contents, read_contents
from fetch_models import is_complete, models_folder
from support.payloads import contents
from support.torch_reading import read_archive, read_legacy

ONNX = {  # tensors
    "silero_vad.onnx": 345,
    "silero_vad_16k_op15.onnx": 177,
    "silero_vad_16k_sequence.onnx": 44,
    "silero_vad_half.onnx": 172,
    "silero_vad_op18_ifless.onnx": 45,
    "silero_vad_openvino_16k.onnx": 99,
}
LPIPS = {
    "alex": (64, 192, 384, 256, 256),
    "squeeze": (64, 128, 256, 384, 384, 512, 512),
    "vgg": (64, 128, 256, 512, 512),
}

CHECKPOINTS = {"mir-1k.ckpt": 16, "mir-1k_g7.ckpt": 22}
CALLS = {"v0.0": "_rebuild_tensor", "v0.1": "_rebuild_tensor_v2"}


@pytest.fixture(scope="module")
def models() -> Path:
    folder = models_folder()
    if not is_complete(folder):
        pytest.fail(f"the real models are not in {folder}: run 'python tests/fetch_models.py' (or 'make test')")
    return folder


def read(path: Path) -> tuple[Contents, dict[str, np.ndarray[Any, Any]]]:
    """What a file holds, and its arrays."""
    with InputFile.open(path) as file, FileMap(file) as mapped:
        found = read_contents(file.size, file.read)
        arrays = {name: array.copy() for name, array in payload_arrays(mapped.view).items()}
    assert (found.findings, found.complete) == ((), True)
    assert len(arrays) == len(found.tensors)
    return found, arrays


def all_tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """What the library finds: initialisers, and tensors in attributes, to any depth."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
                yield from all_tensors(inner)
    yield from graph.initializer


def count_nodes(graph: onnx.GraphProto) -> int:
    inner = (attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g"))
    return len(graph.node) + sum(count_nodes(graph) for graph in inner)


def known(array: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    return array.dtype.str, array.shape, array.tobytes()


@pytest.mark.parametrize("name", ONNX)
def test_onnx_as_the_library_reads_it(models: Path, name: str):
    path = models / "silero_vad/data" / name
    found, arrays = read(path)
    expected = onnx.load(path)
    tensors = list(all_tensors(expected.graph))
    assert len(arrays) == len(tensors) == ONNX[name]
    assert sorted(map(known, arrays.values())) == sorted(known(numpy_helper.to_array(tensor)) for tensor in tensors)
    for tensor in expected.graph.initializer:
        np.testing.assert_array_equal(arrays[tensor.name], numpy_helper.to_array(tensor))
    facts = dict(found.facts)
    assert (facts["format version"], facts["producer"]) == (expected.ir_version, expected.producer_name)
    assert facts["nodes"] == count_nodes(expected.graph)
    inputs = [str(value).partition(":")[0] for key, value in found.facts if key == "input"]
    assert inputs == [value.name for value in expected.graph.input]


def test_torchscript_against_its_twin(models: Path):
    """The same weights were released as ONNX, each under a name that ends as it does here."""
    path = models / "silero_vad/data/silero_vad.jit"
    found, arrays = read(path)
    assert ("layout", "TorchScript archive") in found.facts
    assert len(arrays) == 33
    with zipfile.ZipFile(path) as file:
        entries = {name.partition("/")[2]: file.read(name) for name in file.namelist()}
    assert ("version", entries["version"].decode().strip()) in found.facts
    stored = [content for name, content in entries.items() if name.startswith(("data/", "constants/"))]
    assert sorted(array.tobytes() for array in arrays.values()) == sorted(stored)
    _, twins = read(models / "silero_vad/data/silero_vad.onnx")
    branches = {"_model": "then_branch", "_model_8k": "else_branch"}
    for name, array in arrays.items():
        model, _, rest = name.partition(".")
        if model in branches:
            (twin,) = (key for key in twins if f".{branches[model]}." in key and key.endswith(f"__{rest}"))
            np.testing.assert_array_equal(array, twins[twin])


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_checkpoints_as_the_unpickler_reads_them(models: Path, name: str):
    path = models / "pesto/weights" / name
    content = path.read_bytes()
    found = contents(content)
    assert found.complete
    assert ("layout", "zip archive") in found.facts
    assert all("which tensors do not need" in finding.message for finding in found.findings)
    arrays, expected = payload_arrays(memoryview(content)), read_archive(path)
    assert len(found.tensors) == len(arrays) == CHECKPOINTS[name]
    assert arrays.keys() == expected.keys()
    for key, array in arrays.items():
        assert array.dtype == expected[key].dtype
        np.testing.assert_array_equal(array, expected[key])
    assert dict(found.metadata)["pytorch-lightning_version"] == "2.1.3"


@pytest.mark.parametrize("version", CALLS)
@pytest.mark.parametrize("name", LPIPS)
def test_checkpoints_from_before_archives(models: Path, version: str, name: str):
    found, arrays = read(models / f"lpips/weights/{version}/{name}.pth")
    assert {key: array.shape for key, array in arrays.items()} == {
        f"lin{number}.model.1.weight": (1, channels, 1, 1) for number, channels in enumerate(LPIPS[name])
    }
    for array in arrays.values():
        assert array.dtype == np.float32
        assert np.all(array >= 0)  # the network keeps these weights so
        assert np.all(array < 100)
        assert array.any()
    expected = read_legacy(models / f"lpips/weights/{version}/{name}.pth")
    assert arrays.keys() == expected.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(array, expected[key])
    imports = {value for key, value in found.facts if key == "would import"}
    assert imports == {"collections.OrderedDict", f"torch._utils.{CALLS[version]}", "torch.FloatStorage"}
