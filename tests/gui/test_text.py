"""How the window words things."""

from __future__ import annotations

import html
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument

from apbundle.errors import ERROR_CLASSES, bundle_error
from apbundle.text import is_hazardous
from apbundle_gui.models import text
from support.hostile import HOSTILE_NAMES


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[(0, "0"), (0.5, "0.5"), (1, "1"), (12.345, "12.3"), (123.45, "123"), (1234.5, "1,230"), (0.01234, "0.0123")],
        *[(1e9, "1.00e+09"), (math.nan, text.NONE), (-math.inf, text.NONE), (-2.5, "-2.5"), (999.9, "1,000")],
    ],
)
def test_three_significant_digits(value: float, expected: str) -> None:
    assert text.significant(value) == expected


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0, "0 %"), (1, "100 %"), (0.99999, "99.9 %"), (0.5, "50 %"), (1 / 3, "33.3 %")]
)
def test_only_a_whole_is_a_hundred_percent(fraction: float, expected: str) -> None:
    assert text.percent(fraction) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        *[(0, "0 µs"), (0.0004, "400 µs"), (0.0123, "12.3 ms"), (0.4, "0.4 s"), (12.4, "12 s"), (59.7, "1 min")],
        *[(125, "2 min 5 s"), (11_400, "3 h 10 min"), (7200, "2 h"), (-1, text.NONE), (math.inf, text.NONE)],
    ],
)
def test_durations_as_people_say_them(seconds: float, expected: str) -> None:
    assert text.duration(seconds) == expected


@pytest.mark.parametrize("seconds", [-1, 0, 2**63, -(2**63), 253_402_300_800, 10**30])
def test_absurd_times_are_shown_not_raised(seconds: int) -> None:
    shown = text.timestamp(seconds)
    assert "UTC" in shown or str(seconds) in shown


def test_sizes_counts_and_offsets() -> None:
    assert text.size(1_572_864) == "1.50 MiB"
    assert text.exact_size(1_572_864) == "1,572,864 bytes"
    assert text.exact_size(1) == "1 byte"
    assert text.count(1, "model") == "1 model"
    assert text.count(1204, "entry", "entries") == "1,204 entries"
    assert text.hex_offset(0x1A40, 8) == "0x00001A40"
    assert text.offset_tooltip(2**40) == "byte 1,099,511,627,776"
    assert text.rate(1024.4) == "1.00 KiB/s"


def test_progress_in_one_line() -> None:
    line = text.progress("copy", 1 << 30, 4 << 30, 2.0**30, 3.0)
    assert line == "Copy  ·  1.00 GiB of 4.00 GiB  ·  1.00 GiB/s  ·  3.0 s left"
    assert text.progress("", 0, 0, 0.0, None) == ""


@given(st.floats())
def test_no_number_is_too_odd(value: float) -> None:
    for wording in (text.significant, text.percent, text.duration, text.rate):
        assert wording(value)


@given(st.text())
def test_a_tooltip_shows_any_text_as_it_is(name: str) -> None:
    if not name:
        assert text.tooltip(name) == ""
        return
    tip = text.tooltip(name)
    assert tip.startswith("<qt>")
    assert html.unescape(tip[4:-5].replace("<br>", "\n")) == "\n".join(text.safe(x, 4096) for x in name.split("\n"))


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_come_out_as_plain_text(name: str) -> None:
    for shown in (text.safe(name), text.menu_text(name), text.file_name(f"/folder/{name}")):
        assert len(shown) <= 512
        assert not any(map(is_hazardous, shown))
    document = QTextDocument()
    document.setHtml(text.tooltip(name))
    assert "\ufffc" not in document.toPlainText()  # what a picture leaves
    assert not name or Qt.mightBeRichText(text.tooltip(name))


@pytest.mark.parametrize("code", sorted(ERROR_CLASSES))
def test_every_error_has_words(code: str) -> None:
    said = text.error_text(bundle_error(code, "It broke.", path="/x/y.apbundle", offset=255, hint="Try again."))
    assert said.title
    assert said.line == "It broke in /x/y.apbundle at 0xFF (byte 255). Try again."


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "/x"), "Permission denied in /x."),
        (OSError("odd"), "Odd."),
        (MemoryError(), "There was not enough memory for this; everything else goes on."),
        (ValueError("a\x1bb"), "ValueError: a\\x1bb The log has the details."),
    ],
)
def test_other_exceptions_have_words_too(error: BaseException, line: str) -> None:
    assert text.error_text(error).line == line


def test_a_finished_file_that_was_kept_is_named() -> None:
    error = bundle_error("disk_full", "No room.", left_behind="/x/.y.part")
    assert "/x/.y.part" in text.error_text(error).hint


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (FileNotFoundError(2, "No such file or directory"), "There is no such file"),
        (PermissionError(13, "Permission denied"), "Permission was denied"),
        (OSError(5, "Input/output error"), "The file cannot be read or written"),
    ],
)
def test_what_the_system_refuses_has_a_title(error: OSError, title: str) -> None:
    assert text.error_text(error).title == title


def test_progress_where_there_is_little_room() -> None:
    assert text.brief_progress("copy", 30, 100, 3.0) == "Copy  ·  30 %  ·  3.0 s left"
    assert text.brief_progress("copy", 5, 0, None) == "Copy"


@pytest.mark.parametrize(("name", "shown"), [("", "(no name)"), ("  ", "“  ”"), ("a\n", "a\\x0a"), ("\n", "“\\x0a”")])
def test_something_can_be_seen_of_every_name(name: str, shown: str) -> None:
    assert text.name(name) == shown
