"""What will be asked for next: the predictors, as plain memories without threads or locks."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final, TypeVar

from apbundle.paging.background import MAX_THREADS, Request
from apbundle.paging.units import Unit

HISTORY = 10
"""Accesses the inline predictor remembers."""

LEAST_REMEMBERED = 512
MOST_REMEMBERED = 65_536
"""Successions the learning predictor remembers; those of the unit longest without news are forgotten first."""

REMEMBERED_BYTES = 1000
"""Most memory that one takes, measured: small next to the large units that are worth predicting, not next to pages."""

MAX_SUCCESSORS = 4
"""Successors remembered for one unit."""

MAX_PREDECESSORS = 64
"""Units of which one successor is remembered; without a bound, evicting what follows everything would take long."""

_STRONGEST = 8
_WASTED = 2
_MEMORY = 8  # predictions that proved right or wrong, from which the next ones are trusted or not

_Value = TypeVar("_Value")


class History:
    """The last ten accesses, and what followed the earlier ones.

    Predicts at every access, hits included, from nothing else; repeats what the format's first implementation does.

    Parameters
    ----------
    count
        Most units predicted at one access.
    """

    def __init__(self, count: int) -> None:
        self._count: Final = count
        self._accesses: Final[deque[Unit]] = deque(maxlen=HISTORY)

    def accessed(self, unit: Unit) -> list[Unit]:
        """Remember the access, and name what followed ``unit`` at its earlier places, oldest first."""
        accesses = self._accesses
        accesses.append(unit)
        following: list[Unit] = []
        for place in range(len(accesses) - 1):
            if len(following) == self._count:
                break
            if accesses[place].id == unit.id:
                following.append(accesses[place + 1])
        return following


class Successions:
    """Which unit had to be loaded after which: first-order successions over the whole run, in bounded memory.

    Only accesses that needed a load are learned, for those alone are worth predicting; so learning costs hits nothing.
    A prediction that proves wrong weakens what it came from, until it is forgotten.

    Parameters
    ----------
    most
        Successions remembered.
    """

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most: Final = most
        self._count = 0
        self._weights: Final[OrderedDict[int, dict[int, int]]] = OrderedDict()
        self._before: Final[dict[int, dict[int, None]]] = {}
        self._units: Final[dict[int, Unit]] = {}

    def learn(self, unit: Unit, successor: Unit) -> None:
        """``successor`` had to be loaded (or had been, ahead of time) right after ``unit`` was used."""
        if unit.id == successor.id:
            return
        weights = self._weights.setdefault(unit.id, {})
        self._weights.move_to_end(unit.id)
        self._count += successor.id not in weights
        weights[successor.id] = min(weights.get(successor.id, 0) + 1, _STRONGEST)
        before = self._before.setdefault(successor.id, {})
        before[unit.id] = None
        self._units[successor.id] = successor
        if len(before) > MAX_PREDECESSORS:
            self._forget(next(iter(before)), successor.id)
        if len(weights) > MAX_SUCCESSORS:
            self._forget(unit.id, min((other for other in weights if other != successor.id), key=weights.__getitem__))
        while self._count > self._most:
            oldest = next(iter(self._weights))
            for other in list(self._weights[oldest]):
                self._forget(oldest, other)

    def weaken(self, unit: int, successor: int) -> None:
        """``successor`` was loaded because of ``unit`` and left again unused."""
        weights = self._weights.get(unit, {})
        if successor in weights:
            weights[successor] -= _WASTED
            if weights[successor] <= 0:
                self._forget(unit, successor)

    def successor(self, unit: int, least: int = 1) -> Unit | None:
        """What most likely follows ``unit``: followed it more often than all others together, and ``least`` times."""
        weights = self._weights.get(unit)
        if not weights:
            return None
        best = max(weights, key=weights.__getitem__)
        return self._units[best] if weights[best] >= least and 2 * weights[best] > sum(weights.values()) else None

    def before(self, unit: int) -> list[int]:
        """The units that ``unit`` is known to follow."""
        return list(self._before.get(unit, ()))

    def _forget(self, unit: int, successor: int) -> None:
        weights = self._weights[unit]
        del weights[successor]
        self._count -= 1
        if not weights:
            del self._weights[unit]
        sources = self._before[successor]
        del sources[unit]
        if not sources:
            del self._before[successor], self._units[successor]


class LookAhead:
    """What the background thread should load, decided at the accesses that are worth a thought.

    Those are misses, first uses of what was loaded ahead, and uses of a unit whose successor has been evicted; all
    other hits pass unseen until they are worked off in batches. What had to be loaded is learned as the successor of
    the unit used right before it, and of the one that had to be loaded before it, by the same thread: so units that
    stay in memory do not hide what follows what around them.

    A succession seen once is enough to act on, unless predictions have lately been wrong more often than right.

    Parameters
    ----------
    count
        Most units expected after one access.
    memory
        Bytes that what is learned may take, more or less.
    """

    def __init__(self, count: int, memory: int = MOST_REMEMBERED * REMEMBERED_BYTES) -> None:
        self._count: Final = count
        most = min(max(memory // REMEMBERED_BYTES, LEAST_REMEMBERED), MOST_REMEMBERED)
        self._successions: Final = Successions(most)
        self._clock = 0  # ticks at the accesses worth a thought
        self._last_used: Final[dict[int, int]] = {}
        self._recent: Final[set[int]] = set()  # hit since the last tick
        self._previous: Unit | None = None
        self._needed: Final[OrderedDict[int, Unit]] = OrderedDict()  # by thread: what had to be loaded last
        self._expected: Final[OrderedDict[int, list[int]]] = OrderedDict()  # by thread: what should be in memory
        self._trust = 0  # of late, predictions that proved right less those that proved wrong

    def hit(self, batch: list[int], last: Unit | None) -> None:
        """These units were used since the last call of any kind; ``last`` is the last of them, if resident."""
        self._recent.update(batch)
        self._previous = last

    def accessed(self, unit: Unit, previous: Unit | None, needed: bool, thread: int) -> list[Request]:
        """What should be in memory now that ``thread`` used ``unit``, directly after ``previous`` was used.

        ``needed`` says whether it had to be loaded for this access, or had been loaded ahead for it.
        """
        self._last_used.update(dict.fromkeys(self._recent, self._clock))
        self._recent.clear()
        self._clock += 1
        self._last_used[unit.id] = self._clock
        self._previous = unit
        if needed:
            self._learn(unit, previous, thread)
        requests: list[Request] = []
        step = unit
        for _ in range(self._count):
            following = self._successions.successor(step.id, 1 if self._trust >= 0 else 2)
            if following is None or following.id == unit.id:
                break
            requests.append(Request(following, step.id, self._clock, thread))
            step = following
        _remember(self._expected, thread, [request.unit.id for request in requests], MAX_THREADS)
        return requests

    @property
    def previous(self) -> Unit | None:
        """The unit used last, as far as is known and still resident."""
        return self._previous

    def loaded(self, unit: Unit) -> None:
        """``unit`` became resident."""
        self._last_used[unit.id] = self._clock

    def used(self) -> None:
        """What was expected, and loaded ahead, was used."""
        self._trust = min(self._trust + 1, _MEMORY)

    def left(self, unit: Unit, after: int | None) -> list[int]:
        """``unit`` left, unused since ``after`` made us expect it (if not ``None``); its known predecessors.

        Their next use is the time to think of this unit again.
        """
        self._last_used.pop(unit.id, None)
        self._recent.discard(unit.id)
        if after is not None:
            self._trust = max(self._trust - 1, -_MEMORY)
            self._successions.weaken(after, unit.id)
        return self._successions.before(unit.id)

    def is_older(self, clock: int, unit: int) -> bool:
        """Whether ``unit`` was last used before the access at ``clock``, and is not itself expected."""
        if unit in self._recent or self._last_used.get(unit, 0) >= clock:
            return False
        return not any(unit in expected for expected in self._expected.values())

    def _learn(self, unit: Unit, previous: Unit | None, thread: int) -> None:
        before = self._needed.get(thread)
        if previous is not None:
            self._successions.learn(previous, unit)
        if before is not None and (previous is None or before.id != previous.id):
            self._successions.learn(before, unit)
        _remember(self._needed, thread, unit, MAX_THREADS)


def _remember(memory: OrderedDict[int, _Value], key: int, value: _Value, most: int) -> None:
    """Keep the value of a key, and the latest ``most`` keys."""
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > most:
        memory.popitem(last=False)
