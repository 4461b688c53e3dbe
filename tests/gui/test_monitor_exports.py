"""Exports of the Monitor page: tables read back, charts, and copies of recordings, also of one that grows."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle_gui.models.monitor_export import as_csv, as_json
from apbundle_gui.pages.monitor import exports
from apbundle_gui.pages.monitor.page import MonitorPage
from apbundle_gui.services import Services
from support.recordings import Scribe, header, rows

NAMES = ("plain", 'quoted "name"', "comma, line\nbreak", "surrogate \udc80")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[RecordingWriter]:
    """Of a recording that still grows."""
    made = RecordingWriter.create(tmp_path / "r.aptrace", header(names=NAMES, sizes=(100, 200, 300, 400)))
    for unit in range(4):
        made.loaded(unit, 100 * (unit + 1), "demand", 1500)
    made.hits([1, 1, 2])
    made.evicted(0, 100, "room", 1)
    made.flush()
    yield made
    made.abandon()


@pytest.fixture
def page(services: Services, writer: RecordingWriter, qtbot: QtBot) -> Iterator[MonitorPage]:
    made = MonitorPage(services)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    with qtbot.waitExposed(made):
        made.show()
    assert not made.commands()["monitor.export"].enabled()
    made.open_recording(str(writer.path))
    qtbot.waitUntil(lambda: made.dashboard.events.model.rowCount() == 6)
    yield made
    made.shutdown()


def export(page: MonitorPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, path: Path, kind: str) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), kind))
    page.commands()["monitor.export"].run()
    qtbot.waitUntil(lambda: not page.services.jobs.jobs)


def test_tables_read_back(page: MonitorPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    export(page, qtbot, monkeypatch, tmp_path / "events", exports.EVENTS_CSV)
    with (tmp_path / "events.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [row["event"] for row in found] == ["Miss"] * 4 + ["Hit", "Eviction"]
    assert [row["name"] for row in found[:3]] == list(NAMES[:3])
    assert found[4]["count"] == "3"
    assert "needed" in found[5]["what_happened"]
    export(page, qtbot, monkeypatch, tmp_path / "events.json", exports.EVENTS_JSON)
    told = json.loads((tmp_path / "events.json").read_bytes())
    assert [row["name"] for row in told[:4]] == list(NAMES)
    assert [row["time_ns"] for row in told] == [int(row["time_ns"]) for row in found]
    export(page, qtbot, monkeypatch, tmp_path / "units.json", exports.UNITS_JSON)
    units = json.loads((tmp_path / "units.json").read_bytes())
    assert [(row["bytes"], row["accesses"], row["in_memory"]) for row in units] == [
        (100, 1, False),
        (200, 3, True),
        (300, 2, True),
        (400, 1, True),
    ]
    export(page, qtbot, monkeypatch, tmp_path / "units.csv", exports.UNITS_CSV)
    assert (tmp_path / "units.csv").read_bytes().startswith(b"unit,name,bytes,accesses,in_memory,last_used_ns,left_ns")


def test_charts_are_a_picture(page: MonitorPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    export(page, qtbot, monkeypatch, tmp_path / "charts.png", exports.CHARTS)
    assert QImage(str(tmp_path / "charts.png")).size() == page.dashboard.charts.grab().size()


def test_a_recording_that_grows_is_copied(
    page: MonitorPage, writer: RecordingWriter, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scribe = Scribe(writer)
    for _ in range(40):
        scribe.operation()
    copy = tmp_path / "copy.aptrace"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(copy), ""))
    page.commands()["monitor.save_recording"].run()
    qtbot.waitUntil(copy.exists)
    qtbot.waitUntil(lambda: not page.services.jobs.jobs)
    with RecordingReader.open(copy) as copied, RecordingReader.open(writer.path) as original:
        assert rows(copied.read(0)) == rows(original.read(0))
    assert page.services.messages.kept[-1].text == "Saved copy.aptrace."


def test_nothing_stands_where_there_is_no_value() -> None:
    assert as_csv(("a", "b"), [(None, True), (1, 'x"y')]) == b'a,b\r\n,true\r\n1,"x""y"\r\n'
    assert json.loads(as_json(("a", "b"), [(None, True)])) == [{"a": None, "b": True}]
