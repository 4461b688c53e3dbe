"""Models that are trained here, in double precision with numpy alone, in a few seconds."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Weights = dict[str, Array]


@dataclass(frozen=True)
class Trained:
    """A model after training."""

    weights: Weights
    loss: float
    """Mean cross-entropy over the training data, in nats."""
    accuracy: float
    """Share of the training data that is answered right."""


class Adam:
    """The Adam optimiser, changing ``weights`` in place."""

    def __init__(self, weights: Weights, rate: float) -> None:
        self._weights, self._rate, self._step = weights, rate, 0
        self._mean = {name: np.zeros_like(w) for name, w in weights.items()}
        self._square = {name: np.zeros_like(w) for name, w in weights.items()}

    def apply(self, gradients: Weights) -> None:
        """Take one step against ``gradients``."""
        self._step += 1
        for name, gradient in gradients.items():
            self._mean[name] += 0.1 * (gradient - self._mean[name])
            self._square[name] += 0.001 * (gradient**2 - self._square[name])
            mean = self._mean[name] / (1 - 0.9**self._step)
            square = self._square[name] / (1 - 0.999**self._step)
            self._weights[name] -= self._rate * mean / (np.sqrt(square) + 1e-8)


def network(sizes: tuple[int, ...], seed: int) -> Weights:
    """Fresh dense layers ``layers.N.weight`` ``(out, in)`` and ``layers.N.bias`` ``(out,)``."""
    random = np.random.default_rng(seed)
    weights: Weights = {}
    for number, (before, after) in enumerate(itertools.pairwise(sizes)):
        bound = np.sqrt(3 / before)
        weights[f"layers.{number}.weight"] = random.uniform(-bound, bound, (after, before))
        weights[f"layers.{number}.bias"] = np.zeros(after)
    return weights


def forward(weights: Weights, inputs: Array) -> list[Array]:
    """What goes into each layer, and at the end the logits; tanh between layers."""
    depth = sum(name.startswith("layers.") for name in weights) // 2
    values = [inputs]
    for number in range(depth):
        result = values[-1] @ weights[f"layers.{number}.weight"].T + weights[f"layers.{number}.bias"]
        values.append(result if number == depth - 1 else np.tanh(result))
    return values


def backward(weights: Weights, values: list[Array], labels: NDArray[np.int64]) -> tuple[Weights, Array]:
    """Gradients of the mean cross-entropy: of each layer, and of what went into the first."""
    slope = softmax(values[-1])
    slope[np.arange(len(labels)), labels] -= 1
    slope /= len(labels)
    gradients: Weights = {}
    for number in reversed(range(len(values) - 1)):
        gradients[f"layers.{number}.weight"] = slope.T @ values[number]
        gradients[f"layers.{number}.bias"] = slope.sum(0)
        slope = slope @ weights[f"layers.{number}.weight"]
        if number:
            slope *= 1 - values[number] ** 2
    return gradients, slope


def softmax(logits: Array) -> Array:
    """Probabilities along the last axis."""
    power = np.exp(logits - logits.max(-1, keepdims=True))
    return power / power.sum(-1, keepdims=True)


def judged(weights: Weights, logits: Array, labels: NDArray[np.int64]) -> Trained:
    """The finished model with how well it does on what it was trained with."""
    chosen = softmax(logits)[np.arange(len(labels)), labels]
    return Trained(weights, float(-np.log(chosen).mean()), float((logits.argmax(-1) == labels).mean()))


def classifier(inputs: Array, labels: NDArray[np.int64], hidden: tuple[int, ...], steps: int, rate: float) -> Trained:
    """A dense network trained on all of ``inputs`` at each step."""
    weights = network((inputs.shape[1], *hidden, int(labels.max()) + 1), seed=1)
    optimiser = Adam(weights, rate)
    for _ in range(steps):
        optimiser.apply(backward(weights, forward(weights, inputs), labels)[0])
    return judged(weights, forward(weights, inputs)[-1], labels)


def spirals(arms: int, points: int) -> tuple[Array, NDArray[np.int64]]:
    """Points ``(arms * points, 2)`` on interleaved spirals, and the arm of each."""
    random = np.random.default_rng(2)
    label = np.repeat(np.arange(arms), points)
    radius = np.tile(np.linspace(0.05, 1, points), arms)
    angle = 2 * np.pi * (label / arms + 1.1 * radius) + random.uniform(-0.12, 0.12, label.size)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), label


def language_model(text: str, context: int, width: int, hidden: int, steps: int) -> tuple[Trained, str]:
    """A next-character model of ``text`` (embeddings, one hidden layer), and its vocabulary in order.

    The embeddings of the last ``context`` characters, ``width`` numbers each, are the input of the network.
    """
    vocabulary = "".join(sorted(set(text)))
    codes = np.array([vocabulary.index(character) for character in text])
    window = np.lib.stride_tricks.sliding_window_view(codes, context + 1)
    before, after = window[:, :-1], window[:, -1]
    weights = network((context * width, hidden, len(vocabulary)), seed=3)
    weights["embedding.weight"] = np.random.default_rng(4).uniform(-0.5, 0.5, (len(vocabulary), width))
    optimiser = Adam(weights, 0.01)

    def inputs() -> Array:
        return weights["embedding.weight"][before].reshape(len(before), -1)

    for _ in range(steps):
        gradients, slope = backward(weights, forward(weights, inputs()), after)
        embedding = np.zeros_like(weights["embedding.weight"])
        np.add.at(embedding, before, slope.reshape(*before.shape, width))
        optimiser.apply({**gradients, "embedding.weight": embedding})
    return judged(weights, forward(weights, inputs())[-1], after), vocabulary


def bigrams(text: str) -> tuple[dict[str, NDArray[np.generic]], str]:
    """How often each character follows each other one, with smoothed log-probabilities, and the vocabulary."""
    vocabulary = "".join(sorted(set(text)))
    counts = np.zeros((len(vocabulary), len(vocabulary)), np.uint16)
    for (first, second), count in Counter(itertools.pairwise(text)).items():
        counts[vocabulary.index(first), vocabulary.index(second)] = count
    smoothed = counts + 0.1
    scores = np.log(smoothed / smoothed.sum(1, keepdims=True)).astype(np.float32)
    return {"counts": counts, "log_probability": scores}, vocabulary


def hopfield(patterns: NDArray[np.int8]) -> NDArray[np.float32]:
    """Weights ``(cells, cells)`` that make each pattern ``(n, cells)`` of ±1 a fixed point: the projection rule."""
    flat = patterns.astype(np.float64)
    weights = np.linalg.pinv(flat) @ flat
    np.fill_diagonal(weights, 0)
    return weights.astype(np.float32)


def colour_map(side: int, steps: int) -> NDArray[np.float32]:
    """A self-organising map ``(side, side, 3)`` of the RGB cube: neighbours come to hold similar colours."""
    random = np.random.default_rng(5)
    grid = random.uniform(0, 1, (side, side, 3))
    y, x = np.mgrid[:side, :side]
    for step in range(steps):
        colour = random.uniform(0, 1, 3)
        best = np.argmin(((grid - colour) ** 2).sum(-1))
        remaining = 1 - step / steps
        reach = 1 + side / 2 * remaining**2
        distance = (y - best // side) ** 2 + (x - best % side) ** 2
        pull = (0.02 + 0.5 * remaining) * np.exp(-distance / (2 * reach**2))
        grid += pull[..., None] * (colour - grid)
    return grid.astype(np.float32)
