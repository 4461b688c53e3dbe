"""The Monitor page: real widgets, real events, the real engine in its process, and every number against the library."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from apbundle import ModelBundle
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.paging.stats import PagingStats
from apbundle.trace.records import Kind
from apbundle.trace.workload import zipf
from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_event_list import Column
from apbundle_gui.models.monitor_text import PACES, tally
from apbundle_gui.pages.monitor.page import MonitorPage
from apbundle_gui.services import Services
from apbundle_gui.services.workload import WorkloadState
from apbundle_gui.services.workload_worker import WorkloadSettings
from apbundle_gui.theme import PAGE_MARGINS
from support import pointer
from support.monitoring import make_bundle

SIZES = [3000, 5000, 800, 9000, 40, 7000, 2000, 6500]
FLAT_OUT = PACES.index(None)


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    return make_bundle(tmp_path / "paged.apbundle", SIZES)


@pytest.fixture
def empty_page(services: Services, qtbot: QtBot) -> Iterator[MonitorPage]:
    made = MonitorPage(services)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.shutdown()


@pytest.fixture
def page(empty_page: MonitorPage, bundle: str, qtbot: QtBot) -> MonitorPage:
    empty_page.services.session.open(bundle)
    qtbot.waitUntil(empty_page.header.run.isEnabled)
    return empty_page


def click(button: QAbstractButton) -> None:
    assert button.isEnabled()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def state(page: MonitorPage, wanted: WorkloadState) -> Callable[[], bool]:
    return lambda: page.workload.state is wanted


def all_shown(page: MonitorPage) -> Callable[[], bool]:
    return lambda: not page.live.working


def events_read(page: MonitorPage, count: int) -> Callable[[], bool]:
    return lambda: page.live.run is not None and page.live.run.counters.events >= count


def in_process(settings: WorkloadSettings, count: int) -> PagingStats:
    config = PagingConfig(max_memory=settings.max_memory, eviction=settings.eviction, prefetch=settings.prefetch)
    with PagedBundle.open(settings.bundle, config) as paged:
        names = zipf(paged.model_names, settings.seed, settings.exponent)
        for _ in range(count):
            paged.get_model(next(names))
        return paged.stats()


def run_to(page: MonitorPage, qtbot: QtBot, count: int) -> None:
    """Do ``count`` accesses and wait until all of them are on the screen."""
    page.step()
    page.workload.step(count - 1)
    qtbot.waitUntil(lambda: page.workload.accesses == count)
    qtbot.waitUntil(all_shown(page))


@pytest.mark.parametrize("prefetch", [0, 1])
def test_every_tile_is_what_the_library_counts(page: MonitorPage, qtbot: QtBot, prefetch: int) -> None:
    page.source.prefetch.setCurrentIndex(prefetch)
    page.source.policy.setCurrentIndex(prefetch)
    run_to(page, qtbot, 400)
    assert page.workload.settings is not None
    stats = in_process(page.workload.settings, 400)
    tiles = page.dashboard.tiles
    assert stats.hits > 50
    assert stats.evictions > 50
    assert {name: tiles.value(name) for name in ("hits", "misses", "evictions", "prefetches")} == {
        "hits": tally(stats.hits),
        "misses": tally(stats.misses),
        "evictions": tally(stats.evictions),
        "prefetches": tally(stats.prefetches),
    }
    assert tiles.value("hit_rate") == words.percent(stats.hit_rate)
    assert tiles.value("bytes_loaded") == words.size(stats.bytes_loaded)
    assert tiles.value("memory_used") == words.size(stats.memory_used)
    assert tiles.value("resident") == words.size(page.workload.resident)
    shown = page.dashboard.events.model
    assert sum(int(shown.row(row)["count"]) for row in range(shown.rowCount())) == (
        stats.hits + stats.misses + stats.evictions + stats.prefetches
    )


def test_start_pause_resume_reset(page: MonitorPage, qtbot: QtBot) -> None:
    page.source.speed.setValue(PACES.index(500))
    click(page.header.run)
    assert not page.header.run.isEnabled()
    qtbot.waitUntil(events_read(page, 20))
    assert page.header.state.text() == "Running"
    assert not page.source.workload.isEnabled()
    assert page.source.speed.isEnabled()
    click(page.header.pause)
    qtbot.waitUntil(state(page, WorkloadState.HELD))
    qtbot.waitUntil(all_shown(page))
    assert page.header.run.text() == "Resume"
    held = page.workload.accesses
    click(page.header.step)
    qtbot.waitUntil(lambda: page.workload.accesses == held + 1)
    page.source.speed.setValue(FLAT_OUT)
    click(page.header.run)
    qtbot.waitUntil(lambda: page.workload.accesses > held + 2000)
    click(page.header.reset)
    assert page.workload.state is WorkloadState.IDLE
    assert page.source.workload.isEnabled()
    assert page.dashboard.tiles.value("hits") == words.NONE
    assert page.dashboard.events.model.rowCount() == 0
    assert not page.live.working


def test_without_a_bundle_it_says_what_it_is_for(empty_page: MonitorPage, qtbot: QtBot) -> None:
    assert empty_page.nothing.isVisible()
    open_, sample, recordings = empty_page.nothing.findChildren(QPushButton)
    assert recordings.menu() is not None
    for button, action in ((open_, "file.open"), (sample, "file.sample")):
        with qtbot.waitSignal(empty_page.action_requested) as asked:
            click(button)
        assert asked.args == [action]
    able = {name for name, command in empty_page.commands().items() if command.enabled()}
    assert able == {"monitor.open_recording"}


def test_a_bundle_without_models(empty_page: MonitorPage, golden: Path, qtbot: QtBot) -> None:
    empty_page.services.session.open(str(golden / "empty.apbundle"))
    qtbot.waitUntil(empty_page.no_models.isVisible)
    assert not empty_page.commands()["monitor.run"].enabled()


def test_another_bundle_ends_the_run(page: MonitorPage, golden: Path, qtbot: QtBot) -> None:
    click(page.header.run)
    qtbot.waitUntil(events_read(page, 1))
    page.services.session.open(str(golden / "three_models.apbundle"))
    qtbot.waitUntil(state(page, WorkloadState.IDLE))
    qtbot.waitUntil(page.header.run.isEnabled)
    assert page.live.run is None
    page.services.session.close(page.services.session.bundles[-1].path)
    qtbot.waitUntil(page.header.run.isEnabled)
    while (current := page.services.session.current) is not None:
        page.services.session.close(current.path)
    assert page.nothing.isVisible()


def test_a_killed_process_is_a_message_and_what_was_seen_stays(
    page: MonitorPage, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    page.source.speed.setValue(PACES.index(500))
    click(page.header.run)
    qtbot.waitUntil(events_read(page, 20))
    os.kill(page.workload.process_id, signal.SIGKILL)
    qtbot.waitUntil(state(page, WorkloadState.FAILED))
    qtbot.waitUntil(all_shown(page))
    assert page.header.state.text() == "Failed"
    message = page.services.messages.kept[-1]
    assert (message.text, "killed" in str(message.error)) == ("The workload stopped.", True)
    caplog.clear()
    assert page.dashboard.events.model.rowCount() > 0
    assert not page.live.working
    click(page.header.run)
    qtbot.waitUntil(lambda: page.workload.accesses > 0)


@pytest.mark.parametrize("harm", ["cut", "remove"])
def test_a_recording_that_is_harmed(
    page: MonitorPage, qtbot: QtBot, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    page.source.speed.setValue(PACES.index(500))
    click(page.header.run)
    qtbot.waitUntil(events_read(page, 20))
    assert page.workload.recording is not None
    if harm == "remove":
        os.unlink(page.workload.recording)
        qtbot.waitUntil(events_read(page, 200))
    else:
        os.truncate(page.workload.recording, 5)
        qtbot.waitUntil(lambda: bool([m for m in page.services.messages.kept if "recording" in m.text]))
        caplog.clear()
        qtbot.waitUntil(state(page, WorkloadState.HELD))
        assert page.live.run is not None
    click(page.header.reset)


def test_a_full_temporary_folder_is_a_message(
    page: MonitorPage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(prefix: str) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), prefix)

    monkeypatch.setattr("apbundle_gui.services.scratch.tempfile.mkdtemp", full)
    page.run()
    assert page.workload.state is WorkloadState.IDLE
    assert page.services.messages.kept[-1].text == "The workload cannot be recorded."
    caplog.clear()


def test_nothing_is_read_or_painted_while_hidden(
    page: MonitorPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.source.speed.setValue(FLAT_OUT)
    click(page.header.run)
    qtbot.waitUntil(events_read(page, 100))
    page.hide()
    assert not page.live.working
    assert page.live.run is not None
    seen = page.live.run.counters.events
    before = page.workload.accesses
    painted: list[object] = []
    monkeypatch.setattr(page.dashboard.charts, "show_run", lambda *args: painted.append(args))
    qtbot.waitUntil(lambda: page.workload.accesses > before + 2000)
    assert page.live.run.counters.events == seen
    assert not painted
    page.show()
    qtbot.waitUntil(lambda: page.live.run is not None and page.live.run.counters.accesses > before + 2000)
    qtbot.waitUntil(lambda: bool(painted))


def test_a_held_workload_costs_nothing(page: MonitorPage, qtbot: QtBot) -> None:
    run_to(page, qtbot, 10)
    assert page.workload.state is WorkloadState.HELD
    assert not page.live.working


def test_freezing_holds_the_view_and_not_the_recording(page: MonitorPage, qtbot: QtBot) -> None:
    page.source.speed.setValue(PACES.index(500))
    click(page.header.run)
    qtbot.waitUntil(events_read(page, 50))
    assert page.commands()["monitor.freeze"].enabled()
    page.freeze()
    rows, hits = page.dashboard.events.model.rowCount(), page.dashboard.tiles.value("hits")
    qtbot.waitUntil(lambda: page.live.new_events > 100 and page.header.thaw.text() > "Frozen: 1")
    assert page.header.thaw.isVisible()
    assert "new events" in page.header.thaw.text()
    assert page.dashboard.events.model.rowCount() == rows
    assert page.dashboard.tiles.value("hits") == hits
    click(page.header.thaw)
    qtbot.waitUntil(lambda: page.dashboard.events.model.rowCount() > rows + 50)
    assert not page.header.thaw.isVisible()


def test_an_event_marks_its_models_in_the_strip(page: MonitorPage, qtbot: QtBot) -> None:
    run_to(page, qtbot, 60)
    events = page.dashboard.events
    evictions = [row for row in range(events.model.rowCount()) if events.model.row(row)["kind"] == Kind.EVICT]
    events.table.selectRow(evictions[0])
    assert page.dashboard.strip.marked == events.model.models_at(evictions[0])
    assert len(page.dashboard.strip.marked) == 2
    events.table.clearSelection()
    assert page.dashboard.strip.marked == ()


def test_filters_follow_and_hold(page: MonitorPage, qtbot: QtBot) -> None:
    run_to(page, qtbot, 300)
    events = page.dashboard.events
    bar = events.table.verticalScrollBar()
    assert events.follow.isChecked()
    assert bar.value() == bar.maximum() > 0
    assert events.table.rowViewportPosition(events.table.rowAt(0)) == 0, "the first row is cut"
    bar.setValue(0)
    assert not events.follow.isChecked()
    page.workload.step(100)
    qtbot.waitUntil(lambda: page.workload.accesses == 400)
    qtbot.waitUntil(all_shown(page))
    assert bar.value() == 0
    click(events.follow)
    assert bar.value() == bar.maximum()
    click(events.filters[Kind.HIT])
    kinds = {int(events.model.row(row)["kind"]) for row in range(events.model.rowCount())}
    assert Kind.HIT not in kinds
    assert {Kind.MISS, Kind.EVICT} <= kinds


def test_the_charts_show_the_run_and_what_is_under_the_mouse(page: MonitorPage, qtbot: QtBot) -> None:
    page.source.speed.setValue(PACES.index(200))
    click(page.header.run)
    qtbot.waitUntil(lambda: page.live.now > 1.2e9)
    click(page.header.pause)
    qtbot.waitUntil(state(page, WorkloadState.HELD))
    qtbot.waitUntil(all_shown(page))
    charts = page.dashboard.charts
    x, y = charts.memory.data("used")
    assert y.max() <= (page.source.limit.limit or 0)
    assert x[-1] == pytest.approx(page.live.now / 1e9)
    edges, hits = charts.events.data("hit")
    assert len(edges) == len(hits) + 1
    charts.events.pointed.emit(float(edges[0]))
    assert charts.events.value("hit") == words.significant(float(hits[0]))
    charts.events.pointed.emit(None)
    assert charts.events.value("hit") == words.significant(float(hits[-1]))
    charts.memory.describe()
    assert "Limit" in charts.memory.description


def test_a_hidden_part_of_the_time_axis_can_be_shown(page: MonitorPage, qtbot: QtBot) -> None:
    run_to(page, qtbot, 20)
    charts = page.dashboard.charts
    for action in charts.span_button.menu().actions():
        action.trigger()
        assert charts.span_button.text() == action.text()


def test_the_limit_is_typed_or_slid(page: MonitorPage) -> None:
    field = page.source.limit
    assert field.limit == pytest.approx(0.4 * sum(SIZES), rel=0.01)
    field.slider.setValue(100)
    assert field.limit == pytest.approx(sum(SIZES), rel=0.01)
    field.edit.setFocus()
    field.edit.selectAll()
    QTest.keyClicks(field.edit, "8 KiB")
    assert field.limit == 8192
    assert field.slider.value() == round(100 * 8192 / sum(SIZES))
    QTest.keyClicks(field.edit, "x")
    assert field.limit is None
    assert field.edit.property("tone") == "danger"
    assert not page.header.run.isEnabled()
    assert not page.commands()["monitor.run"].enabled()
    field.edit.selectAll()
    QTest.keyClicks(field.edit, "1GiB")
    QTest.keyClick(field.edit, Qt.Key.Key_Return)
    assert field.limit == 1 << 30
    assert field.edit.property("tone") == ""
    assert page.header.run.isEnabled()
    field.set_limit(2048)
    assert field.limit == 2048


def test_what_does_not_matter_to_a_workload_is_off(page: MonitorPage) -> None:
    for index, zipf_is_chosen in enumerate((True, False, False)):
        page.source.workload.setCurrentIndex(index)
        assert page.source.seed.isEnabled() is zipf_is_chosen
        assert page.source.skew.isEnabled() is zipf_is_chosen
        assert page.source.workload.toolTip()


def test_a_sequential_workload_comes_to_its_end(page: MonitorPage, qtbot: QtBot) -> None:
    page.source.workload.setCurrentIndex(page.source.workload.findData("sequential"))
    page.source.speed.setValue(FLAT_OUT)
    click(page.header.run)
    qtbot.waitUntil(state(page, WorkloadState.ENDED))
    qtbot.waitUntil(all_shown(page))
    assert page.header.state.text() == "At its end"
    assert page.dashboard.tiles.value("misses") == str(len(SIZES))
    assert page.header.run.isEnabled()


def test_it_remembers_its_settings(page: MonitorPage, qtbot: QtBot) -> None:
    page.source.workload.setCurrentIndex(1)
    page.source.policy.setCurrentIndex(1)
    page.source.seed.setValue(77)
    page.source.skew.setValue(1.5)
    page.source.limit.set_share(25)
    page.source.speed.setValue(3)
    page.shutdown()
    again = MonitorPage(page.services)
    qtbot.addWidget(again)
    assert again.source.workload.currentData() == "loop"
    assert again.source.policy.currentData() == "lfu"
    assert (again.source.seed.value(), again.source.skew.value()) == (77, 1.5)
    assert (again.source.limit.share, again.source.speed.value()) == (25, 3)
    qtbot.waitUntil(lambda: not again.services.jobs.jobs)
    again.shutdown()


def test_the_example_runs_until_there_is_something_to_see(
    page: MonitorPage, bundle: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apbundle_gui.pages.monitor.page.EXAMPLE_SECONDS", 0.6)
    page.show_example(bundle)
    assert not page.example_ready()
    qtbot.waitUntil(page.example_ready)
    assert page.workload.state is WorkloadState.RUNNING
    page.show_example_view(page.example_views()[1])
    qtbot.waitUntil(page.example_ready)
    assert page.dashboard.better.policies.record(0).outcome.accesses > 0
    qtbot.waitUntil(state(page, WorkloadState.HELD))
    qtbot.waitUntil(all_shown(page))


def test_the_example_waits_for_its_bundle(
    empty_page: MonitorPage, bundle: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apbundle_gui.pages.monitor.page.EXAMPLE_SECONDS", 0.1)
    empty_page.services.session.open(bundle)
    empty_page.show_example(bundle)
    qtbot.waitUntil(empty_page.example_ready)


def test_everything_has_a_name_and_a_place_in_the_tab_order(page: MonitorPage) -> None:
    kinds = (QAbstractButton, QComboBox, QAbstractSlider, QLineEdit, QAbstractSpinBox)
    for widget in (*page.findChildren(QAbstractButton), *page.source.findChildren(QComboBox)):
        if widget.isVisible():
            named = widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text())
            assert named, widget
    for control in (page.source.seed, page.source.skew, page.source.speed, page.source.limit.edit):
        assert isinstance(control, kinds)
        assert control.accessibleName()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert page.dashboard.strip.accessibleDescription() == f"0 of {len(SIZES)} models in memory"


def test_space_presses_the_button_that_has_the_focus(page: MonitorPage, qtbot: QtBot) -> None:
    page.header.step.setFocus()
    QTest.keyClick(page.header.step, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: page.workload.accesses == 1)


@pytest.mark.parametrize("size", [(912, 590), (1192, 710), (1832, 990)])
@pytest.mark.parametrize("choice", [theme.Choice.LIGHT, theme.Choice.DARK])
def test_it_fits_every_size_in_both_themes(
    page: MonitorPage, qtbot: QtBot, size: tuple[int, int], choice: theme.Choice
) -> None:
    run_to(page, qtbot, 30)
    theme.manager().choose(choice)
    page.resize(*size)
    QApplication.processEvents()
    assert page.size().width() == size[0]  # nothing inside asks for more
    assert page.dashboard.width() <= size[0]
    pixels = page.grab().toImage()
    assert pixels.pixelColor(2, 2) == theme.color("window") or pixels.pixelColor(2, 2).alpha() == 0


def test_names_are_never_markup(
    empty_page: MonitorPage, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "<img src='fifo'>"
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.chdir(tmp_path)
    ModelBundle.builder(tmp_path / "b.apbundle").add_model(name, b"x" * 2000).build().close()
    empty_page.services.session.open(str(tmp_path / "b.apbundle"))
    qtbot.waitUntil(empty_page.header.run.isEnabled)
    run_to(empty_page, qtbot, 2)
    model = empty_page.dashboard.events.model
    assert name in str(model.index(0, Column.REASON).data())
    assert "&lt;img" in str(model.index(0, Column.REASON).data(Qt.ItemDataRole.ToolTipRole))
    empty_page.grab()


def test_moving_the_mouse_over_a_chart_shows_the_cross(page: MonitorPage, qtbot: QtBot) -> None:
    run_to(page, qtbot, 30)
    plot = page.dashboard.charts.memory
    times: list[float | None] = []
    plot.pointed.connect(times.append)
    viewport = plot.view.viewport()
    pointer.move(viewport, viewport.rect().center())
    qtbot.waitUntil(lambda: bool(times))
    assert times[-1] is not None
    QApplication.sendEvent(viewport, QEvent(QEvent.Type.Leave))
    assert times[-1] is None


def test_header_and_cards_end_together_where_the_page_scrolls_too(page: MonitorPage, qtbot: QtBot) -> None:
    def right(widget: QWidget) -> int:
        return widget.mapTo(page, widget.rect().topRight()).x()

    for width, height in ((912, 590), (1000, 560), (1200, 900)):
        page.resize(width, height)
        qtbot.waitUntil(lambda: right(page.source) == right(page.header.run) == page.width() - 1 - PAGE_MARGINS[2])
