"""The selected models, beside the table: what is said of them, and how they are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.build_draft import Row
from apbundle_gui.models.build_rows import FreshNames
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.build_table import gain_text
from apbundle_gui.models.detail_table import DetailTable, Entry, entries_of
from apbundle_gui.pages.build.details_view import DetailsView
from apbundle_gui.pages.build.working import Worker
from apbundle_gui.services import Services
from apbundle_gui.services.details import Detail, Field, Group, Origin
from apbundle_gui.services.gains import Gains
from apbundle_gui.services.looking import Source
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import ElidedLabel, Note, SecondaryLabel, button

MOST_MEASURED = 64
"""Of how many selected models the gain of compressing them is measured unasked."""


class DetailsPanel(QWidget):
    """The form for one row or many.

    Attributes
    ----------
    added
        A field was added, and its name is being typed.
    """

    added = Signal()

    def __init__(self, services: Services, store: DraftStore, gains: Gains, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._gains = gains
        self._reading = Worker(services, "Reading the metadata")
        self._rows: tuple[Row, ...] = ()
        self._wanted: Field | None = None
        self.title = ElidedLabel()
        self.enabled = QCheckBox("Goes into the &bundle")
        self.compress = QCheckBox("&Compress")
        self.gain = SecondaryLabel()
        self.table = DetailTable(self)
        self.view = DetailsView(self.table)
        self.note = Note()
        self.add_hyperparameter = button("Add &Hyperparameter", lambda: self.add(Group.HYPERPARAMETERS))
        self.add_custom = button("Add &Field", lambda: self.add(Group.CUSTOM))
        self._compose()
        self.enabled.clicked.connect(lambda on: store.switch(self._ids, on))
        self.compress.clicked.connect(lambda on: store.compress(self._ids, on))
        self.table.told.connect(self._tell)
        self.table.renamed.connect(self._rename)
        self.view.remove_wanted.connect(self._remove)
        self.view.judged.connect(lambda fault: self.note.say(fault, Tone.DANGER))
        gains.changed.connect(self._show_gain)
        self.show_rows(())

    def _compose(self) -> None:
        body = QVBoxLayout(self)
        body.setContentsMargins(Space.L, Space.M, Space.L, Space.M)
        body.setSpacing(Space.S)
        body.addWidget(self.title)
        stored = QHBoxLayout()
        stored.setSpacing(Space.M)
        stored.addWidget(self.enabled)
        stored.addWidget(self.compress)
        stored.addWidget(self.gain, 1)
        body.addLayout(stored)
        body.addWidget(self.view, 1)
        body.addWidget(self.note)
        add = QHBoxLayout()
        add.setSpacing(Space.S)
        add.addWidget(self.add_hyperparameter)
        add.addWidget(self.add_custom)
        add.addStretch(1)
        body.addLayout(add)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows it is about."""
        return self._rows

    @property
    def busy(self) -> bool:
        """Whether something is still to be shown."""
        return self._reading.busy or self._gains.busy

    @property
    def _ids(self) -> frozenset[int]:
        return frozenset(row.id for row in self._rows)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Be about these rows."""
        self._rows = rows = tuple(rows)
        one = len(rows) == 1
        self.title.setText((rows[0].name or "(no name)") if one else words.count(len(rows), "model") if rows else "")
        for part in (self.enabled, self.compress, self.gain, self.view, self.add_hyperparameter, self.add_custom):
            part.setEnabled(bool(rows))
        if not rows:
            self.title.setText("Select models to describe them")
        self.enabled.setChecked(bool(rows) and all(row.enabled for row in rows))
        self.compress.setChecked(bool(rows) and all(row.compress for row in rows))
        self._reading.run(len(rows), lambda pace: entries_of(rows, pace), self._show_entries)
        self._gains.want([row.source for row in rows[:MOST_MEASURED]])
        self._show_gain()

    def add(self, group: Group) -> None:
        """Add a field to the rows, and let its name be typed."""
        taken = [entry.key for entry in self.table.entries if entry.group is group]
        key = FreshNames(taken).take("new")
        self._wanted = (group, key)
        self._store.tell(self._ids, Detail(group, key, "", Origin.YOU))

    def _show_entries(self, entries: Sequence[Entry]) -> None:
        self.table.show_entries(entries if self._rows else ())
        for row, entry in enumerate(self.table.entries):
            if entry.section and self.view.columnSpan(row, 0) == 1:
                self.view.setSpan(row, 0, 1, 3)
        if self._wanted is not None:
            row, self._wanted = self.table.row_of(self._wanted), None
            if row >= 0:
                self.view.edit_field(row, 0)

    def _show_gain(self) -> None:
        known: Mapping[Source, float] = self._gains.known
        found = [known[row.source] for row in self._rows[:MOST_MEASURED] if row.source in known]
        if not found or len(found) < min(len(self._rows), MOST_MEASURED):
            self.gain.setText("measuring…" if self._rows and self._gains.busy else "")
            return
        gain = sum(found) / len(found)
        self.gain.setText(gain_text(gain))
        self.gain.setToolTip(words.tooltip("Measured on a sample of the bytes"))

    # -- what the user says --------------------------------------------------------------------------------------

    def _tell(self, field: Field, text: str) -> None:
        if text or field[0] in (Group.HYPERPARAMETERS, Group.CUSTOM):
            self._store.tell(self._ids, Detail(*field, text, Origin.YOU))
        else:
            self._store.untell(self._ids, field)

    def _rename(self, field: Field, key: str) -> None:
        details = {}
        for row in self._rows:
            details[row.id] = tuple(
                Detail(detail.group, key, detail.text, detail.origin) if detail.field == field else detail
                for detail in row.details
            )
        self._store.retell(details, f"Rename {words.safe(field[1], 40)} to {words.safe(key, 40)}")

    def _remove(self, entry: Entry) -> None:
        self._store.untell(self._ids, entry.field)
