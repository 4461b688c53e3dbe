"""A pickle interpreted without making anything it names: its opcodes move inert records about, none of them runs.

The opcodes are those of protocols 0 to 5 as Python's ``pickletools`` documents them. Whatever a real unpickler would
go through with is followed here too, so that nothing it would import stays unseen; where this walk ends early it says
so.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from apbundle.payload.byterange import ByteRange
from apbundle.payload.pickles.nodes import Call, Global, Opaque, Persistent, Table, Value
from apbundle.payload.pickles.reading import LONGEST_NUMBER, Budget, PickleBytes
from apbundle.payload.tensors import PayloadError

LATEST_PROTOCOL = 5

MAX_IMPORTS = 10_000
"""Most classes and functions that are told apart."""

_STOP = 0x2E


@dataclass(slots=True)
class References:
    """What pickles refer to outside of themselves, in the order they name it."""

    imports: dict[tuple[str, str], int] = field(default_factory=dict)
    """Classes and functions that would have been imported: (module, name) → offset where it is first named."""
    persistent: list[Persistent] = field(default_factory=list)

    def add(self, found: Global, offset: int) -> None:
        """Note an import; of more than :data:`MAX_IMPORTS` the pickle is no more followed (raises ``PayloadError``)."""
        key = (found.module, found.name)
        if key not in self.imports and len(self.imports) == MAX_IMPORTS:
            raise PayloadError(f"the pickle imports more than {MAX_IMPORTS:,} things", offset)
        self.imports.setdefault(key, offset)


def walk_pickle(data: ByteRange, begin: int, end: int, budget: Budget, references: References) -> tuple[Value, int]:
    """What the pickle in the bytes ``begin`` to ``end`` (exclusive) would have made, and the offset of its end.

    Parameters
    ----------
    budget
        What may still be spent; shared by the pickles of one payload.
    references
        Gets what the pickle refers to, also when the walk fails.

    Raises
    ------
    PayloadError
        When it is not a sound pickle, or costs too much.
    """
    source = PickleBytes(data, begin, end, budget)
    machine = _Machine(source, references)
    byte, action_of, left = source.byte, _OPCODES.get, budget.opcodes
    try:
        while (code := byte()) != _STOP:
            left -= 1
            if left < 0:
                raise PayloadError("the pickle has more opcodes than are followed", source.offset)
            action = action_of(code)
            if action is None:
                raise PayloadError(f"{code:#04x} is no opcode of a pickle", source.offset - 1)
            action(machine)
        return machine.stack[-1], source.offset
    except IndexError:
        raise PayloadError("the pickle takes more from its stack than was put there", source.offset) from None
    except KeyError:
        raise PayloadError("the pickle recalls what it never kept", source.offset) from None
    except PayloadError:
        raise
    except ValueError:
        raise PayloadError("the pickle gives an opcode what it cannot use", source.offset) from None
    finally:
        budget.opcodes = left


class _Machine:
    """The stack, the marks (each saves the stack below it) and the memo of one pickle."""

    def __init__(self, source: PickleBytes, references: References) -> None:
        self.source = source
        self.stack: list[Value] = []
        self.below: list[list[Value]] = []
        self.memo: dict[int, Value] = {}
        self._references = references

    def push(self, value: Value) -> None:
        self.stack.append(value)

    def pop(self) -> Value:
        return self.stack.pop()

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def above_mark(self) -> list[Value]:
        values, self.stack = self.stack, self.below.pop()
        return values

    def discard(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.above_mark()

    def memoize(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def recall(self, index: int) -> None:
        self.stack.append(self.memo[index])

    def imported(self, module: Value, name: Value) -> Global:
        found = Global(*(text if isinstance(text, str) else "?" for text in (module, name)))
        self._references.add(found, self.source.offset)
        return found

    def import_named(self) -> Global:
        module, name = (self.source.line().decode("utf-8", "backslashreplace") for _ in range(2))
        return self.imported(module, name)

    def stack_global(self) -> None:
        name, module = self.pop(), self.pop()
        self.push(self.imported(module, name))

    def registered(self, size: int) -> None:
        """An extension: a number that stands for an import, by a registry of the program that unpickles."""
        self.push(self.imported("copyreg extension", str(self.source.number(size))))

    def outside(self, key: Value) -> None:
        found = Persistent(key)
        self._references.persistent.append(found)
        self.push(found)

    def call(self) -> None:
        arguments = self.pop()
        self.push(Call(self.pop(), arguments))

    def call_with_keywords(self) -> None:
        keywords, arguments = self.pop(), self.pop()
        self.push(Call(self.pop(), (arguments, keywords)))

    def call_named(self) -> None:
        self.push(Call(self.import_named(), tuple(self.above_mark())))

    def call_marked(self) -> None:
        function, *arguments = self.above_mark()
        self.push(Call(function, tuple(arguments)))

    def build(self) -> None:
        state = self.pop()
        target = self.stack[-1]
        if isinstance(target, Call):
            target.state = state

    def extend(self, values: list[Value]) -> None:
        target = self.stack[-1]
        if isinstance(target, Call):
            if target.values is None:
                target.values = values
            else:
                target.values.extend(values)
        elif isinstance(target, list):
            target.extend(values)

    def append(self) -> None:
        self.extend([self.pop()])

    def update(self, values: list[Value]) -> None:
        pairs = list(zip(values[::2], values[1::2], strict=True))
        target = self.stack[-1]
        if isinstance(target, Table | Call):
            if target.pairs is None:
                target.pairs = pairs
            else:
                target.pairs.extend(pairs)

    def set_item(self) -> None:
        value, key = self.pop(), self.pop()
        self.update([key, value])

    def table(self) -> None:
        values = self.above_mark()
        self.push(Table())
        self.update(values)

    def buffer(self) -> None:
        self.push(Opaque("buffer", self.source.offset, 0))

    def protocol(self) -> None:
        protocol = self.source.byte()
        if protocol > LATEST_PROTOCOL:
            raise PayloadError(f"pickle protocol {protocol} is not known", self.source.offset - 1)

    def frame(self) -> None:
        """The length of what follows, which is no more than a hint to a reader of files."""
        self.source.take(8)

    def index(self) -> int:
        line = self.source.line()
        return int(line) if len(line) <= LONGEST_NUMBER else -1

    def written_number(self, convert: Callable[[bytes], Value]) -> None:
        """A number written as text."""
        offset = self.source.offset
        line = self.source.line()
        try:
            self.push(convert(line if len(line) <= LONGEST_NUMBER else b""))
        except ValueError:
            self.push(Opaque("number", offset, len(line)))


def _integer(line: bytes) -> Value:
    return line == b"01" if line in (b"00", b"01") else int(line.rstrip(b"L"), 0)


def _unquoted(line: bytes) -> str:
    """A text as Python 2 wrote it. Its escapes stay as they are: such a name is none of those that are known."""
    return line.strip()[1:-1].decode("latin-1")


_OPCODES: dict[int, Callable[[_Machine], None]] = {
    # marks and the memo
    0x28: _Machine.mark,
    0x30: _Machine.discard,
    0x31: lambda m: m.above_mark().clear(),
    0x32: lambda m: m.stack.append(m.stack[-1]),
    0x67: lambda m: m.recall(m.index()),
    0x68: lambda m: m.recall(m.source.byte()),
    0x6A: lambda m: m.recall(m.source.number(4)),
    0x70: lambda m: m.memoize(m.index()),
    0x71: lambda m: m.memoize(m.source.byte()),
    0x72: lambda m: m.memoize(m.source.number(4)),
    0x94: lambda m: m.memoize(len(m.memo)),
    # framing
    0x80: _Machine.protocol,
    0x95: _Machine.frame,
    # constants and numbers
    0x4E: lambda m: m.stack.append(None),
    0x88: lambda m: m.stack.append(True),
    0x89: lambda m: m.stack.append(False),
    0x46: lambda m: m.written_number(float),
    0x47: lambda m: m.stack.append(struct.unpack(">d", m.source.take(8))[0]),
    0x49: lambda m: m.written_number(_integer),
    0x4A: lambda m: m.stack.append(m.source.long(4)),
    0x4B: lambda m: m.stack.append(m.source.byte()),
    0x4C: lambda m: m.written_number(_integer),
    0x4D: lambda m: m.stack.append(m.source.number(2)),
    0x8A: lambda m: m.stack.append(m.source.long(m.source.byte())),
    0x8B: lambda m: m.stack.append(m.source.long(m.source.number(4))),
    # texts and bytes
    0x53: lambda m: m.stack.append(_unquoted(m.source.line())),
    0x54: lambda m: m.stack.append(m.source.text(m.source.number(4), "latin-1")),
    0x55: lambda m: m.stack.append(m.source.text(m.source.byte(), "latin-1")),
    0x56: lambda m: m.stack.append(m.source.line().decode("raw-unicode-escape", "backslashreplace")),
    0x58: lambda m: m.stack.append(m.source.text(m.source.number(4))),
    0x8C: lambda m: m.stack.append(m.source.text(m.source.byte())),
    0x8D: lambda m: m.stack.append(m.source.text(m.source.number(8))),
    0x42: lambda m: m.stack.append(m.source.passed_bytes(m.source.number(4))),
    0x43: lambda m: m.stack.append(m.source.passed_bytes(m.source.byte())),
    0x8E: lambda m: m.stack.append(m.source.passed_bytes(m.source.number(8))),
    0x96: lambda m: m.stack.append(m.source.passed_bytes(m.source.number(8))),
    0x97: _Machine.buffer,
    0x98: lambda m: m.stack.append(m.pop()),
    # tuples, lists, sets, dictionaries
    0x29: lambda m: m.stack.append(()),
    0x74: lambda m: m.push(tuple(m.above_mark())),
    0x85: lambda m: m.stack.append((m.pop(),)),
    0x86: lambda m: m.stack.append((m.pop(), m.pop())[::-1]),
    0x87: lambda m: m.stack.append((m.pop(), m.pop(), m.pop())[::-1]),
    0x5D: lambda m: m.stack.append([]),
    0x6C: lambda m: m.push(m.above_mark()),
    0x61: _Machine.append,
    0x65: lambda m: m.extend(m.above_mark()),
    0x8F: lambda m: m.stack.append([]),
    0x90: lambda m: m.extend(m.above_mark()),
    0x91: lambda m: m.push(m.above_mark()),
    0x7D: lambda m: m.stack.append(Table()),
    0x64: _Machine.table,
    0x73: _Machine.set_item,
    0x75: lambda m: m.update(m.above_mark()),
    # imports, calls, and objects kept elsewhere
    0x63: lambda m: m.stack.append(m.import_named()),
    0x93: _Machine.stack_global,
    0x82: lambda m: m.registered(1),
    0x83: lambda m: m.registered(2),
    0x84: lambda m: m.registered(4),
    0x52: _Machine.call,
    0x81: _Machine.call,
    0x92: _Machine.call_with_keywords,
    0x69: _Machine.call_named,
    0x6F: _Machine.call_marked,
    0x62: _Machine.build,
    0x50: lambda m: m.outside(m.source.line().decode("utf-8", "backslashreplace")),
    0x51: lambda m: m.outside(m.pop()),
}
"""What each opcode but STOP does. Whatever goes back to a mark pushes after that: the stack is another one then."""
