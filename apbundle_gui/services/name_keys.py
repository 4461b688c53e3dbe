"""Keys that sort names naturally, worked out for thousands of names at a time."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apbundle.payload.table import TensorTable
from apbundle_gui.services.natural import KEY_LENGTH, natural
from apbundle_gui.services.pacing import Pace

FEW: Final = 512
"""So many names are not worth a look at whole batches."""
_PIECE: Final = 1 << 14  # keys that are moved in one go: the interpreter waits meanwhile
_ZERO, _NINE = ord("0"), ord("9")
_LONGEST_NUMBER: Final = 127  # digits whose count is one byte


def name_keys(
    table: TensorTable, rows: NDArray[np.int64], length: int, pace: Pace, few: int = FEW
) -> NDArray[np.bytes_]:
    """The first ``length`` bytes of what :func:`~apbundle_gui.services.natural.natural` makes of the names in ``rows``.

    As byte strings, which numpy sorts without keeping the interpreter, as it would objects.
    """
    if len(rows) <= few:
        return np.array([_one(table, row, length, pace) for row in rows.tolist()], np.bytes_)
    if not len(rows):
        return np.zeros(0, "S1")
    count = int(rows.max()) + 1
    parts: list[NDArray[np.bytes_]] = []
    for start, names, ends in table.name_batches():
        if start >= count:
            break
        keys = _keys(names, ends, length) if names.isascii() else None
        if keys is None:
            keys = np.array([_one(table, start + row, length, pace) for row in range(len(ends))], np.bytes_)
        parts.append(keys)
        pace.step()
    width = max(part.itemsize for part in parts)
    keys = np.zeros(sum(map(len, parts)), f"S{width}")
    begin = 0
    for part in parts:
        keys[begin : begin + len(part)] = part
        begin += len(part)
        pace.step()
    found = np.empty(len(rows), keys.dtype)
    for begin in range(0, len(rows), _PIECE):
        np.take(keys, rows[begin : begin + _PIECE], out=found[begin : begin + _PIECE], mode="clip")
        pace.step()
    return found


def _one(table: TensorTable, row: int, length: int, pace: Pace) -> bytes:
    pace.step()
    return natural(table.name(row)).encode()[:length]


def _keys(names: bytes, ends: NDArray[Any], length: int) -> NDArray[np.bytes_] | None:
    """The keys of the names, plain ASCII, that follow each other without a gap; ``None`` for very long ones."""
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    lengths = ends - starts
    if lengths.max() > KEY_LENGTH:
        return None
    text = np.frombuffer(names.lower(), np.uint8)
    firsts = np.zeros(len(text) + 1, np.bool_)
    firsts[starts] = True
    digits = (text >= _ZERO) & (text <= _NINE)
    numbers = digits & (firsts[:-1] | ~np.concatenate((np.zeros(1, np.bool_), digits[:-1])))  # where each begins
    at = np.flatnonzero(numbers)
    seen = np.cumsum(digits & (text != _ZERO))  # digits so far that are not 0
    of_number = np.cumsum(numbers) - 1
    before = (seen - (digits & (text != _ZERO)))[at]
    kept = ~digits  # all but the zeros a number begins with
    kept[digits] = seen[digits] > before[of_number[digits]]
    significant = np.bincount(of_number[digits & kept], minlength=len(at))
    if len(at) and significant.max() > _LONGEST_NUMBER:
        return None
    weights = kept + 2 * numbers.astype(np.int64)  # a number has a 0 and its length before it
    stops = np.cumsum(weights)
    key_ends = np.concatenate((np.zeros(1, np.int64), stops))[ends]
    key_starts = np.concatenate((np.zeros(1, np.int64), key_ends[:-1]))
    keys = np.empty(int(key_ends[-1]), np.uint8)
    keys[stops[kept] - 1] = text[kept]
    heads = (stops - weights)[at]
    keys[heads] = _ZERO
    keys[heads + 1] = significant
    sizes = key_ends - key_starts
    width = max(1, min(length, int(sizes.max())))
    columns = np.arange(len(keys)) - np.repeat(key_starts, sizes)
    inside = columns < width
    matrix = np.zeros((len(ends), width), np.uint8)
    matrix[np.repeat(np.arange(len(ends)), sizes)[inside], columns[inside]] = keys[inside]
    return matrix.view(f"S{width}").reshape(-1)
