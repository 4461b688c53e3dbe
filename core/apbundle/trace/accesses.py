"""What a recorded program asked for, whatever came of it: the input of every question about another limit or policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from apbundle.progress import Cancel, Progress, Reporter
from apbundle.trace.decoding import EVENTS, EventArray
from apbundle.trace.limits import UNKNOWN, Limits
from apbundle.trace.pieces import event_pieces
from apbundle.trace.recording import RecordingReader
from apbundle.trace.records import NONE, Kind

_Number = TypeVar("_Number", np.int32, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Accesses:
    """The accesses of a recording, in order; 20 bytes each.

    Parameters
    ----------
    units
        The number of the unit of each access, an index into ``sizes``; int32.
    sizes
        Raw bytes of every unit, those never accessed included; int64.
    events
        The number of the event that each access is; int64, ascending.
    times
        Nanoseconds since the recording's start, never falling. Hits come in batches: all of one have the time at which
        it was written.
    in_force
        The limits under which they were made; of a stretch from the middle, those that came into force in it.
    """

    units: NDArray[np.int32]
    sizes: NDArray[np.int64]
    events: NDArray[np.int64]
    times: NDArray[np.int64]
    in_force: Limits = UNKNOWN

    def __len__(self) -> int:
        return len(self.units)


def read_accesses(
    reader: RecordingReader,
    start: int = 0,
    stop: int | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Accesses:
    """The accesses among the events from number ``start`` to before ``stop`` (to the last one if ``None``).

    An access is a hit or a miss; one whose load failed is neither. Accesses of a unit that the recording does not
    tell of (it is damaged there) are left out. Needs, for a moment, half as much again as the result.

    Raises
    ------
    ValueError
        ``start`` is negative.
    BadRecording
        The recording is damaged or was cut short.
    Cancelled
        ``cancel`` answered true.
    """
    last = reader.count if stop is None else min(stop, reader.count)
    reporter = Reporter(progress, cancel)
    reporter.phase("reading", max(last - start, 0) * EVENTS.itemsize)
    sizes, in_force = reader.units.sizes, Limits.at_start(reader.header, start)
    units: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
    numbers: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    times: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for first, events in event_pieces(reader, start, last, reporter):
        in_force = in_force.after(events)
        places = accesses_among(events)
        units.append(events["unit"][places].astype(np.int32))
        numbers.append(first + places)
        times.append(events["time"][places])
    return Accesses(_joined(units), sizes, _joined(numbers), np.maximum.accumulate(_joined(times)), in_force)


def accesses_among(events: EventArray) -> NDArray[np.intp]:
    """Where in ``events`` the accesses to known units are."""
    kinds = events["kind"]
    return np.flatnonzero(((kinds == Kind.HIT) | (kinds == Kind.MISS)) & (events["unit"] != NONE))


def _joined(parts: list[NDArray[_Number]]) -> NDArray[_Number]:
    """The parts as one, and each let go: of the columns, one at a time is held twice."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole
