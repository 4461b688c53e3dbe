"""Files dragged from another program of an X server: its events, not ours."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.drafting import safetensors
from support.x_drag import FILES, WINDOW

pytestmark = pytest.mark.skipif(not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="takes Xvfb and xdotool")
TESTS = Path(__file__).parents[1]


class Program:
    """A program of the X server that says what happens."""

    def __init__(self, display: str, *arguments: str) -> None:
        environment = os.environ | {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "PYTHONPATH": str(TESTS)}
        command = [sys.executable, "-m", "support.x_drag", *arguments]
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())

    def says(self, word: str, within: float = 30) -> str:
        """The next line that begins with ``word``; nothing when there is none for so many seconds."""
        try:
            while not (line := self._lines.get(timeout=within)).startswith(word):
                pass
        except queue.Empty:
            return ""
        return line

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def display() -> Iterator[str]:
    """An X server of our own."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as told:
            yield f":{told.readline().strip()}"
        server.terminate()


def middle(place: tuple[int, int, int, int]) -> tuple[str, str]:
    left, top, width, height = place
    return str(left + width // 2), str(top + height // 2)


def test_files_are_dropped_by_another_program(display: str, tmp_path: Path) -> None:
    files = [safetensors(tmp_path / f"{name}.safetensors", name) for name in ("décodeur", "encoder 2")]

    def hand(*steps: str) -> None:
        subprocess.run(["xdotool", *steps], check=True, env=os.environ | {"DISPLAY": display})

    with ExitStack() as stack:
        window = stack.enter_context(Program(display, "window", str(tmp_path / "settings.ini")))
        other = stack.enter_context(Program(display, "files", *map(str, files)))
        assert window.says("shown")
        assert other.says("shown")
        hand("mousemove", "--sync", *middle(FILES), "mousedown", "1")
        assert other.says("dragging")
        x, y = middle(WINDOW)
        for step in range(200):  # as the hand that drags moves on; the drag may begin after its first moves
            hand("mousemove", "--sync", str(int(x) + 200 + step % 2), y)
            if window.says("over _Target", within=0.1):
                break
        hand("mouseup", "1")
        assert window.says("added") == "added décodeur encoder 2"
        assert other.says("CopyAction")
