"""Remarks about a bundle as a list of lines: what it is, what it says, where."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import QObject

from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import ICON_ROLE, RIGHT, TONE_ROLE, AnyIndex, Role
from apbundle_gui.models.plain_table import PlainTable
from apbundle_gui.models.remarks import Remark

TITLE, MESSAGE, OFFSET = range(3)
HEADINGS: Final = ("Kind", "What", "Where")


class RemarkList(PlainTable[Remark]):
    """The remarks there are, the worst first. As many as they may be, only those on the screen cost anything."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(HEADINGS, parent)

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        remark, column = self.record(index.row()), index.column()
        if role == Role.DisplayRole:
            where = "" if remark.offset is None else words.hex_offset(remark.offset)
            return (remark.title, words.safe(remark.message, words.SHOWN_IN_DETAIL), where)[column]
        if role == Role.ToolTipRole:
            where = "" if remark.offset is None else words.offset_tooltip(remark.offset)
            return words.tooltip((remark.code, remark.message, where)[column])
        if role == Role.TextAlignmentRole:
            return RIGHT if column == OFFSET else None
        if column == TITLE and role in (TONE_ROLE, ICON_ROLE):
            return remark.tone
        return None
