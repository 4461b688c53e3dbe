"""Whole columns of tensors at a time: the same as looking at them one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.payload.table import TensorTable
from apbundle_gui.models.tensor_query import Dims, Pattern
from apbundle_gui.services.contents import Group
from apbundle_gui.services.name_keys import name_keys
from apbundle_gui.services.natural import natural
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.tensor_rows import containing, first_with_prefix, of_shape, starting_with, totals, whole

PLAIN = st.text("aB.0019/_", max_size=12)
NAMES = st.lists(PLAIN, max_size=40) | st.lists(PLAIN | st.text("äßKa9٣.", max_size=5), max_size=40)
SHAPES = st.lists(st.lists(st.integers(0, 3), max_size=4), max_size=30)
SIZES = st.lists(st.none() | st.integers(0, 3), max_size=3)


def table_of(names: list[str], shapes: list[list[int]] | None = None) -> TensorTable:
    """A table of these names or shapes, the rows in more than one batch."""
    table = TensorTable()
    for row, name in enumerate(names):
        table.add(name, "F32", shapes[row] if shapes else [1], 0, 0)
        if row % 7 == 6:
            table.publish()
    table.publish()
    return table


@given(NAMES, st.lists(PLAIN, min_size=1, max_size=4))
def test_whole_names(names: list[str], pieces: list[str]) -> None:
    text = "*".join(pieces).casefold()
    every = np.ones(len(names), np.bool_)
    every[::5] = False
    found = whole(table_of(names), every, text.split("*"), Pace())
    wanted = [place for place, name in enumerate(names) if place % 5 and Pattern(text, False).matches(name.casefold())]
    assert np.flatnonzero(found).tolist() == wanted


@given(NAMES, PLAIN)
def test_beginnings_of_names(names: list[str], prefix: str) -> None:
    table = table_of(names)
    found = starting_with(table, prefix, Pace()).tolist()
    assert found == [place for place, name in enumerate(names) if name.startswith(prefix)]
    assert first_with_prefix(table, prefix) == next(iter(found), None)


@given(NAMES, PLAIN)
def test_parts_of_names(names: list[str], part: str) -> None:
    found = containing(table_of(names), len(names), part.casefold(), Pace())
    assert found.tolist() == [Pattern(part.casefold(), True).matches(name.casefold()) for name in names]


@given(NAMES, st.integers(1, 20))
def test_keys_of_names(names: list[str], length: int) -> None:
    table, rows = table_of(names), np.arange(len(names))[::-1]
    wanted = np.array([natural(name).encode()[:length] for name in reversed(names)], np.bytes_)
    assert np.array_equal(name_keys(table, rows, length, Pace(), few=0), wanted)
    assert np.array_equal(name_keys(table, rows, length, Pace()), wanted)


@pytest.mark.parametrize("name", ["7" * 200, "0" * 200 + "5", "x" * 300 + "1", ""])
def test_keys_of_odd_names(name: str) -> None:
    names = ["layer10", name, "layer9"]
    keys = name_keys(table_of(names), np.arange(3), 128, Pace(), few=0)
    assert keys.tolist() == [natural(name).encode()[:128].rstrip(b"\0") for name in names]


@given(SHAPES, SIZES, SIZES, st.booleans())
def test_shapes(shapes: list[list[int]], head: list[int | None], tail: list[int | None], more: bool) -> None:
    tail = tail if more else []
    table = table_of([""] * len(shapes), shapes)
    found = of_shape(table, len(shapes), head, tail, more)
    assert found.tolist() == [is_like(shape, head, tail, more) for shape in shapes]
    assert table.ranks.tolist() == [len(shape) for shape in shapes]


def is_like(shape: list[int], head: list[int | None], tail: list[int | None], more: bool) -> bool:
    """Whether one shape has these dimensions at its beginning and at its end."""
    asked = len(head) + len(tail)
    if len(shape) < asked or (len(shape) > asked and not more):
        return False
    ends = shape[: len(head)] + shape[len(shape) - len(tail) :]
    return all(wanted in (None, found) for wanted, found in zip((*head, *tail), ends, strict=True))


@pytest.mark.parametrize(
    ("dims", "shape", "matches"),
    [
        (Dims((None, 768)), (4, 768), True),
        (Dims((None, 768)), (768,), False),
        (Dims((None, 768)), (1, 4, 768), False),
        (Dims((), (768,), True), (1, 4, 768), True),
        (Dims((2,), (3,), True), (2, 3), True),
        (Dims((2,), (3,), True), (2,), False),
        (Dims(()), (), True),
        (Dims(()), (1,), False),
    ],
)
def test_shapes_match(dims: Dims, shape: tuple[int, ...], matches: bool) -> None:
    table = table_of([""], [list(shape)])
    assert of_shape(table, 1, dims.head, dims.tail, dims.more).tolist() == [matches]


@given(st.lists(st.integers(0, 9), max_size=12), st.data())
def test_totals(lengths: list[int], data: st.DataObject) -> None:
    groups, infos = [], []
    for model, length in enumerate(lengths):
        if length:
            table = table_of([f"t{row}" for row in range(length)], [[row, model] for row in range(length)])
            groups.append(Group(model, len(infos), table))
            infos += list(table)
    rows = data.draw(st.lists(st.integers(0, len(infos) - 1), unique=True) if infos else st.just([]))
    wanted = sum(infos[row].elements for row in rows), sum(infos[row].size for row in rows)
    assert totals(groups, np.array(rows, np.int64)) == wanted
