"""What is at the cursor of the hex view: where it is, what it belongs to, and what its bytes mean."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.reading_table import ReadingTable
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.pages.inspect.panes import SidePanel
from apbundle_gui.widgets import Facts, SectionTitle, TableView

LEAST_WIDTH = 236
"""The narrowest it is, in pixels: beside it eight bytes of a row and their text have room in the smallest window."""
NAME_WIDTH = 104
"""Width of the names of the readings, in pixels."""


class HexPanel(SidePanel):
    """The particulars of the bytes at the cursor.

    Attributes
    ----------
    big_endian
        Whether numbers are read with the highest byte first.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Bytes at the cursor", parent)
        self.setMinimumWidth(LEAST_WIDTH)
        self._data = b""
        self._facts = Facts()
        self._facts.add("Offset", mono=True)
        self._facts.add("Byte")
        self._facts.add("Selected")
        self._facts.add("Inside")
        self._facts.add("Relative", mono=True)
        self.content.addWidget(self._facts)
        self.content.addWidget(SectionTitle("Read as"))
        self.readings = ReadingTable(self)
        self.view = TableView(sortable=False)
        self.view.setModel(self.readings)
        self.view.setAccessibleName("Readings of the bytes")
        self.view.horizontalHeader().hide()
        set_delegates(self.view, mono=(1,))
        self.view.set_widths([NAME_WIDTH, 0], stretch=1)
        self.content.addWidget(self.view, 1)
        self.big_endian = QCheckBox("&Big-endian")
        self.big_endian.setToolTip("Read numbers with the highest byte first")
        self.big_endian.toggled.connect(self._read)
        self.content.addWidget(self.big_endian)

    def show_place(self, offset: int, length: int, inside: str, there: int | None) -> None:
        """Say where the cursor is; ``there`` counts from the beginning of what it is ``inside`` of."""
        self.title.setText("At the cursor")
        self._facts.set("Offset", words.hex_offset(offset))
        self._facts.set("Byte", f"{offset:,}")
        self._facts.set("Selected", words.exact_size(length))
        self._facts.set("Inside", inside)
        self._facts.set("Relative", "" if there is None else f"+{words.hex_offset(there)}")

    def show_bytes(self, data: bytes) -> None:
        """Read the bytes from the cursor on."""
        self._data = data
        self._read()

    def _read(self) -> None:
        self.readings.show_bytes(self._data, self.big_endian.isChecked())
