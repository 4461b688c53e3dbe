"""Reading every byte of a bundle and comparing digests, as a whole process, against programs that only hash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from measure import GIB, MIB, Row, in_child, in_turn

from apbundle import BundleConfig, ModelBundle

PROGRAMS = {"xxhsum -H2": (["xxhsum", "-H2"], 0.8), "sha256sum": (["sha256sum"], 0.05)}
MOST_MEMORY = 40 * MIB


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """One bundle of four models, in memory already."""
    size = GIB // 32 if quick else GIB // 2
    path = folder / "verified.apbundle"
    builder = ModelBundle.builder(path).with_config(BundleConfig(digest="xxh3-128"))
    source = folder / "source.bin"
    with source.open("wb") as out:
        block = os.urandom(16 * MIB)
        for _ in range(size // len(block)):
            out.write(block)
    for index in range(4):
        builder.add_model(f"model{index}", source)
    builder.build().close()
    actions = {"ours": partial(_run, [sys.executable, "-m", "apbundle", "verify", str(path)])}
    for name, (command, _) in PROGRAMS.items():
        if shutil.which(command[0]):
            actions[name] = partial(_run, [*command, str(path)])
    actions["reading it with read(2)"] = partial(_read, path)
    times = in_turn(actions, rounds=3 if quick else 7)
    what = f"verify {4 * size >> 20:,} MiB, warm"
    goals = {name: goal for name, (_, goal) in PROGRAMS.items()}
    yield from times.rows(what, {**goals, "reading it with read(2)": None})
    seen = in_child("verifier.py", path)
    what = f"peak memory of it above the {seen['base'] >> 20} MiB at start"
    yield Row(what, (seen["peak"] - seen["base"]) / MIB, "a fixed limit", MOST_MEMORY / MIB, 1.0, "MiB")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _read(path: Path) -> None:
    buffer = bytearray(4 * MIB)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
