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

    def extend(self, models: Integers, sizes: Integers, counts: Integers) -> None:
        """Add groups at the end."""
        used = self._used + len(models)
        if used > self._table.shape[1]:
            table = np.empty((len(self._table), max(2 * self._used, used)), np.int64)
            table[:, : self._used] = self._table[:, : self._used]
            self._table = table
        self._table[:, self._used : used] = models, sizes, counts, self.end + np.cumsum(counts)
        self._used = used

    def has(self, models: Integers, sizes: Integers, firsts: Integers) -> NDArray[np.bool_]:
        """Whether there is a group of each model, with such pages, the first of them with this number."""
        if not self._used:
            return np.zeros(len(models), np.bool_)
        places = np.minimum(np.searchsorted(self.ends, firsts, side="right"), self._used - 1)
        own_models, own_sizes, counts, ends = self._table[:, places]
        found: NDArray[np.bool_] = (own_models == models) & (own_sizes == sizes) & (ends - counts == firsts)
        return found

    def locate(self, units: Integers) -> tuple[NDArray[np.intp], Integers]:
        """Of units that are pages: which group each belongs to, and which page of it it is."""
        place = np.searchsorted(self.ends, units, side="right")
        page: Integers = units - (self.ends[place] - self.counts[place])
        return place, page
