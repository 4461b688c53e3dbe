"""Columns that fit the room there is: the less important ones go when it is narrow, some grow when it is wide."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QEvent, QObject

from apbundle_gui.widgets import TableView

NARROWEST: Final = 72
"""How narrow a column that grows may become where there is no room at all, in pixels."""
WIDEST: Final = 2000
"""The widest a column may be remembered, in pixels."""


@dataclass(frozen=True, slots=True)
class Width:
    """How wide a column is.

    ``least`` is in pixels; ``grow`` is its share of the room that is left over; columns with a ``drop`` above 0 are
    hidden where there is no room for all, the highest first.
    """

    least: int
    grow: int = 0
    drop: int = 0


def fit(widths: Mapping[int, Width], room: int) -> dict[int, int]:
    """The width of every column that is shown in ``room`` pixels; those left out are hidden."""
    shown = dict(widths)
    by_drop = sorted((column for column in widths if widths[column].drop), key=lambda column: -widths[column].drop)
    for column in by_drop:
        if sum(width.least for width in shown.values()) <= room:
            break
        del shown[column]
    shown = _squeezed(shown, room)
    spare = max(0, room - sum(width.least for width in shown.values()))
    parts = sum(width.grow for width in shown.values())
    result = {column: width.least + (spare * width.grow // parts if parts else 0) for column, width in shown.items()}
    growing = [column for column in shown if shown[column].grow]
    if growing:
        result[growing[0]] += max(0, room - sum(result.values()))  # what rounding left
    return result


def _squeezed(widths: dict[int, Width], room: int) -> dict[int, Width]:
    """The same with columns that grow made narrower than their least, where not even those that are left have room."""
    short = sum(width.least for width in widths.values()) - room
    given = {column: max(0, width.least - NARROWEST) for column, width in widths.items() if width.grow}
    total = sum(given.values())
    if short <= 0 or not total:
        return widths
    part = min(1.0, short / total)
    squeezed = {c: replace(widths[c], least=widths[c].least - math.ceil(room * part)) for c, room in given.items()}
    return widths | squeezed


class ColumnFit(QObject):
    """Fits the columns of a table whenever its width changes. A width the user gave a column stays."""

    def __init__(self, view: TableView, widths: Sequence[Width]) -> None:
        super().__init__(view)
        self._view = view
        self._widths = dict(enumerate(widths))
        self._chosen: dict[int, int] = {}
        self._unavailable: frozenset[int] = frozenset()
        self._fitting = False
        header = view.horizontalHeader()
        header.setStretchLastSection(False)
        header.sectionResized.connect(self._resized)
        view.viewport().installEventFilter(self)

    def set_available(self, available: Mapping[int, bool]) -> None:
        """Never show the columns that are mapped to false: there is nothing in them."""
        self._unavailable = frozenset(column for column, there in available.items() if not there)
        self.apply()

    def apply(self) -> None:
        """Fit the columns now."""
        given = {column: Width(width) for column, width in self._chosen.items()}
        widths = {c: given.get(c, width) for c, width in self._widths.items() if c not in self._unavailable}
        fitted = fit(widths, self._view.viewport().width())
        header = self._view.horizontalHeader()
        self._fitting = True
        try:
            for column in self._widths:
                header.setSectionHidden(column, column not in fitted)
            for column, width in fitted.items():
                header.resizeSection(column, width)
        finally:
            self._fitting = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.apply()
        return super().eventFilter(watched, event)

    def _resized(self, column: int, before: int, width: int) -> None:
        if not self._fitting and width > 0 and before > 0:
            self._chosen[column] = width

    def chosen(self) -> list[str]:
        """The widths the user gave, as texts for the settings."""
        return [f"{column}:{width}" for column, width in sorted(self._chosen.items())]

    def restore(self, texts: Sequence[str]) -> None:
        """Take over widths from the settings; whatever is no such text is passed over."""
        for text in texts:
            column, _, width = text.partition(":")
            if column.isdecimal() and width.isdecimal() and int(column) in self._widths:
                self._chosen[int(column)] = max(24, min(WIDEST, int(width)))
        self.apply()
