"""The watch over every test is awake: it names what is held, and nothing once that is given back."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from support.leaks import Holdings

GiveBack = Callable[[], object]


def hold_descriptor(folder: Path) -> GiveBack:
    number = os.open(folder, os.O_RDONLY)
    return lambda: os.close(number)


def hold_map(folder: Path) -> GiveBack:
    (folder / "file").write_bytes(bytes(mmap.PAGESIZE))
    with open(folder / "file", "rb") as file:
        held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return held.close


def hold_thread(folder: Path) -> GiveBack:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="held")
    thread.start()
    return lambda: (stop.set(), thread.join())


def hold_child(folder: Path) -> GiveBack:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    return lambda: child.communicate(b"\n")


def hold_file(folder: Path) -> GiveBack:
    number, path = tempfile.mkstemp()
    os.close(number)
    return lambda: os.unlink(path)


@pytest.mark.parametrize(
    ("hold", "named"),
    [
        (hold_descriptor, "descriptor"),
        (hold_map, "map of"),
        (hold_thread, "thread held"),
        (hold_child, "child process"),
        (hold_file, "temporary file"),
    ],
)
def test_what_is_held_is_named(tmp_path: Path, hold: Callable[[Path], GiveBack], named: str) -> None:
    before = Holdings.now()
    give_back = hold(tmp_path)
    assert any(named in text for text in before.left_over(wait=0))
    give_back()
    assert not before.left_over(wait=2)
