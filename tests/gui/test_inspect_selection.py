"""One selection in every part of the page: whatever is chosen anywhere is followed everywhere else, and led back to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from apbundle import BundleBuilder
from apbundle_gui.models.tree_items import TreeItem
from apbundle_gui.pages.inspect.page import InspectPage
from apbundle_gui.pages.inspect.places import field_of
from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.pages.inspect.tabbed import KINDS
from apbundle_gui.services import Services
from support.inspecting import InspectBench

Alt = Qt.KeyboardModifier.AltModifier


def build(path: Path, scale: float) -> Path:
    builder = BundleBuilder(path)
    for name in ("encoder", "decoder"):
        tensors = {f"layers.{i}.weight": np.arange(12, dtype=np.float32).reshape(3, 4) * scale for i in (0, 1)}
        builder.add_model(name, tensors, version="1.0", custom={"about": name})
    builder.build().close()
    return path


@pytest.fixture
def bench(qtbot: QtBot, services: Services, tmp_path: Path) -> InspectBench:
    """A page that was everywhere once, and has compared the bundle with another one."""
    bench = InspectBench(qtbot, services)
    bench.open(build(tmp_path / "models.apbundle", 2.0))
    for kind in KINDS:
        bench.page.tabs.show_tab(bench.page.tabs.get(kind))
    bench.page.compare_tab.compare_with(str(build(tmp_path / "other.apbundle", 1.0)))
    bench.settle()
    return bench


# -- what a hand chooses in each part: model 1, and its tensor 1 where the part has tensors ----------------------


def in_tree(bench: InspectBench) -> None:
    navigation, contents = bench.page.navigation, bench.inspection.contents.of(1)
    assert contents is not None
    bench.page.tabs.show_tab(bench.page.models_tab)
    tree = navigation.tree
    for _ in range(3):  # the model, the group, the tensors in it
        rows = [row for row in range(tree.rowCount()) if tree.item(row).model == 1 and tree.item(row).tensor is None]
        tree.unfold(rows[-1])
    (row,) = (row for row in range(tree.rowCount()) if tree.item(row).model == 1 and tree.item(row).tensor == 1)
    place = navigation.view.visualRect(tree.index(row, 0)).center()
    QTest.mouseClick(navigation.view.viewport(), Qt.MouseButton.LeftButton, pos=place)


def in_overview(bench: InspectBench) -> None:
    bench.page.tabs.show_tab(bench.page.models_tab)
    bench.click_row(1)


def on_the_map(bench: InspectBench) -> None:
    bench.page.tabs.show_tab(bench.page.models_tab)
    span = bench.inspection.span_of(1, 1)
    assert span is not None
    view = bench.page.models_tab.map.view
    bench.click(view, QPoint(round(view.x_of(span[0] + span[1] // 2)), view.height() // 3))


def in_manifest(bench: InspectBench) -> None:
    tab = bench.page.manifest_tab
    bench.page.tabs.show_tab(tab)
    fields = bench.inspection.fields
    assert fields is not None
    index = tab.rows.index(tab.rows.row_of(fields.rows_of_model(1)[2]), 0)
    tab.view.scrollTo(index)
    QTest.mouseClick(tab.view.viewport(), Qt.MouseButton.LeftButton, pos=tab.view.visualRect(index).center())


def in_metadata(bench: InspectBench) -> None:
    tab = bench.page.metadata_tab
    bench.page.tabs.show_tab(tab)
    first = tab.table.first_of(1)
    assert first is not None
    tab.view.setCurrentIndex(tab.table.index(tab.table.row_of(first), 0))


def in_tensors(bench: InspectBench) -> None:
    tab = bench.page.tensors_tab
    bench.page.tabs.show_tab(tab)
    tab.view.selectRow(tab.table.row_of(bench.inspection.contents.row_of(1, 1)))


def in_values(bench: InspectBench) -> None:
    bench.page.selection.go(Place(1, "", 1))  # there are only the values of the tensor one is at
    bench.page.tabs.show_tab(bench.page.values_tab)
    bench.settle()
    bench.page.values_tab.plane.element_chosen.emit((2, 3))


def in_hex(bench: InspectBench) -> None:
    tab = bench.page.hex_tab
    bench.page.tabs.show_tab(tab)
    span = bench.inspection.span_of(1, 1)
    assert span is not None
    tab.go_to.setText(f"{span[0] + 8:#x}")
    QTest.keyClick(tab.go_to, Qt.Key.Key_Return)


def in_comparison(bench: InspectBench) -> None:
    tab = bench.page.compare_tab
    bench.page.tabs.show_tab(tab)
    assert tab._comparison is not None
    assert tab._comparison.found is not None
    tab.view.selectRow(tab.table.row_of(tab._comparison.found.places["decoder", 1]))


CHOOSING: dict[str, Callable[[InspectBench], None]] = {
    "tree": in_tree,
    "overview": in_overview,
    "map": on_the_map,
    "manifest": in_manifest,
    "metadata": in_metadata,
    "tensors": in_tensors,
    "values": in_values,
    "hex": in_hex,
    "compare": in_comparison,
}


# -- what each part shows of the selection -----------------------------------------------------------------------


def tree_follows(page: InspectPage, place: Place) -> bool:
    item: TreeItem | None = page.navigation.view.item
    return item is not None and (item.model, item.tensor) == (place.model, place.tensor)


def overview_follows(page: InspectPage, place: Place) -> bool:
    tab = page.models_tab
    return tab.current() == place.model and bool(tab.map.view._marked)


def manifest_follows(page: InspectPage, place: Place) -> bool:
    field, inspection = page.manifest_tab.current(), page.inspection
    assert inspection is not None
    assert inspection.fields is not None
    assert field is not None
    if place.span is not None and (wanted := field_of(inspection, place.span)) is not None:
        return field == wanted
    return inspection.fields.model_at(field) == place.model


def metadata_follows(page: InspectPage, place: Place) -> bool:
    item = page.metadata_tab.current()
    return item is not None and page.metadata_tab.table.item(item).model == place.model


def tensors_follow(page: InspectPage, place: Place) -> bool:
    inspection, thing = page.inspection, page.tensors_tab.current()
    assert inspection is not None
    if place.tensor is None:  # one of the model's may still be shown, of no other model
        return thing is None or inspection.contents.at(thing)[0] == place.model
    return thing is not None and inspection.contents.at(thing) == (place.model, place.tensor)


def values_follow(page: InspectPage, place: Place) -> bool:
    wanted = None if place.tensor is None else (place.model, place.tensor)
    return page.values_tab._looked_at == wanted


def hex_follows(page: InspectPage, place: Place) -> bool:
    inspection = page.inspection
    assert inspection is not None
    assert place.model is not None
    return page.hex_tab.view.selected == (place.span or inspection.span_of(place.model, place.tensor))


def comparison_follows(page: InspectPage, place: Place) -> bool:
    thing = page.compare_tab.current()
    return thing is not None and page.compare_tab.table.difference(thing).where == ("decoder", place.tensor)


FOLLOWING: dict[str, Callable[[InspectPage, Place], bool]] = {
    "Overview": overview_follows,
    "Manifest": manifest_follows,
    "Metadata": metadata_follows,
    "Tensors": tensors_follow,
    "Values": values_follow,
    "Hex": hex_follows,
    "Compare": comparison_follows,
}


def test_what_is_chosen_in_any_part_is_followed_in_every_other(qtbot: QtBot, bench: InspectBench) -> None:
    page = bench.page
    for chosen, choose in CHOOSING.items():
        page.selection.go(Place(0, "", 0))
        bench.settle()
        choose(bench)
        bench.settle()
        place = page.selection.place
        assert place.model == 1, chosen
        assert place.tensor == (None if chosen in ("overview", "manifest", "metadata") else 1), chosen
        qtbot.waitUntil(lambda place=place: tree_follows(page, place))
        for tab in page.tabs.existing:
            page.tabs.show_tab(tab)
            bench.settle()
            QApplication.processEvents()
            assert FOLLOWING[tab.title](page, place), f"{tab.title} does not follow what is chosen in {chosen}"
            assert page.selection.place == place, f"looking at {tab.title} chose something else than {chosen} did"


def test_one_is_led_back_and_forward_through_all_of_it(bench: InspectBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apbundle_gui.pages.inspect.history.PASSING_MS", 0)
    page = bench.page
    visits: list[tuple[Place, str]] = []
    for choose in (in_overview, in_manifest, in_tensors, in_hex, in_comparison):
        page.selection.go(Place(0))
        choose(bench)
        visits.append((page.selection.place, page.tabs.current.title))
    began = len(page.navigation.history._visits)
    for place, title in reversed(visits):
        while (page.selection.place, page.tabs.current.title) != (place, title):
            assert page.navigation.history.can_go_back, title
            bench.key(Qt.Key.Key_Left, Alt)
    for place, title in visits[1:]:
        while (page.selection.place, page.tabs.current.title) != (place, title):
            assert page.navigation.history.can_go_forward, title
            bench.key(Qt.Key.Key_Right, Alt)
    assert len(page.navigation.history._visits) == began, "the way is the same after it was gone"


def test_a_field_and_its_bytes_are_one_place(bench: InspectBench) -> None:
    page, fields = bench.page, bench.inspection.fields
    assert fields is not None
    page.tabs.show_tab(page.hex_tab)
    QTest.keyClick(page.hex_tab.view, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    for offset in (0, 8, 13, 24, 33):
        page.hex_tab.go_to.setText(str(offset))
        QTest.keyClick(page.hex_tab.go_to, Qt.Key.Key_Return)
        assert page.selection.place == Place(None, "", None, (offset, 1))
        page.tabs.show_tab(page.manifest_tab)
        current = page.manifest_tab.current()
        assert current == fields.at_offset(offset)
        page.tabs.show_tab(page.hex_tab)
        assert page.hex_tab.view.selected == (offset, 1)
    page.tabs.show_tab(page.manifest_tab)
    for index, field in enumerate(fields):
        page.manifest_tab.view.setCurrentIndex(page.manifest_tab.rows.index(page.manifest_tab.rows.row_of(index), 0))
        assert page.selection.place.span == (field.offset, field.length)
        assert page.manifest_tab.current() == index, field.name
        assert page.models_tab.map.view._marked == (field.offset, field.length)
