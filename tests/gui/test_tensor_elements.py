"""Elements of tensors as numbers: of every type and order, any part of them, as numpy has them; or why not."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import Cancelled, UnsupportedFeature
from apbundle.format.reader import BundleReader
from apbundle.payload.quantised import APR_Q4, GGML_BLOCKS, apr_q8, dequantise
from apbundle.payload.tensors import PayloadError, TensorInfo
from apbundle_gui.services.number_types import as_floats, number_type
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.tensor_elements import Elements, bytes_of, position_at
from apbundle_gui.services.tensor_layout import Layout
from support.tensors import NAMES, bundle, elements, hostile, infos, npy, npz, safetensors

gguf = pytest.importorskip("gguf")


def floats(array: np.ndarray) -> np.ndarray:
    """What numpy makes of values, in double precision."""
    with np.errstate(all="ignore"):
        wide = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
        return np.abs(wide) if array.dtype.kind == "c" else wide


def everything(found: Elements) -> np.ndarray:
    pieces = [as_floats(piece.reshape(-1)) for piece in found.pieces()]
    return np.concatenate(pieces) if pieces else np.zeros(0)


@pytest.mark.parametrize("kind", NAMES)
def test_every_type_is_read_as_numpy_does(tmp_path: Path, kind: str) -> None:
    array = hostile(kind, 1000).reshape(20, 50)
    path = bundle(tmp_path / "b.apbundle", {"model": safetensors({"t": array})})
    with BundleReader.open(path) as reader:
        found = elements(reader)
        np.testing.assert_array_equal(everything(found), floats(array).reshape(-1))
        np.testing.assert_array_equal(as_floats(found.read(7, 60)), floats(array).reshape(-1)[7:67])
        np.testing.assert_array_equal(as_floats(found.rectangle(52, 3, 100, 5, 2)), floats(array)[1:7:2, 2:12:2])
        np.testing.assert_array_equal(as_floats(found.rectangle(52, 5, 2, 3, 100)), floats(array)[1:7:2, 2:12:2].T)


def test_big_endian_and_columns_first(tmp_path: Path) -> None:
    array = np.asfortranarray(np.arange(24, dtype=">i4").reshape(2, 3, 4))
    path = bundle(tmp_path / "b.apbundle", {"model": npy(array)})
    with BundleReader.open(path) as reader:
        found = elements(reader)
        assert found.layout.strides == (1, 2, 6)
        assert found.layout.dense
        np.testing.assert_array_equal(np.sort(everything(found)), np.arange(24))
        for index in np.ndindex(2, 3, 4):
            position = found.layout.position(index)
            assert found.read(position, 1)[0] == array[index]
            assert found.layout.index_of(position) == index


@pytest.mark.parametrize("compress", [False, True])
def test_compressed_models_and_deflated_arrays_are_read_in_any_order(tmp_path: Path, compress: bool) -> None:
    array = np.random.default_rng(1).normal(size=(700, 900)).astype(np.float32)
    path = bundle(tmp_path / "b.apbundle", {"model": npz({"t": array})}, compress=compress)
    with BundleReader.open(path) as reader:
        found = elements(reader)
        assert not found.seekable
        flat = array.reshape(-1)
        for start, count in ((0, 10), (500_000, 100_000), (5, 3), (629_999, 1), (1, 400_000)):
            np.testing.assert_array_equal(found.read(start, count), flat[start : start + count])
        np.testing.assert_array_equal(everything(found), flat)


def test_views_are_read_by_their_strides(tmp_path: Path) -> None:
    stored = np.arange(5000, dtype=np.float32)
    payload = stored.tobytes()
    path = bundle(tmp_path / "b.apbundle", {"model": payload})
    with BundleReader.open(path) as reader:
        for shape, strides in (((4, 5, 6), (1, 100, 7)), ((3, 1000), (0, 2)), ((1,), (0,)), ((50, 60), (60, 1))):
            info = TensorInfo("t", "F32", shape, 0, len(payload), strides=strides)
            found = Elements(reader, "model", info)
            view = np.lib.stride_tricks.as_strided(stored, shape, [4 * step for step in strides])
            assert found.layout.count == view.size
            np.testing.assert_array_equal(np.sort(everything(found)), np.sort(view.reshape(-1)))
            assert found.layout.dense == (shape == (50, 60) or shape == (1,))


@pytest.mark.parametrize("name", ["Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q6_K"])
def test_blocks_are_unpacked_a_part_at_a_time(tmp_path: Path, name: str) -> None:
    block = GGML_BLOCKS[name]
    kind = gguf.GGMLQuantizationType[name]
    stored = np.random.default_rng(2).integers(0, 60, (40, block.bytes), np.uint8)
    info = TensorInfo("t", name, (40 * block.elements,), 0, stored.size, block=block)
    path = bundle(tmp_path / "b.apbundle", {"model": stored.tobytes()})
    expected = gguf.quants.dequantize(stored, kind).reshape(-1)
    with BundleReader.open(path) as reader:
        found = Elements(reader, "model", info)
        np.testing.assert_array_equal(everything(found), expected.astype(np.float64))
        np.testing.assert_array_equal(found.read(45, 300), expected[45:345])


def test_apr_blocks(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    four = np.concatenate([np.full((4, 2), 0x3C, np.uint8), chance.integers(0, 255, (4, 16), np.uint8)], axis=1)
    eight = np.float32([0.25]).tobytes() + chance.integers(0, 255, 1000, np.uint8).tobytes()
    path = bundle(tmp_path / "b.apbundle", {"four": four.tobytes(), "eight": eight})
    with BundleReader.open(path) as reader:
        info = TensorInfo("t", "AprQ4", (10, 12), 0, four.size, block=APR_Q4)
        found = Elements(reader, "four", info)
        np.testing.assert_array_equal(everything(found), dequantise(info, four.tobytes()).reshape(-1))
        info = TensorInfo("t", "AprQ8", (1000,), 0, len(eight), block=apr_q8(1000))
        found = Elements(reader, "eight", info)
        np.testing.assert_array_equal(found.read(500, 20), dequantise(info, eight)[500:520])
        assert bytes_of(info, 500) == (504, 1)


def test_numbers_smaller_than_a_byte(tmp_path: Path) -> None:
    path = bundle(tmp_path / "b.apbundle", {"model": bytes([0x21, 0xF3, 0x08])})
    with BundleReader.open(path) as reader:
        for name, expected in (("U4", [1, 2, 3, 15, 8]), ("I4", [1, 2, 3, -1, -8]), ("F4", [0.5, 1, 1.5, -6, -0.0])):
            info = TensorInfo("t", name, (5,), 0, 3)
            assert Elements(reader, "model", info).read(0, 5).tolist() == expected
            assert bytes_of(info, 3) == (1, 1)
            assert position_at(info, 1) == 2


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (TensorInfo("t", "F6_E2M3", (4,), 0, 3), "6 bits"),
        (TensorInfo("t", "QUX", (4,), 0, 4), "QUX"),
        (TensorInfo("t", "F32", (4,), 0, 8), "takes 16 bytes"),
        (TensorInfo("t", "F32", (2**40, 2**40), 0, 8), "claims"),
        (TensorInfo("t", "F32", (2,), 95, 8), "past the end"),
        (TensorInfo("t", "F32", (2,), 0, 8, encoding="external"), "another file"),
        (TensorInfo("t", "F32", (2,), 0, 8, strides=(-1,)), "order"),
        (TensorInfo("t", "F32", (2,), 0, 8, strides=(1000,)), "takes"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, info: TensorInfo, reason: str) -> None:
    path = bundle(tmp_path / "b.apbundle", {"model": bytes(100)})
    with BundleReader.open(path) as reader, pytest.raises(UnsupportedFeature, match=reason):
        Elements(reader, "model", info)


def test_text_is_no_number(tmp_path: Path) -> None:
    path = bundle(tmp_path / "b.apbundle", {"model": npy(np.array(["a", "bc"]))})
    with BundleReader.open(path) as reader, pytest.raises(PayloadError, match="not numbers"):
        number_type(next(iter(infos(reader, "model").values())))


@given(st.lists(st.integers(1, 5), min_size=0, max_size=6), st.data())
def test_positions_and_indices_are_each_others_opposite(shape: list[int], data: st.DataObject) -> None:
    order = data.draw(st.sampled_from("CF"))
    layout = Layout.of(TensorInfo("t", "U8", tuple(shape), 0, 0, order=order))
    array = np.arange(layout.count, dtype=np.int64).reshape(shape, order=order)
    index = tuple(data.draw(st.integers(0, length - 1)) for length in shape)
    assert layout.position(index) == array[index]
    assert layout.index_of(int(array[index])) == index
    if len(shape) > 1:
        rows, columns = data.draw(st.permutations(range(len(shape))))[:2]
        plane = layout.plane(rows, columns, index)
        view = np.moveaxis(array, (rows, columns), (0, 1))[
            (..., *(p for a, p in enumerate(index) if a not in (rows, columns)))
        ]
        assert (plane.rows, plane.columns) == view.shape
        assert plane.position(plane.rows - 1, plane.columns - 1) == view[-1, -1]


def test_reading_everything_can_be_cancelled(tmp_path: Path) -> None:
    path = bundle(tmp_path / "b.apbundle", {"model": safetensors({"t": np.zeros(3_000_000, np.float32)})})
    with BundleReader.open(path) as reader, pytest.raises(Cancelled):
        for _ in elements(reader).pieces(Pace(lambda: True)):
            pass


def test_a_type_of_one_byte_that_numpy_has_not() -> None:
    decode = number_type(TensorInfo("t", "F8_E4M3FNUZ", (256,), 0, 256)).decode
    data = bytes(range(256))
    expected = np.frombuffer(data, ml_dtypes.float8_e4m3fnuz).astype(np.float32)
    np.testing.assert_array_equal(decode(data, b""), expected)
