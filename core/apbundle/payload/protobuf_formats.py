"""Models that are messages of protocol buffers, but not ONNX: found out by their outermost fields, to be named."""

from __future__ import annotations

from collections.abc import Iterator

from apbundle.payload.byterange import ByteRange
from apbundle.payload.protobuf import LENGTH, LONGEST_HEADER, VARINT, Field, read_field
from apbundle.payload.tensors import PayloadError

_MOST_FIELDS = 64
_SAVED_MODEL_VERSION = 1
_CORE_ML_VERSIONS = range(1, 100)
_CORE_ML_MODELS = range(200, 3001)  # fields, one for each kind of model


def is_saved_model(data: ByteRange) -> bool:
    """Whether the payload is TensorFlow's ``saved_model.pb``: a version, and graphs that begin with what they are."""
    fields = _outermost(data)
    graphs = [field for field in fields if field.number == 2 and field.kind == LENGTH]
    versions = [field.value for field in fields if field.number == 1 and field.kind == VARINT]
    if versions != [_SAVED_MODEL_VERSION] or not graphs or len(graphs) + 1 != len(fields):
        return False
    first = next(_fields(data, graphs[0].begin, graphs[0].end), None)
    return first is not None and (first.number, first.kind) == (1, LENGTH)


def is_core_ml(data: ByteRange) -> bool:
    """Whether the payload is a Core ML model: a version, a description, and a model of one kind."""
    fields = _outermost(data)
    kinds = {field.number: field.kind for field in fields}
    versions = [field.value for field in fields if field.number == 1 and field.kind == VARINT]
    if len(versions) != 1 or versions[0] not in _CORE_ML_VERSIONS or kinds.get(2) != LENGTH:
        return False
    models = [number for number, kind in kinds.items() if number in _CORE_ML_MODELS and kind == LENGTH]
    return len(models) == 1 and set(kinds) <= {1, 2, 10, *models}


def _outermost(data: ByteRange) -> list[Field]:
    """The fields of the message that is the whole payload; none when it is no message, or has many."""
    fields: list[Field] = []
    for field in _fields(data, 0, data.size):
        if len(fields) == _MOST_FIELDS:
            return []
        fields.append(field)
    return fields if fields and fields[-1].end == data.size else []


def _fields(data: ByteRange, place: int, end: int) -> Iterator[Field]:
    while place < end:
        try:
            field = read_field(data.at(place, LONGEST_HEADER), 0, place, end)
        except PayloadError:
            return
        yield field
        place = field.end
