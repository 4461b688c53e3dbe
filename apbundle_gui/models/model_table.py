"""The models of a bundle as a table: nothing is made for a row until it is looked at."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QObject, Qt

from apbundle.format.model import ModelEntry
from apbundle.payload.detect import format_title
from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import ICON_ROLE, NO_PARENT, RIGHT, TONE_ROLE, AnyIndex, ArrangedModel, Role, heading
from apbundle_gui.models.arrangement import Key, Matches
from apbundle_gui.models.remarks import MODEL_BADGES
from apbundle_gui.services import JobRunner
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.natural import natural
from apbundle_gui.services.verification import ModelState

KEPT: Final = 2048
"""How many entries are remembered; more than any screen shows."""
DIGEST_SHOWN: Final = 8
"""Hexadecimal digits of a digest that a cell shows."""


class Column(IntEnum):
    """The columns, in their order."""

    NAME = 0
    FORMAT = 1
    SIZE = 2
    RAW_SIZE = 3
    OFFSET = 4
    DIGEST = 5
    STATE = 6
    VERSION = 7
    ARCHITECTURE = 8


HEADINGS: Final = ("Model", "Format", "Stored", "Raw", "Offset", "Digest", "State", "Version", "Architecture")
_HEADING_TIPS: Final = (
    "The name in the manifest",
    "What the content is, whatever the name says",
    "Bytes in the file",
    "Bytes a reader gets, when the model is compressed",
    "Where the model begins in the file",
    "The checksum the bundle holds for the model",
    "Whether the bytes match the checksum",
    "From the metadata",
    "From the metadata",
)
_RIGHT: Final = frozenset({Column.SIZE, Column.RAW_SIZE, Column.OFFSET})
_STATE_ICONS: Final = {ModelState.VERIFIED: "ok", ModelState.DAMAGED: "danger", ModelState.NO_CHECKSUM: "warning"}


def format_text(inspection: Inspection, index: int, entry: ModelEntry) -> str:
    """The format of a model in a word or two; an ellipsis while it is not known."""
    if entry.raw_size == 0:
        return "Empty"
    found = inspection.formats[index]
    if found is not None:
        return format_title(found)
    return "Unreadable" if inspection.formats.error(index) is not None else "…"


def format_tip(inspection: Inspection, index: int, entry: ModelEntry) -> str:
    """How the format is known, in plain text."""
    error = inspection.formats.error(index)
    if error is not None:
        return words.error_text(error).line
    if inspection.formats[index] is None:
        return "Not looked at yet"
    stated = f"\nThe metadata says: {words.safe(entry.format)}" if entry.format else ""
    return f"{format_text(inspection, index, entry)}, told from the content{stated}"


class ModelTable(ArrangedModel):
    """The table of models of the bundle under inspection."""

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(jobs, parent)
        self._inspection: Inspection | None = None
        self._entries: dict[int, ModelEntry] = {}

    def show_inspection(self, inspection: Inspection | None) -> None:
        """Show the models of another bundle, or none."""
        if self._inspection is not None:
            self._inspection.formats.changed.disconnect(self._formats_changed)
            self._inspection.verification.changed.disconnect(self._states_changed)
        self.beginResetModel()
        self._inspection = inspection
        self._entries = {}
        self.start_over()
        self.endResetModel()
        if inspection is not None:
            inspection.formats.changed.connect(self._formats_changed)
            inspection.verification.changed.connect(self._states_changed)
        self.arranged.emit()

    def _formats_changed(self) -> None:
        assert self._inspection is not None
        self.refresh_column(Column.FORMAT)
        if self._inspection.formats.complete and (self._sort_column == Column.FORMAT or self._query):
            self.rearrange()

    def _states_changed(self) -> None:
        self.refresh_column(Column.STATE)
        if self._sort_column == Column.STATE:
            self.rearrange()

    def entry(self, index: int) -> ModelEntry:
        """The entry of the model at ``index`` of the bundle."""
        entry = self._entries.get(index)
        if entry is None:
            assert self._inspection is not None
            if len(self._entries) >= KEPT:
                self._entries.clear()
            entry = self._entries[index] = self._inspection.reader.entry(self._inspection.names[index])
        return entry

    # -- what the base asks --------------------------------------------------------------------------------------

    def count(self) -> int:
        return 0 if self._inspection is None else len(self._inspection.names)

    def matcher(self, words: tuple[str, ...]) -> Matches:
        inspection = self._inspection
        assert inspection is not None
        names, formats, reader = inspection.names, inspection.formats, inspection.reader
        described = {} if reader.extension is None else reader.extension.models

        def matches(index: int) -> bool:
            name = names[index]
            metadata = described.get(name)
            more = (metadata.version, metadata.architecture) if metadata else ()
            text = "\n".join((name, format_title(formats[index] or ""), *more)).casefold()
            return all(word in text for word in words)

        return matches

    def key(self, column: int) -> Key:
        inspection = self._inspection
        assert inspection is not None
        names, formats, reader = inspection.names, inspection.formats, inspection.reader
        manifest, state = reader.manifest, inspection.verification.model_state

        def entry(index: int) -> ModelEntry:
            return reader.entry(names[index])

        keys: dict[int, Key] = {
            Column.NAME: lambda index: natural(names[index]),
            Column.FORMAT: lambda index: format_title(formats[index] or "~"),
            Column.SIZE: manifest.sizes.__getitem__,
            Column.RAW_SIZE: lambda index: entry(index).raw_size,
            Column.OFFSET: manifest.offsets.__getitem__,
            Column.DIGEST: lambda index: digest.hex if (digest := entry(index).digest) else "",
            Column.STATE: lambda index: MODEL_BADGES[state(entry(index))].text,
            Column.VERSION: lambda index: natural(entry(index).metadata.version),
            Column.ARCHITECTURE: lambda index: natural(entry(index).metadata.architecture),
        }
        return keys[column]

    # -- what Qt asks --------------------------------------------------------------------------------------------

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        return heading(section, orientation, role, HEADINGS, _HEADING_TIPS, _RIGHT)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        return _FLAGS if index.isValid() else _NO_FLAGS

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if role not in _ANSWERED or not index.isValid() or self._inspection is None:
            return None
        column = index.column()
        if role == Role.TextAlignmentRole:
            return RIGHT if column in _RIGHT else None
        model = self.index_of(index.row())
        if role == Role.DisplayRole:
            return self._text(model, column)
        if role == Role.ToolTipRole:
            return words.tooltip(self._tip(model, column))
        if column != Column.STATE:
            return "model" if role == ICON_ROLE and column == Column.NAME else None
        state = self._inspection.verification.model_state(self.entry(model))
        return MODEL_BADGES[state].tone if role == TONE_ROLE else _STATE_ICONS.get(state)

    def _text(self, model: int, column: int) -> str:
        assert self._inspection is not None
        entry = self.entry(model)
        match column:
            case Column.NAME:
                return words.name(entry.name)
            case Column.FORMAT:
                self._inspection.formats.want(model)
                return format_text(self._inspection, model, entry)
            case Column.SIZE:
                return words.size(entry.size)
            case Column.RAW_SIZE:
                return words.size(entry.raw_size) if entry.compressed else words.NONE
            case Column.OFFSET:
                return words.hex_offset(self._inspection.reader.data_offset + entry.offset)
            case Column.DIGEST:
                return f"{entry.digest.hex[:DIGEST_SHOWN]}…" if entry.digest else words.NONE
            case Column.STATE:
                return MODEL_BADGES[self._inspection.verification.model_state(entry)].text
            case Column.VERSION:
                return words.safe(entry.metadata.version) or words.NONE
            case _:
                return words.safe(entry.metadata.architecture) or words.NONE

    def _tip(self, model: int, column: int) -> str:
        assert self._inspection is not None
        entry = self.entry(model)
        match column:
            case Column.NAME:
                return entry.name
            case Column.FORMAT:
                return format_tip(self._inspection, model, entry)
            case Column.SIZE:
                return words.exact_size(entry.size)
            case Column.RAW_SIZE:
                return words.exact_size(entry.raw_size)
            case Column.OFFSET:
                return words.offset_tooltip(self._inspection.reader.data_offset + entry.offset)
            case Column.DIGEST:
                return f"{entry.digest.algorithm}\n{entry.digest.hex}" if entry.digest else "The bundle holds none"
            case Column.STATE:
                return MODEL_BADGES[self._inspection.verification.model_state(entry)].meaning
            case Column.VERSION:
                return entry.metadata.version
            case _:
                return entry.metadata.architecture


_ANSWERED: Final = frozenset({Role.DisplayRole, Role.ToolTipRole, Role.TextAlignmentRole, TONE_ROLE, ICON_ROLE})
_NO_FLAGS: Final = Qt.ItemFlag(0)
_FLAGS: Final = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsDragEnabled
