"""Progress at a terminal: shown on standard error while work lasts, and gone with it, whatever ends it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from apbundle.cli import main
from apbundle.cli import working as module
from apbundle.cli.working import working
from apbundle.progress import Progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch, *, patience: float = 0) -> Terminal:
    """Standard error as a terminal from here on, on which a bar appears after ``patience`` seconds."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(module, "_PATIENCE", patience)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return stream


def work(progress: Progress | None) -> None:
    """Work that fails after a while."""
    assert progress is not None
    progress("copy", 0, 4096)
    raise OSError("gone")


def test_nothing_without_a_terminal() -> None:
    with working() as (progress, cancel):
        assert progress is None
        assert cancel() is False


def test_bar_names_the_phase_and_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    with working() as (progress, _):
        assert progress is not None
        progress("copy", 0, 4096)
        progress("copy", 1024, 4096)
        progress("check", 0, 0)
    said = stream.getvalue()
    assert "Copy" in said
    assert "Check" in said
    assert "\x1b[?25h" in said  # the cursor is back


def test_quick_work_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch, patience=1000)
    with working() as (progress, _):
        assert progress is not None
        progress("copy", 0, 4096)
    assert stream.getvalue() == ""


def test_bar_goes_away_with_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    with pytest.raises(OSError, match="gone"), working() as (progress, _):
        work(progress)
    assert "\x1b[?25h" in stream.getvalue()


def test_standard_output_is_the_same_beside_a_bar(
    golden: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = terminal(monkeypatch)
    assert main(["verify", str(golden / "ext_sha256.apbundle"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "verified"
    assert "Verify" in stream.getvalue()
