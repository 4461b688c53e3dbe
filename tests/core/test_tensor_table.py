"""The table of tensors: what was added comes back, names are found, and readers may come while it grows."""

from __future__ import annotations

import pickle
import threading
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.payload.sink import LONGEST_TEXT, Folded, Sink
from apbundle.payload.table import Kind, TensorTable
from apbundle.payload.tensors import MAX_RANK, MAX_TENSORS, BlockType, PayloadError, TensorInfo
from apbundle.progress import Reporter

Q4 = BlockType("Q4_0", 32, 18)

infos = st.builds(
    TensorInfo,
    name=st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    dtype=st.sampled_from(["F32", "BF16", ">I16", "F4", "Q4_0", "strange"]),
    shape=st.lists(st.one_of(st.integers(0, 9), st.integers(0, 2**64 - 1)), max_size=4).map(tuple),
    offset=st.integers(0, 2**63 - 1),
    size=st.integers(0, 2**63 - 1),
    block=st.sampled_from([None, Q4]),
    order=st.sampled_from(["C", "F"]),
    strides=st.one_of(st.none(), st.lists(st.integers(0, 2**40), max_size=4).map(tuple)),
    encoding=st.sampled_from(["", "deflate"]),
    skip=st.sampled_from([0, 128]),
)


def add(table: TensorTable, info: TensorInfo) -> bool:
    fields: dict[str, Any] = {name: getattr(info, name) for name in ("block", "order", "strides", "encoding", "skip")}
    return table.add(info.name, info.dtype, info.shape, info.offset, info.size, **fields)


@given(st.lists(infos, max_size=40), st.data())
def test_rows_come_back_as_they_were_added(rows: list[TensorInfo], data: st.DataObject):
    table = TensorTable()
    for number, info in enumerate(rows):
        add(table, info)
        if data.draw(st.booleans()):
            table.publish()
            assert len(table) == number + 1
    table.publish()
    assert list(table) == rows == [table[row] for row in range(-len(rows), 0)]
    assert table[1:5:2] == tuple(rows[1:5:2])
    assert [table.name(row) for row in range(len(rows))] == [info.name for info in rows]
    assert table.offsets.tolist() == [info.offset for info in rows]
    assert table.sizes.tolist() == [info.size for info in rows]
    assert table.elements.tolist() == [min(info.elements, 2**63 - 1) for info in rows]
    kinds = [Kind(info.dtype, info.block, info.order, info.encoding, info.skip) for info in rows]
    assert [table.kinds[number] for number in table.kind_numbers] == kinds
    names = [info.name for info in rows]
    for name in {*names, "not there"}:
        assert table.find(name) == (names.index(name) if name in names else None)
    twice = table.duplicate()
    assert (twice is None) == (len(set(names)) == len(names))
    assert twice is None or names.count(twice) > 1


def test_names_whose_hashes_collide(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("apbundle.payload.table.hash", len, raising=False)
    table = TensorTable()
    for name in ("aa", "bb", "cc", "d"):
        table.add(name, "F32", (), 0, 4)
    table.publish()
    assert [table.find(name) for name in ("aa", "bb", "cc", "d", "ee", "e")] == [0, 1, 2, 3, None, None]
    assert table.duplicate() is None
    table.add("bb", "F32", (), 0, 4)
    table.publish()
    assert (table.duplicate(), table.find("bb")) == ("bb", 1)


def test_rows_appear_in_batches_small_ones_first():
    table = TensorTable()
    sizes = [len(table) for number in range(40_000) if table.add(str(number), "F32", (number,), number, 4)]
    assert sizes[0] == 256
    assert max(later - earlier for earlier, later in pairwise(sizes)) <= 8192
    assert len(table) < 40_000
    table.publish()
    assert [table[row].shape for row in (0, 255, 256, 39_999)] == [(0,), (255,), (256,), (39_999,)]
    assert not table.offsets.flags.writeable
    with pytest.raises(IndexError):
        table[40_000]


def test_threads_read_while_it_grows():
    table = TensorTable()
    ends = threading.Event()
    problems = []

    def watch() -> None:
        while not ends.is_set() or len(table) < 30_000:
            length = len(table)
            columns = table.offsets, table.sizes, table.kind_numbers, table.elements
            if not all(len(column) >= length for column in columns):
                problems.append("a column is shorter than the table")
            if length and (table[length - 1].offset != length - 1 or table.find(f"t{length - 1}") != length - 1):
                problems.append(f"row {length - 1} is another")

    threads = [threading.Thread(target=watch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(30_000):
        table.add(f"t{number}", "F32" if number % 3 else "F16", (2, number), number, 8)
    table.publish()
    ends.set()
    for thread in threads:
        thread.join()
    assert not problems


def test_half_surrogates_in_names_become_visible():
    table = TensorTable()
    table.add("a\ud800", "F32", (), 0, 4)
    table.publish()
    assert table[0].name == "a\\ud800"
    assert table.find("a\ud800") == 0


def test_it_stays_in_its_process():
    with pytest.raises(TypeError, match="stays in its process"):
        pickle.dumps(TensorTable())


@pytest.mark.parametrize(
    ("dtype", "shape", "block", "raw_size"),
    [
        ("F32", (2, 3), None, 24),
        (">F32", (2, 3), None, 24),
        ("F4", (3,), None, 2),
        ("BOOL", (), None, 1),
        ("C128", (2,), None, 32),
        ("strange", (2,), None, None),
        ("Q4_0", (64,), Q4, 36),
        ("Q4_0", (33,), Q4, 36),
        ("Q4_0", (0,), Q4, 0),
    ],
)
def test_raw_sizes(dtype: str, shape: tuple[int, ...], block: BlockType | None, raw_size: int | None):
    assert TensorInfo("x", dtype, shape, 0, 0, block).raw_size == raw_size


def test_a_sink_keeps_within_bounds(monkeypatch: pytest.MonkeyPatch):
    sink = Sink(TensorTable(), Reporter())
    for shape, offset, size in (((1,) * (MAX_RANK + 1), 0, 0), ((2**63,), 0, 0), ((1,), 2**62, 2**62), ((-1,), 0, 0)):
        with pytest.raises(PayloadError):
            sink.tensor("x", "F32", shape, offset, size)
    for number in range(1100):
        sink.finding(f"\x1b {number} " + "y" * 1000, number)
    assert len(sink.findings) == 1000
    assert all(finding.message.isprintable() and len(finding.message) <= 300 for finding in sink.findings)
    sink.fail(PayloadError("the end", 7))
    assert sink.findings[-1].message == "the end"
    sink.metadata("k" * 2000, "x" * (LONGEST_TEXT + 1), 5)
    assert sink.pairs[0][0] == "k" * 512 + "…" + "k" * 511
    assert sink.pairs[0][1] == Folded("text", LONGEST_TEXT + 1, ("x" * 1024,), 5)
    for number in range(110_000):
        sink.metadata("k", number)
    assert len(sink.pairs) == 100_000
    monkeypatch.setattr(sink, "_count", MAX_TENSORS)
    with pytest.raises(PayloadError, match="more than 1,000,000 tensors"):
        sink.tensor("x", "F32", (), 0, 4)
