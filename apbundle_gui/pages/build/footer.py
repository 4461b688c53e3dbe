"""The line below the table: what the draft amounts to, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QHBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.models.build_problems import Problems
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Glyph, Label, SecondaryLabel, button


class Footer(QWidget):
    """Totals at the left, problems at the right. It keeps its height whatever it says.

    Parameters
    ----------
    fix_all
        Does everything one click can do.
    """

    def __init__(self, fix_all: Callable[[], object], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(Space.XS, 0, 0, 0)
        row.setSpacing(Space.S)
        self.total = SecondaryLabel()
        self.total.setFont(theme.tabular(self.total.font()))
        self.total.setAccessibleDescription("Total")
        row.addWidget(self.total)
        row.addStretch(1)
        self._glyph = Glyph("ok", theme.ICON)
        row.addWidget(self._glyph)
        self.remark = Label()
        row.addWidget(self.remark)
        self.fix_all = button("Fix All", fix_all, tip="Do for every row what its own button does")
        row.addWidget(self.fix_all)
        self.setFixedHeight(theme.CONTROL_HEIGHT)

    def show_total(self, models: int, size: int, selected: int, selected_size: int) -> None:
        """Say how much there is, in bytes, and how much of it is selected."""
        part = f"{selected:,} selected, {words.size(selected_size)}" if selected else ""
        self.total.setText(words.joined((words.count(models, "model"), words.size(size), part)))
        self.total.setToolTip(words.tooltip(words.exact_size(size)))

    def show_problems(self, problems: Problems, fixable: int) -> None:
        """Say how many problems there are."""
        blocking, warnings = problems.blocking, problems.warnings
        tone = Tone.DANGER if blocking else Tone.WARNING if warnings else None
        said = [
            words.count(blocking, "problem") if blocking else "",
            words.count(warnings, "remark") if warnings else "",
        ]
        self._glyph.setVisible(tone is not None)
        if tone is not None:
            self._glyph.show_icon(tone.value, tone)
        self.remark.setText(words.joined(said))
        self.remark.set_tone(tone)
        self.fix_all.setVisible(fixable > 0)
        self.fix_all.setText("Fix" if fixable == 1 else f"Fix All {fixable:,}")
