"""The widgets pages are made of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, QUrl
from PySide6.QtGui import (
    QDragLeaveEvent,
    QFontMetrics,
    QGuiApplication,
    QImage,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QStyledItemDelegate, QWidget
from pytestqt.qtbot import QtBot

from apbundle.errors import bundle_error
from apbundle_gui import theme
from apbundle_gui.theme import Tone
from apbundle_gui.theme.tokens import DARK, LIGHT
from apbundle_gui.widgets import (
    Badge,
    Banner,
    Card,
    CellDelegate,
    DoubleSpinBox,
    DropArea,
    ElidedLabel,
    EmptyState,
    ErrorCard,
    Facts,
    FlowLayout,
    Label,
    MonoLabel,
    Note,
    SpinBox,
    TableView,
    Tile,
    button,
    icon_button,
    local_paths,
)
from support.dragging import drag_onto, drop_onto, mime_of, mime_of_files


def shown(qtbot: QtBot, widget: QWidget) -> QWidget:
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def test_labels_show_plain_printable_text(qtbot: QtBot) -> None:
    label = Label("<b>a</b>\x1b\nb")
    qtbot.addWidget(label)
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert label.text() == "<b>a</b>\\x1b\nb"


def test_an_elided_label_keeps_its_text_and_gives_way(qtbot: QtBot) -> None:
    label = ElidedLabel("a" * 400 + "<img>")
    qtbot.addWidget(label)
    assert label.minimumSizeHint().width() < 100
    assert label.text().endswith("<img>")
    assert len(label.text()) == 256
    assert label.toolTip() == f"<qt>{'a' * 400}&lt;img&gt;</qt>"


def test_an_elided_label_draws_within_its_width(qtbot: QtBot) -> None:
    label = ElidedLabel("wide " * 40)
    label.resize(120, 20)
    shown(qtbot, label)
    image = label.grab().toImage()
    assert any(image.pixelColor(x, 10) != image.pixelColor(0, 0) for x in range(120))


def test_mono_label_has_the_fixed_font(qtbot: QtBot) -> None:
    label = MonoLabel("0x1A40")
    qtbot.addWidget(label)
    metrics = QFontMetrics(label.font())
    assert metrics.horizontalAdvance("i") == metrics.horizontalAdvance("W")


def test_badge_colours_follow_tone_and_theme(qtbot: QtBot) -> None:
    badge = shown(qtbot, Badge("Verified", Tone.OK))

    def ground() -> str:
        return badge.grab().toImage().pixelColor(badge.width() // 2, 2).name().upper()

    assert ground() == LIGHT.tones[Tone.OK].fill
    badge.set_state("Failed", Tone.DANGER)
    badge.adjustSize()
    assert ground() == LIGHT.tones[Tone.DANGER].fill
    theme.manager().choose(theme.Choice.DARK)
    assert ground() == DARK.tones[Tone.DANGER].fill


def test_card_is_a_surface_with_a_hairline(qtbot: QtBot) -> None:
    card = Card("Models")
    card.resize(200, 100)
    shown(qtbot, card)
    image = card.grab().toImage()
    assert image.pixelColor(100, 0).name().upper() == LIGHT.border
    assert image.pixelColor(100, 60).name().upper() == LIGHT.surface


def test_tile(qtbot: QtBot) -> None:
    tile = Tile("Hits", Tone.HIT)
    qtbot.addWidget(tile)
    assert tile.value == "–"
    tile.set_value("1,204", "99.9 %", "1,204 hits")
    assert tile.value == "1,204"


def test_a_long_value_is_drawn_smaller_before_it_is_cut(qtbot: QtBot) -> None:
    tile = Tile("Bytes loaded")
    tile.set_value("1,234.56 MiB")
    value = next(label for label in tile.findChildren(ElidedLabel) if label.text() == tile.value)
    tile.resize(400, 90)
    shown(qtbot, tile)
    full = value.font().pointSizeF()
    assert full == theme.value_font().pointSizeF()
    tile.resize(140, 90)
    qtbot.waitUntil(lambda: value.font().pointSizeF() < full)
    assert QFontMetrics(value.font()).horizontalAdvance(value.text()) <= value.width() + 2
    tile.set_value("7")
    assert value.font().pointSizeF() == full


def test_facts(qtbot: QtBot) -> None:
    facts = Facts()
    qtbot.addWidget(facts)
    value = facts.add("Digest", mono=True)
    facts.set("Digest", "ab" * 16, "xxh3-128")
    assert value.text() == "ab" * 16
    assert value.toolTip() == "<qt>xxh3-128</qt>"
    facts.set("Digest", "")
    assert value.text() == "–"


def test_note_hides_when_it_has_nothing_to_say(qtbot: QtBot) -> None:
    parent = QWidget()
    note = Note(parent)
    shown(qtbot, parent)
    assert not note.isVisible()
    note.say("This name is taken.", Tone.DANGER)
    assert note.isVisible()
    assert note.property("tone") == "danger"
    note.say("")
    assert not note.isVisible()


def test_buttons_click_and_say_what_they_do(qtbot: QtBot) -> None:
    clicks: list[str] = []
    primary = button("Build", lambda: clicks.append("build"), icon="build", kind="primary", tip="a <b> tip")
    small = icon_button("close", "Close", lambda: clicks.append("close"))
    for widget in (primary, small):
        qtbot.addWidget(widget)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
    assert clicks == ["build", "close"]
    assert primary.toolTip() == "<qt>a &lt;b&gt; tip</qt>"
    assert small.accessibleName() == "Close"


def test_banner_says_offers_and_goes(qtbot: QtBot) -> None:
    parent = QWidget()
    banner = Banner(parent)
    shown(qtbot, parent)
    assert banner.isHidden()
    clicks: list[str] = []
    banner.say("The file changed.", Tone.WARNING, [("Reload", lambda: clicks.append("r"))])
    assert banner.isVisible()
    assert banner.text == "The file changed."
    (reload,) = banner.findChildren(QPushButton)
    reload.click()
    assert clicks == ["r"]
    banner.say("Another thing.")
    qtbot.waitUntil(lambda: not banner.findChildren(QPushButton))
    with qtbot.waitSignal(banner.dismissed):
        banner.dismiss()
    assert banner.isHidden()
    assert banner.text == ""


def test_empty_state_shows_its_whole_sentence(qtbot: QtBot) -> None:
    state = EmptyState("drop", "Drop here", "A long sentence about what this page is for. " * 4, [QPushButton("Open…")])
    state.resize(900, 500)
    shown(qtbot, state)
    sentence = next(label for label in state.findChildren(QLabel) if label.wordWrap())
    assert sentence.height() >= sentence.heightForWidth(sentence.width())


def test_error_card(qtbot: QtBot) -> None:
    card = ErrorCard([QPushButton("Open…")])
    qtbot.addWidget(card)
    error = bundle_error("out_of_bounds", "A <b>model</b> ends past the end.", offset=255, hint="Load it again.")
    card.show_error(error, "/x/\x1b.apbundle", "Three names can be seen.")
    texts = [label.text() for label in card.findChildren(QLabel)]
    texts += [label.text() for label in card.findChildren(ElidedLabel)]
    for expected in ("A <b>model</b> ends past the end.", "/x/\\x1b.apbundle", "0xFF   byte 255", "out_of_bounds"):
        assert expected in texts
    assert "Three names can be seen." in texts
    card.show_error(PermissionError(13, "Permission denied"), "/x")
    assert "PermissionError" in [label.text() for label in card.findChildren(Badge)]


@pytest.mark.parametrize("name", [b"plain.apbundle", "日本 &#%.bin".encode(), b"\xff\xfe.apbundle", b"a b%20c"])
def test_dropped_paths_are_exact(name: bytes, tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)
    url = QUrl.fromEncoded(b"file://" + b"".join(b"%%%02X" % byte if byte != 0x2F else b"/" for byte in path))
    assert local_paths(mime_of(url)) == [os.fsdecode(path)]


def test_only_files_are_taken() -> None:
    assert local_paths(mime_of(QUrl("https://example.org/a.apbundle"))) == []


def test_drop_area_takes_files_and_nothing_else(qtbot: QtBot, tmp_path: Path) -> None:
    area = DropArea()
    area.resize(200, 100)
    shown(qtbot, area)
    idle = area.grab().toImage()
    assert not drag_onto(area, mime_of(QUrl("https://example.org/")))
    files = mime_of_files([tmp_path / "a", tmp_path / "b"])
    assert drag_onto(area, files)
    assert area.grab().toImage() != idle
    QApplication.sendEvent(area, QDragLeaveEvent())
    assert area.grab().toImage() == idle
    with qtbot.waitSignal(area.dropped) as dropped:
        assert drop_onto(area, files)
    assert dropped.args == [[str(tmp_path / "a"), str(tmp_path / "b")]]


@pytest.fixture
def table(qtbot: QtBot) -> Iterator[TableView]:
    model = QStandardItemModel(5, 2)
    model.setHorizontalHeaderLabels(["Name", "Size"])
    for row in range(5):
        model.setItem(row, 0, QStandardItem(f"model {row}"))
        model.setItem(row, 1, QStandardItem(str(row)))
    view = TableView()
    view.setModel(model)
    view.resize(400, 240)
    shown(qtbot, view)
    yield view
    model.deleteLater()


def test_table_rows_and_lines(table: TableView) -> None:
    assert table.rowHeight(0) == theme.ROW_HEIGHT
    table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
    image = table.viewport().grab().toImage()
    for row in range(5):
        assert image.pixelColor(390, (row + 1) * theme.ROW_HEIGHT - 1).name().upper() == LIGHT.grid
    assert image.pixelColor(390, 5 * theme.ROW_HEIGHT + 20).name().upper() == LIGHT.surface


def test_table_copies_selected_rows(table: TableView) -> None:
    table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    table.selectRow(1)
    QTest.keyClick(table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert table.selected_rows() == [1, 2]
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "model 1\t1\nmodel 2\t2"


def test_table_widths_stretch_one_column(table: TableView) -> None:
    table.set_widths([0, 80], stretch=0)
    assert table.columnWidth(1) == 80
    assert table.columnWidth(0) == table.viewport().width() - 80


class _Marked(CellDelegate):
    def mark(self, index: QModelIndex | QPersistentModelIndex) -> tuple[str, Tone] | None:
        return ("miss", Tone.MISS) if index.row() == 1 else None


def _last_ink(image: QImage) -> int:
    """The last column in which the first row has anything but its ground."""
    ground = image.pixelColor(300, 3)
    rows = range(3, theme.ROW_HEIGHT - 3)
    return max(x for x in range(image.width()) if any(image.pixelColor(x, y) != ground for y in rows))


def test_cells_look_the_same_painted_straight(table: TableView) -> None:
    """Beside what Qt's own delegate paints, nothing is moved."""
    model = table.model()
    model.setData(model.index(3, 0), "a name that is much too long for the column " * 3)
    table.selectRow(2)
    table.clearFocus()
    straight = CellDelegate(table)
    expected = table.viewport().grab().toImage()
    table.setItemDelegate(straight)
    assert table.viewport().grab().toImage() == expected

    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    model.setData(model.index(0, 1), int(right), Qt.ItemDataRole.TextAlignmentRole)
    straightly = _last_ink(table.viewport().grab().toImage())
    table.setItemDelegate(QStyledItemDelegate(table))
    assert abs(_last_ink(table.viewport().grab().toImage()) - straightly) <= 1


def test_marked_cells_have_the_colour_of_their_meaning(table: TableView) -> None:
    table.setItemDelegate(_Marked(table))
    image = table.viewport().grab().toImage()
    middle = theme.ROW_HEIGHT // 2

    def colors(row: int) -> set[str]:
        line = row * theme.ROW_HEIGHT
        return {image.pixelColor(x, line + y).name() for x in range(100) for y in range(middle - 6, middle + 6)}

    wanted = theme.tone_color(Tone.MISS, "text").name()
    assert wanted in colors(1)
    assert wanted not in colors(0)


def test_flow_layout_breaks_its_rows(qtbot: QtBot) -> None:
    parent = QWidget()
    layout = FlowLayout(parent)
    badges = [Badge(f"badge {number}") for number in range(12)]
    for badge in badges:
        layout.addWidget(badge)
    parent.resize(300, 300)
    shown(qtbot, parent)
    assert len({badge.y() for badge in badges}) > 1
    assert all(badge.geometry().right() < 300 for badge in badges)
    assert layout.heightForWidth(10_000) < layout.heightForWidth(300)
    assert layout.itemAt(12) is None
    assert layout.takeAt(99) is None


def test_number_fields_stand_in_from_their_frame(qtbot: QtBot) -> None:
    whole, decimal = SpinBox(1, 2**31 - 1, 4096), DoubleSpinBox(0.5, 2.0, 1.2)
    for field in (whole, decimal):
        shown(qtbot, field)
        assert field.lineEdit().textMargins().left() == theme.Space.S
    assert whole.value() == 4096
    assert whole.maximum() == 2**31 - 1
    whole.selectAll()
    QTest.keyClicks(whole, "512")
    assert whole.value() == 4096  # a half-typed number is not yet one
    QTest.keyClick(whole, Qt.Key.Key_Return)
    assert whole.value() == 512
    assert decimal.value() == pytest.approx(1.2)
