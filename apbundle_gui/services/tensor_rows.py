"""Which tensors of a bundle match a query, and in what order they stand: whole columns at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apbundle.payload.table import TensorTable
from apbundle_gui.services.contents import Group
from apbundle_gui.services.pacing import Pace

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Test = Callable[[str], bool]

_LEAST_TO_SEARCH: Final = 64  # rows; fewer are looked at one by one


def all_rows(groups: Sequence[Group], counts: Sequence[int]) -> Rows:
    """The rows of these groups, of which so many tensors of each are counted, in their order."""
    parts = [np.arange(group.start, group.start + count) for group, count in zip(groups, counts, strict=True)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


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


def passing(table: TensorTable, candidates: Mask, test: Test, pace: Pace) -> Mask:
    """Which of the candidates have a name, in lower case, that passes a test."""
    mask = np.zeros(len(candidates), np.bool_)
    for row in np.flatnonzero(candidates).tolist():
        mask[row] = test(table.name(row).casefold())
        pace.step()
    return mask


def of_kind(table: TensorTable, count: int, test: Test) -> Mask:
    """Which of the first ``count`` tensors have an element type, in lower case, that passes a test."""
    passed = np.array([test(kind.dtype.casefold()) for kind in table.kinds], np.bool_)
    return passed[table.kind_numbers[:count]] if len(passed) else np.zeros(count, np.bool_)


def of_shape(table: TensorTable, candidates: Mask, test: Callable[[tuple[int, ...]], bool], pace: Pace) -> Mask:
    """Which of the candidates have a shape that passes a test."""
    mask = np.zeros(len(candidates), np.bool_)
    for row in np.flatnonzero(candidates).tolist():
        mask[row] = test(table[row].shape)
        pace.step()
    return mask


def within(values: NDArray[Any], low: int, high: int) -> Mask:
    """Which values lie from ``low`` to ``high``, both included."""
    found: Mask = (values >= low) & (values <= high)
    return found
