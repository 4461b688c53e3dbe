"""One bundle of models in every format: what is found in it, and the statistics of its tensors against numpy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from apbundle import ModelBundle
from apbundle.payload.contents import read_contents
from apbundle.payload.quantised import dequantise
from apbundle.payload.tensors import TensorInfo
from apbundle_gui.services.tensor_elements import Elements
from apbundle_gui.services.value_statistics import SAMPLE, exact_statistics, sample_statistics
from fetch_models import is_complete, models_folder
from real_bundle import PACKED, make
from support.statistics import check, wide

HELD = {  # format, tensors
    "silero-vad": ("safetensors", 15),
    "silero-vad.onnx": ("onnx", 177),
    "silero-vad.jit": ("pytorch", 33),
    "wordllama": ("safetensors", 1),
    "pesto.ckpt": ("pytorch", 16),
    "lpips-alex.pth": ("pytorch", 5),
    "basic-pitch.tflite": ("tflite", 67),
    "basic-pitch.onnx": ("onnx", 102),
    "resampy-fast.npz": ("npz", 3),
    "resampy-best.npz": ("npz", 3),
    "basic-pitch.pb": ("savedmodel", 0),
    "results.md": ("unknown", 0),
    "silero-vad.f16": ("safetensors", 15),
    "wordllama.gguf": ("gguf", 7),
    "window.npy": ("npy", 1),
    "silero-vad.apr": ("apr", 7),
    "regression.apr": ("apr", 0),
    "oddities": ("safetensors", 7),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = models_folder()
    if not is_complete(folder):
        pytest.fail(f"the real models are not in {folder}: run 'python tests/fetch_models.py' (or 'make test')")
    path = tmp_path_factory.mktemp("real") / "real.apbundle"
    make(path, folder)
    return path


@pytest.fixture
def bundle(path: Path) -> Iterator[ModelBundle]:
    with ModelBundle.load(path) as opened:
        yield opened


def infos(bundle: ModelBundle, model: str) -> tuple[str, list[TensorInfo]]:
    """The format of a model, and what it lists."""
    reader = bundle.reader
    found = read_contents(reader.entry(model).raw_size, lambda at, size: reader.read_range(model, at, size))
    assert (found.findings, found.complete) == ((), True)
    return found.format, list(found.tensors)


def expected(bundle: ModelBundle, model: str, info: TensorInfo, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The numbers of a tensor without what the window has of its own."""
    if info.block is None:
        return wide(array)
    stored = np.frombuffer(bundle.reader.read_range(model, info.offset, info.size), np.uint8)
    rows = stored.reshape(-1, info.block.bytes)
    numbers = gguf.quants.dequantize(rows, gguf.GGMLQuantizationType[info.block.name])
    np.testing.assert_array_equal(dequantise(info, stored.tobytes()), numbers.reshape(info.shape))
    return wide(numbers)


def test_it_holds_every_format(bundle: ModelBundle) -> None:
    assert {model: (kind, len(found)) for model in bundle for kind, found in [infos(bundle, model)]} == HELD
    assert {model for model in bundle if bundle.entry(model).compressed} == set(PACKED)


@pytest.mark.parametrize("model", [model for model, (_, tensors) in HELD.items() if tensors])
def test_statistics_of_every_tensor(bundle: ModelBundle, model: str) -> None:
    arrays = bundle.arrays(model)
    for info in infos(bundle, model)[1]:
        elements = Elements(bundle.reader, model, info)
        found = sample_statistics(elements)
        numbers = expected(bundle, model, info, arrays[info.name])
        if info.elements > SAMPLE:
            assert (found.count, found.total) == (SAMPLE, info.elements)
            assert found.mean == pytest.approx(numbers.mean(), abs=found.std / 100)
            assert found.std == pytest.approx(numbers.std(), rel=0.05)
            found = exact_statistics(elements, found, lambda phase, done, total: None, lambda: False)
        assert found.exact
        check(found, numbers)
