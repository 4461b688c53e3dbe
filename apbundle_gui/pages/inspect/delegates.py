"""How cells look that are not plain text: monospaced, in the colour of a meaning, with an icon."""

from __future__ import annotations

from collections.abc import Collection

from apbundle_gui import theme
from apbundle_gui.models.arranged import ICON_ROLE, TONE_ROLE
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import CellDelegate, TableView
from apbundle_gui.widgets.cells import AnyIndex, Mark

_GLYPHS = {"neutral": "info"}


class ToneDelegate(CellDelegate):
    """Cells in the colour of what they mean, with its icon."""

    def mark(self, index: AnyIndex) -> Mark | None:
        tone, icon = index.data(TONE_ROLE), index.data(ICON_ROLE) or ""
        return _GLYPHS.get(icon, icon), Tone(tone) if tone else None


def set_delegates(view: TableView, *, mono: Collection[int] = (), toned: Collection[int] = ()) -> None:
    """Give columns of a table their looks; the others are plain."""
    view.setItemDelegate(CellDelegate(view))
    for columns, delegate in ((mono, CellDelegate(view, font=theme.mono_font())), (toned, ToneDelegate(view))):
        for column in columns:
            view.setItemDelegateForColumn(column, delegate)
