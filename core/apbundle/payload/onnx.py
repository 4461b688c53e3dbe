"""Whether bytes are an ONNX model: the format has no magic, so its protobuf fields are walked and checked."""

from __future__ import annotations

from apbundle.payload.byterange import ByteRange

_VARINT, _LENGTH = 0, 2  # protobuf wire types
_MODEL_FIELDS = {1: _VARINT, 5: _VARINT} | dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25, 26), _LENGTH)
_GRAPH_FIELDS = dict.fromkeys((1, 2, 5, 10, 11, 12, 13, 14, 15, 16), _LENGTH)
_VERSION, _GRAPH, _OPERATOR_SET = 1, 7, 8
_MAX_FIELDS = 64  # walked of a model
_GRAPH_SAMPLE = 4  # walked of its graph
_FIELD_HEADER = 20  # longest tag and value, two numbers of ten bytes


def is_onnx(data: ByteRange) -> bool:
    """Whether the payload is a model: known fields of the right kinds whose lengths add up, a version and a graph.

    Reads at most the first 64 fields' headers and four in the graph, 20 bytes each.
    """
    seen = set()
    place = 0
    for _ in range(_MAX_FIELDS):
        if place == data.size:
            break
        field = _field(data, place, data.size, _MODEL_FIELDS)
        if field is None:
            return False
        number, begin, end = field
        if number == _GRAPH and not _is_graph(data, begin, end):
            return False
        seen.add(number)
        place = end
    return _GRAPH in seen and (_VERSION in seen or _OPERATOR_SET in seen)


def _is_graph(data: ByteRange, place: int, end: int) -> bool:
    for _ in range(_GRAPH_SAMPLE):
        if place == end:
            break
        field = _field(data, place, end, _GRAPH_FIELDS)
        if field is None:
            return False
        place = field[2]
    return True


def _field(data: ByteRange, place: int, limit: int, kinds: dict[int, int]) -> tuple[int, int, int] | None:
    """Number, first content byte and end of the field at ``place``; None unless ``kinds`` knows it and it fits."""
    header = data.at(place, min(_FIELD_HEADER, limit - place))
    tag, content = _varint(header, 0)
    number, kind = tag >> 3, tag & 7
    if content == 0 or kinds.get(number) != kind:
        return None
    value, after = _varint(header, content)
    if after == 0:
        return None
    end = place + after + (value if kind == _LENGTH else 0)
    return (number, place + after, end) if end <= limit else None


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """The number at ``place`` and the place after it, 0 when it does not end within ten bytes and ``data``."""
    value = 0
    for shift, byte in enumerate(data[place : place + 10]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, place + shift + 1
    return 0, 0
