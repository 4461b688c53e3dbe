"""The byte map with what it is coloured by, and what the colours mean."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from apbundle_gui.models.byte_map import ByteMap
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Card, ElidedLabel, SecondaryLabel, SectionTitle, button
from apbundle_gui.widgets.byte_map_colors import Colouring
from apbundle_gui.widgets.byte_map_legend import ByteMapLegend
from apbundle_gui.widgets.byte_map_view import ByteMapView

HINT = "Parts above, tensors below. Turn the wheel to zoom, drag to move."
_LABELS = {Colouring.KIND: "Kind", Colouring.DTYPE: "Element type", Colouring.MODEL: "Model"}


class ByteMapBar(Card):
    """The map of the file in a card.

    Attributes
    ----------
    chosen
        Emitted with the stretch that was chosen in the map.
    view
        The map.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=Space.M)
        self.body.setSpacing(Space.S)
        self._inspection: Inspection | None = None
        self.view = ByteMapView()
        self.view.chosen.connect(self.chosen)
        self.colouring = QComboBox()
        for named in (self.colouring, self.colouring.view()):
            named.setAccessibleName("What the colours of the map tell apart")
        for colouring in Colouring:
            self.colouring.addItem(_LABELS[colouring], colouring)
        self.colouring.currentIndexChanged.connect(self._colour)
        self.legend = ByteMapLegend()
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(SectionTitle("Bytes of the file"))
        row.addWidget(ElidedLabel(HINT, secondary=True), 1)
        row.addWidget(button("&Whole File", self.view.show_all, tip="Show the file from its first byte to its last"))
        row.addWidget(SecondaryLabel("Colour by"))
        row.addWidget(self.colouring)
        self.body.addLayout(row)
        self.body.addWidget(self.view)
        self.body.addWidget(self.legend)

    def set_compact(self, compact: bool) -> None:
        """Do without what the colours mean, which the tooltips of the map say too, to leave room for what is below."""
        self.legend.setVisible(not compact)

    def _colour(self) -> None:
        colouring = Colouring(self.colouring.currentData())  # Qt gives back a plain text
        self.view.colour_by(colouring)
        self.legend.show_colouring(colouring)

    def show_inspection(self, inspection: Inspection | None) -> None:
        """Show another bundle, or none."""
        if self._inspection is not None:
            self._inspection.contents.changed.disconnect(self.view.redraw)
        self._inspection = inspection
        self.view.show_map(None if inspection is None else ByteMap(inspection))
        if inspection is not None:
            inspection.contents.changed.connect(self.view.redraw)
