"""The query of the table of tensors: ``name~attn dtype:f16 shape:[*,768] size>1M``.

A query is a row of terms, all of which have to hold. A term is a field, a sign and a value; a value alone is looked for
in the name; a minus before a term means that it must not hold. Values with spaces stand in double quotes. Several
values with commas between mean any of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from apbundle.text import parse_size

Range = tuple[int, int]
"""Of numbers: the least and the most that match, both inclusive."""
MOST: Final = 2**63 - 1


class Field(StrEnum):
    """What a term can ask about; the values are what one types."""

    NAME = "name"
    MODEL = "model"
    DTYPE = "dtype"
    SHAPE = "shape"
    RANK = "rank"
    PARAMS = "params"
    SIZE = "size"


TEXTS: Final = frozenset({Field.NAME, Field.MODEL, Field.DTYPE})
NUMBERS: Final = frozenset({Field.RANK, Field.PARAMS, Field.SIZE})
MEANINGS: Final = {
    Field.NAME: "name~attn contains, name:*.weight as a whole with * for anything",
    Field.MODEL: "model~encoder, model:encoder",
    Field.DTYPE: "dtype:f16 or dtype:f16,bf16",
    Field.SHAPE: "shape:[*,768] with * for any number and … for any more",
    Field.RANK: "rank:2, rank>=3: the number of dimensions",
    Field.PARAMS: "params>1M: the number of elements",
    Field.SIZE: "size>1MiB: bytes in the file",
}
"""What a term of each field looks like, in a few words."""

_TERM: Final = re.compile(
    r"""(?P<not>-?)(?:(?P<field>[A-Za-z]+)(?P<sign>[~:=]|<=|>=|<|>|!=))?(?P<value>(?:"[^"]*"|\[[^\]]*\]|[^\s"\[])*)"""
)
_COUNT: Final = re.compile(r"(\d+(?:\.\d+)?)([kmgtKMGT]?)")
_DIGITS: Final = 20
_POWERS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


class QueryError(ValueError):
    """A query that cannot be understood.

    Parameters
    ----------
    message
        What is wrong, one sentence.
    start, end
        Where in the query: the first character of it and the one after the last.
    """

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text to be matched, in any case: a part of the whole, or the whole with ``*`` for anything."""

    text: str
    part: bool

    def matches(self, text: str) -> bool:
        """Whether ``text``, in lower case, is one of these."""
        if self.part:
            return self.text in text
        if "*" not in self.text:
            return self.text == text
        pieces = self.text.split("*")
        return re.fullmatch(".*".join(map(re.escape, pieces)), text, re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class Dims:
    """A shape to be matched: ``None`` stands for any one number, and with ``more`` others may follow or go before.

    Parameters
    ----------
    head, tail
        The first and the last dimensions.
    more
        Whether any number of others may stand between.
    """

    head: tuple[int | None, ...]
    tail: tuple[int | None, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: that any of the values matches, or with ``negated`` that none does."""

    field: Field
    values: tuple[Pattern, ...] | tuple[Range, ...] | tuple[Dims, ...]
    negated: bool = False


def parse(query: str) -> tuple[Term, ...]:
    """The terms of a query; none for an empty one.

    Raises
    ------
    QueryError
        It cannot be understood; says where.
    """
    terms: list[Term] = []
    place = 0
    while True:
        while place < len(query) and query[place].isspace():
            place += 1
        if place == len(query):
            return tuple(terms)
        found = _TERM.match(query, place)
        assert found is not None  # every part of it may be empty
        if found.end() == place or (found.end() < len(query) and not query[found.end()].isspace()):
            rest = query[found.end() : found.end() + 1]
            closing = {'"': 'A closing " is missing.', "[": "A closing ] is missing."}.get(rest)
            raise QueryError(closing or f"“{rest}” is not expected here.", found.end(), len(query))
        terms.append(_term(found))
        place = found.end()


def _term(found: re.Match[str]) -> Term:
    word, sign, value = found["field"], found["sign"], found["value"]
    negated = bool(found["not"])
    if word is None:
        if not value:
            raise QueryError("A minus needs a term after it.", found.start(), found.end())
        return Term(Field.NAME, tuple(Pattern(text, True) for text in _texts(value)), negated)
    try:
        field = Field(word.lower())
    except ValueError:
        known = ", ".join(Field)
        raise QueryError(
            f"There is no field “{word}”. Known are {known}.", found.start("field"), found.end("field")
        ) from None
    if not value:
        raise QueryError(f"A value is missing: {MEANINGS[field]}.", found.start(), found.end())
    if sign == "!=":
        sign, negated = "=", not negated
    span = found.start("value"), found.end("value")
    if field in TEXTS:
        if sign not in "~:=":
            raise QueryError(f"“{word}” is text: use ~, : or =.", found.start("sign"), found.end("sign"))
        return Term(field, tuple(Pattern(text, sign == "~") for text in _texts(value)), negated)
    if field is Field.SHAPE:
        if sign not in ":=":
            raise QueryError("A shape is compared with : as in shape:[*,768].", found.start("sign"), found.end("sign"))
        return Term(field, (_dims(value, *span),), negated)
    return Term(field, tuple(_range(field, sign, part, *span) for part in value.split(",")), negated)


def _texts(value: str) -> list[str]:
    parts = re.findall(r'(?:"[^"]*"|[^,"])+', value)
    return [part.replace('"', "").casefold() for part in parts] or [""]


def _dims(value: str, start: int, end: int) -> Dims:
    text = value.strip("[]()").replace("×", ",").replace("x", ",")
    groups: list[list[int | None]] = [[]]
    for part in filter(None, (part.strip() for part in text.split(","))):
        if part in ("…", "..."):
            groups.append([])
        elif part == "*":
            groups[-1].append(None)
        elif part.isdecimal() and len(part) < _DIGITS:
            groups[-1].append(int(part))
        else:
            raise QueryError(f"“{part}” is no dimension: numbers, * or … with commas between.", start, end)
    if len(groups) > 2:
        raise QueryError("… can stand in a shape only once.", start, end)
    return Dims(tuple(groups[0]), tuple(groups[-1]) if len(groups) == 2 else (), len(groups) == 2)


def _range(field: Field, sign: str, text: str, start: int, end: int) -> Range:
    """The numbers that ``sign`` and ``text`` allow; ``low..high`` stands for both and all between them."""
    if sign == "~":
        raise QueryError(f"“{field}” is a number: use :, <, <=, > or >=.", start, end)
    low, dots, high = text.partition("..")
    if dots and sign in ":=":
        return _number(field, low, start, end) if low else 0, _number(field, high, start, end) if high else MOST
    number = _number(field, text, start, end)
    return {
        "<": (0, number - 1),
        "<=": (0, number),
        ">": (number + 1, MOST),
        ">=": (number, MOST),
    }.get(sign, (number, number))


def _number(field: Field, text: str, start: int, end: int) -> int:
    if field is Field.SIZE:
        try:
            return min(parse_size(text), MOST)
        except (ValueError, OverflowError):
            raise QueryError(f"“{text}” is no size: write 4096, 1.5MiB or 2GB.", start, end) from None
    found = _COUNT.fullmatch(text)
    if found is None or len(text) > _DIGITS:
        raise QueryError(f"“{text}” is no number: write 768, 12k or 1.5M.", start, end)
    return min(round(float(found[1]) * _POWERS[found[2].lower()]), MOST)
