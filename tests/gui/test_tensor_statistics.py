"""Statistics, histograms and grids of values against numpy, on values that are hard on them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from apbundle.errors import Cancelled
from apbundle.format.reader import BundleReader
from apbundle.payload.tensors import TensorInfo
from apbundle_gui.services.tensor_elements import Elements
from apbundle_gui.services.tensor_layout import Plane
from apbundle_gui.services.value_grid import LEVELS, NOT_FINITE, Region, edges, grid, sample_grid
from apbundle_gui.services.value_histogram import Tally, histogram_edges
from apbundle_gui.services.value_range import ValueRange, common_range
from apbundle_gui.services.value_statistics import (
    SAMPLE,
    Moments,
    exact_statistics,
    full_histogram,
    sample_statistics,
)
from support.statistics import check, wide
from support.tensors import NAMES, bundle, elements, hostile, npy, npz, safetensors

HUGE = float(np.finfo(np.float64).max)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
VECTORS = arrays.arrays(np.float64, st.integers(1, 50), elements=FINITE)


def silent(phase: str, done: int, total: int) -> None:
    """Nobody watches."""


def never() -> bool:
    return False


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("size", [0, 1, 3000])
def test_of_every_type(tmp_path: Path, kind: str, size: int) -> None:
    array = hostile(kind, size)
    path = bundle(tmp_path / "b.apbundle", {"model": safetensors({"t": array})})
    with BundleReader.open(path) as reader:
        found = sample_statistics(elements(reader))
        assert found.exact
        check(found, wide(array))
        full = full_histogram(elements(reader), found, silent, never)
    assert full is None or (full.below, full.above, int(full.counts.sum())) == (0, 0, found.finite)


def test_extremes_of_long_integers_are_exact(tmp_path: Path) -> None:
    array = np.array([2**64 - 1, 2**64 - 2, 3], np.uint64)
    path = bundle(tmp_path / "b.apbundle", {"model": safetensors({"t": array})})
    with BundleReader.open(path) as reader:
        found = sample_statistics(elements(reader))
    assert (found.low, found.high) == (3, 2**64 - 1)


def test_numbers_that_share_a_byte_and_numbers_with_the_highest_byte_first(tmp_path: Path) -> None:
    big = np.asfortranarray(hostile("float32", 600).reshape(20, 30).astype(">f4"))
    nibbles = np.random.default_rng(1).integers(0, 256, 500, np.uint8)
    path = bundle(tmp_path / "b.apbundle", {"big": npy(big), "packed": nibbles.tobytes()})
    with BundleReader.open(path) as reader:
        check(sample_statistics(elements(reader, "big")), big.astype(np.float64))
        halves = np.stack((nibbles & 15, nibbles >> 4), 1).reshape(-1).astype(np.int64)
        for name, numbers in (("U4", halves), ("I4", (halves + 8) % 16 - 8)):
            packed = Elements(reader, "packed", TensorInfo("t", name, (1000,), 0, 500))
            check(sample_statistics(packed), numbers.astype(np.float64))


def test_half_precision_does_not_overflow(tmp_path: Path) -> None:
    array = np.full(100_000, 60_000, np.float16)
    path = bundle(tmp_path / "b.apbundle", {"model": safetensors({"t": array})})
    with BundleReader.open(path) as reader:
        found = sample_statistics(elements(reader))
    assert (found.mean, found.std) == (float(array[0]), 0.0)


@given(st.lists(VECTORS, min_size=1, max_size=5))
def test_moments_in_pieces_are_those_of_the_whole(pieces: list[np.ndarray]) -> None:
    moments = Moments()
    for piece in pieces:
        moments.add(piece.copy())
    whole = np.concatenate(pieces)
    top = float(np.abs(whole).max()) or 1.0
    wide = whole.astype(np.longdouble) / top
    least = 1e-12 + 5e-324 / top  # no mean is between two neighbouring doubles
    assert moments.mean / top == pytest.approx(float(wide.mean()), rel=1e-9, abs=least)
    assert moments.std / top == pytest.approx(float(wide.std()), rel=1e-6, abs=1e-7 + least)


@pytest.mark.parametrize("value", [HUGE, -HUGE, 5e-324, 1e-310, 1e160, 0.0])
def test_moments_at_both_ends_of_doubles(value: float) -> None:
    moments = Moments()
    moments.add(np.full(3, value))
    moments.add(np.full(2, -value))
    assert moments.mean == pytest.approx(value / 5, rel=1e-9, abs=5e-324)
    assert moments.std == pytest.approx(abs(value) * math.sqrt(0.96), rel=1e-9, abs=5e-324)


@given(VECTORS)
def test_every_value_is_in_the_bin_whose_borders_hold_it(values: np.ndarray) -> None:
    for reach in (common_range(values), ValueRange(float(values.min()), float(values.max()))):
        borders = histogram_edges(reach, whole=False)
        assert np.isfinite(borders).all()
        assert (np.diff(borders) >= 0).all()
        tally = Tally(borders)
        tally.add(values)
        found = tally.histogram()
        assert int(found.counts.sum()) + found.below + found.above == len(values)
        shares = reach.shares(values)
        inside = (values >= reach.low) & (values <= reach.high)
        assert ((shares[inside] >= 0) & (shares[inside] <= 1)).all()


def test_few_integers_have_a_bin_each() -> None:
    tally = Tally(histogram_edges(ValueRange(-2, 3), whole=True))
    tally.add(np.array([-2.0, -2, 0, 3, 3, 3]))
    assert tally.histogram().counts.tolist() == [2, 0, 1, 0, 0, 3]


def test_outliers_lie_outside_of_the_common_range() -> None:
    values = np.random.default_rng(4).normal(size=100_000)
    values[:3] = (500, -300, 700)
    common = common_range(values)
    assert -6 < common.low < -3
    assert 3 < common.high < 6
    assert common_range(np.r_[np.zeros(100_000), 5.0]) == ValueRange(0, 5)


def test_a_large_tensor_is_sampled_first_and_then_read(tmp_path: Path) -> None:
    array = np.random.default_rng(5).normal(3, 2, (2 * SAMPLE // 1000 + 1, 1000)).astype(np.float32)
    array[1000, :50] = (np.nan,) * 50
    array[1001, 7] = 1e3
    path = bundle(tmp_path / "b.apbundle", {"model": safetensors({"t": array}), "packed": npz({"t": array[:1100]})})
    with BundleReader.open(path) as reader:
        whole = elements(reader)
        read: list[int] = []
        plain = reader.read_range

        def counted(name: str, at: int, size: int) -> bytes:
            read.append(size)
            return plain(name, at, size)

        reader.read_range = counted  # type: ignore[method-assign]
        found = sample_statistics(whole)
        assert found.count == SAMPLE < found.total == array.size
        assert sum(read) == 4 * SAMPLE
        assert found.mean == pytest.approx(3, abs=0.05)
        reported: list[tuple[int, int]] = []
        exact = exact_statistics(elements(reader), found, lambda _, done, total: reported.append((done, total)), never)
        assert max(read) <= 4 << 20
        check(exact, array.astype(np.float64))
        assert exact.histogram is not None
        assert exact.histogram.above >= 1
        assert reported[0] == (0, array.nbytes)
        assert reported[-1] == (array.nbytes, array.nbytes)
        with pytest.raises(Cancelled):
            exact_statistics(elements(reader), found, silent, lambda: True)
        assert sample_statistics(elements(reader, "packed")).count == SAMPLE


# -- grids -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    array = np.random.default_rng(6).normal(size=(5, 301, 7, 403))
    array[2, 17, 3, 5] = np.nan
    array[2, 18, 3, 6] = np.inf
    array[2, 200, 3, :] = np.nan
    path = bundle(tmp_path_factory.mktemp("grid") / "b.apbundle", {"model": safetensors({"t": array})})
    return path, array


@pytest.mark.parametrize("axes", [(1, 3), (3, 1), (1, 2), (2, 1), (0, 3), (3, 0), (None, 3), (1, None)])
@pytest.mark.parametrize("size", [(1000, 1000), (40, 50), (1, 1), (7, 1000)])
def test_cells_are_those_of_numpy(
    matrix: tuple[Path, np.ndarray], axes: tuple[int | None, int | None], size: tuple[int, int]
) -> None:
    path, array = matrix
    index = (2, 17, 3, 5)
    with BundleReader.open(path) as reader:
        found = elements(reader)
        plane = found.layout.plane(*axes, index)
        kept = [np.s_[:] if axis in axes else place for axis, place in enumerate(index)]
        view = array[tuple(kept)]
        if None not in axes and axes[0] > axes[1]:
            view = view.T
        view = view.reshape(plane.rows, plane.columns)
        region = Region(plane.rows // 4, plane.rows, 0, max(1, plane.columns - 1))
        cells = grid(found, plane, region, *size, silent, never)
        few = sample_grid(found, plane, region, *size)
    assert cells.complete
    assert not few.complete
    with np.errstate(all="ignore"):
        for down in range(0, len(cells.row_edges) - 1, 13):
            for right in range(0, len(cells.column_edges) - 1, 17):
                top, bottom = cells.row_edges[down : down + 2]
                left, end = cells.column_edges[right : right + 2]
                part = view[top:bottom, left:end]
                finite = part[np.isfinite(part)]
                assert bool(cells.odd[down, right]) == (finite.size < part.size)
                if not finite.size:
                    assert np.isnan(cells.mean[down, right])
                    continue
                assert cells.mean[down, right] == pytest.approx(finite.mean(), rel=1e-9, abs=1e-12)
                assert (cells.low[down, right], cells.high[down, right]) == (finite.min(), finite.max())
                assert cells.cell_of(int(top), int(left)) == (down, right)
    assert few.mean.shape <= cells.mean.shape
    with np.errstate(invalid="ignore"):
        assert not (few.low < np.nanmin(np.where(np.isfinite(view), view, np.nan))).any()


def test_a_huge_plane_is_sampled_in_few_reads() -> None:
    wide = _Plain(np.arange(7.0), element_size=4.0)
    cells = sample_grid(wide, Plane(0, 2**20, 2**30, 2**30, 1), Region(0, 2**20, 0, 2**30), 800, 1200)
    assert cells.mean.shape == (128, 128)
    assert wide.read_cells == 128 * 128


def test_sums_of_huge_values_do_not_overflow(tmp_path: Path) -> None:
    array = np.full((100, 100), HUGE)
    array[::2] = -HUGE
    path = bundle(tmp_path / "b.apbundle", {"model": safetensors({"t": array, "u": np.abs(array)})})
    with BundleReader.open(path) as reader:
        for name, mean in (("t", 0.0), ("u", HUGE)):
            found = elements(reader, tensor=name)
            plane = found.layout.plane(0, 1, (0, 0))
            cells = grid(found, plane, Region(0, 100, 0, 100), 10, 10, silent, never)
            assert np.allclose(cells.mean / HUGE, mean / HUGE)


def test_codes_are_places_on_the_scale() -> None:
    scale = ValueRange(-2.0, 2.0)
    found = grid(
        _Plain(np.array([[-5.0, -2, 0, 2], [9, np.nan, np.inf, 1]])), _PLANE, Region(0, 2, 0, 4), 9, 9, silent, never
    )
    middle = LEVELS // 2
    assert found.codes(found.values(), scale).tolist() == [
        [0, 0, middle, LEVELS - 1],
        [LEVELS - 1, NOT_FINITE, NOT_FINITE, round((LEVELS - 1) * 0.75)],
    ]
    small = grid(_Plain(np.array([[-5.0, -2, 0, 2], [3, 0, 0, 1]])), _PLANE, Region(0, 2, 0, 4), 1, 1, silent, never)
    assert small.codes(small.values(extreme=True), ValueRange(-5.0, 5.0)).tolist() == [[0]]
    assert ValueRange(0.0, 0.0).shares(np.array([-1.0, 0, 1])).tolist() == [0, 0.5, 1]
    assert ValueRange(-HUGE, HUGE).shares(np.array([-HUGE, 0, HUGE])).tolist() == [0, 0.5, 1]


@given(st.integers(0, 2**40), st.integers(1, 2**40), st.integers(1, 2000))
def test_borders_of_cells(begin: int, length: int, most: int) -> None:
    borders = edges(begin, begin + length, most)
    assert (borders[0], borders[-1]) == (begin, begin + length)
    assert len(borders) - 1 == min(length, most)
    sizes = np.diff(borders)
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= 1


_PLANE = Plane(0, 2, 4, 4, 1)


class _Plain(Elements):
    """Elements that are there already, and again and again."""

    element_size = 8.0

    def __init__(self, values: np.ndarray, element_size: float = 8.0) -> None:
        self._values = values.reshape(-1)
        self.element_size = element_size
        self.read_cells = 0

    def rectangle(self, start, rows, row_step, columns, column_step, pace=None):  # type: ignore[no-untyped-def]
        self.read_cells += rows * columns
        places = start + np.arange(rows)[:, None] * row_step + np.arange(columns) * column_step
        return self._values[places % len(self._values)]
