"""What the bundle says of itself besides its description: its own metadata, and when it was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.models.build_draft import Draft
from apbundle_gui.models.build_rows import FreshNames
from apbundle_gui.models.creation_time import time_of, time_text
from apbundle_gui.models.detail_table import DetailTable, Entry
from apbundle_gui.pages.build.details_view import DetailsView
from apbundle_gui.pages.build.fields import PathField
from apbundle_gui.services.details import Field, Group, Origin
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Note, SecondaryLabel, button, set_property

MOST_ROWS: Final = 5
"""Further fields are scrolled to."""
Metadata = Sequence[tuple[str, str]]


class BundleDetails(QWidget):
    """The form for the bundle's own metadata and the time it was made.

    Attributes
    ----------
    metadata_changed
        Emitted with all fields as they shall be, and the change in words.
    dated
        Emitted with the time that was typed, in seconds since 1970; ``None`` for the time of building.
    left
        The field of the time was left.
    """

    metadata_changed = Signal(object, str)
    dated = Signal(object)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._metadata: tuple[tuple[str, str], ...] = ()
        self._wanted = ""
        self.created = PathField()
        self.created.setAccessibleName("Created")
        self.created.setPlaceholderText("When it is built")
        self.created.setToolTip(words.tooltip("2026-01-31, 2026-01-31 12:00, or seconds since 1970; UTC"))
        self.table = DetailTable(self)
        self.view = DetailsView(self.table)
        self.view.setAccessibleName("Metadata of the bundle")
        self.view.setColumnHidden(2, True)
        self.add = button("Add Fiel&d", self.add_field, kind="quiet", tip="Say something else of the whole bundle")
        self.note = Note()
        self._compose()
        self.created.textEdited.connect(self._judge)
        self.created.left.connect(self.left)
        self.table.told.connect(self._tell)
        self.table.renamed.connect(self._rename)
        self.view.remove_wanted.connect(self._remove)
        self.view.judged.connect(lambda fault: self.note.say(fault, Tone.DANGER))
        self._show_metadata()

    def _compose(self) -> None:
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(Space.S)
        body.addWidget(SecondaryLabel("Created"))
        body.addWidget(self.created)
        head = QHBoxLayout()
        head.addWidget(SecondaryLabel("Metadata"))
        head.addStretch(1)
        head.addWidget(self.add)
        body.addLayout(head)
        body.addWidget(self.view)
        body.addWidget(self.note)

    def show_draft(self, draft: Draft) -> None:
        """Show what a draft says; while the time is typed, its field is left alone."""
        if not self.created.hasFocus() and self.created.text() != time_text(draft.created_at):
            self.created.setText(time_text(draft.created_at))
            self._show_fault("")
        for each in (self.view, self.add):
            each.setEnabled(not draft.options.plain)
        if draft.metadata != self._metadata:
            self._metadata = draft.metadata
            self._show_metadata()

    def add_field(self) -> None:
        """Add a field, and let its name be typed."""
        self._wanted = FreshNames([key for key, _ in self._metadata]).take("new")
        self.metadata_changed.emit((*self._metadata, (self._wanted, "")), "Add a field to the bundle")

    def leave(self, draft: Draft) -> None:
        """The time was typed: show it as everywhere."""
        self.created.setText(time_text(draft.created_at))
        self._show_fault("")

    def _show_metadata(self) -> None:
        self.table.show_entries([Entry(Group.CUSTOM, key, text, Origin.YOU, 1) for key, text in self._metadata])
        rows = min(len(self._metadata), MOST_ROWS)
        self.view.setFixedHeight(self.view.horizontalHeader().sizeHint().height() + rows * theme.ROW_HEIGHT + 2)
        self.view.setVisible(bool(rows))
        if self._wanted:
            row, self._wanted = self.table.row_of((Group.CUSTOM, self._wanted)), ""
            if row >= 0:
                self.view.edit_field(row, 0)

    def _judge(self, text: str) -> None:
        try:
            created_at = time_of(text)
        except (ValueError, OverflowError):
            self._show_fault("Write a date such as 2026-01-31, with a time or without.")
        else:
            self._show_fault("")
            self.dated.emit(created_at)

    def _show_fault(self, fault: str) -> None:
        set_property(self.created, tone="danger" if fault else "")
        self.note.say(fault, Tone.DANGER)

    def _tell(self, field: Field, text: str) -> None:
        key = field[1]
        metadata = tuple((each, text if each == key else said) for each, said in self._metadata)
        self.metadata_changed.emit(metadata, f"Set {words.safe(key, 40)} of the bundle")

    def _rename(self, field: Field, key: str) -> None:
        metadata = tuple((key if each == field[1] else each, said) for each, said in self._metadata)
        self.metadata_changed.emit(metadata, f"Rename {words.safe(field[1], 40)} to {words.safe(key, 40)}")

    def _remove(self, entry: Entry) -> None:
        metadata = tuple(each for each in self._metadata if each[0] != entry.key)
        self.metadata_changed.emit(metadata, f"Remove {words.safe(entry.key, 40)} of the bundle")
