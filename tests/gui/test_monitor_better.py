"""What would be better: the curve and the policies in the window are those of the library, worked out beside it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from apbundle.errors import BundleError, Cancelled
from apbundle.trace.accesses import read_accesses
from apbundle.trace.compare import LADDER, Comparison, compare
from apbundle.trace.curve import Curve, read_curve
from apbundle.trace.policies import BELADY, POLICY_FACTS
from apbundle.trace.recording import RecordingReader
from apbundle.trace.workload import zipf
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_better import (
    NO_ACCESSES,
    Column,
    PolicyTable,
    curve_sentences,
    explanation,
    needed,
    policy_sentences,
)
from apbundle_gui.pages.monitor.better import BetterPanel
from apbundle_gui.pages.monitor.curve_plot import CurvePlot
from apbundle_gui.services import Services, analysis
from apbundle_gui.services.analysis import CurveFound, find_curve, find_policies
from support.monitoring import make_bundle, record

SIZES = [3000, 5000, 800, 9000, 40, 7000, 2000, 6500]
LIMIT = 14_000


def nothing(phase: str, done: int, total: int) -> None:
    """Progress nobody looks at."""


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("better")
    bundle = make_bundle(folder / "paged.apbundle", SIZES)
    path = folder / "run.aptrace"
    record(bundle, path, zipf([f"model_{n}" for n in range(len(SIZES))], 1, 0.9), 1500, max_memory=LIMIT)
    return str(path)


@pytest.fixture(scope="module")
def curve(recording: str) -> Curve:
    with RecordingReader.open(recording) as reader:
        return read_curve(reader)


@pytest.fixture(scope="module")
def found(recording: str) -> CurveFound:
    return find_curve(recording, nothing, never)


@pytest.fixture(scope="module")
def compared(recording: str) -> Comparison:
    with RecordingReader.open(recording) as reader:
        return compare(read_accesses(reader), (LIMIT, *LADDER))


@pytest.fixture
def panel(services: Services, qtbot: QtBot) -> Iterator[BetterPanel]:
    made = BetterPanel(services.jobs)
    qtbot.addWidget(made)
    qtbot.addWidget(made.tools)
    made.resize(1000, 500)
    made.tools.show()
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.cancel()


def test_the_curve_is_the_library_s(found: CurveFound, curve: Curve) -> None:
    assert found.limits.tolist() == sorted({*curve.limits.tolist(), LIMIT})
    assert found.hits.tolist() == [curve.hits_at(limit) for limit in found.limits.tolist()]
    assert [found.hit_rate(limit) for limit in (LIMIT, curve.knee)] == [
        curve.hit_rate(LIMIT),
        curve.hit_rate(curve.knee),
    ]
    assert found.byte_hit_rates.tolist() == [curve.byte_hit_rate(limit) for limit in found.limits.tolist()]
    assert found.needed == tuple(curve.limit_for(percent / 100) for percent in range(101))
    assert (found.knee, found.smallest, found.working_set) == (curve.knee, curve.smallest, curve.working_set)
    assert found.in_force == curve.in_force
    assert found.hit_rate(curve.smallest - 1) is None


def test_the_panel_shows_what_the_library_finds(
    panel: BetterPanel, recording: str, curve: Curve, compared: Comparison, qtbot: QtBot
) -> None:
    assert not panel.work.isEnabled()
    panel.show_recording(recording, "lru")
    QTest.mouseClick(panel.work, Qt.MouseButton.LeftButton)
    assert panel.stop.isVisible()
    qtbot.waitUntil(lambda: not panel.working)
    assert panel.comparison == compared
    assert panel.policies.rowCount() == len(compared.rows)
    first = [panel.policies.record(row).outcome for row in range(len(POLICY_FACTS))]
    assert {outcome.limit for outcome in first} == {LIMIT}
    for row in range(panel.policies.rowCount()):
        outcome = panel.policies.record(row).outcome
        assert panel.policies.index(row, Column.HIT_RATE).data() == words.percent(outcome.hit_rate)
    assert panel.curve.marked("limit") == LIMIT
    assert panel.curve.marked("knee") == curve.knee
    panel.target.setValue(60)
    limit = curve.limit_for(0.6)
    assert limit is not None
    assert panel.curve.marked("target") == limit
    assert words.size(limit) in panel.curve_said.text()
    assert words.percent(curve.hit_rate(LIMIT)) in panel.curve_said.text()
    assert panel.curve_said.text() in panel.curve.accessibleDescription()
    edges, rates = panel.curve.data("hits")
    assert np.allclose(rates, [curve.hit_rate(int(edge)) for edge in edges[:-1]])
    assert panel.table.accessibleDescription() == policy_sentences(compared, "lru", LIMIT)
    panel.table.selectRow(len(POLICY_FACTS) - 1)
    assert "no bound" in panel.policy_said.text()
    assert panel.work.text() == "Work Out Again"
    panel.show_recording("", "")
    assert panel.policies.rowCount() == 0
    assert panel.curve.marked("limit") is None


def test_keys_go_along_the_curve(found: CurveFound, qtbot: QtBot) -> None:
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.show_curve(found, 60)
    QTest.keyClick(plot, Qt.Key.Key_Home)
    assert plot.value("hits") == words.percent(found.hit_rate(found.smallest) or 0)
    assert words.size(found.smallest) in plot.accessibleDescription()
    QTest.keyClick(plot, Qt.Key.Key_Right)
    QTest.keyClick(plot, Qt.Key.Key_End)
    assert plot.value("hits") == words.percent(found.hit_rate(found.working_set) or 0)


def test_it_can_be_cancelled(panel: BetterPanel, recording: str, qtbot: QtBot) -> None:
    panel.show_recording(recording, "lru")
    panel.work_out()
    QTest.mouseClick(panel.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not panel.working)
    assert panel.curve_found is None
    assert panel.work.isVisible()
    with pytest.raises(Cancelled):
        find_curve(recording, nothing, lambda: True)


def test_what_goes_wrong_is_said(panel: BetterPanel, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "text").write_text("no recording at all")
    panel.show_recording(str(tmp_path / "text"), "lru")
    panel.work_out()
    qtbot.waitUntil(lambda: not panel.working)
    assert "not a recording" in panel.curve_said.text()
    assert "not a recording" in panel.policy_said.text()
    with pytest.raises(BundleError):
        find_policies(str(tmp_path / "text"), (), (), nothing, never)


def test_a_process_that_dies_is_an_error(recording: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(f"import os, sys; sys.stdin.read(1); os.kill(os.getpid(), {int(signal.SIGKILL)})")
    monkeypatch.setattr(analysis.analysis_worker, "__file__", os.fspath(worker))
    with pytest.raises(OSError, match="is gone: it was killed"):
        find_curve(recording, nothing, never)
    worker.write_text("raise ValueError('a bug')")
    with pytest.raises(OSError, match="ValueError: a bug"):
        find_curve(recording, nothing, never)


def test_every_policy_is_explained(compared: Comparison) -> None:
    table = PolicyTable()
    table.show_comparison(compared, "lru", (LIMIT,))
    said = [str(table.index(row, Column.POLICY).data()) for row in range(len(POLICY_FACTS))]
    assert said[0].startswith("LRU  (recorded")
    assert sum("best" in name for name in said) >= 1
    for row in range(len(POLICY_FACTS)):
        outcome = table.record(row)
        assert outcome.facts.summary in explanation(outcome)
        assert all(table.index(row, column).data(Qt.ItemDataRole.ToolTipRole) for column in Column)
    assert "(no bound)" in said[-1]


def test_belady_is_a_bound_for_units_of_one_size(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "even.apbundle", [1000] * 6)
    names = zipf([f"model_{n}" for n in range(6)], 1, 0.9)
    record(bundle, tmp_path / "r.aptrace", names, 200, max_memory=3000)
    with RecordingReader.open(tmp_path / "r.aptrace") as reader:
        even = compare(read_accesses(reader), (3000,))
    last = even.rows[-1]
    assert last.facts.name == BELADY
    assert "No policy can have more hits" in explanation(last)
    table = PolicyTable()
    table.show_comparison(even, "fifo", (3000,))
    assert str(table.index(len(even.rows) - 1, Column.POLICY).data()).endswith("(bound)")


def test_sentences_for_every_case(found: CurveFound) -> None:
    assert "No limit reaches 100 %" in needed(found, 100)
    assert "there is that much" in needed(found, 1)
    empty = CurveFound(
        np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), 0, 0, 0, 0, 0, found.in_force, (None,) * 101
    )
    assert curve_sentences(empty, 95) == NO_ACCESSES
    assert policy_sentences(Comparison(0, 0, 0, True, (), (), ()), "lru", None) == NO_ACCESSES
