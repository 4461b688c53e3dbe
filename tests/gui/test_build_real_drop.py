"""Files dragged from another program of an X server: its events, not ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.x_drag", *arguments], env=environment, stdout=subprocess.PIPE, text=True
        )

    def wait_for(self, word: str) -> str:
        """The next line that begins with ``word``."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return line.strip()
        raise AssertionError(f"the program ended without {word}")

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


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
        for program in (window, other):
            program.wait_for("shown")
        hand("mousemove", "--sync", *middle(FILES), "mousedown", "1")
        other.wait_for("dragging")
        x, y = middle(WINDOW)
        hand("mousemove", "--sync", "1050", y, "mousemove", "--sync", x, y)
        window.wait_for("offered")
        hand("mousemove", "--sync", str(int(x) + 200), y, "mouseup", "1")
        assert window.wait_for("added") == "added décodeur encoder 2"
        assert other.wait_for("CopyAction")
