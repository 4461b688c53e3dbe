"""Looking into bundles: how soon the first rows are there, and how long the window is away in each step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from inspect_bundles import make_large, make_many_models, make_many_tensors
from measure import Row

SESSION = Path(__file__).with_name("inspect_session.py")
ROUNDS = 3
FIRST_ROWS, WORST = 1.0, 0.016
"""What is allowed, in seconds: until the first rows are on the screen, and between two turns of the event loop."""
_FIRST = {"open": "first rows", "tab Tensors": "first tensors"}


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Each session in processes of its own, without a display: of every step the least gap there was in any of them.

    What else runs on the machine lengthens gaps and shortens none.
    """
    models, tensors = (10_000, 100_000) if quick else (100_000, 1_000_000)
    bundles: dict[str, Callable[[Path], None]] = {
        "100 GB": make_large,
        f"{models:,} models": partial(make_many_models, count=models),
        f"{tensors:,} tensors": partial(make_many_tensors, count=tensors),
    }
    for title, make in bundles.items():
        path = folder / "inspected.apbundle"
        make(path)
        rounds = [_play(path) for _ in range(1 if quick else ROUNDS)]
        for steps in zip(*rounds, strict=True):
            name = steps[0]["title"]
            if name in _FIRST:
                soonest = min(step["seconds"] for step in steps)
                yield Row(f"{title}: {_FIRST[name]}", soonest, "allowed", FIRST_ROWS, 1.0)
            yield Row(f"{title}: {name}, worst gap", min(step["worst"] for step in steps), "allowed", WORST, 1.0)
        own = max(min(step["own"] for step in steps) for steps in zip(*rounds, strict=True))
        yield Row(f"{title}: the worst of all without what others took", own, "allowed", WORST, 1.0)
        path.unlink()


def _play(path: Path) -> list[dict[str, Any]]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    printed = subprocess.run(
        [sys.executable, str(SESSION), str(path)], check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    found: list[dict[str, Any]] = json.loads(printed.stdout)
    return found
