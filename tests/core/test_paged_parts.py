"""How models are cut into parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.paged.models import piece_size
from apbundle.paged.parts import CutParts, EvenParts, Parts, cut_at_tensors

MIB = 1 << 20
SIZES = st.integers(0, 400)
TENSORS = st.lists(st.tuples(st.integers(-5, 410), st.integers(0, 60)), max_size=12)


def check_cover(parts: Parts, size: int) -> None:
    """The parts follow each other, cover all, and are found by each of their bytes."""
    bounds = [parts.bounds(index) for index in range(len(parts))]
    assert [begin for begin, _ in bounds] == [0, *(end for _, end in bounds[:-1])][: len(bounds)]
    assert (bounds[-1][1] if bounds else 0) == size
    assert all(begin < end for begin, end in bounds)
    assert parts.largest == max((end - begin for begin, end in bounds), default=0)
    for index, (begin, end) in enumerate(bounds):
        assert parts.at(begin) == parts.at(end - 1) == index


@given(SIZES, st.integers(1, 500))
def test_even_parts(size: int, step: int) -> None:
    parts = EvenParts(7, size, step)
    check_cover(parts, size)
    assert all(parts.bounds(index)[1] - parts.bounds(index)[0] == step for index in range(len(parts) - 1))


@given(SIZES, TENSORS, st.integers(1, 100))
def test_parts_at_tensors(size: int, tensors: list[tuple[int, int]], longest: int) -> None:
    offsets = np.array([offset for offset, _ in tensors], np.int64)
    sizes = np.array([length for _, length in tensors], np.int64)
    ends, rows = cut_at_tensors(size, offsets, sizes, longest)
    inside = [(o, n) for o, n in tensors if n and 0 <= o <= size - n]
    if not inside:
        assert len(ends) == len(rows) == 0
        return
    parts = CutParts(7, ends)
    check_cover(parts, size)
    covered = {byte for offset, length in inside for byte in range(offset, offset + length)}
    for index, row in enumerate(rows.tolist()):
        begin, end = parts.bounds(index)
        if row < 0:
            assert not covered & set(range(begin, end))
            assert end - begin <= longest
        else:
            assert tensors[row] in inside
            assert tensors[row][0] == begin
            assert covered >= set(range(begin, end))
    for offset, length in inside:
        assert parts.at(offset) == parts.at(offset + length - 1), "each tensor lies in one part"


def test_tensors_are_parts() -> None:
    offsets, sizes = np.array([8, 24, 40, 100]), np.array([16, 16, 16, 10])
    ends, rows = cut_at_tensors(112, offsets, sizes, 20)
    assert ends.tolist() == [8, 24, 40, 56, 76, 96, 100, 110, 112]
    assert rows.tolist() == [-1, 0, 1, 2, -1, -1, -1, 3, -1]


def test_a_million_tensors() -> None:
    count = 1_000_000
    offsets = np.random.default_rng(1).permutation(count) * 10
    ends, rows = cut_at_tensors(count * 10, offsets, np.full(count, 10), MIB)
    assert len(ends) == count
    assert np.array_equal(offsets[rows], np.arange(count) * 10)


@pytest.mark.parametrize(
    ("page_size", "limit", "size"),
    [
        (4096, 64 * MIB, 2 * MIB),
        (3 * MIB, 64 * MIB, 3 * MIB),
        (4096, 2 * MIB, 2 * MIB),
        (4096, MIB, MIB // 2),
        (4096, 9000, 4096),
        (1000, 9000, 4000),
    ],
)
def test_pieces_fit_under_the_limit(page_size: int, limit: int, size: int) -> None:
    assert piece_size(page_size, limit) == size
