"""Makes ``sample.apbundle``: small models that were really computed, trained or shipped, to look at and to page.

The result depends only on this folder, the project's licence text and the arithmetic of numpy: the same machine makes
the same bytes again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sample_models import files, learned, signals

from apbundle import ModelBundle

HERE = Path(__file__).resolve().parent
CREATED_AT = 1_767_225_600
"""The first second of 2026, UTC: a build time in the file would make every build another file."""

DESCRIPTION = (
    "Sixteen small models: filter banks and encodings from their formulas, networks trained on toy problems, "
    "and two files that widely used packages ship."
)
DIGITS = """
.###. ..#.. .###. ##### ...#. ##### .###. ##### .###. .###.
#...# .##.. #...# ....# ..##. #.... #.... ....# #...# #...#
#..## ..#.. ....# ...#. .#.#. ####. ####. ...#. #...# #...#
#.#.# ..#.. ..##. ..##. #..#. ....# #...# ..#.. .###. .####
##..# ..#.. .#... ....# ##### ....# #...# ..#.. #...# ....#
#...# ..#.. #.... #...# ...#. #...# #...# ..#.. #...# ....#
.###. .###. ##### .###. ...#. .###. .###. ..#.. .###. .###.
"""


@dataclass(frozen=True)
class Model:
    """One model of the sample and what is said about it."""

    name: str
    data: bytes | Path | Mapping[str, NDArray[np.generic]]
    architecture: str
    version: str = "1.0"
    hyperparameters: Mapping[str, object] = field(default_factory=dict)
    custom: Mapping[str, str] = field(default_factory=dict)
    compress: bool = False


def single(weights: Mapping[str, NDArray[np.floating]]) -> dict[str, NDArray[np.float32]]:
    """``weights`` in single precision."""
    return {name: array.astype(np.float32) for name, array in weights.items()}


def quantised(weights: Mapping[str, NDArray[np.floating]]) -> dict[str, NDArray[np.generic]]:
    """Matrices as 8-bit integers with one scale a row, vectors in single precision."""
    result: dict[str, NDArray[np.generic]] = {}
    for name, array in weights.items():
        if array.ndim == 1:
            result[name] = array.astype(np.float32)
            continue
        scale = np.abs(array).max(axis=1, keepdims=True) / 127
        result[name] = np.round(array / scale).astype(np.int8)
        result[name.replace("weight", "scale")] = scale.astype(np.float32)
    return result


def trained(model: learned.Trained, task: str) -> dict[str, str]:
    """What is worth knowing about a trained model."""
    return {"task": task, "training_loss": f"{model.loss:.4f}", "training_accuracy": f"{model.accuracy:.1%}"}


def spiral_models() -> Iterator[Model]:
    """One network in three forms."""
    points, arms = learned.spirals(arms=3, points=120)
    network = learned.classifier(points, arms, hidden=(96, 96), steps=600, rate=0.01)
    architecture = "multilayer perceptron"
    settings = {"layers": 3, "hidden": 96, "activation": "tanh", "optimizer": "adam", "steps": 600}
    task = "tell apart the three arms of a spiral from x and y"
    other_form = {"task": task, "made_from": "spirals"}
    yield Model("spirals", single(network.weights), architecture, "1.0", settings, trained(network, task))
    yield Model("spirals-int8", quantised(network.weights), architecture, "1.0", {**settings, "bits": 8}, other_form)
    yield Model("spirals-onnx", files.onnx(network.weights, "spirals"), architecture, "1.0", settings, other_form)


def text_models() -> Iterator[Model]:
    """Models of the project's licence, the one text that is always at hand."""
    text = (HERE.parent / "LICENSE").read_text(encoding="utf-8")
    model, vocabulary = learned.language_model(text, context=6, width=32, hidden=96, steps=150)
    architecture = "neural probabilistic language model"
    settings = {"context_length": 6, "embedding_length": 32, "hidden": 96, "vocabulary_size": len(vocabulary)}
    task = "the next character of the MIT licence"
    about = trained(model, task) | {"vocabulary": vocabulary}
    yield Model("licence-lm", single(model.weights), architecture, "1.0", settings, about)
    gguf = files.quantised_gguf(model.weights, "charlm", settings | {"vocabulary": vocabulary})
    other_form = {"task": task, "made_from": "licence-lm"}
    yield Model("licence-lm-q8", gguf, architecture, "1.0", settings | {"bits": 8}, other_form)
    tables, vocabulary = learned.bigrams(text)
    yield Model(
        "licence-bigrams",
        tables,
        "n-gram table",
        hyperparameters={"order": 2, "vocabulary_size": len(vocabulary)},
        custom={"task": "which character follows which in the MIT licence", "vocabulary": vocabulary},
    )


def memory_models() -> Iterator[Model]:
    """Networks that hold what they were shown."""
    rows = [row.split() for row in DIGITS.split("\n") if row]
    glyphs = np.array([[[1 if cell == "#" else -1 for cell in row[n]] for row in rows] for n in range(10)], np.int8)
    yield Model(
        "digit-memory",
        {"patterns": glyphs, "weight": learned.hopfield(glyphs.reshape(10, -1))},
        "Hopfield network",
        hyperparameters={"cells": 35, "patterns": 10, "rule": "projection"},
        custom={"task": "recall a digit of 5 by 7 dots from a damaged one"},
    )
    yield Model(
        "colour-map",
        {"grid": learned.colour_map(side=32, steps=3000)},
        "self-organising map",
        hyperparameters={"side": 32, "steps": 3000},
        custom={"task": "lay the RGB colours out on a square so that neighbours are alike"},
    )
    table = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    xor = learned.classifier(table, np.array([0, 1, 1, 0]), hidden=(4,), steps=400, rate=0.05)
    yield Model(
        "xor",
        single(xor.weights),
        "multilayer perceptron",
        "1.0",
        {"hidden": 4},
        trained(xor, "exclusive or of two bits"),
    )


def signal_models() -> Iterator[Model]:
    """Transforms that follow from a formula."""
    waves = (4.0, 6.0, 8.0, 12.0)
    yield Model(
        "gabor-filters",
        {"conv1.weight": signals.gabor_filters(size=15, orientations=8, wavelengths=waves)},
        "convolution",
        hyperparameters={"size": 15, "orientations": 8, "wavelengths": "4, 6, 8, 12"},
        custom={"task": "edges and stripes of an image, by direction and scale"},
    )
    yield Model(
        "edge-kernels",
        signals.edge_kernels(),
        "convolution",
        hyperparameters={"size": 3},
        custom={"task": "the classic edge detectors, across and down"},
    )
    yield Model(
        "mel-filters",
        {"mel.weight": signals.mel_filters(bands=80, window=400, rate=16_000)},
        "filter bank",
        hyperparameters={"bands": 80, "window": 400, "sampling_rate": 16_000},
        custom={"task": "loudness by perceived pitch, as speech models take it"},
        compress=True,
    )
    yield Model(
        "positions",
        {"position.weight": signals.sinusoidal_positions(length=256, width=128)},
        "sinusoidal encoding",
        hyperparameters={"length": 256, "width": 128, "base": 10_000},
        custom={"task": "tell a transformer where a token stands"},
    )
    yield Model(
        "dct-basis",
        files.npy(signals.dct_basis(64)),
        "orthonormal transform",
        hyperparameters={"size": 64, "type": "DCT-II"},
        custom={"task": "a signal as a sum of cosines"},
    )


def shipped_models() -> Iterator[Model]:
    """Files of other projects, unchanged; `README.md` in this folder has their licences."""
    yield Model(
        "lpips-alex",
        files.THIRD_PARTY / "lpips-alex.pth",
        "linear heads over AlexNet features",
        "0.1",
        custom={"task": "perceptual distance of two images", "source": "lpips 0.1.4", "license": "BSD-2-Clause"},
    )
    yield Model(
        "resample-kaiser",
        files.THIRD_PARTY / "kaiser_fast.npz",
        "windowed sinc filter",
        "0.4.3",
        custom={"task": "change the sampling rate of audio", "source": "resampy 0.4.3", "license": "ISC"},
    )


def models() -> Iterator[Model]:
    """All models, in the order of the bundle."""
    for group in (signal_models, spiral_models, text_models, memory_models, shipped_models):
        yield from group()


def make(target: Path) -> ModelBundle:
    """Build the sample bundle at ``target``."""
    builder = ModelBundle.builder(target).with_description(DESCRIPTION).with_created_at(CREATED_AT)
    for model in models():
        builder.add_model(
            model.name,
            model.data,
            version=model.version,
            architecture=model.architecture,
            hyperparameters={key: str(value) for key, value in model.hyperparameters.items()},
            custom=dict(model.custom),
            compress=model.compress,
        )
    return builder.build()


def main() -> None:
    """Build where the command line says, by default beside this script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", type=Path, default=HERE / "sample.apbundle")
    with make(parser.parse_args().target) as bundle:
        print(f"{len(bundle.model_names)} models, {bundle.file_size:,} bytes")


if __name__ == "__main__":
    main()
