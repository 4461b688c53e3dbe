"""The tree of open bundles: its arithmetic against a plain list, and what it shows of names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from apbundle import BundleBuilder
from apbundle.payload.table import TensorTable
from apbundle_gui.models.branches import Branch, Node
from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.services import Services
from apbundle_gui.services.name_groups import Places, group_names, group_tensors
from support.inspecting import InspectBench

LAYERS = [f"layers.{i}.{part}.weight" for i in (0, 1, 10, 2) for part in ("attn.q_proj", "mlp")]


def labels(names: list[str], prefix: str = "") -> list[tuple[str, int, bool]]:
    rows = [row for row, name in enumerate(names) if name.startswith(prefix)]
    return [(group.label, len(group.rows), group.leaf) for group in group_names(names.__getitem__, rows, prefix)]


def test_names_are_grouped_at_their_dots_in_natural_order() -> None:
    names = ["embed", *LAYERS, "layers.norm.weight"]
    assert labels(names) == [("embed", 1, True), ("layers", 9, False)]
    below = labels(names, "layers.")
    assert below == [("0", 2, False), ("1", 2, False), ("2", 2, False), ("10", 2, False), ("norm.weight", 1, True)]
    assert labels(names, "layers.10.") == [("attn.q_proj.weight", 1, True), ("mlp.weight", 1, True)]


def test_a_chain_of_groups_is_one_group() -> None:
    assert labels(["model.language.embed", "model.language.head"]) == [("model.language", 2, False)]
    assert labels(["a/b.c", "a/b.d", "a/x"]) == [("a", 3, False)]


def test_strange_names_are_tensors_all_the_same() -> None:
    assert labels(["", ".", "a.", "..", "a..b"]) == [
        ("", 1, True),
        (".", 1, True),
        ("..", 1, True),
        ("a.", 1, True),
        ("a..b", 1, True),
    ]


class Plain:
    """The same tree, as nested lists walked from the top."""

    def __init__(self, branch: Branch[int]) -> None:
        self.branch = branch

    def rows(self) -> list[Node[int]]:
        found: list[Node[int]] = []

        def walk(branch: Branch[int]) -> None:
            for place in range(branch.count):
                node = branch.child(place)
                found.append(node)
                if place in branch.open_places:
                    assert node.branch is not None
                    walk(node.branch)

        walk(self.branch)
        return found


@given(st.lists(st.integers(0, 200), max_size=40))
def test_rows_are_those_of_a_plain_tree(choices: list[int]) -> None:
    top: Branch[int] = Branch(None, 7, lambda place: place)
    plain = Plain(top)
    for choice in choices:
        rows = plain.rows()
        node = rows[choice % len(rows)]
        assert node.row == rows.index(node)
        if node.unfolded:
            before = len(top)
            assert before - node.above.fold(node.place) == len(plain.rows())
        else:
            if node.branch is None:
                node.branch = Branch(node, choice % 5, lambda place: place)
            node.above.unfold(node.place)
        rows = plain.rows()
        assert len(top) == len(rows)
        assert [top.at(row) for row in range(len(rows))] == rows


@pytest.fixture
def inspect_bench(qtbot: QtBot, services: Services) -> InspectBench:
    return InspectBench(qtbot, services)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    builder = BundleBuilder(tmp_path / "models.apbundle")
    builder.add_model("encoder", {name: np.ones((4, 8), np.float16) for name in LAYERS})
    builder.add_model("text", b"nothing to list")
    builder.build().close()
    return tmp_path / "models.apbundle"


def shown(bench: InspectBench) -> list[str]:
    tree = bench.page.navigation.tree
    return ["  " * tree.node(row).level + str(tree.index(row, 0).data()) for row in range(tree.rowCount())]


def test_a_bundle_unfolds_down_to_its_tensors(
    qtbot: QtBot, inspect_bench: InspectBench, bundle: Path, qtmodeltester: ModelTester
) -> None:
    bench, view = inspect_bench, inspect_bench.page.navigation.view
    bench.open(bundle)
    qtmodeltester.check(bench.page.navigation.tree)
    assert shown(bench) == ["models.apbundle", "  encoder", "  text"]
    assert view.item is not None
    assert view.item.model == 0
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: "    layers" in shown(bench))
    for _ in range(2):
        QTest.keyClick(view, Qt.Key.Key_Right)
    assert shown(bench)[2:8] == ["    layers", "      0", "      1", "      2", "      10", "  text"]
    assert bench.page.selection.place == Place(0, "layers.")
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert bench.page.selection.place == Place(0, "", 0)
    for _ in range(4):
        QTest.keyClick(view, Qt.Key.Key_Left)
    assert shown(bench)[1:4] == ["  encoder", "    layers", "  text"]


def test_a_model_without_tensors_says_so(qtbot: QtBot, inspect_bench: InspectBench, bundle: Path) -> None:
    bench = inspect_bench
    bench.open(bundle)
    bench.page.navigation.tree.unfold(2)
    qtbot.waitUntil(lambda: shown(bench)[-1] == "    It lists no tensors.")


def test_what_is_selected_elsewhere_is_unfolded_to(qtbot: QtBot, inspect_bench: InspectBench, bundle: Path) -> None:
    bench = inspect_bench
    bench.open(bundle)
    contents = bench.inspection.contents
    contents.want(0)
    qtbot.waitUntil(lambda: contents.of(0) is not None)
    bench.page.selection.go(Place(0, "", 5))
    view = bench.page.navigation.view
    qtbot.waitUntil(lambda: view.item is not None and view.item.tensor == 5)
    assert str(view.currentIndex().siblingAtColumn(0).data()) == "mlp.weight"


def test_one_goes_back_and_forward(qtbot: QtBot, inspect_bench: InspectBench, bundle: Path) -> None:
    bench = inspect_bench
    bench.open(bundle)
    page = bench.page
    page.selection.go(Place(1))
    page.selection.go(Place(0, "layers."))
    QTest.keyClick(bench.window, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert page.selection.place.group == ""
    assert page.navigation.history.can_go_forward
    QTest.keyClick(bench.window, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert page.selection.place == Place(0, "layers.")


def test_groups_know_what_they_add_up_to() -> None:
    table = TensorTable()
    for row, name in enumerate(["a.x", "b", "a.y.p", "a.y.q"]):
        table.add(name, "F32", [row + 1], 0, 10 * row)
    table.publish()
    found = {group.label: (group.elements, group.size) for group in group_tensors(table)}
    assert found == {"a": (8, 50), "b": (2, 10)}
    inside = group_tensors(table, [0, 2, 3], "a.")
    assert [(group.label, group.elements) for group in inside] == [("x", 1), ("y", 7)]
    assert group_tensors(TensorTable()) == ()


def test_the_way_to_a_name_is_found() -> None:
    names = ["a.x", "b", "a.y.p", "a.y.q", "b.c", "b.d"]
    groups = group_names(names.__getitem__, range(len(names)))
    places = Places(groups)
    for name in names:
        place = places.towards(name, True)
        assert place is not None
        group = groups[place]
        assert group.prefix == name if group.leaf else name.startswith(group.prefix)
    assert groups[places.towards("a.y.", False) or 0].prefix == "a."
    assert places.towards("c.d", True) is None
