"""The graphs of ONNX payloads: their operators, and the tensors in them, their nodes and the graphs within these."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from apbundle.payload.onnx.tensors import LONGEST_NAME, TYPES, TensorReader
from apbundle.payload.protobuf import Field, WireReader
from apbundle.payload.sink import Sink
from apbundle.payload.tensors import MAX_RANK
from apbundle.text import elide

MAX_DEPTH = 32
"""Deepest graph within a graph. The format's own library gives up about there."""

MOST_OPERATORS = 10_000
"""Most operators that are told apart."""

MOST_VALUES = 1000
"""Most inputs and outputs that are told."""

_NODE, _INITIALIZER, _INPUT, _OUTPUT, _SPARSE_INITIALIZER = 1, 5, 11, 12, 15  # fields of a graph
_NODE_OUTPUT, _NODE_NAME, _NODE_TYPE, _NODE_ATTRIBUTE, _NODE_DOMAIN = 2, 3, 4, 5, 7
_ATTRIBUTE_NAME = 1
_TENSORS, _GRAPHS, _SPARSE_TENSORS = (5, 10), (6, 11), (22, 23)  # fields of an attribute: for one, for several
_ATTRIBUTE_VALUES = (*_TENSORS, *_GRAPHS, *_SPARSE_TENSORS)
_VALUES, _INDICES, _SPARSE_DIMS = 1, 2, 3  # fields of a sparse tensor
_TENSOR_NAME = 8
_VALUE_NAME, _VALUE_TYPE = 1, 2  # fields of a description of a value, and within it
_TENSOR_TYPE, _ELEMENT, _SHAPE, _DIM, _DIM_VALUE, _DIM_NAME = 1, 1, 2, 1, 1, 2
_LONGEST_PREFIX = 200  # characters
_LONGEST_LABEL = 80  # characters of an operator, a dimension
_CONSTANT = "Constant"


@dataclass(slots=True)
class GraphReader:
    """Reads graphs, and counts their nodes. What is damaged is left out, and said."""

    wire: WireReader
    sink: Sink
    tensors: TensorReader
    operators: Counter[str] = field(default_factory=Counter)
    """Operator → nodes."""
    values: list[tuple[str, str]] = field(default_factory=list)
    """Inputs and outputs of the outermost graph: ``("input", "x: F32 [1, n]")``."""

    def read(self, graph: Field, prefix: str = "", depth: int = 0) -> None:
        """List the tensors of a graph.

        Parameters
        ----------
        prefix
            Stands before their names.
        depth
            Graphs around it.

        Raises
        ------
        PayloadError
            When the payload costs too much.
        """
        if depth > MAX_DEPTH:
            self.sink.finding(f"graphs within graphs are followed {MAX_DEPTH} levels deep, no further", graph.start)
            return
        for item in self.wire.fields(graph):
            number = item.number
            if number == _NODE:
                self.read_node(item, prefix, depth)
            elif number == _INITIALIZER:
                self.tensors.add(item, prefix)
            elif number == _SPARSE_INITIALIZER:
                self._read_sparse(item, prefix, "")
            elif number in (_INPUT, _OUTPUT) and not prefix and len(self.values) < MOST_VALUES:
                self.values.append(("input" if number == _INPUT else "output", self._described(item)))

    def read_node(self, node: Field, prefix: str = "", depth: int = 0) -> None:
        """Count a node, and list the tensors in its attributes; parameters as of :meth:`read`."""
        name = operator = domain = output = ""
        attributes: list[Field] = []
        for item in self.wire.fields(node):
            if item.number == _NODE_OUTPUT and not output:
                output = self.wire.text(item, LONGEST_NAME)
            elif item.number == _NODE_NAME:
                name = self.wire.text(item, LONGEST_NAME)
            elif item.number == _NODE_TYPE:
                operator = self.wire.text(item, _LONGEST_LABEL)
            elif item.number == _NODE_DOMAIN:
                domain = self.wire.text(item, _LONGEST_LABEL)
            elif item.number == _NODE_ATTRIBUTE:
                attributes.append(item)
        label = f"{domain}.{operator}" if domain not in ("", "ai.onnx") else operator
        if label in self.operators or len(self.operators) < MOST_OPERATORS:
            self.operators[label] += 1
        for attribute in attributes:
            if operator == _CONSTANT:
                self._read_attribute(attribute, prefix, output or name, depth)
            else:
                inner = elide(f"{prefix}{name or output or operator}", _LONGEST_PREFIX)
                self._read_attribute(attribute, f"{inner}.", "", depth)

    def _read_attribute(self, attribute: Field, prefix: str, value_name: str, depth: int) -> None:
        """List the tensors in an attribute, those of a constant under the name of the value it makes."""
        name = ""
        values: list[Field] = []
        for item in self.wire.fields(attribute):
            if item.number == _ATTRIBUTE_NAME:
                name = self.wire.text(item, _LONGEST_LABEL)
            elif item.number in _ATTRIBUTE_VALUES:
                values.append(item)
        for index, item in enumerate(values):
            label = value_name or (name if len(values) == 1 else f"{name}.{index}")
            if item.number in _TENSORS:
                self.tensors.add(item, prefix, label)
            elif item.number in _SPARSE_TENSORS:
                self._read_sparse(item, prefix, label)
            else:
                self.read(item, f"{prefix}{label}.", depth + 1)

    def _read_sparse(self, sparse: Field, prefix: str, name: str) -> None:
        """List a sparse tensor as two: its values and their indices."""
        parts: dict[int, Field] = {}
        shape: list[int] = []
        for item in self.wire.fields(sparse):
            if item.number in (_VALUES, _INDICES):
                parts[item.number] = item
            elif item.number == _SPARSE_DIMS and len(shape) < MAX_RANK:
                shape += self.wire.numbers(item, MAX_RANK)
        for item in self.wire.fields(parts[_VALUES]) if _VALUES in parts and not name else ():
            if item.number == _TENSOR_NAME:  # a sparse tensor has the name of its values
                name = self.wire.text(item, LONGEST_NAME)
        for number, label in ((_VALUES, "values"), (_INDICES, "indices")):
            if number in parts:
                self.tensors.add(parts[number], prefix, f"{name}.{label}")
        self.sink.metadata(f"{prefix}{name} is sparse, of shape", str(shape), sparse.start)

    def _described(self, value: Field) -> str:
        """An input or output as text: name, element type, dimensions."""
        name = kind = ""
        for item in self.wire.fields(value):
            if item.number == _VALUE_NAME:
                name = self.wire.text(item, LONGEST_NAME)
            elif item.number == _VALUE_TYPE:
                for inner in self.wire.fields(item):
                    kind = self._tensor_type(inner) if inner.number == _TENSOR_TYPE else "no tensor"
        return f"{name}: {kind}" if kind else name

    def _tensor_type(self, kind: Field) -> str:
        dtype = ""
        shape: list[str] = []
        for item in self.wire.fields(kind):
            if item.number == _ELEMENT:
                dtype = TYPES.get(item.value, f"type {item.value}")
            elif item.number == _SHAPE:
                shape += [self._dimension(dim) for dim in self.wire.fields(item) if dim.number == _DIM][:MAX_RANK]
        return f"{dtype} [{', '.join(shape[:MAX_RANK])}]"

    def _dimension(self, dim: Field) -> str:
        for item in self.wire.fields(dim):
            if item.number == _DIM_VALUE:
                return str(item.value)
            if item.number == _DIM_NAME:
                return self.wire.text(item, _LONGEST_LABEL)
        return "?"
