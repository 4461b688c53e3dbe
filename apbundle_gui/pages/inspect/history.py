"""Where one has been: the way back, and forward again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QElapsedTimer, QObject, Signal

from apbundle_gui.pages.inspect.selection import Place

MOST: Final = 200
"""How many places are remembered."""
PASSING_MS: Final = 800
"""Who leaves a place sooner was only passing through, say along a table: it is not remembered."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A place in one of the open bundles, and the tab it was looked at in."""

    path: str
    place: Place
    tab: int


class History(QObject):
    """The places that were visited, and the one of them that is now.

    Attributes
    ----------
    changed
        Emitted when :attr:`can_go_back` or :attr:`can_go_forward` may have changed.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._visits: list[Visit] = []
        self._now = -1
        self._since = QElapsedTimer()
        self._travelling = False

    @property
    def can_go_back(self) -> bool:
        """Whether a place was visited before this one."""
        return self._now > 0

    @property
    def can_go_forward(self) -> bool:
        """Whether one went back from another place."""
        return self._now + 1 < len(self._visits)

    def visit(self, visit: Visit) -> None:
        """One is here now."""
        if self._travelling or (self._now >= 0 and self._visits[self._now] == visit):
            return
        passing = self._now > 0 and self._since.isValid() and self._since.elapsed() < PASSING_MS
        keep = self._now if passing else self._now + 1
        self._visits[keep:] = [visit]
        del self._visits[: max(len(self._visits) - MOST, 0)]
        self._now = len(self._visits) - 1
        self._since.start()
        self.changed.emit()

    def back(self) -> Visit | None:
        """The place before this one, which is now; ``None`` at the first."""
        return self._step(-1) if self.can_go_back else None

    def forward(self) -> Visit | None:
        """The place one went back from, which is now; ``None`` at the last."""
        return self._step(1) if self.can_go_forward else None

    def forget(self, path: str) -> None:
        """A bundle was closed: there is no way back into it."""
        before = sum(visit.path != path for visit in self._visits[: self._now + 1])
        self._visits = [visit for visit in self._visits if visit.path != path]
        self._now = before - 1
        self.changed.emit()

    def convert(self, path: str, convert: Callable[[Place], Place | None]) -> None:
        """A bundle was read anew: its places are what ``convert`` makes of them; ``None`` is no place any more."""
        visits: list[Visit] = []
        now = self._now
        for number, visit in enumerate(self._visits):
            place = convert(visit.place) if visit.path == path else visit.place
            if place is not None and (not visits or replace(visit, place=place) != visits[-1]):
                visits.append(replace(visit, place=place))
            if number == self._now:
                now = len(visits) - 1
        self._visits, self._now = visits, now
        self.changed.emit()

    def travel(self, travelling: bool) -> None:
        """While one is on the way to a visit of the past, nothing on the way is a visit."""
        self._travelling = travelling

    def _step(self, by: int) -> Visit:
        self._now += by
        self._since.invalidate()
        self.changed.emit()
        return self._visits[self._now]
