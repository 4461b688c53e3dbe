"""Model files of other projects, as released: what they are is found, and what is in them is read right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

from apbundle.fileio import InputFile
from apbundle.mapping import FileMap
from apbundle.payload.arrays import payload_arrays as arrays
from apbundle.payload.contents import read_contents
from apbundle.payload.detect import HEAD_SIZE, detect_format
from apbundle.payload.safetensors import serialize
from apbundle.payload.safetensors_header import read_header
from fetch_models import is_complete, models_folder

SAFETENSORS = ["silero_vad/data/silero_vad_16k.safetensors", "wordllama/weights/l2_supercat_256.safetensors"]
NPZ = ["resampy/data/kaiser_best.npz", "resampy/data/kaiser_fast.npz"]
KINDS = {"*.onnx": ("onnx", 6), "*.safetensors": ("safetensors", 2), "*.npz": ("npz", 2), "*.jit": ("pytorch", 1)}
KINDS["*.pth"] = ("pytorch", 6)


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
