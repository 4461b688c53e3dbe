"""What may stand at the cursor of a query of the table of tensors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from apbundle_gui.models.tensor_query import MEANINGS, Field
from apbundle_gui.services.inspection import Inspection

MOST: Final = 50
"""How many ways to go on are offered at most."""
MODELS_SEEN: Final = 10_000
GROUPS_SEEN: Final = 1000
SHAPES_SEEN: Final = 200
SHAPES_OFFERED: Final = 12
"""How much of a bundle is looked at to see what occurs in it: one types meanwhile."""
_SIGNS: Final = {Field.NAME: "~", Field.SIZE: ">", Field.PARAMS: ">"}
_TERM: Final = re.compile(r'(-?)(?:([A-Za-z]+)(!=|<=|>=|[~:=<>]))?((?:"[^"]*"?|\[[^\]]*\]?|[^\s"\[])*)$')
_ROUND: Final = {
    Field.SIZE: ("4KiB", "64KiB", "1MiB", "16MiB", "256MiB"),
    Field.PARAMS: ("1k", "100k", "1M", "10M", "100M"),
}


@dataclass(frozen=True, slots=True)
class Occurring:
    """What occurs in a bundle, most frequent first: element types, shapes, and names of models."""

    dtypes: Sequence[str] = ()
    shapes: Sequence[tuple[int, ...]] = ()
    models: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """One way to go on.

    Parameters
    ----------
    text
        What stands at the place then.
    meaning
        What that means, in a few words.
    whole
        Whether the term ends with it.
    """

    text: str
    meaning: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Completions:
    """The ways to go on, and which part of the query they take the place of: ``start`` to ``end``, exclusive."""

    start: int
    end: int
    choices: tuple[Completion, ...]

    def applied(self, query: str, choice: Completion) -> tuple[str, int]:
        """The query with a choice in it, and where the cursor stands then."""
        rest = query[self.end :]
        gap = " " if choice.whole and not rest.startswith(" ") else ""
        text = query[: self.start] + choice.text + gap + rest
        return text, self.start + len(choice.text) + (1 if choice.whole else 0)


def occurring(inspection: Inspection) -> Occurring:
    """What occurs in a bundle, as far as that is known by now and among the first of very many."""
    dtypes: Counter[str] = Counter()
    shapes: Counter[tuple[int, ...]] = Counter()
    for group in islice(inspection.contents.groups, GROUPS_SEEN):
        numbers = np.bincount(group.table.kind_numbers, minlength=len(group.table.kinds)).tolist()
        for kind, number in zip(group.table.kinds, numbers, strict=False):
            dtypes[kind.dtype] += number
    known = inspection.contents.count
    for row in range(0, known, max(1, known // SHAPES_SEEN)):
        shapes[inspection.contents.info(row).shape] += 1
    return Occurring(
        tuple(dict(dtypes.most_common())),
        tuple(dict(shapes.most_common(SHAPES_OFFERED))),
        inspection.names[:MODELS_SEEN],
    )


def completions(query: str, cursor: int, occurring: Occurring) -> Completions:
    """What may stand at ``cursor``: fields before there is a sign, values behind it."""
    found = _TERM.search(query[:cursor])
    if found is None or (found.start() > 0 and not query[found.start() - 1].isspace()):
        return Completions(cursor, cursor, ())
    word, sign, typed = found[2], found[3], found[4]
    if word is None:
        start = found.start(4)
        fields = [_of_field(field) for field in Field if field.startswith(typed.lower())]
        return Completions(start, cursor, tuple(fields))
    try:
        field = Field(word.lower())
    except ValueError:
        return Completions(cursor, cursor, ())
    start = found.start(4)
    if field is Field.DTYPE:
        start += typed.rfind(",") + 1  # several types may be given
    typed = query[start:cursor]
    wanted = typed.strip('"').casefold()
    values = _values(field, sign, occurring)
    matching = (choice for choice in values if choice.text.strip('"').casefold().startswith(wanted))
    choices = tuple(islice(matching, MOST))
    if [choice.text for choice in choices] == [typed]:
        choices = ()  # it is there already
    return Completions(start, cursor, choices)


def _of_field(field: Field) -> Completion:
    return Completion(f"{field}{_SIGNS.get(field, ':')}", MEANINGS[field], False)


def _values(field: Field, sign: str, occurring: Occurring) -> Iterator[Completion]:
    match field:
        case Field.DTYPE:
            for dtype in filter(_is_word, occurring.dtypes):
                yield Completion(dtype.lower(), "occurs here", True)
        case Field.MODEL:
            for name in filter(_is_writable, occurring.models):
                yield Completion(_quoted(name), "a model of this bundle", True)
        case Field.SHAPE:
            yield Completion("[*,*]", "any matrix", True)
            yield Completion("[]", "scalars", True)
            for shape in filter(None, occurring.shapes):
                yield Completion(f"[{','.join(map(str, shape))}]", "occurs here", True)
        case Field.RANK:
            for rank in sorted({len(shape) for shape in occurring.shapes}):
                yield Completion(str(rank), "dimensions", True)
        case Field.SIZE | Field.PARAMS:
            unit = "elements" if field is Field.PARAMS else "bytes in the file"
            than = {">": "more", "<": "fewer", ">=": "as many or more", "<=": "as many or fewer"}.get(sign, "as many")
            for text in _ROUND[field]:
                yield Completion(text, f"{than} {unit}", True)


def _is_word(text: str) -> bool:
    return text.isprintable() and not any(character in text for character in '," *')


def _is_writable(name: str) -> bool:
    return bool(name) and name.isprintable() and not any(character in name for character in '"*')


def _quoted(name: str) -> str:
    return f'"{name}"' if any(character.isspace() or character in ",[" for character in name) else name
