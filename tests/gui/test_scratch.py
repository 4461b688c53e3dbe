"""Folders for temporary files: gone with who made them, however that one ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from apbundle_gui.services.scratch import YOUNG_S, ScratchFolder

MAKER = """
import sys
from apbundle_gui.services.scratch import ScratchFolder
folder = ScratchFolder("testing")
open(folder.path + "/file", "w").close()
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.fixture
def maker() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", MAKER], stdin=-1, stdout=-1, text=True)
    yield process
    process.kill()
    process.communicate()


def age(path: Path | str) -> None:
    past = time.time() - 2 * YOUNG_S
    os.utime(path, (past, past), follow_symlinks=False)


def made_by(maker: subprocess.Popen[str]) -> Path:
    assert maker.stdout is not None
    return Path(maker.stdout.readline().strip())


def test_it_is_private_and_goes(tmp_path: Path) -> None:
    folder = ScratchFolder("testing")
    assert Path(folder.path).parent == tmp_path
    assert os.stat(folder.path).st_mode & 0o777 == 0o700
    Path(folder.path, "file").touch()
    folder.remove()
    folder.remove()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="no locks on folders")
def test_that_of_a_killed_process_is_removed_by_the_next_one(maker: subprocess.Popen[str]) -> None:
    left = made_by(maker)
    age(left)
    ScratchFolder("testing").remove()
    assert left.exists(), "its maker lives"
    maker.send_signal(signal.SIGKILL)
    maker.wait()
    ScratchFolder("other").remove()
    assert left.exists(), "made for something else"
    ScratchFolder("testing").remove()
    assert not left.exists()


def test_a_young_one_and_what_is_no_folder_stay(tmp_path: Path) -> None:
    young, elsewhere = tmp_path / "apbundle-testing-young", tmp_path / "elsewhere"
    file, link = tmp_path / "apbundle-testing-file", tmp_path / "apbundle-testing-link"
    young.mkdir()
    elsewhere.mkdir()
    file.touch()
    link.symlink_to(elsewhere)
    for path in (elsewhere, file, link):
        age(path)
    ScratchFolder("testing").remove()
    assert all(path.exists() for path in (young, elsewhere, file, link))
