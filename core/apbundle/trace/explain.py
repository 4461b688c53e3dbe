"""The stories of single events, or of all in a stretch of a recording: why each happened, and what came of it."""

from __future__ import annotations

import numpy as np

from apbundle.progress import Cancel, Progress, Reporter
from apbundle.trace.causes import Explainer
from apbundle.trace.decoding import EVENTS
from apbundle.trace.history import History, Piece
from apbundle.trace.pieces import event_pieces
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import Kind
from apbundle.trace.sequels import Sequels
from apbundle.trace.stories import Story
from apbundle.trace.telling import stories_of


def explain(
    reader: RecordingReader,
    start: int = 0,
    stop: int | None = None,
    *,
    hits: bool = False,
    history: History | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> list[Story]:
    """The stories of the events from number ``start`` to before ``stop`` (to the last one if ``None``), in order.

    Everything before is gone through, and what comes after as far as it takes to know what came of each; in memory are
    a few numbers for each unit, a piece of the recording, and the stories.

    Parameters
    ----------
    hits
        Tell of hits too.
    history
        What comes before some event not after ``start``, to go on from there; stays as it is.

    Raises
    ------
    ValueError
        ``start`` is negative or before ``history``.
    BadRecording
        The recording was cut short.
    Cancelled
        ``cancel`` answered true.
    """
    count, units = reader.count, reader.units  # what comes later is of units that are not known yet
    last = count if stop is None else min(stop, count)
    history = History(reader.header.limit, len(units)) if history is None else history.copy()
    history.grow(len(units))
    if start < history.event:
        raise ValueError(f"event {start} is before event {history.event}")
    reporter = Reporter(progress, cancel)
    reporter.phase("reading", max(last - history.event, 0) * EVENTS.itemsize)
    for _, events in event_pieces(reader, history.event, min(start, last), reporter):
        history.advance(Piece.of(events, history))
    explainer = Explainer(history, units.sizes)
    sequels = Sequels(len(units))
    for _, events in event_pieces(reader, start, last, reporter):
        explained = explainer.explain(events, hits=hits)
        sequels.look(explained.piece)
        sequels.add(stories_of(explained, units.sizes))
    if sequels.open:
        reporter.phase("looking ahead", (count - last) * EVENTS.itemsize)
        for _, events in event_pieces(reader, last, count, reporter):
            piece = Piece.of(events, history)
            sequels.look(piece)
            history.advance(piece)
            if not sequels.open:
                break
    return sequels.stories


def find_stop(reader: RecordingReader, start: int, count: int) -> int:
    """The number of the event before which there are ``count`` events from ``start`` on that are not hits."""
    for first, events in event_pieces(reader, start):
        others = np.flatnonzero(events["kind"] != Kind.HIT)
        if len(others) >= count:
            return first + (int(others[count - 1]) + 1 if count else 0)
        count -= len(others)
    return max(reader.count, start)
