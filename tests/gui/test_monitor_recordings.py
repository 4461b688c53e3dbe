"""Recordings in the Monitor page: opened, followed while a program writes them, gone through, and harmed."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from apbundle.trace.recorder import RecordingWriter
from apbundle.trace.recording import RecordingReader
from apbundle.trace.summarize import summarize
from apbundle.trace.workload import zipf
from apbundle_gui.app.arguments import parse
from apbundle_gui.main_window import MainWindow
from apbundle_gui.models import monitor_reading
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_counters import UNKNOWN
from apbundle_gui.models.monitor_reading import Checkpoints, glance, read_recording
from apbundle_gui.models.monitor_run import Run
from apbundle_gui.models.monitor_source import facts, lag_tip, read_so_far
from apbundle_gui.models.monitor_text import tally
from apbundle_gui.pages.monitor.page import MonitorPage
from apbundle_gui.services import Services
from apbundle_gui.services.recent_recordings import RecentRecordings, newest
from support.dragging import drop_onto, mime_of_files
from support.monitoring import make_bundle, record
from support.recordings import Scribe, header

SIZES = [3000, 5000, 800, 9000, 40, 7000, 2000, 6500]
LIMIT = 14_000
PROGRAM = """
import sys
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.trace.workload import zipf
config = PagingConfig(max_memory=int(sys.argv[3]), eviction="sieve")
with PagedBundle.open(sys.argv[1], config, record=sys.argv[2]) as paged:
    names = zipf(paged.model_names, 3, 0.9)
    for line in sys.stdin:
        for _ in range(int(line)):
            paged.get_model(next(names))
        paged.get_model(paged.model_names[0])
        paged.evict(paged.model_names[0])
        print(paged.stats().hits, flush=True)
"""


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    return make_bundle(tmp_path / "paged.apbundle", SIZES)


@pytest.fixture
def recording(bundle: str, tmp_path: Path) -> Path:
    """A finished one."""
    path = tmp_path / "run.aptrace"
    names = zipf([f"model_{number}" for number in range(len(SIZES))], 1, 0.9)
    record(bundle, path, names, 1800, max_memory=LIMIT)
    return path


@pytest.fixture
def page(services: Services, qtbot: QtBot) -> Iterator[MonitorPage]:
    made = MonitorPage(services)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.shutdown()


def all_shown(page: MonitorPage) -> Callable[[], bool]:
    return lambda: page.live.complete and not page.live.working


def open_to_the_end(page: MonitorPage, path: Path, qtbot: QtBot) -> Run:
    page.open_recording(str(path))
    qtbot.waitUntil(all_shown(page))
    assert page.live.run is not None
    return page.live.run


def tiles_equal_the_library(page: MonitorPage, path: Path) -> None:
    with RecordingReader.open(path) as reader:
        summary, last = summarize(reader), reader.totals(reader.count)
        rest = reader.read(last.events)
    misses = sum(cost.misses for cost in summary.misses.values())
    tiles = page.dashboard.tiles
    assert tiles.value("hits") == tally(summary.hits)
    assert tiles.value("misses") == tally(misses)
    assert tiles.value("evictions") == tally(sum(summary.evictions.values()))
    assert tiles.value("prefetches") == tally(summary.prefetches)
    assert tiles.value("hit_rate") == words.percent(summary.hits / (summary.hits + misses))
    loaded = last.bytes_loaded + int(rest["bytes"][np.isin(rest["kind"], (2, 4))].sum())
    assert tiles.value("bytes_loaded") == words.size(loaded)


def test_a_program_is_followed_until_it_is_killed(page: MonitorPage, bundle: str, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "followed.aptrace"
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, bundle, str(path), str(LIMIT)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        for number, count in enumerate((500, 1500)):
            program.stdin.write(f"{count}\n")
            program.stdin.flush()
            hits = int(program.stdout.readline())
            if not number:
                page.open_recording(str(path))
            qtbot.waitUntil(lambda hits=hits: page.live.run is not None and page.live.run.counters.hits == hits)
        assert page.header.state.text() == "Following"
        assert page.recording.value("Policy") == "SIEVE"
        assert page.recording.value("Recorded by") == f"process {program.pid}"
    finally:
        program.kill()
        program.wait()
        program.stdin.close()
        program.stdout.close()
    qtbot.waitUntil(lambda: page.header.state.text() == "Program gone")
    qtbot.waitUntil(all_shown(page))
    assert "gone without ending it" in page.services.messages.kept[-1].text
    tiles_equal_the_library(page, path)


def test_a_finished_recording_shows_what_the_library_counts(
    page: MonitorPage, recording: Path, bundle: str, qtbot: QtBot
) -> None:
    run = open_to_the_end(page, recording, qtbot)
    assert page.header.state.text() == "Complete"
    assert page.recording.isVisible()
    assert not page.source.isVisible()
    assert not page.header.run.isVisible()
    assert not page.commands()["monitor.run"].enabled()
    tiles_equal_the_library(page, recording)
    assert page.recording.value("Memory limit") == words.size(LIMIT)
    assert page.recording.value("Granularity") == "Whole models"
    assert page.recording.value("Bundle") == "paged.apbundle"
    assert page.dashboard.tiles.value("resident") == tally(int(run.residency.resident.sum()))
    shown = page.dashboard.events.model
    counters = run.counters
    assert sum(int(shown.row(row)["count"]) for row in range(shown.rowCount())) == counters.events
    page.close_recording()
    assert page.nothing.isVisible()
    page.services.session.open(bundle)
    qtbot.waitUntil(page.header.run.isEnabled)
    page.open_recording(str(recording))
    qtbot.waitUntil(all_shown(page))
    page.close_recording()
    assert page.source.isVisible()
    assert page.header.run.isEnabled()
    assert page.dashboard.tiles.value("hits") == words.NONE


def test_the_first_picture_has_the_counters_of_the_whole(tmp_path: Path) -> None:
    scribe = Scribe(RecordingWriter.create(tmp_path / "r.aptrace", header()), seed=5)
    for _ in range(500):
        scribe.operation()
    scribe.writer.close()
    look, first = glance(str(tmp_path / "r.aptrace"))
    assert len(look.milestones.times) > 3
    reading, rows = read_recording(look, lambda *_: None, lambda: False)
    look.reader.close()
    counters = dataclasses.replace(
        reading.run.counters, events=first.counters.events, prefetches_used=UNKNOWN, errors=first.counters.errors
    )
    assert first.counters == counters
    assert first.time == reading.run.time
    for run in (first, reading.run):
        end = run.time / 1e9 + 1
        rates = run.series.rates(0.0, end, 10_000)
        totals = rates.per_second.sum(axis=1) * (rates.edges[1] - rates.edges[0])
        assert totals.round().tolist() == [counters.hits, counters.misses, counters.evictions, counters.prefetches]
    assert sum(map(len, rows)) == len(rows)


def test_any_moment_is_what_the_events_up_to_it_say(
    page: MonitorPage, recording: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_reading, "SPACING", 300)
    monkeypatch.setattr(monitor_reading, "ROWS_BEFORE", 200)
    run = open_to_the_end(page, recording, qtbot)
    with RecordingReader.open(recording) as reader:
        events = reader.read(0)
    moments = [int(events["time"][place]) for place in (0, 777, 2000, 1500)]
    for time in moments:
        page.dashboard.charts.chosen.emit(time)
    qtbot.waitUntil(lambda: not page.live.working)
    past = Run.of(RecordingReader.open(recording).header)
    past.add(events[events["time"] <= moments[-1]])
    tiles, strip, table = page.dashboard.tiles, page.dashboard.strip, page.dashboard.events
    assert tiles.value("hits") == tally(past.counters.hits)
    assert tiles.value("memory_used") == words.size(past.counters.memory_used)
    assert strip._presence.tolist() == past.residency.presence(moments[-1]).tolist()
    assert int(table.shown.row(table.shown.rowCount() - 1)["time"]) == moments[-1]
    assert table.table.selected_rows() == [table.shown.rowCount() - 1]
    assert page.commands()["monitor.newest"].enabled()
    QTest.mouseClick(page.dashboard.scrubber.newest, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(all_shown(page))
    assert table.shown is table.model
    assert tiles.value("hits") == tally(run.counters.hits)


def test_keys_and_clicks_go_to_moments(page: MonitorPage, recording: Path, qtbot: QtBot) -> None:
    run = open_to_the_end(page, recording, qtbot)
    plot = page.dashboard.charts.memory
    QTest.keyClick(plot, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: not page.live.working)
    assert page.live.moment == 0
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert page.live.moment == pytest.approx(run.time / 100, rel=0.01)
    assert "at" in plot.accessibleDescription()
    QTest.keyClick(plot, Qt.Key.Key_End)
    assert page.live.moment is None
    page.dashboard.scrubber.slider.setFocus()
    QTest.keyClick(page.dashboard.scrubber.slider, Qt.Key.Key_PageDown)
    assert page.live.moment is not None
    assert page.dashboard.scrubber.slider.accessibleDescription()
    page.live.go_to(None)
    viewport = plot.view.viewport()
    scene = plot.view.getPlotItem().getViewBox().mapViewToScene(QPointF(run.time / 2e9, 0))
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=plot.view.mapFromScene(scene))
    qtbot.waitUntil(lambda: page.live.moment is not None)
    qtbot.waitUntil(lambda: not page.live.working)


def test_checkpoints_take_a_bounded_amount_of_memory(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor_reading, "SPACING", 50)
    with RecordingReader.open(recording) as reader:
        events, run = reader.read(0), Run.of(reader.header)
    monkeypatch.setattr(monitor_reading, "MAX_BYTES", 10 * run.nbytes)
    kept = Checkpoints(run)
    for start in range(0, len(events), 25):
        run.add(events[start : start + 25])
        kept.pass_by(run)
    assert 4 <= len(kept) <= 10
    assert kept.before(0).read == 0
    late = kept.before(run.time).copy()
    late.add(events[late.read :])
    assert late.counters == run.counters
    assert late.series is run.series


def test_a_recording_that_is_cut_short_or_replaced(page: MonitorPage, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "r.aptrace"
    writer = RecordingWriter.create(path, header())
    writer.loaded(1, 101, "demand", 5)
    writer.flush()
    page.open_recording(str(path))
    qtbot.waitUntil(lambda: page.header.state.text() == "Following")
    writer.abandon()
    second = RecordingWriter.create(path, header(names=("only",), sizes=(7,)))
    second.loaded(0, 7, "demand", 1)
    second.flush()
    qtbot.waitUntil(lambda: page.live.run is not None and list(page.live.run.names) == ["only"])
    assert "took the place" in page.services.messages.kept[-1].text
    qtbot.waitUntil(lambda: page.live.run is not None and page.live.run.counters.misses == 1)
    os.truncate(path, 10)
    qtbot.waitUntil(lambda: page.header.state.text() == "Cut short")
    assert page.live.run is not None
    assert page.live.run.counters.misses == 1
    second.abandon()


def test_what_cannot_be_opened(
    page: MonitorPage, tmp_path: Path, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "text.aptrace").write_text("not a recording " * 10)
    for path in (tmp_path / "text.aptrace", tmp_path / "missing.aptrace"):
        page.open_recording(str(path))
        qtbot.waitUntil(lambda: page.header.state.text() == "Unreadable")
        assert page.services.messages.kept[-1].error is not None
        assert not page.live.working
        page.close_recording()
    caplog.clear()


def test_a_recording_is_dropped_or_named_on_the_command_line(services: Services, recording: Path, qtbot: QtBot) -> None:
    window = MainWindow(services)
    qtbot.addWidget(window)
    window.show()
    assert drop_onto(window, mime_of_files([recording]))
    page = window.page("monitor")
    assert isinstance(page, MonitorPage)
    assert window.page_name == "monitor"
    qtbot.waitUntil(all_shown(page))
    page.close_recording()
    with qtbot.waitSignal(page.paths_dropped):
        drop_onto(page.nothing, mime_of_files([recording]))
    qtbot.waitUntil(all_shown(page))
    page.close_recording()
    window.open_files(parse([str(recording)]).files)
    qtbot.waitUntil(all_shown(page))
    assert page.live.path == str(recording)
    window.shut_down()


def test_recordings_are_offered(
    services: Services, recording: Path, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "recorded"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.aptrace").touch()
        os.utime(folder / f"{number}.aptrace", (number, number))
    (folder / "other.txt").touch()
    assert [Path(found.path).name for found in newest(str(folder))][:2] == ["11.aptrace", "10.aptrace"]
    monkeypatch.setenv("APBUNDLE_RECORD", str(folder))
    page = MonitorPage(services)
    qtbot.addWidget(page)
    page.recent.refresh()
    qtbot.waitUntil(lambda: bool(page.recent.found))
    menu = page.header.recordings.menu()
    assert "11.aptrace" in [action.text() for action in menu.actions()]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(recording), ""))
    menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: page.live.complete)
    assert RecentRecordings(services).opened == (str(recording),)
    assert "run.aptrace" in [action.text() for action in menu.actions()]
    page.shutdown()


def test_what_is_said_of_a_recording() -> None:
    said = facts("/x/a.aptrace", header(config={"max_memory": 4096, "granularity": "page", "page_size": 8192}), 2048)
    assert said["Memory limit"].text == "2.00 KiB, first 4.00 KiB"
    assert said["Granularity"].text == "Pages of 8.00 KiB"
    assert said["Policy"].text == words.NONE
    assert facts("/x", header(), None)["Memory limit"].text == words.NONE
    assert read_so_far(5, 2, 1 << 20, 3) == words.joined(("5 events", "2 units", "1.00 MiB behind", "3 records lost"))
    assert "32,768 records" in lag_tip(1 << 20, 0)
    assert "damaged" in lag_tip(0, 3)
