"""Opening a bundle against parsing the same entries as JSON, as a safetensors header would have them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from measure import Row, in_turn

from apbundle import BundleReader, ModelBundle


def rows(folder: Path, *, quick: bool) -> Iterator[Row]:
    """Bundles of 10, 1,000 and 100,000 models."""
    for count in (10, 1_000, 10_000 if quick else 100_000):
        path = folder / "opening.apbundle"
        builder = ModelBundle.builder(path)
        for index in range(count):
            builder.add_model(f"layers.{index}.weight", b"weights!")
        builder.build().close()
        header = json.dumps(
            {
                f"layers.{i}.weight": {"dtype": "U8", "shape": [8], "data_offsets": [8 * i, 8 * i + 8]}
                for i in range(count)
            }
        )
        times = in_turn(
            {"ours": lambda path=path: BundleReader.open(path).close(), "json": lambda text=header: json.loads(text)},
            rounds=max(5, 200_000 // count // 20),
        )
        yield Row(f"open {count:,} models, all checked", times["ours"], "json.loads of the entries", times["json"])
