"""The units of a recording by number: the models of a bundle, then the parts and the pages that they are paged in.

A recording may be of millions of pages. They are told by two numbers a model, and worked out when they are asked for.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Final, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apbundle.trace.page_groups import PageGroups

MAX_UNITS: Final = 1 << 25
"""Most units a recording may be of."""
MAX_SIZE: Final = (1 << 63) - 1
"""Most bytes of a unit, and of all listed ones together."""

Parts: TypeAlias = tuple[Sequence[int], Sequence[str], Sequence[int]]
"""Parts by column: the number of each one's model, its name within that, its raw bytes."""


class UnitList:
    """Numbers, names and sizes of all units. What there is stays as it is; :meth:`announce` adds pages at the end.

    Parameters
    ----------
    names, sizes
        The models, which are the units from 0 on, with their raw bytes.
    parts
        The units that follow them.
    pages
        The units that follow these: for each pair of a model's number and the bytes of a page, the pages of that model
        from its start; the last may be shorter, and a model without bytes has none.

    Raises
    ------
    ValueError
        The columns differ in length, a size is negative or too large, a number is no model's, or there are more units
        than :data:`MAX_UNITS`.
    """

    def __init__(
        self,
        names: Sequence[str],
        sizes: ArrayLike,
        parts: Parts | None = None,
        pages: Sequence[tuple[int, int]] = (),
    ) -> None:
        part_models, part_names, part_sizes = parts or ((), (), ())
        self._names: Final = (*names, *part_names)
        self._models: Final = len(names)
        self._part_models: Final = _integers(part_models)
        self._listed: Final = np.concatenate([_integers(sizes), _integers(part_sizes)])
        pairs = _integers(pages).reshape(-1, 2)
        self._check(len(part_names), pairs)
        counts = -(-self._listed[pairs[:, 0]] // pairs[:, 1])
        self._pages = PageGroups(len(self._listed), pairs[:, 0], pairs[:, 1], np.minimum(counts, MAX_UNITS))
        self._sizes: NDArray[np.int64] | None = None
        if len(self) > MAX_UNITS:
            raise ValueError(f"there are more than {MAX_UNITS} units")

    @classmethod
    def from_json(cls, value: Any) -> UnitList:
        """The list that :meth:`to_json` described; raises ``ValueError``, ``KeyError`` or ``TypeError`` for others."""
        parts, pages = value.get("parts"), value.get("pages")
        return cls(
            _list_of(str, value["names"]),
            _list_of(int, value["sizes"]),
            parts and (_list_of(int, parts["models"]), _list_of(str, parts["names"]), _list_of(int, parts["sizes"])),
            list(zip(_list_of(int, pages["models"]), _list_of(int, pages["sizes"]), strict=True)) if pages else (),
        )

    def to_json(self) -> dict[str, Any]:
        """The list as plain JSON values: names and sizes by column, pages by model."""
        models = self._models
        content: dict[str, Any] = {"names": self._names[:models], "sizes": self._listed[:models].tolist()}
        if len(self._part_models):
            content["parts"] = {
                "models": self._part_models.tolist(),
                "names": self._names[models:],
                "sizes": self._listed[models:].tolist(),
            }
        if len(self._pages):
            content["pages"] = {"models": self._pages.models.tolist(), "sizes": self._pages.sizes.tolist()}
        return content

    def copy(self) -> UnitList:
        """Another one that grows by itself."""
        other = copy.copy(self)
        other._pages = self._pages.copy()
        return other

    def announce(
        self, models: NDArray[Any], sizes: NDArray[Any], firsts: NDArray[Any], known: int | None = None
    ) -> NDArray[np.int64]:
        """Take announcements in, one after the other: each says that from a number on the units are pages of a model.

        Parameters
        ----------
        models, sizes, firsts
            Of each the number of the model, the bytes of a page, and the number of the first page.
        known
            How many units there are before them, if the list has them already; ``None``: all it has.

        Returns
        -------
        ndarray
            How many units each announces. It is 0 where that cannot be: there is no such model, it has no bytes, the
            first number is not that of the next unit, or there would be more than :data:`MAX_UNITS`.
        """
        known, first_new = len(self) if known is None else known, len(self)
        models, sizes, firsts = models.astype(np.int64), sizes.astype(np.int64), firsts.astype(np.int64)
        possible = (models >= 0) & (models < self._models) & (sizes > 0)
        counts = np.zeros(len(models), np.int64)
        counts[possible] = -(-self._listed[models[possible]] // sizes[possible])
        counts[(firsts < first_new) & ~self._pages.has(models, sizes, firsts)] = 0
        taken = []
        for place, (first, count) in enumerate(zip(firsts.tolist(), counts.tolist(), strict=True)):
            if count and first == known and count <= MAX_UNITS - first:
                known += count
                taken.append(place)
        believed = np.zeros(len(models), np.int64)
        believed[taken] = counts[taken]
        new = np.flatnonzero((believed > 0) & (firsts >= first_new))
        if len(new):
            self._pages.extend(models[new], sizes[new], believed[new])
            self._sizes = None
        return believed

    @property
    def models(self) -> int:
        """How many of the units are whole models: the first ones."""
        return self._models

    @property
    def names(self) -> Sequence[str]:
        """What to call each unit: see :meth:`name`. A tuple if there are only models; else made when asked for."""
        return self._names if len(self) == self._models else UnitNames(self)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """The raw bytes of each unit; 8 bytes of memory a unit, kept until more are announced."""
        if self._sizes is None:
            pages = self._pages
            sizes = np.concatenate([self._listed, np.repeat(pages.sizes, pages.counts)])
            some = pages.counts > 0
            before = (pages.counts[some] - 1) * pages.sizes[some]
            sizes[pages.ends[some] - 1] = self._listed[pages.models[some]] - before
            sizes.setflags(write=False)
            self._sizes = sizes
        return self._sizes

    def sizes_of(self, units: NDArray[Any]) -> NDArray[np.int64]:
        """The raw bytes of these units, without working out all others."""
        paged = units >= len(self._listed)
        sizes = np.empty(len(units), np.int64)
        sizes[~paged] = self._listed[units[~paged]]
        if paged.any():
            place, page = self._pages.locate(units[paged].astype(np.int64))
            length = self._pages.sizes[place]
            sizes[paged] = np.minimum(self._listed[self._pages.models[place]] - page * length, length)
        return sizes

    def models_of(self, units: NDArray[Any]) -> NDArray[np.int64]:
        """The number of the model that each of these units is, or is a part or a page of."""
        models = units.astype(np.int64)
        paged = units >= len(self._listed)
        part = (units >= self._models) & ~paged
        models[part] = self._part_models[models[part] - self._models]
        if paged.any():
            models[paged] = self._pages.models[self._pages.locate(models[paged])[0]]
        return models

    def model(self, unit: int) -> int:
        """The number of the model that ``unit`` is, or is a part or a page of."""
        return unit if unit < self._models else int(self.models_of(np.array([unit]))[0])

    def name(self, unit: int) -> str:
        """What to call ``unit``: ``encoder`` the model, ``encoder/layer.0.weight`` its part, ``encoder[7]`` its page.

        Raises
        ------
        IndexError
            There is no such unit.
        """
        if not 0 <= unit < len(self):
            raise IndexError(f"there is no unit {unit}")
        if unit < self._models:
            return self._names[unit]
        owner = self._names[self.model(unit)]
        if unit < len(self._listed):
            return f"{owner}/{self._names[unit]}"
        _, page = self._pages.locate(np.array([unit]))
        return f"{owner}[{page[0]}]"

    def __len__(self) -> int:
        return self._pages.end

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UnitList) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"UnitList({self._models} models, {len(self)} units)"

    def _check(self, part_names: int, pages: NDArray[np.int64]) -> None:
        listed, models = self._listed, self._models
        if len(listed) != len(self._names) or not part_names == len(self._part_models) == len(listed) - models:
            raise ValueError("a list of names, of sizes and of models differ in length")
        if len(listed) and listed.min() < 0:
            raise ValueError(f"{listed.min()} is no size")
        if (int((listed >> 32).sum()) << 32) + int((listed & 0xFFFFFFFF).sum()) > MAX_SIZE:
            raise ValueError("the sizes add up to more than a file can have")
        for numbers in (self._part_models, pages[:, 0]):
            if len(numbers) and not (numbers.min() >= 0 and numbers.max() < models):
                raise ValueError("a number is no model's")
        if len(pages) and pages[:, 1].min() < 1:
            raise ValueError("a page has no bytes")


class UnitNames(Sequence[str]):
    """The names of the units of a list, made one by one; grows as the list does."""

    def __init__(self, units: UnitList) -> None:
        self._units = units

    def __len__(self) -> int:
        return len(self._units)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        if isinstance(place, slice):
            return tuple(map(self._units.name, range(*place.indices(len(self)))))
        return self._units.name(place + len(self) if place < 0 else place)


def _integers(values: ArrayLike) -> NDArray[np.int64]:
    """An array of its own; ``ValueError`` for numbers that are too large."""
    try:
        return np.array(values, np.int64)
    except OverflowError:
        raise ValueError("a number is too large") from None


def _list_of(kind: type, value: Any) -> list[Any]:
    if not isinstance(value, list) or not set(map(type, value)) <= {kind}:
        raise TypeError(f"this is no list of {kind.__name__}")
    return value
