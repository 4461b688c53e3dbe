"""The table of models as it is handled: selected, copied from, dragged out of."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from apbundle_gui.models.model_table import Column
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.pages.inspect.drag_view import DragView


class ModelsView(DragView):
    """The table of models."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("model", parent)
        set_delegates(self, mono=(Column.OFFSET, Column.DIGEST), toned=(Column.NAME, Column.STATE))
