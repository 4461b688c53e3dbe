"""Units that are pages: two numbers tell those of a model, whatever their number."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_MODELS, _SIZES, _COUNTS, _ENDS = range(4)


class PageGroups:
    """The pages of models, numbered one group after the other. Grows at its end, in constant time a group.

    Parameters
    ----------
    first
        The number of the first page of all.
    models, sizes, counts
        Of each group the number of its model, the bytes of a page, how many pages it is.
    """

    def __init__(self, first: int, models: Integers, sizes: Integers, counts: Integers) -> None:
        self._first: Final = first
        self._table = np.array([models, sizes, counts, first + np.cumsum(counts)], np.int64)
        self._used = len(models)

    def __len__(self) -> int:
        return self._used

    @property
    def models(self) -> Integers:
        """The number of the model of each group."""
        return self._table[_MODELS, : self._used]

    @property
    def sizes(self) -> Integers:
        """The bytes of a page of each group; the last page of a model may be shorter."""
        return self._table[_SIZES, : self._used]

    @property
    def counts(self) -> Integers:
        """How many pages each group is."""
        return self._table[_COUNTS, : self._used]

    @property
    def ends(self) -> Integers:
        """The number after the last page of each group."""
        return self._table[_ENDS, : self._used]

    @property
    def end(self) -> int:
        """The number after the last page of all."""
        return int(self._table[_ENDS, self._used - 1]) if self._used else self._first

    def copy(self) -> PageGroups:
        """Another one that grows by itself."""
        return PageGroups(self._first, self.models, self.sizes, self.counts)

    def append(self, model: int, size: int, count: int) -> None:
        """Add a group at the end."""
        if self._used == self._table.shape[1]:
            table = np.empty((len(self._table), max(2 * self._used, 4)), np.int64)
            table[:, : self._used] = self._table
            self._table = table
        self._table[:, self._used] = model, size, count, self.end + count
        self._used += 1

    def starting_at(self, first: int) -> tuple[int, int, int] | None:
        """Model, bytes of a page and number of pages of the group whose first page is ``first``, if there is one."""
        place = int(np.searchsorted(self.ends, first, side="right"))
        if place == self._used:
            return None
        model, size, count, end = self._table[:, place].tolist()
        return (model, size, count) if end - count == first else None

    def locate(self, units: Integers) -> tuple[NDArray[np.intp], Integers]:
        """Of units that are pages: which group each belongs to, and which page of it it is."""
        place = np.searchsorted(self.ends, units, side="right")
        page: Integers = units - (self.ends[place] - self.counts[place])
        return place, page
