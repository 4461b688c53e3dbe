"""What the pictures of the page show: every tab with something in it, of any bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from apbundle import BundleBuilder
from apbundle_gui import resources
from apbundle_gui.services import Services
from support.inspecting import InspectBench


def test_every_tab_has_something_to_show(qtbot: QtBot, services: Services) -> None:
    bench = InspectBench(qtbot, services)
    page = bench.page
    bench.open(resources.sample_path())
    page.show_example(str(resources.sample_path()))
    bench.settle()
    shown = {}
    for view in page.example_views():
        page.show_example_view(view)
        bench.settle()
        shown[view] = page.tabs.current.title.lower()
        if view == "tensors":
            assert page.tensors_tab.panel.title.text() == "3 tensors selected"
    assert shown == {view: view or "overview" for view in page.example_views()}
    assert page.values_tab.values.statistics is not None
    assert page.hex_tab.view.selected[1] > 1000
    assert page.compare_tab.table.count() > 0


def test_a_bundle_with_nothing_in_it_is_shown_as_it_is(qtbot: QtBot, services: Services, tmp_path: Path) -> None:
    path = tmp_path / "small.apbundle"
    BundleBuilder(path).add_model("one", {"a": np.zeros(3)}).build().close()
    bench = InspectBench(qtbot, services)
    bench.page.show_example_view("values")
    bench.open(path)
    for view in bench.page.example_views():
        bench.page.show_example_view(view)
        bench.settle()
    assert bench.page.compare_tab.table.count() == 0
