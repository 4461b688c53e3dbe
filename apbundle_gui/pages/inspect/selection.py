"""What is selected: one thing, which every part of the page shows in its own way and any of them may change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal


@dataclass(frozen=True, slots=True)
class Place:
    """One place in the bundle under inspection, as narrow as whoever chose it knew it.

    Parameters
    ----------
    model
        Index of the model it lies in; ``None`` outside of all.
    group
        The beginning that the names of the model's tensors there have in common, such as ``"layers.3."``; empty: all.
    tensor
        Number of the tensor among the model's; ``None`` for the model as a whole, or what is no tensor.
    span
        Offset in the file and number of bytes; ``None``: all that the model or the tensor has.
    """

    model: int | None = None
    group: str = ""
    tensor: int | None = None
    span: tuple[int, int] | None = None


NOWHERE = Place()


class Selection(QObject):
    """The selected models of the bundle under inspection, by index, and the place in the one that is looked at.

    Attributes
    ----------
    changed
        Emitted after something else was selected.
    models
        The indices of all selected models.
    place
        What is looked at. Its model is one of the selected ones, or the last that was.
    returning
        Whether one is being led back to where one was in a file that was read anew: what is in view stays then.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.models: Sequence[int] = ()
        self.place = NOWHERE
        self.returning = False

    @property
    def current(self) -> int | None:
        """The model whose particulars are shown; ``None`` when nothing is selected."""
        return self.place.model

    def select(self, models: Sequence[int], current: int | None = None) -> None:
        """Select these models; ``current`` is the last one unless given."""
        models = models if isinstance(models, range) else tuple(models)
        if current is None and models:
            current = models[-1]
        if current != self.current or models != self.models:
            self.models = models
            if current != self.current:
                self.place = Place(current)
            self.changed.emit()

    def select_one(self, model: int) -> None:
        """Select one model, unless it is the one whose particulars are shown."""
        if model != self.current:
            self.select((model,))

    def go(self, place: Place) -> None:
        """Look at ``place``, in a model that is then the only selected one unless it is selected already."""
        models = self.models
        if place.model is None:
            models = ()
        elif place.model not in models:
            models = (place.model,)
        if place != self.place or models != self.models:
            self.models, self.place = models, place
            self.changed.emit()

    def clear(self) -> None:
        """Select nothing."""
        self.go(NOWHERE)
