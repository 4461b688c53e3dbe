"""Which tensors of a bundle match a query, and in what order they stand: whole columns at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apbundle.payload.table import TensorTable
from apbundle_gui.services.contents import Group
from apbundle_gui.services.pacing import Pace

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Test = Callable[[str], bool]


def containing(table: TensorTable, count: int, part: str, pace: Pace) -> Mask:
    """Which of the first ``count`` names hold ``part``, given in lower case, in any case."""
    mask = np.zeros(count, np.bool_)
    if not part:
        mask[:] = True
        return mask
    wanted = part.encode()
    for first, names, ends in table.name_batches():
        pace.step()
        if first >= count:
            break
        if part.isascii() and names.isascii():
            mask[first : first + len(ends)] |= _hits(names.lower(), wanted, ends)[: count - first]
        else:  # lower case may take another number of bytes
            begin = 0
            for place, end in enumerate(ends.tolist()[: count - first]):
                mask[first + place] = part in names[begin:end].decode("utf-8", "replace").casefold()
                begin = end
                pace.step()
    return mask


def _hits(names: bytes, wanted: bytes, ends: NDArray[Any]) -> Mask:
    """In which of the names, which follow each other without a gap, ``wanted`` is."""
    found = []
    at = names.find(wanted)
    while at >= 0:
        found.append(at)
        at = names.find(wanted, at + 1)
    starts = np.array(found, np.int64)
    rows = np.searchsorted(ends, starts, "right")
    whole = starts + len(wanted) <= ends[np.minimum(rows, len(ends) - 1)]  # not across the border of two names
    mask = np.zeros(len(ends), np.bool_)
    mask[rows[whole]] = True
    return mask


def first_with_prefix(table: TensorTable, prefix: str) -> int | None:
    """The first row whose name begins with ``prefix``, or ``None``."""
    if not prefix:
        return 0 if len(table) else None
    wanted = prefix.encode("utf-8", "backslashreplace")
    for first, names, ends in table.name_batches():
        at = names.find(wanted)
        while at >= 0:
            place = int(np.searchsorted(ends, at, "right"))
            begins = at == (int(ends[place - 1]) if place else 0)
            if begins and at + len(wanted) <= ends[place]:
                return first + place
            at = names.find(wanted, at + 1)
    return None


def starting_with(table: TensorTable, prefix: str, pace: Pace) -> Rows:
    """The rows whose names begin with ``prefix``, ascending."""
    wanted = prefix.encode("utf-8", "backslashreplace")
    found = [np.zeros(0, np.int64)]
    for first, names, ends in table.name_batches():
        pace.step()
        begins = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
        rows = np.flatnonzero(ends - begins >= len(wanted))
        found.append(first + _having(rows, np.frombuffer(names, np.uint8), begins, wanted))
    return np.concatenate(found)


def whole(table: TensorTable, candidates: Mask, pieces: Sequence[str], pace: Pace) -> Mask:
    """Which of the candidates have a name that is ``pieces``, given in lower case, with anything between them."""
    first, last = pieces[0].encode(), pieces[-1].encode()
    fits = re.compile(".*".join(map(re.escape, pieces)), re.DOTALL).fullmatch
    mask = np.zeros(len(candidates), np.bool_)
    for start, names, ends in table.name_batches():
        pace.step()
        if start >= len(candidates):
            break
        rows = np.flatnonzero(candidates[start : start + len(ends)])
        ascii_only = names.isascii()
        if ascii_only:
            begins = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
            lengths, text = ends - begins, np.frombuffer(names.lower(), np.uint8)
            least = len(first) + (len(last) if len(pieces) > 1 else 0)
            rows = rows[lengths[rows] == least if len(pieces) == 1 else lengths[rows] >= least]
            rows = _having(rows, text, begins, first)
            rows = _having(rows, text, ends - len(last), last)
        if not ascii_only or any(pieces[1:-1]):
            kept = []
            for row in rows.tolist():
                if fits(table.name(start + row).casefold()):
                    kept.append(row)
                pace.step()
            rows = np.array(kept, np.int64)
        mask[start + rows] = True
    return mask


def _having(rows: Rows, text: NDArray[np.uint8], places: NDArray[Any], wanted: bytes) -> Rows:
    """Those of the rows that have these bytes at their place in the text."""
    for step, byte in enumerate(wanted):
        rows = rows[text[places[rows] + step] == byte]
    return rows


def of_kind(table: TensorTable, count: int, test: Test) -> Mask:
    """Which of the first ``count`` tensors have an element type, in lower case, that passes a test."""
    passed = np.array([test(kind.dtype.casefold()) for kind in table.kinds], np.bool_)
    return passed[table.kind_numbers[:count]] if len(passed) else np.zeros(count, np.bool_)


def of_shape(
    table: TensorTable, count: int, head: Sequence[int | None], tail: Sequence[int | None], more: bool
) -> Mask:
    """Which of the first ``count`` tensors have these first and last dimensions, ``None`` for any.

    With ``more`` others may stand between.
    """
    least = len(head) + len(tail)
    ranks = table.ranks[:count]
    mask: Mask = ranks >= least if more else ranks == least
    axes = (*enumerate(head), *((place - len(tail), wanted) for place, wanted in enumerate(tail)))
    for axis, wanted in axes:
        if wanted is not None:
            mask &= table.dimensions(axis)[:count] == wanted
    return mask


def within(values: NDArray[Any], low: int, high: int) -> Mask:
    """Which values lie from ``low`` to ``high``, both included."""
    found: Mask = (values >= low) & (values <= high)
    return found


def totals(groups: Sequence[Group], rows: Rows, pace: Pace | None = None) -> tuple[int, int]:
    """Elements and bytes of these rows together."""
    rows = np.sort(rows)
    starts = np.fromiter((group.start for group in groups), np.int64, len(groups))
    numbers = np.searchsorted(starts, rows, "right") - 1
    borders = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(rows)]
    elements = size = 0
    for begin, end in pairwise(borders):
        if begin == end:
            continue
        group = groups[numbers[begin]]
        inside = rows[begin:end] - group.start
        elements += int(group.table.elements[inside].sum())
        size += int(group.table.sizes[inside].sum())
        if pace is not None:
            pace.step()
    return elements, size
