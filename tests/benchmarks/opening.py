"""Opening a bundle against parsing the same entries as JSON, and against the plain loop over them."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator
from pathlib import Path

from measure import PROCESSOR, Row, in_turn

from apbundle import BundleReader, ModelBundle

GOALS = {"json.loads of the entries": 0.05, "unpacking each field into a dict": 0.2}


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Bundles of up to a million models, with digests; everything about them is checked but the models' bytes."""
    for count in (10_000,) if quick else (100_000, 1_000_000):
        yield from _open(folder, f"open {count:,} models", [f"layers.{index}.weight" for index in range(count)])
    count = 10_000 if quick else 100_000
    lengths = random.Random(1)
    names = [f"{index:x}{'n' * lengths.randrange(40)}" for index in range(count)]
    yield from _open(folder, f"open {count:,} models, names of any length", names)


def _open(folder: Path, operation: str, names: list[str]) -> Iterator[Row]:
    path = folder / "opening.apbundle"
    builder = ModelBundle.builder(path)
    for name in names:
        builder.add_model(name, b"weights!")
    builder.build().close()
    header = {
        name: {"dtype": "U8", "shape": [8], "data_offsets": [8 * index, 8 * index + 8]}  # as safetensors has it
        for index, name in enumerate(names)
    }
    text = json.dumps(header)
    del header
    parse, unpack = GOALS
    times = in_turn(
        {
            "ours": lambda: BundleReader.open(path).close(),
            parse: lambda: json.loads(text),
            unpack: lambda: _plain(path),
        },
        rounds=max(5, 2_000_000 // len(names)),
        clock=PROCESSOR,
    )
    yield from times.rows(operation, GOALS)


def _plain(path: Path) -> dict[str, tuple[int, int]]:
    """The entries as anybody would read them, nothing checked."""
    with path.open("rb") as file:
        _, _, length = struct.unpack("<8sIQ", file.read(20))
        data = file.read(length)
    (length,) = struct.unpack_from("<I", data, 12)
    at = 16 + length
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    entries = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        name = data[at : at + length].decode()
        at += length
        (size,) = struct.unpack_from("<Q", data, at)
        (offset,) = struct.unpack_from("<Q", data, at + 8)
        at += 16
        entries[name] = (size, offset)
    return entries
