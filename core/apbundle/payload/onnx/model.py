"""ONNX payloads: found out by their fields, for the format has no magic, and listed by walking these.

The message is ``ModelProto`` of the format's ``onnx.proto``; nothing but its own wire format is needed to read it.
"""

from __future__ import annotations

from apbundle.payload.byterange import ByteRange
from apbundle.payload.onnx.graph import GraphReader
from apbundle.payload.onnx.tensors import LONGEST_NAME, TensorReader, read_pair
from apbundle.payload.protobuf import LENGTH, LONGEST_HEADER, VARINT, Field, WireReader, read_field, signed
from apbundle.payload.sink import LONGEST_TEXT, Sink, Value
from apbundle.payload.tensors import PayloadError

_MODEL_FIELDS = {1: VARINT, 5: VARINT} | dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25, 26), LENGTH)
_GRAPH_FIELDS = dict.fromkeys((1, 2, 5, 10, 11, 12, 13, 14, 15, 16), LENGTH)
_VERSION, _DESCRIPTION, _GRAPH, _OPERATOR_SET, _PROPERTY, _TRAINING, _FUNCTION = 1, 6, 7, 8, 14, 20, 25
_NUMBERS = {_VERSION: "format version", 5: "model version"}
_TEXTS = {2: "producer", 3: "producer version", 4: "domain"}
_SET_DOMAIN, _SET_VERSION = 1, 2
_TRAINING_GRAPHS = {1: "training.initialization.", 2: "training.algorithm."}
_FUNCTION_NAME, _FUNCTION_NODE, _FUNCTION_DOMAIN = 1, 7, 10
_DEFAULT_DOMAIN = "ai.onnx"
_MAX_FIELDS = 64  # looked at in a model to find out whether it is one
_GRAPH_SAMPLE = 4  # and in its graph
_MOST_TEXT = 1 << 27  # bytes of metadata that are looked at
_MOST_SAID = 1000  # facts of the model itself
_MOST_OPERATORS_SHOWN = 200


def is_onnx(data: ByteRange) -> bool:
    """Whether the payload is a model: known fields of the right kinds whose lengths add up, a version and a graph.

    Reads at most the first 64 fields' headers and four in the graph, 20 bytes each.
    """
    seen = set()
    place = 0
    for _ in range(_MAX_FIELDS):
        if place == data.size:
            break
        field = _known_field(data, place, data.size, _MODEL_FIELDS)
        if field is None:
            return False
        if field.number == _GRAPH and not _is_graph(data, field.begin, field.end):
            return False
        seen.add(field.number)
        place = field.end
    return _GRAPH in seen and (_VERSION in seen or _OPERATOR_SET in seen)


def scan_onnx(data: ByteRange, sink: Sink) -> None:
    """List what an ONNX payload holds.

    Raises
    ------
    PayloadError
        When it costs too much.
    """

    def report(error: PayloadError) -> None:
        sink.finding(error.message, error.offset)

    wire = WireReader(data, report, sink.reporter.check)
    tensors = TensorReader(wire, sink)
    graphs = GraphReader(wire, sink, tensors)
    said: dict[str, Value] = {}
    functions, room = 0, _MOST_TEXT
    for field in wire.fields(Field(0, LENGTH, data.size, 0, 0, data.size)):
        number = field.number
        if number in _NUMBERS:
            said[_NUMBERS[number]] = signed(field.value)
        elif number in _TEXTS:
            said[_TEXTS[number]] = wire.text(field, LONGEST_NAME)
        elif number in (_DESCRIPTION, _PROPERTY):
            room -= min(field.end - field.begin, 2 * LONGEST_TEXT)
            if room > 0:
                sink.metadata(*_described(wire, field), field.begin)
        elif number == _GRAPH:
            graphs.read(field)
        elif number == _OPERATOR_SET:
            domain, version = _operator_set(wire, field)
            if len(said) < _MOST_SAID:
                said[f"operators of {domain}, version"] = version
        elif number == _TRAINING:
            for graph in wire.fields(field):
                if graph.number in _TRAINING_GRAPHS:
                    graphs.read(graph, _TRAINING_GRAPHS[graph.number])
        elif number == _FUNCTION:
            functions += 1
            _read_function(wire, field, graphs)
    for name, value in said.items():
        sink.fact(name, value)
    _add_facts(sink, graphs, functions)
    _say_external(sink, tensors)
    sink.tensors.publish()
    twice = sink.tensors.duplicate()
    if twice is not None:
        sink.finding(f"two tensors are named {twice!r}")


def _described(wire: WireReader, field: Field) -> tuple[str, str]:
    """Key and text of a property, or of the description."""
    return read_pair(wire, field) if field.number == _PROPERTY else ("description", wire.text(field, LONGEST_TEXT))


def _operator_set(wire: WireReader, message: Field) -> tuple[str, int]:
    domain, version = _DEFAULT_DOMAIN, 0
    for item in wire.fields(message):
        if item.number == _SET_DOMAIN:
            domain = wire.text(item, LONGEST_NAME) or _DEFAULT_DOMAIN
        elif item.number == _SET_VERSION:
            version = signed(item.value)
    return domain, version


def _read_function(wire: WireReader, message: Field, graphs: GraphReader) -> None:
    name = domain = ""
    nodes: list[Field] = []
    for item in wire.fields(message):
        if item.number == _FUNCTION_NAME:
            name = wire.text(item, LONGEST_NAME)
        elif item.number == _FUNCTION_DOMAIN:
            domain = wire.text(item, LONGEST_NAME)
        elif item.number == _FUNCTION_NODE:
            nodes.append(item)
    for node in nodes:
        graphs.read_node(node, f"{domain}.{name}."[-LONGEST_NAME:])


def _add_facts(sink: Sink, graphs: GraphReader, functions: int) -> None:
    for direction, described in graphs.values:
        sink.fact(direction, described)
    sink.fact("nodes", graphs.operators.total())
    if functions:
        sink.fact("functions", functions)
    ordered = sorted(graphs.operators.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{name} {count:,}" for name, count in ordered[:_MOST_OPERATORS_SHOWN]]
    if len(ordered) > len(shown):
        shown.append(f"{len(ordered) - len(shown):,} more")
    sink.fact("operators", ", ".join(shown))


def _say_external(sink: Sink, tensors: TensorReader) -> None:
    for location, count in tensors.locations.items():
        sink.finding(f"the data of {count:,} tensors is kept in {location!r}, another file, which is not opened")


def _is_graph(data: ByteRange, place: int, end: int) -> bool:
    for _ in range(_GRAPH_SAMPLE):
        if place == end:
            break
        field = _known_field(data, place, end, _GRAPH_FIELDS)
        if field is None:
            return False
        place = field.end
    return True


def _known_field(data: ByteRange, place: int, end: int, kinds: dict[int, int]) -> Field | None:
    """The field at ``place``; None unless ``kinds`` knows it and it fits."""
    try:
        field = read_field(data.at(place, LONGEST_HEADER), 0, place, end)
    except PayloadError:
        return None
    return field if kinds.get(field.number) == field.kind else None
