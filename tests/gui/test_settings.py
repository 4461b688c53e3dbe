"""What is remembered between two runs, and what a damaged file does: nothing worse than a reset."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QByteArray

from apbundle_gui.services import Level, Messages, Settings
from apbundle_gui.services.settings import MAX_FILE_SIZE

NOT_UTF8 = os.fsdecode(b"/models/\xff\xfe.apbundle")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "settings.ini"


def reopened(path: Path, before: Settings) -> Settings:
    before.save()
    return Settings(path)


def test_values_come_back(path: Path) -> None:
    kept = Settings(path)
    kept.remember("a/text", 'quoted "text", with; signs = and \\ @ % \n lines')
    kept.remember("a/flag", True)
    kept.remember("a/number", 2**40)
    kept.remember("a/paths", [NOT_UTF8, "/models/日本.apbundle", ""])
    kept.remember("a/blob", QByteArray(bytes(range(256))))
    found = reopened(path, kept)
    assert found.text("a/text") == 'quoted "text", with; signs = and \\ @ % \n lines'
    assert found.flag("a/flag") is True
    assert found.number("a/number", 0, 0, 2**50) == 2**40
    assert found.texts("a/paths") == [NOT_UTF8, "/models/日本.apbundle", ""]
    assert found.blob("a/blob").data() == bytes(range(256))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters()))
def test_any_text_comes_back(path: Path, text: str) -> None:
    kept = Settings(path)
    kept.remember("text", text)
    assert reopened(path, kept).text("text") == text


def test_what_does_not_read_as_asked_gives_the_default(path: Path) -> None:
    kept = Settings(path)
    kept.remember("number", 7)
    kept.remember("text", "not base64!")
    kept.remember("list", ["a"])
    assert kept.text("number", "default") == "default"
    assert kept.flag("number", True) is True
    assert kept.number("text", 5, 0, 9) == 5
    assert kept.number("number", 5, 0, 6) == 5
    assert kept.number("missing", 5, 0, 9) == 5
    assert kept.texts("number") == []
    assert kept.blob("text").isEmpty()
    assert kept.blob("list").isEmpty()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(os.urandom(4096), id="random"),
        pytest.param(b"\0" * 4096, id="zeros"),
        pytest.param(b"[window]\npage=\xff\xfe", id="not UTF-8"),
        pytest.param(b"[window\npage", id="cut"),
        pytest.param(b"[window]\npage=" + b"x" * (10 << 20), id="ten mebibytes"),
    ],
)
def test_a_damaged_file_is_put_aside(path: Path, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_bytes(damage)
    messages = Messages()
    found = Settings(path, messages)
    assert found.text("window/page", "build") == "build"
    assert path.with_name("settings.ini.damaged").read_bytes() == damage
    assert [message.level for message in messages.kept] == [Level.WARNING]
    found.remember("window/page", "inspect")
    assert reopened(path, found).text("window/page") == "inspect"
    caplog.clear()


@pytest.mark.parametrize(
    "content", [b"", b"; only a remark\n", b"[window]\r\npage=inspect\r\n", b"[a]\nb=@Variant(x)\n"]
)
def test_odd_but_whole_files_stay(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert Settings(path).text("window/page", "build") == "build"
    assert path.read_bytes() == content


def test_any_cut_of_a_file_starts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = tmp_path / "whole.ini"
    kept = Settings(whole)
    kept.remember("window/page", "inspect")
    kept.remember("session/recent", [NOT_UTF8, "/b"])
    kept.save()
    content = whole.read_bytes()
    for length in range(len(content)):
        cut = tmp_path / f"{length}.ini"
        cut.write_bytes(content[:length])
        found = Settings(cut, Messages())
        assert found.text("window/page", "build") in ("build", "inspect")
        assert set(found.texts("session/recent")) <= {NOT_UTF8, "/b"}
    caplog.clear()


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    found = Settings(blocked / "settings.ini")
    found.remember("a", "b")
    found.save()
    assert found.text("a") == "b"


def test_the_limit_leaves_room_for_what_is_remembered() -> None:
    assert MAX_FILE_SIZE > 12 * 4096 * 6  # twelve recent paths of the greatest length, escaped
