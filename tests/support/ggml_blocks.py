"""Weights in the super-blocks of ggml that its Python package unpacks but does not make."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def q4_k(rows: Array) -> Array:
    """Rows of a multiple of 256 numbers as Q4_K: eight runs of 32, each with a scale and an offset of six bits."""
    runs = rows.astype(np.float32).reshape(-1, 8, 32)
    low = np.minimum(runs.min(2), 0)
    step, offset = (runs.max(2) - low) / 15, -low
    whole = np.stack((step.max(1), offset.max(1)), 1).astype(np.float32) / 63
    stored = whole.astype(np.float16)
    unit = np.maximum(stored.astype(np.float32), 1e-12)
    steps = np.clip(np.round(step / unit[:, :1]), 0, 63).astype(np.uint8)
    offsets = np.clip(np.round(offset / unit[:, 1:]), 0, 63).astype(np.uint8)
    fine = np.maximum(unit[:, :1] * steps, 1e-12)[..., None]
    codes = np.clip(np.round((runs + (unit[:, 1:] * offsets)[..., None]) / fine), 0, 15).astype(np.uint8)
    packed = np.concatenate(
        (
            steps[:, :4] | (steps[:, 4:] >> 4 << 6),
            offsets[:, :4] | (offsets[:, 4:] >> 4 << 6),
            (steps[:, 4:] & 15) | ((offsets[:, 4:] & 15) << 4),
        ),
        1,
    )
    halves = codes[:, 0::2] | (codes[:, 1::2] << 4)
    blocks = np.concatenate((stored.view(np.uint8), packed, halves.reshape(-1, 128)), 1)
    return blocks.reshape(len(rows), -1)


def q6_k(rows: Array) -> Array:
    """Rows of a multiple of 256 numbers as Q6_K: sixteen runs of 16, each with a scale of eight bits."""
    runs = rows.astype(np.float32).reshape(-1, 16, 16)
    step = np.abs(runs).max(2) / 31
    stored = (step.max(1, keepdims=True) / 127).astype(np.float16)
    unit = np.maximum(stored.astype(np.float32), 1e-12)
    steps = np.clip(np.round(step / unit), 1, 127).astype(np.int8)
    codes = np.clip(np.round(runs / (unit * steps)[..., None]) + 32, 0, 63).astype(np.uint8)
    quarters = codes.reshape(-1, 2, 4, 32)
    low = (quarters[:, :, :2] & 15) | ((quarters[:, :, 2:] & 15) << 4)
    high = sum((quarters[:, :, place] >> 4) << 2 * place for place in range(4))
    parts = (low.reshape(-1, 128), np.asarray(high).reshape(-1, 64), steps.view(np.uint8), stored.view(np.uint8))
    return np.concatenate(parts, 1).reshape(len(rows), -1)
