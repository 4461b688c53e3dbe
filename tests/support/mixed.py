"""One bundle with models of every kind that matters to paging."""

from __future__ import annotations

import random
from pathlib import Path

from apbundle import ModelBundle

MIB = 1 << 20


def _models() -> dict[str, bytes]:
    source = random.Random(1)
    noise = source.randbytes(MIB)
    models = {f"small {number}": source.randbytes(4000 * number) for number in range(8)}
    models["compressed"] = bytes(2 * MIB) + noise
    for number in range(6):
        models[f"large {number}"] = bytes([number]) * 1000 + noise * 4 + source.randbytes(200_000 * number)
    models["just mapped"] = noise * 2
    models["just not mapped"] = (noise * 2)[1:]
    return models


MODELS = _models()
LARGE = [name for name in MODELS if name.startswith("large")]


def pack_mixed(path: Path) -> Path:
    """The bundle of :data:`MODELS` at ``path``."""
    builder = ModelBundle.builder(path)
    for name, data in MODELS.items():
        builder.add_model(name, data, version="1.0", compress=name == "compressed")
    builder.build().close()
    return path
