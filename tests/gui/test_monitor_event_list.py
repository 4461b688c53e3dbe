"""The list of events as an item model: what it keeps, filters and says."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, Qt
from pytestqt.modeltest import ModelTester

from apbundle.trace.records import NONE, Kind
from apbundle.trace.stories import EvictionCause
from apbundle_gui.models.monitor_event_list import KIND_ROLE, Column, EventListModel
from apbundle_gui.models.monitor_rows import ROWS, RowArray

NAMES = ("encoder", "decoder", "head")
KEPT = 50
ALL = (Kind.HIT, Kind.MISS, Kind.EVICT, Kind.PREFETCH)


def rows_of(count: int, kinds: tuple[int, ...] = (Kind.MISS, Kind.EVICT, Kind.HIT), start: int = 0) -> RowArray:
    rows = np.zeros(count, ROWS)
    rows["time"] = np.arange(start, start + count)
    rows["kind"] = np.resize(kinds, count)
    rows["unit"] = np.arange(count) % 3
    rows["other"] = NONE
    rows["idle"] = -1
    rows["count"] = rows["distinct"] = rows["top"] = 1
    rows["bytes"] = 2048
    return rows


@pytest.fixture
def model(qtmodeltester: ModelTester) -> EventListModel:
    made = EventListModel(kept=KEPT)
    qtmodeltester.check(made, force_py=True)
    made.begin(NAMES)
    return made


def text(model: EventListModel, row: int, column: int, role: int = Qt.ItemDataRole.DisplayRole) -> object:
    return model.index(row, column).data(role)


def times(model: EventListModel) -> list[int]:
    return [int(model.row(row)["time"]) for row in range(model.rowCount())]


def test_rows_show_when_they_are_asked_for(model: EventListModel) -> None:
    model.add(rows_of(5))
    assert model.rowCount() == 0
    assert model.new_events == 5
    model.publish()
    assert model.rowCount() == 5
    assert model.new_events == 0
    model.publish()
    assert model.rowCount() == 5


def test_what_a_row_says(model: EventListModel) -> None:
    rows = rows_of(2, (Kind.EVICT, Kind.HIT))
    rows["time"], rows["other"][0], rows["needed"][0] = 1_500_000_000, 1, 4096
    rows["why"][0] = EvictionCause.ROOM
    rows["limit"] = 9000
    rows["count"][1], rows["distinct"][1], rows["top"][1] = 7, 2, 4
    model.add(rows)
    model.publish()
    assert [text(model, 0, column) for column in Column] == [
        "1.500 s",
        "Eviction",
        "encoder",
        "2.00 KiB",
        "`encoder` was evicted: `decoder` needed 4.00 KiB and nothing was free.",
    ]
    assert [text(model, 1, column) for column in Column][1:4] == ["Hit × 7", "2 models", "–"]
    assert text(model, 0, Column.SIZE, Qt.ItemDataRole.ToolTipRole) == "<qt>2,048 bytes</qt>"
    assert text(model, 1, Column.SIZE, Qt.ItemDataRole.ToolTipRole) == ""
    assert "needed 4.00 KiB" in str(text(model, 0, Column.REASON, Qt.ItemDataRole.ToolTipRole))
    assert text(model, 0, 0, KIND_ROLE) == Kind.EVICT
    assert model.models_at(0) == (0, 1)
    assert model.models_at(1) == (1,)
    assert model.headerData(Column.REASON, Qt.Orientation.Horizontal) == "What happened"
    assert model.headerData(0, Qt.Orientation.Vertical) is None
    assert model.data(QModelIndex()) is None


def test_a_model_the_header_does_not_list(model: EventListModel) -> None:
    rows = rows_of(1, (Kind.MISS,))
    rows["unit"] = NONE
    model.add(rows)
    model.publish()
    assert text(model, 0, Column.MODEL) == "–"
    assert model.models_at(0) == ()


def test_filters(model: EventListModel) -> None:
    model.add(rows_of(9))
    model.publish()
    model.show_kinds([Kind.EVICT])
    assert model.rowCount() == 3
    model.add(rows_of(6, (Kind.MISS, Kind.HIT), start=9))
    model.publish()
    assert model.rowCount() == 3
    model.add(rows_of(3, start=15))
    model.publish()
    assert times(model) == [1, 4, 7, 16]
    model.add(rows_of(1, (Kind.CLEAR,), start=18))
    model.publish()
    assert times(model)[-1] == 18  # a kind without a filter always shows
    model.show_kinds(ALL)
    assert times(model) == list(range(19))
    model.show_kinds([])
    assert times(model) == [18]


def test_it_keeps_the_last_rows(model: EventListModel) -> None:
    for start in range(0, 3 * KEPT, 18):
        model.add(rows_of(18, start=start))
        model.publish()
    shown = model.rowCount()
    last = -(-3 * KEPT // 18) * 18
    assert KEPT <= shown <= 1.1 * KEPT
    assert times(model) == list(range(last - shown, last))
    model.show_kinds([Kind.HIT])
    assert model.rowCount() in (shown // 3, shown // 3 + 1)
    for start in range(last, last + 4 * KEPT, 18):
        model.add(rows_of(18, start=start))
        model.publish()
    kept = np.array(times(model))
    assert (np.diff(kept) > 0).all()
    assert kept[0] < last + 3 * KEPT + 18
    assert len(kept) >= KEPT // 3 - 1


def test_a_frozen_list_forgets_what_nobody_would_see(model: EventListModel) -> None:
    model.add(rows_of(10))
    model.publish()
    for start in range(10, 10 + 3 * KEPT, 30):
        model.add(rows_of(30, start=start))
    assert model.rowCount() == 10
    assert model.new_events >= 3 * KEPT
    assert sum(map(len, model._pending)) < KEPT + 30
    model.publish()
    assert model.rowCount() == KEPT
    assert times(model)[-1] == model.row(model.rowCount() - 1)["time"]


def test_another_recording_begins(model: EventListModel) -> None:
    model.add(rows_of(10))
    model.publish()
    model.add(rows_of(10))
    model.begin(("other",))
    assert model.rowCount() == 0
    assert model.new_events == 0
    model.add(rows_of(1, (Kind.MISS,)))
    model.publish()
    assert text(model, 0, Column.MODEL) == "other"
