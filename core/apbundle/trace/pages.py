"""Where the pages of a recording begin, by number of event and by time: how any part of it is reached.

Every page says how many events came before it. What a page says is believed if it agrees with the pages around it; the
events before any other page are counted from the nearest one that is believed. So numbers stay what they are whatever
is damaged elsewhere, and nothing raises.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.decoding import EVENTS, EventArray, decode
from apbundle.trace.records import IDS_PER_SLOT, NONE, PAGE_SLOTS, SLOT, TOTALS_SLOTS, Kind, Totals
from apbundle.trace.storage import RecordingFile
from apbundle.trace.units import MAX_SIZE

_START: Final = np.dtype(
    [
        ("time", "<u8"),
        ("unit", "<u4"),
        ("kind", "u1"),
        ("cause", "u1"),
        ("follow", "<u2"),
        ("rest", "V16"),
        ("events", "<u8"),
        ("counters", "<u8", 7),
    ]
)
"""The slots that a page begins with."""
_MOST: Final = PAGE_SLOTS * IDS_PER_SLOT  # events in a page, and a few more


class PageIndex:
    """The pages of one file, as far as they are known: :meth:`update` finds out about new ones.

    Attributes
    ----------
    file
        The file they are in.
    firsts
        The number of the first event of each page; int64, ascending.
    times
        The time at which each begins, in nanoseconds since the start; int64, ascending.
    sound
        Which pages are believed what they say.
    """

    def __init__(self, file: RecordingFile) -> None:
        self.file: Final = file
        self._seen = 0
        self._keep(0)

    def __len__(self) -> int:
        return len(self.firsts)

    def update(self) -> None:
        """Take in what the file has become. Reads a hundred bytes of each new page, and damaged ones whole."""
        pages, rest = divmod(self.file.slots, PAGE_SLOTS)
        pages += rest > TOTALS_SLOTS
        if pages == self._seen:
            return
        # The last page is judged again, now that another follows. Of a file that was cut short nothing is known.
        known = max(len(self) - 1, 0) if pages > self._seen else 0
        self._keep(known)
        self._seen = pages
        while pages > known and not any(self.file.read((pages - 1) * PAGE_SLOTS, PAGE_SLOTS)):
            pages -= 1  # zeros are what a machine that stopped leaves
        found = b"".join(self.file.read(page * PAGE_SLOTS, 1 + TOTALS_SLOTS) for page in range(known, pages))
        self._judge(np.frombuffer(found, _START, len(found) // _START.itemsize))

    def events(self, page: int, earliest: int = 0) -> EventArray:
        """The events of a page, as many as there must be; none is earlier than ``earliest``.

        In place of events that are lost there are such of no kind (:attr:`Kind.PAD`) and no unit.
        """
        events = self._decode(page, max(earliest, int(self.times[page])))
        if page + 1 == len(self):
            return events
        count = int(self.firsts[page + 1] - self.firsts[page])
        if len(events) >= count:
            return events[:count]
        lost = np.zeros(count - len(events), EVENTS)
        lost["unit"] = lost["other"] = NONE
        lost["time"] = events["time"][-1] if len(events) else max(earliest, self.times[page])
        return np.concatenate([events, lost])

    def totals(self, page: int) -> Totals:
        """What the nearest sound page, at ``page`` or before, says of all that was before it."""
        sound = np.flatnonzero(self.sound[: page + 1])
        if not len(sound):
            return Totals()
        data = self.file.read(int(sound[-1]) * PAGE_SLOTS, 1 + TOTALS_SLOTS)
        return Totals.unpack(data[SLOT:]) if len(data) == _START.itemsize else Totals()

    def _decode(self, page: int, earliest: int) -> EventArray:
        slot = page * PAGE_SLOTS
        return decode(self.file.read(slot, PAGE_SLOTS), slot, self.file.header.units, earliest).events

    def _keep(self, known: int) -> None:
        """Forget all but the first ``known`` pages."""
        if not known:
            self.firsts = self.times = np.zeros(0, np.int64)
            self.sound = np.zeros(0, np.bool_)
        self.firsts, self.times, self.sound = self.firsts[:known], self.times[:known], self.sound[:known]

    def _judge(self, starts: NDArray[Any]) -> None:
        """Add pages that begin like this."""
        formed = ((starts["kind"] == Kind.TOTALS) & (starts["follow"] == TOTALS_SLOTS)).tolist()
        claims = np.minimum(starts["events"], MAX_SIZE).tolist()
        moments = np.minimum(starts["time"], MAX_SIZE).tolist()
        firsts, times, sound = self.firsts.tolist(), self.times.tolist(), self.sound.tolist()
        trusted = int(np.flatnonzero(self.sound)[-1]) if self.sound.any() else 0
        for place, after in enumerate(_next_formed(formed)):
            page, claim, time = len(firsts), claims[place], moments[place]
            believed = (
                formed[place]
                and _fits(firsts[trusted] if firsts else 0, claim, page - trusted)
                and _fits(claim, claims[after], after - place)
            )
            if not believed:
                counted = firsts[-1] + self._measure(page - 1)[0] if firsts else 0
                believed, claim = formed[place] and claim == counted, counted
            if believed:
                for earlier in range(page - 1, trusted, -1):  # counted, and perhaps too many
                    firsts[earlier] = min(firsts[earlier], claim)
                trusted = page
            before = times[-1] if times else 0
            if not (believed and before <= time <= moments[after]):
                time = max(self._measure(page)[1], before)
            firsts.append(claim)
            times.append(time)
            sound.append(believed)
        self.firsts, self.times, self.sound = np.array(firsts, np.int64), np.array(times, np.int64), np.array(sound)

    def _measure(self, page: int) -> tuple[int, int]:
        """How many events a page has, and the time of the first; all of it is read."""
        events = self._decode(page, 0)
        return len(events), int(events["time"][0]) if len(events) else 0


def _next_formed(formed: list[bool]) -> list[int]:
    """For each page, which later one begins with totals; if none does, the page itself."""
    following = list(range(len(formed)))
    latest = None
    for place in range(len(formed) - 1, -1, -1):
        if latest is not None:
            following[place] = latest
        if formed[place]:
            latest = place
    return following


def _fits(first: int, later: int, pages: int) -> bool:
    """Whether so many pages may lie between these numbers of events."""
    return first <= later <= first + pages * _MOST
