"""The window: how soon it is there, and how long it keeps a hand waiting while it works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import Row, in_turn

from apbundle import ModelBundle

SCENES = Path(__file__).with_name("window_scenes.py")
P95, WORST, FRAME = 0.010, 0.100, 1 / 55
"""What is allowed, in seconds: of the gaps between two turns of the event loop, and of the time between two frames."""


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Each scene in a process of its own, without a display."""
    _make_bundles(folder, quick=quick)
    seconds = 3 if quick else 8
    starts = {"ours": lambda: _play(folder, "start"), "a bare pyqtgraph window": lambda: _play(folder, "bare")}
    yield from in_turn(starts, 3 if quick else 7).rows("start of the window", {"a bare pyqtgraph window": 1.3})
    for scene, title, size in (
        ("open", "opening, scrolling 100,000 models", (1280, 800)),
        ("filter", "filtering 100,000 models", (1280, 800)),
        ("verify", "verifying a large bundle", (1280, 800)),
        ("monitor", "Monitor flat out, 1280×800", (1280, 800)),
        ("monitor", "Monitor flat out, 1920×1080", (1920, 1080)),
    ):
        seen = json.loads(_play(folder, scene, seconds, *size))
        yield Row(f"{title}: p95 gap", seen["p95"], "allowed", P95, 1.0)
        yield Row(f"{title}: worst gap", seen["worst"], "allowed", WORST, 1.0)
        if scene == "monitor":
            yield Row(f"{title}: a frame every", 1 / max(seen["frames"], 1e-3), "allowed", FRAME, 1.0)
    seen = json.loads(_play(folder, "theme", seconds))
    yield Row("changing the theme, worst gap", seen["worst"], "allowed", WORST)


def _play(folder: Path, scene: str, seconds: float = 0, width: int = 1280, height: int = 800) -> str:
    command = [sys.executable, str(SCENES), scene, str(folder), str(seconds), str(width), str(height)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def _make_bundles(folder: Path, *, quick: bool) -> None:
    builder = ModelBundle.builder(folder / "many.apbundle")
    for index in range(100_000):
        builder.add_model(f"layers.{index // 7}.block{index % 7}", b"GGUF\3\0\0\0")
    builder.build().close()
    builder = ModelBundle.builder(folder / "paged.apbundle")
    for index in range(200):
        builder.add_model(f"encoder.layer.{index}", os.urandom(1 << 16))
    builder.build().close()
    source = folder / "source.bin"
    with source.open("wb") as out:
        out.truncate(1 << (28 if quick else 31))
    ModelBundle.builder(folder / "large.apbundle").add_model("large", source).build().close()
