"""The item models of the Inspect page, and the pure functions under them."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from apbundle.bundle import ModelBundle
from apbundle.errors import Cancelled
from apbundle.format.model import ModelEntry, ModelMetadata
from apbundle_gui import resources
from apbundle_gui.models import field_table, metadata_table, model_table
from apbundle_gui.models.arranged import ICON_ROLE, TONE_ROLE, ArrangedModel
from apbundle_gui.models.arrangement import arrange, words_of
from apbundle_gui.models.copies import command_line, python_snippet, quoted
from apbundle_gui.models.field_table import FieldRows
from apbundle_gui.models.long_text import column_of_byte, hex_rows, lines
from apbundle_gui.models.metadata_table import MetadataTable, bundle_items
from apbundle_gui.models.model_table import ModelTable
from apbundle_gui.models.pair_list import PairList
from apbundle_gui.models.recent_list import RecentList
from apbundle_gui.models.remark_list import OFFSET, TITLE, RemarkList
from apbundle_gui.models.remarks import DANGER, WARNING, Remark
from apbundle_gui.pages.inspect.columns import NARROWEST, Width, fit
from apbundle_gui.services import OpenBundle, Services
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.natural import natural
from apbundle_gui.services.pacing import Pace


@pytest.fixture
def inspection(services: Services, qtbot: QtBot) -> Iterator[Inspection]:
    path = str(resources.sample_path())
    with ModelBundle.load(path) as bundle:
        made = Inspection(services, OpenBundle(path, bundle))
        made.need_fields()
        qtbot.waitUntil(lambda: made.formats.complete and made.fields is not None)
        yield made
        made.close()


def arranged(model: ArrangedModel, qtbot: QtBot) -> list[int]:
    """What the model shows, once it shows what was asked for."""
    qtbot.waitUntil(lambda: not model.arranging)
    return [model.index_of(row) for row in range(model.rowCount())]


# -- item models -------------------------------------------------------------------------------------------------


def test_model_table(services: Services, qtbot: QtBot, inspection: Inspection, qtmodeltester: ModelTester) -> None:
    table = ModelTable(services.jobs)
    assert table.rowCount() == 0
    qtmodeltester.check(table, force_py=True)  # watches everything that follows, too
    table.show_inspection(inspection)
    assert table.rowCount() == len(inspection.names)
    assert len(model_table.HEADINGS) == table.columnCount() == len(model_table.Column)
    assert table.index(0, model_table.Column.NAME).data(ICON_ROLE) == "model"
    assert table.index(0, model_table.Column.STATE).data(TONE_ROLE) == "neutral"
    table.set_query("npy")
    assert arranged(table, qtbot) == []
    table.set_query("numpy")
    assert [inspection.names[index] for index in arranged(table, qtbot)] == ["dct-basis", "resample-kaiser"]
    assert table.row_of(0) == -1
    table.show_inspection(None)
    assert table.rowCount() == 0


def test_an_answer_about_another_bundle_is_dropped(services: Services, qtbot: QtBot, inspection: Inspection) -> None:
    table = ModelTable(services.jobs)
    table.show_inspection(inspection)
    table.set_query("xor")
    table.set_query("")
    table.show_inspection(None)
    qtbot.waitUntil(lambda: not services.jobs.jobs)
    assert table.rowCount() == 0
    assert not table.arranging


def test_field_rows(services: Services, qtbot: QtBot, inspection: Inspection, qtmodeltester: ModelTester) -> None:
    rows = FieldRows(services.jobs)
    qtmodeltester.check(rows, force_py=True)
    assert inspection.fields is not None
    rows.show_fields(inspection.reader, inspection.fields)
    text = [rows.index(0, column).data() for column in range(rows.columnCount())]
    assert text == ["0x0000", "8", "magic", "41 50 42 55 4E 44 4C 45", "APBUNDLE", "an .apbundle file"]
    last = inspection.fields[len(inspection.fields) - 1]
    assert last.offset + last.length == inspection.reader.data_offset
    raw = Path(inspection.path).read_bytes()
    for field in inspection.fields:
        begin = field.offset
        assert field_table.raw_bytes(inspection.reader, field, 64) == raw[begin : begin + min(64, field.length)]
    rows.mark([Remark(DANGER, "x", "this one", 9), Remark(WARNING, "y", "nowhere", 1 << 40)])
    assert [row for row in range(rows.rowCount()) if rows.marks(row)] == [1]
    assert rows.index(1, field_table.Column.NAME).data(TONE_ROLE) == DANGER
    rows.set_query("0x1c")
    assert arranged(rows, qtbot)


def test_rows_and_models_of_the_field_table_belong_together(inspection: Inspection) -> None:
    fields = inspection.fields
    assert fields is not None
    for model in range(len(inspection.names)):
        rows = fields.rows_of_model(model)
        assert [fields[row].name for row in rows] == [
            f"models[{model}].{part}" for part in ("name length", "name", "size", "offset")
        ]
        assert {fields.model_at(row) for row in rows} == {model}
    assert fields.model_at(0) is None
    assert fields.model_at(len(fields) - 1) is None


def test_metadata_table(services: Services, qtbot: QtBot, inspection: Inspection, qtmodeltester: ModelTester) -> None:
    table = MetadataTable(services.jobs)
    qtmodeltester.check(table, force_py=True)
    items = bundle_items(inspection.reader, inspection.names, Pace())
    table.show_items(items)
    assert table.rowCount() == len(items)
    for model in range(len(inspection.names)):
        first = table.first_of(model)
        assert first is not None
        assert table.item(first).owner == inspection.names[model]
    assert table.first_of(len(inspection.names)) is None
    table.sort(metadata_table.Column.KEY)
    keys = [table.item(index).key for index in arranged(table, qtbot)]
    assert keys == sorted(keys, key=natural)


def test_short_lists(qtmodeltester: ModelTester) -> None:
    remarks = RemarkList()
    remarks.show_records([Remark(DANGER, "bad_count", "<b>a</b>", 0x1C), Remark(WARNING, "gap", "b\n", None)])
    qtmodeltester.check(remarks, force_py=True)
    assert remarks.index(0, TITLE).data() == "Bad count"
    assert remarks.index(0, OFFSET).data() == "0x1C"
    assert remarks.index(1, OFFSET).data() == ""
    recent = RecentList()
    recent.show_records(["/a/b.apbundle", "/c/\udcff.apbundle"])
    qtmodeltester.check(recent, force_py=True)
    assert recent.index(0, 0).data() == "b.apbundle"
    pairs = PairList(("One", "Two"), [("a", "<b>"), ("c\x1b", "d")])
    qtmodeltester.check(pairs, force_py=True)
    assert pairs.index(1, 0).data() == "c\\x1b"


# -- arranging ---------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-5, 5), max_size=2000), st.booleans(), st.booleans())
def test_arranging_is_sorting_of_what_matches(values: list[int], descending: bool, some: bool) -> None:
    def matches(index: int) -> bool:
        return values[index] % 2 == 0

    made = arrange(len(values), matches if some else None, values.__getitem__, descending)
    shown = [index for index in range(len(values)) if not some or matches(index)]
    sign = -1 if descending else 1
    assert list(made.order) == sorted(shown, key=lambda index: (sign * values[index], index))
    assert [made.rows[index] for index in made.order] == list(range(len(shown)))
    assert all(made.rows[index] == -1 for index in range(len(values)) if index not in set(shown))


def test_arranging_stops_when_cancelled() -> None:
    with pytest.raises(Cancelled):
        arrange(1_000_000, None, lambda index: -index, pace=Pace(lambda: True))


def test_numbers_in_names_sort_as_numbers() -> None:
    names = ["layer10", "Layer2", "layer", "layer02", "layer1", "9" * 5000, "10", "9"]
    assert sorted(names, key=natural) == ["9", "10", "9" * 5000, "layer", "layer1", "Layer2", "layer02", "layer10"]


def test_a_query_is_words_in_any_case() -> None:
    assert words_of("  Attn  Q_PROJ ") == ("attn", "q_proj")
    assert words_of(" ") == ()


# -- texts -------------------------------------------------------------------------------------------------------


def test_hex_rows_show_every_byte_where_it_is_said_to_stand() -> None:
    data = bytes(range(0x41, 0x41 + 20))
    for width in (8, 16):
        rows = hex_rows(data, 0x30, width).split("\n")
        assert len(rows) == -(-len(data) // width)
        for number, byte in enumerate(data):
            row, place = divmod(number, width)
            column = column_of_byte(place)
            assert rows[row][column : column + 2] == f"{byte:02X}"
            assert rows[row].startswith(f"{0x30 + row * width:08X}  ")
        assert rows[0].endswith(data[:width].decode())
    assert hex_rows(b"", 0) == ""
    assert hex_rows(b"\0\xff", 0).endswith("··")


def test_long_texts_keep_their_lines_and_their_bounds() -> None:
    assert lines("a\nb\x1b\tc") == "a\nb\\x1b\\x09c"
    assert len(lines("x" * 10_000_000, 100)) == 100
    assert lines("a" * 60 + "b" * 60, 100).endswith("b" * 49)


HOSTILE = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'\"\\$`\n\x1b;& -"), max_size=30)


@given(HOSTILE.filter(lambda text: "\0" not in text))
def test_a_copied_word_is_one_word_of_a_shell(text: str) -> None:
    word = quoted(text)
    assert word.isprintable()
    if text.isprintable():
        assert shlex.split(word) == [text]


def test_a_copied_word_of_control_characters_is_understood_by_the_shell() -> None:
    text = "a'b\\c\x1b[0m\n\u202eé\udcff"
    said = subprocess.run(["bash", "-c", f"printf %s {quoted(text)}"], capture_output=True, check=True).stdout
    assert said == text.encode("utf-8", "surrogateescape")


def test_copied_python_finds_the_model_again(tmp_path: Path) -> None:
    name = 'a\'b\n\\\u202e"""'
    path = tmp_path / "it's.apbundle"
    ModelBundle.builder(path).add_model(name, b"content").build().close()
    snippet = python_snippet(str(path), ModelEntry(name, 7, 0, ModelMetadata()), "unknown")
    found: dict[str, object] = {}
    exec(compile(snippet.replace("weights =", "found['weights'] ="), "snippet", "exec"), {"found": found})
    assert bytes(found["weights"]) == b"content"  # type: ignore[call-overload]
    assert ".arrays(" in python_snippet("p", ModelEntry("a", 1, 0), "safetensors")
    assert command_line("-p", ModelEntry("-x y", 1, 0)) == "apbundle extract -o . -- -p '-x y'"


# -- columns -----------------------------------------------------------------------------------------------------


@given(
    st.dictionaries(st.integers(0, 9), st.builds(Width, st.integers(20, 200), st.integers(0, 3), st.integers(0, 4))),
    st.integers(0, 2000),
)
def test_columns_fill_the_room_and_the_least_important_go_first(widths: dict[int, Width], room: int) -> None:
    fitted = fit(widths, room)
    hidden = set(widths) - set(fitted)
    assert all(widths[column].drop for column in hidden)
    tight = sum(widths[column].least for column in fitted) > room
    for column, found in fitted.items():
        least, narrower = widths[column].least, tight and widths[column].grow > 0
        assert found >= (min(least, NARROWEST) if narrower else least)
    if tight:
        growing = [column for column in fitted if widths[column].grow and widths[column].least > NARROWEST]
        assert sum(fitted.values()) <= room or all(fitted[column] == NARROWEST for column in growing)
        assert all(not widths[column].drop for column in fitted)
    if hidden:
        kept = [width.drop for column, width in widths.items() if column in fitted]
        assert min(widths[column].drop for column in hidden) >= max(kept, default=0) or not any(kept)
    if any(widths[column].grow for column in fitted) and sum(widths[c].least for c in fitted) <= room:
        assert sum(fitted.values()) == room
