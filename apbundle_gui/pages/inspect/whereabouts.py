"""Places by names, which hold in a file that was written anew."""

from __future__ import annotations

from dataclasses import dataclass, replace

from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.services.inspection import Inspection


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A place by the names of model and tensor.

    Parameters
    ----------
    model, group, tensor
        Names, as far as the place has them.
    span
        Its bytes: where they begin, counted from the beginning of what they are in, and how many there are.
    described
        Whether these are bytes of the manifest: of the model's entry in it, if there is a model.
    """

    model: str | None
    group: str = ""
    tensor: str | None = None
    span: tuple[int, int] | None = None
    described: bool = False

    @classmethod
    def of(cls, inspection: Inspection, place: Place) -> Whereabouts:
        """Where one is."""
        name = _tensor_name(inspection, place)
        model = None if place.model is None else inspection.names[place.model]
        if place.span is None:
            return cls(model, place.group, name)
        offset, length = place.span
        described = offset < inspection.reader.data_offset
        tensor = None if name is None else place.tensor
        begin = _begin(inspection, place.model, tensor, described)
        return cls(model, place.group, name, (offset - begin, length), described)

    def place_in(self, inspection: Inspection) -> Place | None:
        """The place in a bundle, the tensor only where that is known by now; ``None`` where there is no such model."""
        model = None if self.model is None else inspection.reader.manifest.number(self.model)
        if self.model is not None and model is None:
            return None
        tensor = None
        contents = None if model is None else inspection.contents.of(model)
        if contents is not None and self.tensor is not None:
            tensor = contents.tensors.find(self.tensor)
        place = Place(model, self.group, tensor)
        if self.span is None or (self.tensor is not None and tensor is None):
            return place
        offset = _begin(inspection, model, tensor, self.described) + self.span[0]
        inside = offset + self.span[1] <= inspection.reader.file.size
        return replace(place, span=(offset, self.span[1])) if inside else place


def moved(before: Inspection, after: Inspection, place: Place) -> Place | None:
    """A place of a bundle after that was read anew; ``None`` where it was in a model that is gone.

    Tensors keep their numbers where the model still has as many bytes: what the new file holds may not be known yet.
    """
    found = Whereabouts.of(before, place)
    there = found.place_in(after)
    if there is None or place.tensor is None or there.tensor is not None or place.model is None or there.model is None:
        return there
    same = before.reader.manifest.sizes[place.model] == after.reader.manifest.sizes[there.model]
    return replace(there, tensor=place.tensor) if same else there


def _tensor_name(inspection: Inspection, place: Place) -> str | None:
    contents = None if place.model is None else inspection.contents.of(place.model)
    known = contents is not None and place.tensor is not None and place.tensor < len(contents.tensors)
    return contents.tensors.name(place.tensor) if known and contents and place.tensor is not None else None


def _begin(inspection: Inspection, model: int | None, tensor: int | None, described: bool) -> int:
    """Where in the file that begins which a span is counted from."""
    reader = inspection.reader
    if model is None:
        return 0
    if described:
        return len(reader.header_bytes) + int(reader.bounds[model])
    span = inspection.span_of(model, tensor) or inspection.span_of(model)
    return reader.data_offset if span is None else span[0]
