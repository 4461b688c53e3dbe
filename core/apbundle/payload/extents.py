"""Where the tensors of a payload lie: what reaches past its end, and what overlaps."""

from __future__ import annotations

import numpy as np

from apbundle.payload.sink import Sink


def check_extents(sink: Sink, end: int) -> None:
    """Say which of the listed tensors reach past ``end`` bytes, and which into others: one finding each."""
    table = sink.tensors
    table.publish()
    rows = np.flatnonzero(table.sizes)
    begins, ends = table.offsets[rows], table.offsets[rows] + table.sizes[rows]
    beyond = rows[ends > end]
    if len(beyond):
        first = table[int(beyond[0])]
        sink.finding(
            f"{_count(len(beyond))} past the end of the payload, first {first.name!r}: the data was cut short",
            first.offset,
        )
    order = np.lexsort((ends, begins))
    reached = np.maximum.accumulate(ends[order])
    inside = rows[order[1:][begins[order[1:]] < reached[:-1]]]
    if len(inside):
        first = table[int(inside[0])]
        sink.finding(f"{_count(len(inside))} into the data of others, first {first.name!r}", first.offset)


def _count(number: int) -> str:
    return "1 tensor reaches" if number == 1 else f"{number:,} tensors reach"
