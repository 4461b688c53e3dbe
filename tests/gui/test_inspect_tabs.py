"""Tabs of Inspect are made one after the other, and whichever is made late shows what the others show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from apbundle import ModelBundle
from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.pages.inspect.tabbed import KINDS
from apbundle_gui.pages.inspect.tensors_tab import TensorsTab
from apbundle_gui.services import Services
from support.inspecting import InspectBench
from support.tensors import safetensors


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Two models of a tensor each."""
    path = tmp_path / "two.apbundle"
    builder = ModelBundle.builder(path)
    for name in ("first", "second"):
        builder.add_model(name, safetensors({f"{name}.weight": np.arange(6, dtype=np.float32)}))
    builder.build().close()
    return path


def test_no_tab_is_there_at_first_and_all_are_after_a_while(qtbot: QtBot, services: Services) -> None:
    bench = InspectBench(qtbot, services)
    assert len(bench.page.tabs.existing) < len(KINDS)
    qtbot.waitUntil(lambda: len(bench.page.tabs.existing) == len(KINDS))
    assert [type(tab) for tab in bench.page.tabs.existing] == list(KINDS)


def test_late_tabs_follow(qtbot: QtBot, services: Services, bundle: Path) -> None:
    bench = InspectBench(qtbot, services)
    page = bench.page
    page.tabs.stop()
    bench.open(bundle)
    bench.inspection.contents.want_all()
    bench.settle()
    page.selection.go(Place(1, "", 0))
    late = [kind for kind in KINDS if kind not in map(type, page.tabs.existing)]
    assert len(late) == len(KINDS) - 1
    for kind in late:
        assert page.tabs.get(kind).inspection is bench.inspection
    page.tabs.show_tab(page.tensors_tab)
    assert page.tensors_tab.current() == 1
    page.tabs.show_tab(page.hex_tab)
    assert page.hex_tab.view.selected == bench.inspection.span_of(1, 0)
    bench.settle()


def test_the_tab_of_last_time_reads_what_it_shows(qtbot: QtBot, services: Services, bundle: Path) -> None:
    services.settings.remember("inspect/tab", KINDS.index(TensorsTab))
    bench = InspectBench(qtbot, services)
    assert not bench.page.tabs.existing or type(bench.page.tabs.existing[0]) is TensorsTab
    bench.open(bundle)
    assert bench.page.tabs.current is bench.page.tensors_tab
    assert bench.page.tensors_tab.table.rowCount() == 2
