"""Bytes of the file as places of the selection, and back."""

from __future__ import annotations

from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.services.inspection import Inspection


def place_of_span(inspection: Inspection, offset: int, length: int) -> Place:
    """The place of these bytes: the model and the tensor they begin in; of a manifest's field the model it is about."""
    model = inspection.model_at(offset)
    if model is not None:
        inspection.contents.want(model)
        return Place(model, "", inspection.tensor_at(model, offset), (offset, length))
    return Place(model_about(inspection, offset), "", None, (offset, length))


def model_about(inspection: Inspection, offset: int) -> int | None:
    """The model whose entry in the manifest holds a byte of the file, as far as the fields are known by now."""
    fields = inspection.fields
    field = None if fields is None or offset >= inspection.reader.data_offset else fields.at_offset(offset)
    return None if fields is None or field is None else fields.model_at(field)


def span_of(inspection: Inspection, place: Place) -> tuple[int, int] | None:
    """The bytes of a place; of a tensor or a group that has none of its own those of its model."""
    if place.span is not None or place.model is None:
        return place.span
    if place.group and place.tensor is None:
        return inspection.span_of_group(place.model, place.group) or inspection.span_of(place.model)
    return inspection.span_of(place.model, place.tensor) or inspection.span_of(place.model)


def field_of(inspection: Inspection, span: tuple[int, int]) -> int | None:
    """The field of the manifest these bytes are, or begin in; ``None`` outside, and while the fields are not known."""
    fields, (offset, length) = inspection.fields, span
    if fields is None or offset >= inspection.reader.data_offset:
        return None
    found = fields.at_offset(offset)
    if found is None or length:
        return found
    while found > 0 and fields[found - 1].offset == offset:  # what is empty stands before what takes its place
        found -= 1
    return found
