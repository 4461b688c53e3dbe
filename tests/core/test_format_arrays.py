"""Arrays go in and come back as they were, read-only and without a copy; any safetensors reader gets the same."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors import deserialize

from apbundle import ModelBundle
from apbundle.errors import BundleError
from support.faults import without_fsync
from support.payloads import apr_v2, gguf_payload, gguf_tensor


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "my.apbundle"


ARRAYS = {
    "bf16": np.array([[1.5, -2.25], [0, 3e38]], ml_dtypes.bfloat16),
    "fp8": np.array([0.5, 448], ml_dtypes.float8_e4m3fn),
    "f2": np.linspace(-1, 1, 7, dtype=np.float16),
    "f4": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "f8": np.array([np.nan, np.inf, -0.0]),
    "i1": np.array([-128, 127], np.int8),
    "i8": np.array([-(2**63), 2**63 - 1]),
    "u8": np.array([2**64 - 1], np.uint64),
    "bool": np.array([True, False]),
    "c8": np.array([1 + 2j], np.complex64),
    "scalar": np.array(3.5, np.float32),
    "empty": np.empty((0, 3), np.int32),
    "big endian": np.arange(4, dtype=">f4"),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
    "strided": np.arange(20, dtype=np.uint8)[::3],
    "ünï": np.zeros(1, np.uint8),
}


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize("compress", [True, False])
def test_arrays_come_back(path: Path, mapped: bool, compress: bool) -> None:
    ModelBundle.builder(path).add_model("before", b"x").add_model("m", ARRAYS, compress=compress).build().close()
    with ModelBundle.load(path, mapped=mapped) as made:
        again = made.arrays("m")
        plain = dict(deserialize(bytes(made.get_model("m"))))
    assert set(again) == set(ARRAYS) == set(plain)
    for name, array in ARRAYS.items():
        found = again[name]
        assert found.shape == array.shape
        assert found.dtype == array.dtype.newbyteorder("<")
        assert found.tobytes() == array.astype(found.dtype).tobytes()
        assert not found.flags.writeable
        assert bytes(plain[name]["data"]) == found.tobytes()
        assert tuple(plain[name]["shape"]) == found.shape


def test_arrays_are_views_of_the_map(path: Path) -> None:
    with ModelBundle.builder(path).add_model("m", np.arange(1000.0)).build() as made:
        first, second = made.arrays("m")["m"], made.arrays("m")["m"]
        assert first.__array_interface__["data"] == second.__array_interface__["data"]
    assert first[999] == 999.0


def test_arrays_that_were_not_saved_yet() -> None:
    made = ModelBundle().add_model("m", {"w": np.ones(3, ml_dtypes.bfloat16)})
    assert made.arrays("m")["w"].tolist() == [1.0, 1.0, 1.0]


FORMATS: dict[str, bytes] = {}
_stream = io.BytesIO()
np.save(_stream, np.asfortranarray(np.arange(6.0).reshape(2, 3)))
FORMATS["npy"] = _stream.getvalue()
for _name, _save in (("npz", np.savez), ("npz deflated", np.savez_compressed)):
    _stream = io.BytesIO()
    _save(_stream, array=np.arange(6.0).reshape(2, 3))
    FORMATS[_name] = _stream.getvalue()
FORMATS["apr"] = apr_v2([("array", 3, (2, 3), np.arange(6.0).tobytes())], {})
FORMATS["gguf"] = gguf_payload([], [gguf_tensor(b"array", [3, 2], 28, 0)], np.arange(6.0).tobytes())


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("mapped", [True, False])
def test_arrays_of_other_formats(path: Path, name: str, mapped: bool) -> None:
    ModelBundle.builder(path).add_model("before", b"x").add_model("m", FORMATS[name]).build().close()
    with ModelBundle.load(path, mapped=mapped) as made:
        (array,) = made.arrays("m").values()
        np.testing.assert_array_equal(array, np.arange(6.0).reshape(2, 3))
        assert not array.flags.writeable


def test_what_cannot_be_read_as_arrays(path: Path) -> None:
    with ModelBundle.builder(path).add_model("text", b"hello").add_model("none", b"").build() as made:
        for name in ("text", "none"):
            with pytest.raises(BundleError) as caught:
                made.arrays(name)
            assert caught.value.code == "unsupported_feature"
        with pytest.raises(BundleError) as caught:
            made.arrays("other")
        assert caught.value.code == "model_not_found"
    with pytest.raises(TypeError):
        ModelBundle().add_model("m", np.array(["text"]))
