"""What a query of tensors comes to: the rows that match, in the order of a column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apbundle.payload.table import TensorTable
from apbundle_gui.models.arrangement import Arrangement
from apbundle_gui.models.tensor_query import NUMBERS, Dims, Field, Pattern, Term
from apbundle_gui.services.contents import Group
from apbundle_gui.services.name_keys import name_keys
from apbundle_gui.services.natural import natural
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.tensor_rows import Mask, Rows, containing, of_kind, of_shape, whole, within


class SortKey(Enum):
    """What tensors can be sorted by."""

    NAME = "name"
    MODEL = "model"
    DTYPE = "dtype"
    RANK = "rank"
    PARAMETERS = "parameters"
    SIZE = "size"
    OFFSET = "offset"


_KEY_LENGTH: Final = 128
_CHEAP_FIRST: Final = (Field.MODEL, Field.DTYPE, Field.SIZE, Field.PARAMS, Field.NAME, Field.RANK, Field.SHAPE)


def arrange_tensors(
    groups: Sequence[Group],
    count: int,
    models: Sequence[str],
    terms: Sequence[Term],
    key: SortKey | None,
    descending: bool,
    pace: Pace,
) -> Arrangement:
    """The tensors that match all terms, sorted.

    Parameters
    ----------
    groups, count
        The models' tensors, and how many of all these are looked at.
    models
        The names of the bundle's models.
    key
        What to sort by; ``None``: not at all. Equal ones stay in their order either way.

    Raises
    ------
    Cancelled
        When the job of ``pace`` is.
    """
    ordered = sorted(terms, key=lambda term: _CHEAP_FIRST.index(term.field))
    parts = [np.zeros(0, np.int64)]
    for group in groups:
        here = min(len(group.table), count - group.start)
        if here > 0:
            mask = _matching(group, here, models, ordered, pace)
            parts.append(group.start + np.flatnonzero(mask))
        pace.step()
    order: Rows = np.concatenate(parts)
    if key is not None:
        order = _sorted(order, groups, models, key, descending, pace)
    rows = np.full(count, -1, np.int64)
    rows[order] = np.arange(len(order))
    return Arrangement(_Ints(order), _Ints(rows))


class _Ints(Sequence[int]):
    """A column of numbers that gives Python's own, for those who use them as keys and in signals."""

    def __init__(self, values: Rows) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, place: Any) -> Any:
        found = self._values[place]
        return _Ints(found) if isinstance(place, slice) else int(found)

    def __iter__(self) -> Iterator[int]:
        return iter(self._values.tolist())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self._values, dtype) if not copy else np.array(self._values, dtype)


def _matching(group: Group, count: int, models: Sequence[str], terms: Sequence[Term], pace: Pace) -> Mask:
    mask = np.ones(count, np.bool_)
    for term in terms:
        if not mask.any():
            break
        found = np.zeros(count, np.bool_)
        for value in term.values:
            found |= _one(group, count, models, term.field, value, mask, pace)
        mask &= ~found if term.negated else found
    return mask


def _one(group: Group, count: int, models: Sequence[str], field: Field, value: Any, mask: Mask, pace: Pace) -> Mask:
    table = group.table
    if isinstance(value, Pattern):
        if field is Field.MODEL:
            return np.full(count, value.matches(models[group.model].casefold()))
        if field is Field.DTYPE:
            return of_kind(table, count, value.matches)
        return (
            containing(table, count, value.text, pace)
            if value.part
            else whole(table, mask, value.text.split("*"), pace)
        )
    if isinstance(value, Dims):
        return of_shape(table, count, value.head, value.tail, value.more)
    assert field in NUMBERS
    columns = {Field.RANK: lambda: table.ranks, Field.SIZE: lambda: table.sizes, Field.PARAMS: lambda: table.elements}
    return within(columns[field]()[:count], *value)


def _sorted(
    order: Rows, groups: Sequence[Group], models: Sequence[str], key: SortKey, descending: bool, pace: Pace
) -> Rows:
    parts: list[NDArray[Any]] = []
    begin = 0
    starts = np.array([group.start for group in groups[1:]], np.int64)
    for group, end in zip(groups, [*np.searchsorted(order, starts).tolist(), len(order)], strict=True):
        parts.append(_keys(group, order[begin:end] - group.start, models, key, pace))
        begin = end
        pace.step()
    keys = np.concatenate(parts)
    if descending:  # stable: equal ones stay in their order
        return order[len(order) - 1 - np.argsort(keys[::-1], kind="stable")[::-1]]
    return order[np.argsort(keys, kind="stable")]


def _keys(group: Group, rows: Rows, models: Sequence[str], key: SortKey, pace: Pace) -> NDArray[Any]:
    table: TensorTable = group.table
    match key:
        case SortKey.SIZE:
            return table.sizes[rows]
        case SortKey.PARAMETERS:
            return table.elements[rows]
        case SortKey.OFFSET:
            return table.offsets[rows] + (group.model << 40)
        case SortKey.MODEL:
            return np.full(len(rows), _bytes(natural(models[group.model])))
        case SortKey.DTYPE:
            kinds = np.array([kind.dtype.encode() for kind in table.kinds])
            return kinds[table.kind_numbers[rows]]
        case SortKey.RANK:
            return table.ranks[rows]
        case SortKey.NAME:
            return name_keys(table, rows, _KEY_LENGTH, pace)


def _bytes(text: str) -> bytes:
    """A key of bounded length that numpy sorts without keeping the interpreter, as it would objects."""
    return text.encode()[:_KEY_LENGTH]
