"""The events of a recording, a bounded number at a time: what goes through all of one need not hold all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from apbundle.progress import Reporter
from apbundle.trace.decoding import EVENTS, EventArray
from apbundle.trace.recording import RecordingReader

PIECE: Final = 1 << 18
"""Most events of a piece."""


def event_pieces(
    reader: RecordingReader, start: int = 0, stop: int | None = None, reporter: Reporter | None = None
) -> Iterator[tuple[int, EventArray]]:
    """The events from number ``start`` to before ``stop`` (to the last one there is now if ``None``), in order.

    ``reporter`` is told of them in bytes, as events take in memory, in the phase it is in; the caller names that phase.

    Yields
    ------
    (int, ndarray)
        The number of the first event of the piece, and the piece.

    Raises
    ------
    BadRecording
        The recording is damaged or was cut short.
    Cancelled
        The caller of ``reporter`` wants no more.
    """
    last = reader.count if stop is None else stop
    for first in range(start, last, PIECE):
        events = reader.read(first, min(first + PIECE, last))
        if not len(events):
            return
        yield first, events
        if reporter is not None:
            reporter.advance(len(events) * EVENTS.itemsize)
