"""The tensors of models as arrays, over whatever units they are paged in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from apbundle.errors import BundleError, bundle_error
from apbundle.paged.engine import Engine, most_charged
from apbundle.paged.heap import BOOKKEEPING
from apbundle.paged.listing import Place
from apbundle.paged.models import PagedModel, model_of
from apbundle.paging.units import Key
from apbundle.payload.arrays import tensor_array
from apbundle.payload.reading import can_read, decoded_size, read_tensor
from apbundle.payload.tensors import PayloadError, TensorInfo

Array = np.ndarray[Any, Any]

_PLACE: Final = 1024  # bytes that remembering one takes, about
_SHARE: Final = 200  # of the limit that is used for it, at most: one part of so many
_LEAST_PLACES, _MOST_PLACES = 64, 65_536


class Components:
    """Finds the components of models and hands them out.

    Parameters
    ----------
    engine
        Gives their bytes.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine: Final = engine
        self._places: Final[dict[tuple[str, str], Place]] = {}  # where the components are that were asked for

    def get(self, model_name: str, name: str) -> Array:
        """A component as a read-only array."""
        engine = self.engine
        model = engine.models[model_name]
        place = self._places.get((model_name, name))
        if place is None:
            place = self._place(model, engine.listings.of(model).find(name, model_name))
            most = min(max(engine.pager.max_memory // _SHARE // _PLACE, _LEAST_PLACES), _MOST_PLACES)
            if len(self._places) >= most:
                self._places.clear()  # what is in use comes back with its next use
            self._places[model_name, name] = place
        return self._array(model, place)

    def info(self, model_name: str, name: str) -> TensorInfo:
        """The description of a component."""
        return self.engine.listings.of(self.engine.models[model_name]).find(name, model_name)

    def names(self, model_name: str) -> tuple[str, ...]:
        """The names of a model's components, in the payload's order."""
        return self.engine.listings.of(self.engine.models[model_name]).names()

    def iterate(self, model_name: str) -> Iterator[tuple[str, Array]]:
        """All components of a model, in the order of their data; nothing is held between two of them."""
        model = self.engine.models[model_name]
        listing = self.engine.listings.of(model)
        infos = map(listing.contents.tensors.__getitem__, listing.in_order_of_data())
        return ((info.name, self._array(model, self._place(model, info))) for info in infos)

    def keys(self, model_name: str, name: str | None) -> Iterator[Key]:
        """The units that a component, or a model (``None``), is paged in as things are."""
        engine, model = self.engine, self.engine.models[model_name]
        if name is None:
            return engine.keys(model, engine.parts(model), 0, model.size)
        info = self.info(model_name, name)
        return engine.keys(model, engine.tensor_parts(model) or engine.parts(model), info.offset, info.size)

    def hint(self, model_name: str, name: str | None) -> None:
        """Load ahead what of a model or component fits; what does not exist is left alone."""
        engine = self.engine
        if name is None and engine.granularity == "model":
            engine.pager.hint(model_name)
        elif self._exists(model_name, name):
            pager, loaded = engine.pager, 0
            for unit in map(engine.models.find, self.keys(model_name, name)):
                if unit is None or (loaded and loaded + most_charged(unit) > pager.max_memory):
                    break  # it would take the place of what was loaded before
                pager.hint(unit.key)
                loaded += unit.size + BOOKKEEPING

    def evict(self, model_name: str, name: str | None) -> bool:
        """Drop the units of a model or component; whether any was there."""
        pager = self.engine.pager
        if not self._exists(model_name, name):
            return False
        if name is not None:
            keys = [*self.keys(model_name, name)]
        elif self.engine.models.is_cut(model_name):
            keys = [unit.key for unit in pager.cached_units if model_of(unit.key) == model_name]
        else:
            keys = [model_name]
        return sum(map(pager.evict, keys)) > 0

    def is_cached(self, model_name: str, name: str) -> bool:
        """Whether all units of a component are in memory."""
        return self._exists(model_name, name) and all(map(self.engine.pager.is_cached, self.keys(model_name, name)))

    def _exists(self, model_name: str, name: str | None) -> bool:
        engine = self.engine
        if model_name not in engine.reader.manifest:
            return False
        return name is None or engine.listings.of(engine.models[model_name]).contents.tensors.find(name) is not None

    def _place(self, model: PagedModel, info: TensorInfo) -> Place:
        if not can_read(info):
            raise _unreadable(model, info, f"it is stored in a way that is not read here ({info.encoding})")
        if info.offset > model.size - info.size:
            raise _unreadable(model, info, "it reaches outside the model")
        parts = self.engine.tensor_parts(model) if info.size else None
        if parts is None:
            return Place(info, None, 0)
        index = parts.at(info.offset)
        return Place(info, model.key(parts, index), info.offset - parts.bounds(index)[0])

    def _array(self, model: PagedModel, place: Place) -> Array:
        info, key, skip = place
        if key is None:
            stored = self.engine.range(model, info.offset, info.size)
        else:
            stored = self.engine.pager.get(key)
            if len(stored) != info.size:
                stored = stored[skip : skip + info.size]
        try:
            return tensor_array(info, self._decoded(model, info, stored) if info.encoding else stored)
        except PayloadError as error:
            raise _unreadable(model, info, str(error)) from error

    def _decoded(self, model: PagedModel, info: TensorInfo, stored: memoryview) -> memoryview:
        copy = self.engine.copy_buffer(model, decoded_size(info) or 0)
        read_tensor(info, lambda at, length: bytes(stored[at - info.offset : at - info.offset + length]), copy)
        return copy.toreadonly()


def _unreadable(model: PagedModel, info: TensorInfo, why: str) -> BundleError:
    return bundle_error("unsupported_feature", f"The component {info.name!r} of {model.name!r} cannot be read: {why}.")
