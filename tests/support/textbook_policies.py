"""The policies as their papers describe them: one access at a time, on plain lists, however slow that is."""

from __future__ import annotations

from typing import Protocol


class Textbook(Protocol):
    """A policy that is told of each access by itself."""

    def admits(self, unit: int, size: int) -> bool: ...

    def insert(self, unit: int, size: int) -> None: ...

    def hit(self, unit: int) -> None: ...

    def victim(self) -> int | None: ...

    def remove(self, unit: int) -> None: ...

    def resize(self, limit: int) -> None: ...


class Plain:
    """A queue, the oldest first."""

    def __init__(self) -> None:
        self.queue: list[int] = []

    def admits(self, unit: int, size: int) -> bool:
        return True

    def insert(self, unit: int, size: int) -> None:
        self.queue.append(unit)

    def hit(self, unit: int) -> None:
        pass

    def victim(self) -> int | None:
        return self.queue[0] if self.queue else None

    def remove(self, unit: int) -> None:
        self.queue.remove(unit)

    def resize(self, limit: int) -> None:
        pass


class LRU(Plain):
    def hit(self, unit: int) -> None:
        self.queue.remove(unit)
        self.queue.append(unit)


class LFU(LRU):
    def __init__(self) -> None:
        super().__init__()
        self.uses: dict[int, int] = {}

    def insert(self, unit: int, size: int) -> None:
        super().insert(unit, size)
        self.uses[unit] = 1

    def hit(self, unit: int) -> None:
        super().hit(unit)
        self.uses[unit] += 1

    def victim(self) -> int | None:
        return min(self.queue, key=self.uses.__getitem__, default=None)


class Clock(Plain):
    """A circle with a hand; a new unit stands just behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.hand = 0
        self.marks: set[int] = set()

    def insert(self, unit: int, size: int) -> None:
        self.queue.insert(self.hand, unit)
        self.hand += 1

    def hit(self, unit: int) -> None:
        self.marks.add(unit)

    def victim(self) -> int | None:
        while self.queue:
            self.hand %= len(self.queue)
            unit = self.queue[self.hand]
            if unit not in self.marks:
                return unit
            self.marks.remove(unit)
            self.hand += 1
        return None

    def remove(self, unit: int) -> None:
        place = self.queue.index(unit)
        self.hand -= place < self.hand
        del self.queue[place]
        self.marks.discard(unit)


class Sieve(Clock):
    """A queue with a hand that goes from the oldest to the newest; a new unit stands at the end."""

    def insert(self, unit: int, size: int) -> None:
        self.queue.append(unit)

    def remove(self, unit: int) -> None:
        super().remove(unit)
        if self.hand == len(self.queue):
            self.hand = 0

    def victim(self) -> int | None:
        unit = super().victim()
        if self.queue:
            self.hand %= len(self.queue)
        return unit


class S3FIFO:
    def __init__(self) -> None:
        self.small: list[int] = []
        self.main: list[int] = []
        self.ghost: list[int] = []
        self.called_back: set[int] = set()
        self.size: dict[int, int] = {}
        self.hits: dict[int, int] = {}
        self.limit = 0
        self.filling = True
        self.leaving: int | None = None

    def bytes_in(self, queue: list[int]) -> int:
        return sum(self.size[unit] for unit in queue)

    def admits(self, unit: int, size: int) -> bool:
        if size >= self.limit // 10:
            return False
        if unit in self.ghost:
            self.ghost.remove(unit)
            self.called_back.add(unit)
        return True

    def insert(self, unit: int, size: int) -> None:
        self.size[unit], self.hits[unit] = size, 0
        small_is_full = self.bytes_in(self.small) >= self.limit // 10
        goes_to_main = unit in self.called_back or (self.filling and small_is_full)
        self.called_back.discard(unit)
        (self.main if goes_to_main else self.small).append(unit)

    def hit(self, unit: int) -> None:
        self.hits[unit] = min(self.hits[unit] + 1, 3)

    def victim(self) -> int | None:
        self.filling = False
        self.leaving = None
        if self.bytes_in(self.main) <= self.limit - self.limit // 10:
            while self.small:
                unit = self.small[0]
                if self.hits[unit] < 2:
                    self.leaving = unit
                    return unit
                self.main.append(self.small.pop(0))
                self.hits[unit] = 0
        while self.main:
            unit = self.main[0]
            if self.hits[unit] == 0:
                return unit
            self.hits[unit] -= 1
            self.main.append(self.main.pop(0))
        return None

    def remove(self, unit: int) -> None:
        (self.small if unit in self.small else self.main).remove(unit)
        if unit == self.leaving:
            self.ghost.append(unit)
            self.trim()

    def resize(self, limit: int) -> None:
        self.filling |= limit > self.limit
        self.limit = limit
        self.trim()

    def trim(self) -> None:
        while self.bytes_in(self.ghost) > self.limit * 9 // 10:
            del self.ghost[0]


TEXTBOOK: dict[str, type[Textbook]] = {
    "lru": LRU,
    "lfu": LFU,
    "fifo": Plain,
    "clock": Clock,
    "sieve": Sieve,
    "s3fifo": S3FIFO,
}
