"""What is selected: one thing, which every part of the page shows in its own way and any of them may change."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal


class Selection(QObject):
    """The selected models of the bundle under inspection, by index.

    Attributes
    ----------
    changed
        Emitted after something else was selected.
    models
        The indices of all selected models.
    current
        The one whose particulars are shown; ``None`` when nothing is selected.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.models: Sequence[int] = ()
        self.current: int | None = None

    def select(self, models: Sequence[int], current: int | None = None) -> None:
        """Select these models; ``current`` is the last one unless given."""
        models = models if isinstance(models, range) else tuple(models)
        if current is None and models:
            current = models[-1]
        if current != self.current or models != self.models:
            self.models, self.current = models, current
            self.changed.emit()

    def select_one(self, model: int) -> None:
        """Select one model, unless it is the one whose particulars are shown."""
        if model != self.current:
            self.select((model,))

    def clear(self) -> None:
        """Select nothing."""
        self.select(())
