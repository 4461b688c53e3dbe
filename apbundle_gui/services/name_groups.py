"""The tree that dotted names make: ``layers.3.attn.q_proj`` stands in ``attn``, in ``3``, in ``layers``."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apbundle.payload.table import TensorTable
from apbundle_gui.services.natural import natural
from apbundle_gui.services.pacing import Pace

_SEPARATOR: Final = re.compile(r"[./]")


@dataclass(frozen=True, slots=True)
class NameGroup:
    """What stands directly below some beginning of names.

    Parameters
    ----------
    label
        What tells it from the others there.
    prefix
        The beginning that all its names have in common, separator included; of a single tensor its whole name.
    rows
        The numbers of its tensors, ascending.
    leaf
        Whether it is a single tensor rather than a group.
    elements, size
        Elements and bytes of its tensors together.
    """

    label: str
    prefix: str
    rows: NDArray[np.int32]
    leaf: bool
    elements: int = 0
    size: int = 0


def group_tensors(
    table: TensorTable, rows: Iterable[int] | None = None, prefix: str = "", pace: Pace | None = None
) -> tuple[NameGroup, ...]:
    """As :func:`group_names` of the tensors of a table, or of some rows of it, and what each group adds up to."""
    groups = group_names(table.name, range(len(table)) if rows is None else rows, prefix, pace)
    if not groups:
        return groups
    inside = np.concatenate([group.rows for group in groups])
    begins = np.cumsum([0, *(len(group.rows) for group in groups[:-1])])
    elements = np.add.reduceat(table.elements[inside], begins).tolist()
    sizes = np.add.reduceat(table.sizes[inside], begins).tolist()
    return tuple(
        replace(group, elements=some, size=size) for group, some, size in zip(groups, elements, sizes, strict=True)
    )


def group_names(
    name: Callable[[int], str], rows: Iterable[int], prefix: str = "", pace: Pace | None = None
) -> tuple[NameGroup, ...]:
    """What stands directly below ``prefix``, groups and tensors in natural order.

    A group that holds nothing but one other group is told by both their names in one.

    Parameters
    ----------
    name
        The name of a tensor by its number.
    rows
        The numbers of the tensors below ``prefix``: all of these names begin with it.
    """
    start = len(prefix)
    members: dict[str, array[int]] = {}
    leaves: list[tuple[str, int]] = []
    lowest: dict[str, str] = {}
    highest: dict[str, str] = {}
    for row in rows:
        if pace is not None:
            pace.step()
        full = name(row)
        found = _SEPARATOR.search(full, start)
        if found is None or found.end() == len(full):
            leaves.append((full, row))
            continue
        head = full[: found.end()]
        if head in members:
            members[head].append(row)
            lowest[head] = min(lowest[head], full)
            highest[head] = max(highest[head], full)
        else:
            members[head] = array("i", (row,))
            lowest[head] = highest[head] = full
    groups = [NameGroup(full[start:] or full, full, _numbers([row]), True) for full, row in leaves]
    for head, inside in members.items():
        common = _common_start(lowest[head], highest[head])
        if len(inside) == 1:
            groups.append(NameGroup(common[start:], common, _numbers(inside), True))
            continue
        ends = [found.end() for found in _SEPARATOR.finditer(common) if found.end() > len(head)]
        whole = common[: ends[-1]] if ends else head
        groups.append(NameGroup(whole[start:-1] or whole[start:], whole, _numbers(inside), False))
    groups.sort(key=lambda group: (natural(group.label), group.label))
    return tuple(groups)


class Places:
    """Finds among groups the one that leads to a name: a tree of a million is gone down without a look at each."""

    def __init__(self, groups: Sequence[NameGroup]) -> None:
        self._places: dict[tuple[str, bool], int] = {}
        for place, group in enumerate(groups):
            self._places.setdefault((group.prefix, group.leaf), place)

    def towards(self, prefix: str, leaf: bool) -> int | None:
        """The place of this group, of this tensor when it is a ``leaf``, or of the group that it stands in."""
        found = self._places.get((prefix, leaf))
        ends = (found.end() for found in _SEPARATOR.finditer(prefix))
        above = (self._places.get((prefix[:end], False)) for end in ends)
        return found if found is not None else next((place for place in above if place is not None), None)


def _common_start(one: str, other: str) -> str:
    length = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]


def _numbers(rows: Sequence[int]) -> NDArray[Any]:
    return np.array(rows, np.int32)
