"""Where the pages of a recording begin, by number of event and by time: how any part of it is reached.

Every page says how many events came before it. What a page says is believed if it agrees with the pages around it; the
events before any other page are counted from the nearest one that is believed. So numbers stay what they are whatever
is damaged elsewhere, and nothing raises.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apbundle.trace.decoding import EVENTS, Decoded, EventArray, decode
from apbundle.trace.records import IDS_PER_SLOT, NONE, PAGE_SLOTS, SLOT, TOTALS_SLOTS, Kind, Totals
from apbundle.trace.storage import RecordingFile
from apbundle.trace.units import MAX_SIZE, UnitList

_START: Final = np.dtype(
    [
        ("time", "<u8"),
        ("unit", "<u4"),
        ("kind", "u1"),
        ("cause", "u1"),
        ("follow", "<u2"),
        ("rest", "V16"),
        ("events", "<u8"),
        ("counters", "<u8", 6),  # _COUNTERS
        ("announced", "<u8"),
    ]
)
"""The slots that a page begins with."""
_COUNTERS: Final = 6
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
    before
        The counters of all that was before each page, in the order of :class:`~apbundle.trace.records.Totals` (bytes
        loaded and memory used are the last two); int64, six a page. What a page that is not sound says of itself is
        among them.
    units
        What was paged, as far as it was announced in the pages before the last, or seen in that one.
    """

    def __init__(self, file: RecordingFile) -> None:
        self.file: Final = file
        self.units = file.header.units.copy()
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
        known = max(len(self) - 1, 0)
        if pages < self._seen:
            known, self.units = 0, self.file.header.units.copy()
        self._keep(known)
        self._seen = pages
        while pages > known and not any(self.file.read((pages - 1) * PAGE_SLOTS, PAGE_SLOTS)):
            pages -= 1  # zeros are what a machine that stopped leaves
        found = b"".join(self.file.read(page * PAGE_SLOTS, 1 + TOTALS_SLOTS) for page in range(known, pages))
        self._judge(np.frombuffer(found, _START, len(found) // _START.itemsize))
        self._find_announcements()

    def all_units(self) -> UnitList:
        """What was paged up to the end of the file."""
        if len(self):
            self._decode(len(self) - 1, 0)
        return self.units

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
        known = self._known[page : page + 2]
        announces = len(known) < 2 or known[0] != known[1]  # the last page may announce, and others that did
        return self._decode_page(page, earliest, int(known[0]), announces=announces).events

    def _decode_page(self, page: int, earliest: int, known: int, *, announces: bool) -> Decoded:
        slot = page * PAGE_SLOTS
        return decode(self.file.read(slot, PAGE_SLOTS), slot, self.units, earliest, known, announces=announces)

    def _keep(self, known: int) -> None:
        """Forget all but the first ``known`` pages."""
        if not known:
            self.firsts = self.times = np.zeros(0, np.int64)
            self.sound = np.zeros(0, np.bool_)
            self.before = np.zeros((0, _COUNTERS), np.int64)
            self._announced = np.zeros(0, np.int64)  # by each page's own word; -1 if it does not say
            self._known = np.zeros(0, np.int64)  # units before each page
        self.firsts, self.times, self.sound = self.firsts[:known], self.times[:known], self.sound[:known]
        self.before, self._announced, self._known = self.before[:known], self._announced[:known], self._known[:known]

    def _find_announcements(self) -> None:
        """Know how many units there were before each page; those that announced some, or may have, are read whole."""
        start = max(len(self._known) - 1, 0)
        before = int(self._known[start]) if len(self._known) else len(self.file.header.units)
        self._known = np.concatenate([self._known[:start], np.full(len(self) - start, before)])
        says = self._announced[start:]
        differs = (says[:-1] != says[1:]) | (says[:-1] < 0) | (says[1:] < 0)
        for page in (np.flatnonzero(differs) + start).tolist():
            self._known[page + 1 :] = self._decode_page(page, 0, int(self._known[page]), announces=True).known

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
        announced = np.where(formed, np.minimum(starts["announced"], MAX_SIZE).astype(np.int64), -1)
        self._announced = np.concatenate([self._announced, announced])
        self.before = np.concatenate([self.before, np.minimum(starts["counters"], MAX_SIZE).astype(np.int64)])

    def _measure(self, page: int) -> tuple[int, int]:
        """How many events a page has, and the time of the first; all of it is read."""
        events = self._decode_page(page, 0, len(self.file.header.units), announces=False).events
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
