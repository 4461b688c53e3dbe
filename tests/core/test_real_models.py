"""Model files of other projects, as released: what they are is found, and what is in them is read right."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
import tflite
from safetensors import safe_open
from safetensors.numpy import save

from apbundle.fileio import InputFile
from apbundle.mapping import FileMap
from apbundle.payload.arrays import payload_arrays as arrays
from apbundle.payload.contents import read_contents
from apbundle.payload.detect import HEAD_SIZE, detect_format
from apbundle.payload.quantised import dequantise
from apbundle.payload.safetensors import serialize
from apbundle.payload.safetensors_header import read_header
from fetch_models import is_complete, models_folder
from real_bundle import GGUF_ROWS, PITCH, WORDS, gguf_of, vocabulary_of
from support.payloads import contents

SAFETENSORS = ["silero_vad/data/silero_vad_16k.safetensors", "wordllama/weights/l2_supercat_256.safetensors"]
NPZ = ["resampy/data/kaiser_best.npz", "resampy/data/kaiser_fast.npz"]
KINDS = {
    "*.onnx": ("onnx", 7),
    "*.safetensors": ("safetensors", 2),
    "*.npz": ("npz", 2),
    "*.jit": ("pytorch", 1),
    "*.pth": ("pytorch", 6),
    "*.ckpt": ("pytorch", 2),
    "*.tflite": ("tflite", 1),
    "saved_model.pb": ("savedmodel", 1),
}


@pytest.fixture(scope="module")
def models() -> Path:
    folder = models_folder()
    if not is_complete(folder):
        pytest.fail(f"the real models are not in {folder}: run 'python tests/fetch_models.py' (or 'make test')")
    return folder


@pytest.mark.parametrize("pattern", KINDS)
def test_formats_are_found(models: Path, pattern: str):
    name, count = KINDS[pattern]
    paths = sorted(models.rglob(pattern))
    assert len(paths) == count
    for path in paths:
        with InputFile.open(path) as file:
            head = file.read(0, min(HEAD_SIZE, file.size))
            assert detect_format(head, file.size, file.read) == name, path


@pytest.mark.parametrize("path", SAFETENSORS)
def test_safetensors_read_as_by_the_library(models: Path, path: str):
    with InputFile.open(models / path) as file, FileMap(file) as mapped, safe_open(models / path, "np") as expected:
        header = read_header(file.read, file.size)
        found = arrays(mapped.view)
        assert [tensor.name for tensor in header.tensors] == list(found)
        assert found.keys() == set(expected.keys())
        assert header.metadata == (expected.metadata() or {})
        for name, array in found.items():
            np.testing.assert_array_equal(array, expected.get_tensor(name))


@pytest.mark.parametrize("path", NPZ)
def test_npz_archives_read_as_by_numpy(models: Path, path: str):
    with InputFile.open(models / path) as file, FileMap(file) as mapped, np.load(models / path) as expected:
        contents = read_contents(file.size, file.read)
        assert (contents.findings, contents.complete) == ((), True)
        assert [info.name for info in contents.tensors] == expected.files
        found = arrays(mapped.view)
        for name in expected.files:
            np.testing.assert_array_equal(found[name], expected[name])
            assert found[name].dtype == expected[name].dtype


@pytest.mark.parametrize("path", SAFETENSORS)
def test_safetensors_are_written_as_by_the_library(models: Path, path: str):
    found = arrays(memoryview((models / path).read_bytes()))
    metadata = {"format": "np"}
    header, pieces = serialize(found, metadata)
    assert b"".join([header, *pieces]) == save(found, metadata)


def test_tensorflow_lite_as_the_schema_reads_it(models: Path):
    content = (models / PITCH / "nmp.tflite").read_bytes()
    found = contents(content)
    assert (found.findings, found.complete) == ((), True)
    model = tflite.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    described = [graph.Tensors(place) for place in range(graph.TensorsLength())]
    expected = [tensor for tensor in described if model.Buffers(tensor.Buffer()).DataLength()]
    facts = dict(found.facts)
    assert facts["tensors without data"] == len(described) - len(expected)
    assert facts["nodes"] == graph.OperatorsLength()
    assert dict(found.metadata)["description"] == model.Description().decode()
    assert [info.name for info in found.tensors] == [tensor.Name().decode() for tensor in expected]
    kinds = {tflite.TensorType.FLOAT32: "F32", tflite.TensorType.INT32: "I32"}
    for info, tensor in zip(found.tensors, expected, strict=True):
        assert info.dtype == kinds[tensor.Type()]
        assert info.shape == tuple(tensor.Shape(axis) for axis in range(tensor.ShapeLength()))
        stored = model.Buffers(tensor.Buffer()).DataAsNumpy()
        assert content[info.offset : info.offset + info.size] == stored.tobytes()


def test_gguf_of_real_weights_as_its_package_reads_it(models: Path, tmp_path: Path):
    """The quantisations met most, of an embedding: what is unpacked is what the package unpacks, near the weights."""
    words = arrays(memoryview((models / WORDS).read_bytes()))["embedding.weight"]
    vocabulary = vocabulary_of(models)[:1000]  # the package takes its time over each
    content = gguf_of(words, vocabulary)
    (tmp_path / "words.gguf").write_bytes(content)
    found = contents(content)
    assert (found.findings, found.complete) == ((), True)
    assert dict(found.metadata)["tokenizer.ggml.tokens"].count == len(vocabulary)
    expected = gguf.GGUFReader(tmp_path / "words.gguf").tensors
    near = words[:GGUF_ROWS].astype(np.float32)
    largest = np.abs(near).max()
    seen = set()
    for info, tensor in zip(found.tensors, expected, strict=True):
        seen.add(info.dtype)
        assert (info.name, info.dtype) == (tensor.name, tensor.tensor_type.name)
        assert (info.offset, info.size) == (tensor.data_offset, tensor.n_bytes)
        stored = content[info.offset : info.offset + info.size]
        assert stored == tensor.data.tobytes()
        if info.block is not None:
            numbers = dequantise(info, stored)
            np.testing.assert_array_equal(numbers, gguf.quants.dequantize(tensor.data, tensor.tensor_type))
            assert np.abs(numbers - near).max() < largest / 6
    assert seen == {"F16", "F32", "Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q6_K"}
