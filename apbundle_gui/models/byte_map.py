"""What every byte of a bundle is: the parts of the file in their order, and the tensors inside the models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from apbundle.format import layout
from apbundle_gui.models import text as words
from apbundle_gui.services.inspection import Inspection

Integers = NDArray[np.int64]


class Part(IntEnum):
    """What a stretch of the file is."""

    HEADER = 0
    ENTRIES = 1
    EXTENSION = 2
    SLACK = 3
    MODEL = 4
    PADDING = 5


TITLES: Final = {
    Part.HEADER: "Header",
    Part.ENTRIES: "Manifest",
    Part.EXTENSION: "Extension",
    Part.SLACK: "Slack",
    Part.MODEL: "Model",
    Part.PADDING: "Padding",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some bytes of the file that are one thing.

    Parameters
    ----------
    start, end
        The first byte and the one after the last.
    part
        What they are.
    model, tensor
        Which one, where it is one.
    name
        What to call it.
    """

    start: int
    end: int
    part: Part
    name: str
    model: int | None = None
    tensor: int | None = None

    @property
    def text(self) -> str:
        """Name, place and size, a line each."""
        where = f"{words.hex_offset(self.start)} – {words.hex_offset(max(self.end - 1, self.start))}"
        return f"{self.name}\n{where}\n{words.size(self.end - self.start)} ({words.exact_size(self.end - self.start)})"


class FileMap:
    """The parts of a file that is a bundle, or will be one. They tile it: every byte is in exactly one.

    Parameters
    ----------
    ends
        Where the entries, the extension block, the slack after it and the file end, exclusive.
    starts, stops
        First byte and the one after the last of each model, in the order they lie in.
    order
        Which model each of them is.
    names
        The models' names.

    Attributes
    ----------
    model_starts, model_ends
        As ``starts`` and ``stops``.
    """

    def __init__(
        self,
        ends: tuple[int, int, int, int],
        starts: Integers,
        stops: Integers,
        order: Integers,
        names: Sequence[str],
    ) -> None:
        entries_end, extension_end, begin, self.size = ends
        self._names = names
        self.model_starts, self.model_ends = starts, stops
        count = len(starts)
        edges = np.empty(2 * count + 1, np.int64)  # padding and models in turn, beginning and ending with padding
        edges[0] = begin
        edges[1::2] = starts
        edges[2::2] = stops
        kinds = np.full(2 * count + 1, Part.PADDING, np.int64)
        kinds[1::2] = Part.MODEL
        models = np.full(2 * count + 1, -1, np.int64)
        models[1::2] = order
        heads = np.array([0, layout.HEADER.size, entries_end, extension_end], np.int64)
        head_parts = np.array([Part.HEADER, Part.ENTRIES, Part.EXTENSION, Part.SLACK], np.int64)
        self._starts = np.concatenate((heads, edges))
        self._parts = np.concatenate((head_parts, kinds))
        self._models = np.concatenate((np.full(len(heads), -1, np.int64), models))

    def parts_at(self, offsets: Integers) -> tuple[Integers, Integers, Integers]:
        """Of each of these bytes the number of its stretch, its :class:`Part`, and its model (-1: none)."""
        places = np.searchsorted(self._starts, offsets, "right") - 1
        return places, self._parts[places], self._models[places]

    def stretch_at(self, offset: int) -> Stretch:
        """The part that holds a byte."""
        return self._stretch(int(np.searchsorted(self._starts, offset, "right")) - 1)

    def stretch_of(self, model: int) -> Stretch | None:
        """All bytes of a model; ``None`` when it is not there or has none."""
        places = np.flatnonzero(self._models == model)
        found = self._stretch(int(places[0])) if len(places) else None
        return found if found is not None and found.end > found.start else None

    def stretches(self) -> Iterator[Stretch]:
        """All parts that have bytes, in their order."""
        for place in np.flatnonzero(np.diff(self._starts, append=self.size) > 0).tolist():
            yield self._stretch(place)

    def tensors_at(self, model: int, offsets: Integers) -> tuple[Integers, list[str]]:
        """Of each of these bytes of a model the tensor that holds it (-1: none), and all tensors' element types."""
        return np.full(len(offsets), -1, np.int64), []

    def _stretch(self, place: int) -> Stretch:
        start = int(self._starts[place])
        end = int(self._starts[place + 1]) if place + 1 < len(self._starts) else self.size
        part, model = Part(self._parts[place]), int(self._models[place])
        return Stretch(start, end, part, TITLES[part] if model < 0 else words.safe(self._names[model]), _known(model))


def _known(model: int) -> int | None:
    return None if model < 0 else model


class ByteMap(FileMap):
    """The map of an open bundle, with the tensors inside its models.

    Parameters
    ----------
    inspection
        The bundle.
    """

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection
        reader = inspection.reader
        begin, entries_end = reader.data_offset, layout.HEADER.size + reader.entries_end
        extension_end = reader.extension_range[1] if reader.extension_range is not None else entries_end
        extents = reader.extents
        super().__init__(
            (entries_end, extension_end, begin, reader.file.size),
            extents.starts.astype(np.int64) + begin,
            extents.ends.astype(np.int64) + begin,
            extents.order.astype(np.int64),
            inspection.names,
        )
        self._sorted: dict[int, tuple[Integers | None, Integers, Integers]] = {}

    def stretch_at(self, offset: int) -> Stretch:
        """The part that holds a byte; of a model the tensor in it, where that is known."""
        part = super().stretch_at(offset)
        if part.model is None:
            return part
        inspection, model = self._inspection, part.model
        tensor = inspection.tensor_at(model, offset)
        contents = inspection.contents.of(model)
        span = inspection.span_of(model, tensor) if tensor is not None else None
        if tensor is None or span is None or contents is None:
            return part
        name = f"{words.safe(contents.tensors.name(tensor))} of {part.name}"
        return Stretch(span[0], span[0] + span[1], part.part, name, model, tensor)

    def tensors_at(self, model: int, offsets: Integers) -> tuple[Integers, list[str]]:
        """Of each of these bytes of a model the tensor that holds it (-1: none), and all tensors' element types."""
        contents = self._inspection.contents.of(model)
        if contents is None or not len(contents.tensors):
            return super().tensors_at(model, offsets)
        span = self._inspection.span_of(model)
        if span is None or self._inspection.reader.entry(self._inspection.names[model]).compressed:
            return super().tensors_at(model, offsets)
        known = self._sorted.get(model)
        if known is None:
            known = self._sorted[model] = _by_offset(contents.tensors.offsets, contents.tensors.sizes)
        order, starts, sizes = known
        within = offsets - span[0]
        places = np.searchsorted(starts, within, "right") - 1
        inside = (places >= 0) & (within - starts[places] < sizes[places])
        kinds = contents.tensors.kinds
        found: Any = np.where(inside, places if order is None else order[places], -1)
        return found, [kinds[number].dtype for number in contents.tensors.kind_numbers[found[found >= 0]].tolist()]


def _by_offset(starts: Integers, sizes: Integers) -> tuple[Integers | None, Integers, Integers]:
    """The order of tensors by where they begin, then where, and their sizes; ``None``: they stand in that order."""
    if (starts[1:] >= starts[:-1]).all():
        return None, starts, sizes
    order = np.argsort(starts, kind="stable")
    return order, starts[order], sizes[order]
