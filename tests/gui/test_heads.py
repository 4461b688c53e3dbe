"""The first bytes of models, read many at a time, are what reading each would give."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from apbundle import BundleConfig, ModelBundle
from apbundle.errors import BundleError
from apbundle.format.reader import BundleReader
from apbundle.payload.detect import HEAD_SIZE
from apbundle_gui.services.heads import BLOCK, SMALL, Heads


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Models of all sizes, some compressed, more than a block of them."""
    bytes_of = np.random.default_rng(3).bytes
    builder = ModelBundle.builder(tmp_path / "m.apbundle").with_config(BundleConfig(compress=True))
    for number in range(60):
        size = (0, 3, HEAD_SIZE, 9000, SMALL, SMALL + 1)[number % 6]
        builder.add_model(f"m{number}", bytes(size) if number % 7 == 0 else bytes_of(size))
    builder.add_model("large", bytes_of(BLOCK))
    builder.build().close()
    return tmp_path / "m.apbundle"


@pytest.mark.parametrize("step", [1, -1, 7])
def test_heads_are_the_first_bytes(path: Path, step: int) -> None:
    with BundleReader.open(path) as reader:
        names = reader.manifest.names
        heads = Heads(reader, names)
        assert any(reader.entry(name).compressed for name in names)
        for model in sorted(range(len(names)), key=lambda model: model * step % len(names)):
            size = reader.entry(names[model]).raw_size
            assert heads.size(model) == size
            assert heads.of(model) == reader.read_range(names[model], 0, min(HEAD_SIZE, size))


def test_a_file_that_changed_gives_no_heads(path: Path) -> None:
    with BundleReader.open(path) as reader:
        os.truncate(path, reader.file.size - 1)
        with pytest.raises(BundleError) as caught:
            Heads(reader, reader.manifest.names).of(1)
    assert caught.value.code == "changed_on_disk"
