"""What a walked pickle consists of: inert records that stand for the objects it would make.

Numbers, texts, ``None``, tuples and lists stand for themselves; a set is the list of its items. What these hold is of
the same kinds. Hostile pickles make them cyclic, endlessly nested or shared a billion times over: never compare, hash
or print one, and walk them with a bound and with a set of what was visited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = object
"""A number, text, ``None``, tuple, list or one of the records below."""


@dataclass(frozen=True, slots=True, eq=False)
class Global:
    """A class or function that would have been imported."""

    module: str
    name: str

    @property
    def label(self) -> str:
        """Module and name as in a program: ``collections.OrderedDict``."""
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Table:
    """A dictionary: its pairs in the order in which they were set, None while there are none."""

    pairs: list[tuple[Value, Value]] | None = None


@dataclass(slots=True, eq=False)
class Call:
    """The object that a call of ``function`` would have made, and what would have been put into it afterwards."""

    function: Value
    arguments: Value
    state: Value = None
    values: list[Value] | None = None
    pairs: list[tuple[Value, Value]] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Persistent:
    """An object kept outside the pickle, by the key under which it would be asked for."""

    key: Value


@dataclass(frozen=True, slots=True, eq=False)
class Opaque:
    """A value that is left where it is: bytes, and what is too large to be of use here."""

    kind: str
    """``"text"``, ``"bytes"``, ``"number"`` or ``"buffer"``."""
    offset: int
    """First byte, in the data that was walked."""
    size: int
    """Bytes there."""
