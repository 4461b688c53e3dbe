"""How a query may go on: what is offered at the cursor, and taken by key and by mouse."""

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
from apbundle_gui.models.query_completions import Occurring, completions
from apbundle_gui.models.tensor_query import Field, QueryError, parse
from apbundle_gui.pages.inspect.completing import CompletionPopup
from apbundle_gui.services import Services
from support.inspecting import InspectBench

HERE = Occurring(("F16", "BF16", "Q4_0"), ((3, 4), (768,)), ("text encoder", "decoder", 'a "b"', "", "<b>x</b>"))
FIELDS = [field.value for field in Field]


def offered(query: str, cursor: int | None = None) -> list[str]:
    found = completions(query, len(query) if cursor is None else cursor, HERE)
    return [choice.text for choice in found.choices]


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("", ["name~", "model:", "dtype:", "shape:", "rank:", "params>", "size>"]),
        ("s", ["shape:", "size>"]),
        ("attn -d", ["dtype:"]),
        ("nothing", []),
        ("dtype:", ["f16", "bf16", "q4_0"]),
        ("DTYPE:B", ["bf16"]),
        ("dtype:f16,", ["f16", "bf16", "q4_0"]),
        ("dtype:f16,q", ["q4_0"]),
        ("dtype:f16", []),
        ("shape:", ["[*,*]", "[]", "[3,4]", "[768]"]),
        ("shape:[3", ["[3,4]"]),
        ("rank:", ["1", "2"]),
        ("model:", ['"text encoder"', "decoder", "<b>x</b>"]),
        ("model~te", ['"text encoder"']),
        ("size>", ["4KiB", "64KiB", "1MiB", "16MiB", "256MiB"]),
        ("params<=1", ["1k", "100k", "1M", "10M", "100M"]),
        ("foo:", []),
        ("name~", []),
        ('name:"a b', []),
    ],
)
def test_what_is_offered(query: str, texts: list[str]) -> None:
    assert offered(query) == texts


def test_what_is_taken_stands_in_the_place_of_what_was_typed() -> None:
    query = "attn d size>1"
    found = completions(query, 6, HERE)
    assert found.applied(query, found.choices[0]) == ("attn dtype: size>1", 11)
    found = completions("dtype:f16,q", 11, HERE)
    assert found.applied("dtype:f16,q", found.choices[0]) == ("dtype:f16,q4_0 ", 15)


@given(st.text(st.sampled_from('nameshpdtyr~:=<>!-[]"*, 1k'), max_size=20), st.integers(0, 20))
def test_whole_values_leave_a_query_as_sound_as_it_was(query: str, cursor: int) -> None:
    found = completions(query, min(cursor, len(query)), HERE)
    assert 0 <= found.start <= found.end <= len(query)
    for choice in found.choices:
        text, place = found.applied(query[: found.end], choice)
        assert place == len(text)
        if choice.whole and query[: found.start].count('"') % 2 == 0 and is_sound(query[: found.start] + "1"):
            assert is_sound(query[: found.start] + choice.text)


def is_sound(query: str) -> bool:
    try:
        parse(query)
    except QueryError:
        return False
    return True


@pytest.fixture
def bench(qtbot: QtBot, services: Services, tmp_path: Path) -> InspectBench:
    builder = BundleBuilder(tmp_path / "models.apbundle")
    builder.add_model("<img src=x>", {"a.weight": np.zeros((2, 3), np.float32), "b.weight": np.zeros(4, np.float16)})
    builder.build().close()
    bench = InspectBench(qtbot, services)
    bench.open(tmp_path / "models.apbundle")
    bench.page.tabs.show_tab(bench.page.tensors_tab)
    bench.settle()
    bench.key(Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    return bench


def popup(bench: InspectBench) -> CompletionPopup:
    return bench.page.tabs.completions


def test_a_query_is_put_together_by_keys(qtbot: QtBot, bench: InspectBench, qtmodeltester: ModelTester) -> None:
    field, shown = bench.page.tabs.search, popup(bench)
    assert field.hasFocus()
    assert not shown.isVisible()
    QTest.keyClick(field, Qt.Key.Key_Down)
    assert shown.isVisible()
    qtmodeltester.check(shown.list)
    QTest.keyClicks(field, "d")
    qtbot.waitUntil(lambda: shown.list.rowCount() == 1)
    QTest.keyClick(field, Qt.Key.Key_Down)
    QTest.keyClick(field, Qt.Key.Key_Tab)
    assert field.text() == "dtype:"
    assert field.hasFocus()
    assert "A value is missing" in bench.page.tabs.count.text()
    assert field.property("tone") == "danger"
    QTest.keyClick(field, Qt.Key.Key_Up)
    QTest.keyClick(field, Qt.Key.Key_Return)
    bench.settle()
    assert field.text() in ("dtype:f16 ", "dtype:f32 ")
    assert bench.page.tabs.count.text() == "1 of 2 tensors"
    assert not field.property("tone")
    assert shown.isVisible()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not shown.isVisible()
    assert field.text(), "the first Escape closes the list"
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not field.text()


def test_a_query_is_put_together_by_mouse(bench: InspectBench) -> None:
    field, shown = bench.page.tabs.search, popup(bench)
    for row in (1, 0):
        QTest.keyClick(field, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
        place = shown.view.visualRect(shown.list.index(row, 0)).center()
        QTest.mouseClick(shown.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert field.hasFocus()
    assert field.text() == 'model:"<img src=x>" '
    bench.settle()
    assert bench.page.tabs.count.text() == "2 tensors"
    bench.page.navigation.view.setFocus()
    assert not shown.isVisible()


def test_tabs_without_such_queries_offer_nothing(bench: InspectBench) -> None:
    bench.page.tabs.show_tab(bench.page.models_tab)
    QTest.keyClick(bench.page.tabs.search, Qt.Key.Key_Down)
    assert not popup(bench).isVisible()
