"""Where in a walked pickle its leaves are, by dotted paths such as those of a state dictionary."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from apbundle.payload.pickles.nodes import Call, Global, Opaque, Persistent, Table, Value

MAX_DEPTH = 200
"""Deepest nesting that is followed. A module within a module is two levels."""

MAX_ITEMS = 5_000_000
"""Most items that are gone through."""

SHORT = 16
"""A list of numbers and texts is a leaf however often it is shared if it has no more items."""

_LONGEST_LABEL = 256  # characters of one part of a path
_LONGEST_PATH = 512
_MOST_PATHS = 1 << 26  # characters of all paths together
_BETWEEN_CHECKS = 4096  # items
_OF_MODULES = {"_modules", "_parameters", "_buffers"}  # where a module keeps what is named through the module itself
_NOT_OF_INTEREST = "_metadata"  # versions of the modules, kept beside their tensors

Item = tuple[str, Value]


class Leaves:
    """Goes through everything a walked pickle holds, each container once, however often it is shared.

    Parameters
    ----------
    root
        Where to begin.
    is_leaf
        Says of a call whether it is a leaf: what was put into it is then not gone through.
    check
        Called now and then; may raise to stop.
    """

    def __init__(self, root: Value, is_leaf: Callable[[Call], bool], check: Callable[[], None]) -> None:
        self.left_out = ""
        """Why something was left out, if it was."""
        self._root = root
        self._is_leaf = is_leaf
        self._check = check

    def __iter__(self) -> Iterator[Item]:
        seen: set[int] = set()
        stack: list[tuple[str, Iterator[Item]]] = [("", iter([("", self._root)]))]
        count = length = 0
        while stack:
            path, items = stack[-1]
            item = next(items, None)
            if item is None:
                stack.pop()
                continue
            count += 1
            if count > MAX_ITEMS:
                self.left_out = f"the pickle holds more than {MAX_ITEMS:,} things"
                return
            length += len(path)
            if length > _MOST_PATHS:
                self.left_out = "the pickle makes longer names than are kept"
                return
            if count % _BETWEEN_CHECKS == 0:
                self._check()
            label, value = item
            if label:
                path = f"{path}.{label}"[:_LONGEST_PATH] if path else label
            if self._is_short(value):
                yield path, value
                continue
            if id(value) in seen:
                continue
            seen.add(id(value))
            inner = _inside(value)
            if inner is None:
                yield path, value
            elif len(stack) > MAX_DEPTH:
                self.left_out = f"the pickle is nested deeper than {MAX_DEPTH} levels"
            else:
                stack.append((path, inner))

    def _is_short(self, value: Value) -> bool:
        """Whether a value is a leaf, as can be seen at once."""
        if isinstance(value, list | tuple):
            return len(value) <= SHORT and is_flat(value)
        return self._is_leaf(value) if isinstance(value, Call) else not isinstance(value, Table)


def _inside(value: Value) -> Iterator[Item] | None:
    """What a container holds, each item with what it adds to the path; None for a leaf."""
    if isinstance(value, Table):
        return _pairs(value.pairs or [])
    if isinstance(value, Call):
        return _inside_call(value)
    if isinstance(value, list | tuple) and not is_flat(value):
        return _listed(value)
    return None


def is_flat(values: list[Value] | tuple[Value, ...]) -> bool:
    """Whether a list holds numbers and texts alone: such a one is a leaf."""
    return all(value is None or isinstance(value, int | float | str) for value in values)


def _inside_call(call: Call) -> Iterator[Item]:
    arguments = call.arguments if isinstance(call.arguments, tuple) else (call.arguments,)
    for index, argument in enumerate(arguments):
        yield str(index) if len(arguments) > 1 else "", argument
    if isinstance(call.state, Table):
        for label, value in _pairs(call.state.pairs or []):
            if label != _NOT_OF_INTEREST:
                yield "" if label in _OF_MODULES else label, value
    elif call.state is not None:
        yield "", call.state
    yield from _listed(call.values or [])
    yield from _pairs(call.pairs or [])


def _pairs(pairs: list[tuple[Value, Value]]) -> Iterator[Item]:
    return ((_label(key), value) for key, value in pairs)


def _listed(values: list[Value] | tuple[Value, ...]) -> Iterator[Item]:
    """The items by their numbers, but pairs by their names: so Python 2 pickled ordered dictionaries."""
    for index, item in enumerate(values):
        if isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str):
            yield _label(item[0]), item[1]
        else:
            yield str(index), item


def _label(key: Value) -> str:
    if isinstance(key, str):
        return key[:_LONGEST_LABEL]
    if key is None or isinstance(key, int | float):
        return str(key)
    if isinstance(key, Global):
        return key.label[:_LONGEST_LABEL]
    if isinstance(key, tuple) and is_flat(key[:8]):
        return f"({', '.join(_label(part) for part in key[:8])})"[:_LONGEST_LABEL]
    return {Opaque: "(bytes)", Persistent: "(storage)"}.get(type(key), "(object)")
