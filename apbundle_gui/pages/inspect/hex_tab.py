"""The tab of the bytes: any part of the file, with what it belongs to and what it means."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.readings import LONGEST
from apbundle_gui.pages.inspect.hex_panel import HexPanel
from apbundle_gui.pages.inspect.hex_view import HexView
from apbundle_gui.pages.inspect.places import place_of_span, span_of
from apbundle_gui.pages.inspect.selection import Selection
from apbundle_gui.pages.inspect.side_splitter import SideSplitter
from apbundle_gui.pages.inspect.tab import Tab
from apbundle_gui.services import Services
from apbundle_gui.services.byte_search import find_bytes, parse_wanted
from apbundle_gui.services.file_blocks import FileBlocks
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Label, button

FIELD_WIDTH = 132
PANEL_WIDTH = 288


class HexTab(Tab):
    """The tab of the bytes."""

    title = "Hex"

    def __init__(self, services: Services, selection: Selection) -> None:
        super().__init__(services, selection)
        self._blocks: FileBlocks | None = None
        self._following = False
        self._kept: tuple[int, tuple[int, int]] | None = None
        self.view = HexView()
        self.panel = HexPanel()
        self.go_to = QLineEdit()
        self.go_to.setPlaceholderText("Go to 0x1C or 28")
        self.go_to.setAccessibleName("Offset to go to")
        self.go_to.setFixedWidth(FIELD_WIDTH)
        self.go_to.returnPressed.connect(self._go)
        self.wanted = QLineEdit()
        self.wanted.setPlaceholderText("Find text, or bytes such as 0x47475546")
        self.wanted.setAccessibleName("Text or bytes to find")
        self.wanted.setClearButtonEnabled(True)
        self.wanted.returnPressed.connect(self.find_next)
        self.next = button("Find &Next", self.find_next, icon="down", tip="Find the next place, from the cursor on")
        self.said = Label()
        self._compose()
        self.view.moved.connect(self._moved)

    def _compose(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(self.go_to)
        row.addWidget(self.wanted, 1)
        row.addWidget(self.next)
        row.addWidget(self.said)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.S)
        column.addLayout(row)
        column.addWidget(self.view, 1)
        self._splitter = SideSplitter(left, self.panel, PANEL_WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._splitter)
        self.restore_splitter(self._splitter)

    # -- what the page asks --------------------------------------------------------------------------------------

    @property
    def focus_widget(self) -> QWidget:
        return self.view

    @property
    def search_widget(self) -> QWidget | None:
        return self.wanted

    def show_inspection(self, inspection: Inspection | None) -> None:
        if self.inspection is not None:
            self.inspection.contents.changed.disconnect(self._describe)
            self.inspection.groups.found.disconnect(self.selection_changed)
            self.inspection.fields_ready.disconnect(self._describe)
        self.inspection = inspection
        self._blocks = None if inspection is None else FileBlocks(self.services.jobs, inspection.reader.file, self)
        self.view.show_blocks(self._blocks)
        if self._kept is not None:
            self.view.select(*self._kept[1])
            self.view.top_row = self._kept[0]
        self._say("")
        if inspection is not None and self._blocks is not None:
            inspection.contents.changed.connect(self._describe)
            inspection.groups.found.connect(self.selection_changed)
            inspection.fields_ready.connect(self._describe)
            self._blocks.arrived.connect(self._describe)
        if self.isVisible():
            self.shown()

    def shown(self) -> None:
        if self.inspection is not None:
            self.inspection.need_fields()
            self.selection_changed()

    def selection_changed(self) -> None:
        inspection, place = self.inspection, self.selection.place
        if inspection is None or self._following or not self.isVisible():
            return
        span = span_of(inspection, place)
        if span is not None and span != self.view.selected:
            self.view.select(*span)
            if self._kept is not None:
                self.view.top_row = self._kept[0]
        self._describe()

    def keep_view(self) -> None:
        self._kept = self.view.top_row, self.view.selected

    def let_go(self) -> None:
        self._kept = None

    def remember(self) -> None:
        self.remember_splitter(self._splitter)

    # -- what happens --------------------------------------------------------------------------------------------

    def _moved(self) -> None:
        if self.inspection is None:
            return
        self._following = True
        try:
            self.selection.go(place_of_span(self.inspection, *self.view.selected))
        finally:
            self._following = False
        self._describe()

    def _describe(self) -> None:
        inspection, blocks = self.inspection, self._blocks
        if inspection is None or blocks is None or not self.isVisible():
            return
        offset, length = self.view.selected
        self.panel.show_place(offset, length, *self._what_is_at(inspection, self.view.cursor_offset))
        data = blocks.peek(self.view.cursor_offset, LONGEST)
        if data is not None:
            self.panel.show_bytes(data)
        if blocks.error is not None:
            self._say(words.error_text(blocks.error).line, Tone.DANGER)

    @staticmethod
    def _what_is_at(inspection: Inspection, offset: int) -> tuple[str, int | None]:
        """What a byte belongs to, and how far in it stands."""
        if offset < inspection.reader.data_offset:
            field = None if inspection.fields is None else inspection.fields.at_offset(offset)
            if field is None or inspection.fields is None:
                return "the manifest", None
            return inspection.fields[field].name, offset - inspection.fields[field].offset
        model = inspection.model_at(offset)
        if model is None:
            return "nothing: padding between models", None
        name, tensor = inspection.names[model], inspection.tensor_at(model, offset)
        span = inspection.span_of(model, tensor)
        begin = span[0] if span is not None else offset
        contents = inspection.contents.of(model)
        if tensor is None or contents is None:
            return name, offset - begin
        return f"{contents.tensors.name(tensor)} of {name}", offset - begin

    def _go(self) -> None:
        text = self.go_to.text().strip().replace(",", "").replace("_", "")
        try:
            offset = int(text, 16 if text.lower().startswith("0x") else 10)
        except ValueError:
            self._say("An offset is a number such as 28 or 0x1C.", Tone.DANGER)
            return
        size = 0 if self._blocks is None else self._blocks.size
        if not 0 <= offset < size:
            self._say(f"The file ends at {words.hex_offset(max(size - 1, 0))}.", Tone.DANGER)
            return
        self._say("")
        self._jump(offset, 1)

    def find_next(self) -> None:
        """Look for what is written in the field, from behind the cursor on and then from the beginning."""
        inspection = self.inspection
        if inspection is None:
            return
        try:
            wanted = parse_wanted(self.wanted.text())
        except ValueError as error:
            self._say(str(error), Tone.DANGER)
            return
        start = self.view.selected[0] + 1
        file = inspection.reader.file
        self._say("Searching…")
        self.services.jobs.start(
            "Searching bytes",
            lambda progress, cancel: find_bytes(file, wanted, start, progress, cancel),
            on_done=lambda found: self._found(inspection, found, len(wanted)),
            on_cancelled=lambda: self._say(""),
            key=("inspect.find", id(self)),
            abandonable=True,
        )

    def _found(self, inspection: Inspection, found: int | None, length: int) -> None:
        if inspection is not self.inspection:
            return
        if found is None:
            self._say("It is not in this file.", Tone.WARNING)
            return
        before = found < self.view.selected[0]
        self._say("Found before the cursor." if before else "")
        self._jump(found, length)

    def _jump(self, offset: int, length: int) -> None:
        self.view.select(offset, length)
        self._moved()

    def _say(self, text: str, tone: Tone | None = None) -> None:
        self.said.setText(text)
        self.said.set_tone(tone)
