"""What the rows of the tree of bundles stand for, and how that is worded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from apbundle.payload.contents import Contents
from apbundle_gui.models import text as words
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.name_groups import NameGroup

_TYPES_NAMED: Final = 6


class Column(IntEnum):
    """The columns, in their order."""

    NAME = 0
    PARAMETERS = 1
    SIZE = 2


@dataclass(frozen=True, slots=True)
class TreeItem:
    """What a row stands for.

    Parameters
    ----------
    path
        The bundle.
    model
        Index of the model, for all but bundles.
    group
        The tensors it stands for, if it stands for tensors.
    note
        What there is to say instead of tensors.
    """

    path: str
    model: int | None = None
    group: NameGroup | None = None
    note: str = ""

    @property
    def icon(self) -> str:
        """The name of its icon."""
        if self.note:
            return ""
        if self.group is not None:
            return "tensor" if self.group.leaf else "folder"
        return "bundle" if self.model is None else "model"

    @property
    def tensor(self) -> int | None:
        """Its number within the model, of a tensor."""
        return int(self.group.rows[0]) if self.group is not None and self.group.leaf else None


def text_of(item: TreeItem, inspection: Inspection | None, column: Column) -> str:
    """What a cell says."""
    if item.note:
        return words.safe(item.note) if column is Column.NAME else ""
    if column is Column.NAME:
        if item.group is not None:
            return words.name(item.group.label)
        if item.model is None or inspection is None:
            return words.file_name(item.path)
        return words.name(inspection.names[item.model])
    if inspection is None:
        return ""
    contents = None if item.model is None else inspection.contents.of(item.model)
    if column is Column.SIZE:
        return words.size(_bytes(item, inspection, contents))
    elements = _elements(item, contents)
    return "" if elements is None else words.compact(elements)


def _bytes(item: TreeItem, inspection: Inspection, contents: Contents | None) -> int:
    if item.model is None:
        return inspection.reader.file.size
    if item.group is None or contents is None:
        return inspection.reader.manifest.sizes[item.model]
    return item.group.size


def _elements(item: TreeItem, contents: Contents | None) -> int | None:
    if contents is None or not len(contents.tensors):
        return None
    return int(contents.tensors.elements.sum()) if item.group is None else item.group.elements


def tip_of(item: TreeItem, inspection: Inspection | None) -> str:
    """Name and totals in full, a line each."""
    if item.note or inspection is None:
        return item.note
    contents = None if item.model is None else inspection.contents.of(item.model)
    lines = [item.path if item.model is None else inspection.names[item.model]]
    if item.group is not None:
        lines = [item.group.prefix]
    lines.append(words.exact_size(_bytes(item, inspection, contents)))
    elements = _elements(item, contents)
    if contents is not None and elements is not None:
        tensors = len(contents.tensors) if item.group is None else len(item.group.rows)
        lines.append(words.joined((words.count(elements, "parameter"), words.count(tensors, "tensor"))))
        lines.append(_types(contents, item.group))
    return "\n".join(line for line in lines if line)


def _types(contents: Contents, group: NameGroup | None) -> str:
    numbers, kinds = contents.tensors.kind_numbers, contents.tensors.kinds
    used = np.unique(numbers if group is None else numbers[group.rows]).tolist()
    found = dict.fromkeys(kinds[number].dtype for number in used)
    named = list(found)[:_TYPES_NAMED]
    return ", ".join(named) + (" and others" if len(found) > len(named) else "")
