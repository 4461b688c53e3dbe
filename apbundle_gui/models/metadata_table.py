"""All metadata of a bundle, its own and its models', as one searchable table of keys and values."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QObject, Qt

from apbundle.format.model import ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.payload.contents import Contents
from apbundle.payload.sink import Folded, Value
from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import NO_PARENT, TONE_ROLE, AnyIndex, ArrangedModel, Role
from apbundle_gui.models.arrangement import Key, Matches
from apbundle_gui.services import JobRunner
from apbundle_gui.services.garbage import kept
from apbundle_gui.services.long_values import can_unfold
from apbundle_gui.services.natural import natural
from apbundle_gui.services.pacing import Pace

BUNDLE: Final = "This bundle"
"""Whose metadata it is when it is no model's."""


@dataclass(frozen=True, slots=True)
class MetadataItem:
    """One value. ``model`` is the index of the model it is about and ``owner`` its name; -1 for the bundle itself.

    ``group`` is the mapping ``name`` is a key of, such as ``hyperparameters``; empty for a field of its own. ``rest``
    describes a value that is longer than what ``value`` says of it.
    """

    model: int
    owner: str
    group: str
    name: str
    value: str
    rest: Folded | None = None

    @property
    def key(self) -> str:
        """The whole key, such as ``hyperparameters.layers``."""
        return f"{self.group}.{self.name}" if self.group else self.name


def model_items(model: int, name: str, metadata: ModelMetadata) -> Iterator[MetadataItem]:
    """What is known about one model, empty fields left out."""
    for key in ("version", "architecture", "format"):
        if value := getattr(metadata, key):
            yield MetadataItem(model, name, "", key, value)
    if metadata.components:
        yield MetadataItem(model, name, "", "components", "\n".join(metadata.components))
    for group in ("hyperparameters", "custom"):
        for key, value in getattr(metadata, group).items():
            yield MetadataItem(model, name, group, key, value)
    yield from _extra_items(model, name, metadata.extra)


def _extra_items(model: int, name: str, extra: Mapping[str, Any]) -> Iterator[MetadataItem]:
    for key, value in extra.items():
        yield MetadataItem(
            model, name, "", key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        )


def payload_items(model: int, name: str, contents: Contents) -> Iterator[MetadataItem]:
    """What a model's own file says of itself; long values as far as they were kept."""
    for group, pairs in (("file", contents.facts), (contents.format, contents.metadata)):
        for key, value in pairs:
            rest = value if isinstance(value, Folded) and can_unfold(contents, value) else None
            yield MetadataItem(model, name, group, key, _value_text(value), rest)
    for finding in contents.findings:
        yield MetadataItem(model, name, "file", "finding", finding.message)


def _value_text(value: Value) -> str:
    if not isinstance(value, Folded):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if value.kind == "text":
        return f"{''.join(map(str, value.first))}… ({words.count(value.count, 'character')})"
    first = ", ".join(map(_value_text, value.first))
    more = ", …" if len(value.first) < value.count else ""
    return f"[{first}{more}] ({words.count(value.count)} × {value.kind})"


def bundle_items(
    reader: BundleReader, names: Sequence[str], pace: Pace, contents: Callable[[int], Contents | None] = lambda _: None
) -> list[MetadataItem]:
    """All metadata of a bundle, its own first, then its models' in their order. For a worker.

    Parameters
    ----------
    contents
        What a model's file holds, where that is known.
    """
    extension = reader.extension
    items: list[MetadataItem] = []
    if extension is not None:
        items += [MetadataItem(-1, BUNDLE, "", key, value) for key, value in extension.bundle_metadata.items()]
        items += _extra_items(-1, BUNDLE, extension.extra)
    described = {} if extension is None else extension.models
    before = 0
    for model, name in enumerate(names):
        kept.add(len(items) - before)
        before = len(items)
        if (metadata := described.get(name)) is not None:
            items += model_items(model, name, metadata)
        if (held := contents(model)) is not None:
            items += payload_items(model, name, held)
        pace.step()
    return items


class Column(IntEnum):
    """The columns, in their order."""

    MODEL = 0
    KEY = 1
    VALUE = 2


HEADINGS: Final = ("Model", "Key", "Value")


class MetadataTable(ArrangedModel):
    """The table of metadata. Values are cut to a line here; whoever shows one alone has all of it.

    Parameters
    ----------
    short
        Leave out of the keys which group they are in.
    """

    def __init__(self, jobs: JobRunner, parent: QObject | None = None, *, short: bool = False) -> None:
        super().__init__(jobs, parent)
        self._short = short
        self._items: Sequence[MetadataItem] = ()

    def show_items(self, items: Sequence[MetadataItem]) -> None:
        """Show these values."""
        self.beginResetModel()
        self._items = items
        self.start_over()
        self.endResetModel()
        self.arranged.emit()

    def item(self, index: int) -> MetadataItem:
        """The value at ``index`` of the list."""
        return self._items[index]

    def first_of(self, model: int) -> int | None:
        """The index of the first value about a model, if it has any."""
        found = bisect_left(self._items, model, key=lambda item: item.model)
        return found if found < len(self._items) and self._items[found].model == model else None

    def count(self) -> int:
        return len(self._items)

    def matcher(self, words: tuple[str, ...]) -> Matches:
        items = self._items

        def matches(index: int) -> bool:
            item = items[index]
            text = f"{item.owner}\n{item.key}\n{item.value}".casefold()
            return all(word in text for word in words)

        return matches

    def key(self, column: int) -> Key:
        items = self._items
        keys: dict[int, Key] = {
            Column.MODEL: lambda index: natural(items[index].owner),
            Column.KEY: lambda index: natural(items[index].key),
            Column.VALUE: lambda index: natural(items[index].value),
        }
        return keys[column]

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        shown = orientation == Qt.Orientation.Horizontal and role == Role.DisplayRole
        return HEADINGS[section] if shown and 0 <= section < len(Column) else None

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid() or role not in (Role.DisplayRole, Role.ToolTipRole, TONE_ROLE):
            return None
        item, column = self._items[self.index_of(index.row())], index.column()
        if role == TONE_ROLE:
            return "neutral" if column == Column.MODEL and item.model < 0 else None
        if role == Role.ToolTipRole:
            return words.tooltip((item.owner, item.key, item.value)[column])
        text = (item.owner, item.name if self._short else item.key, item.value)[column]
        return words.safe(text.replace("\n", ", "))
