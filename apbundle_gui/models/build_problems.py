"""What stands in the way of a build: each problem with the row it is at and, where there is one, a fix of one click."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final

from apbundle.fileio import NotRegularFile
from apbundle.format.layout import MAX_NAME
from apbundle.names import has_control_characters, safe_file_name
from apbundle.text import is_hazardous
from apbundle_gui.models import text as words
from apbundle_gui.models.build_draft import EXTENSION, Row
from apbundle_gui.models.build_rows import FreshNames, suggested_name
from apbundle_gui.services.looking import Source, SourceFacts
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.sources import OutputFacts

LONG_NAME: Final = 255
"""Bytes of a name above which file systems cannot hold it as a file name."""


class Remedy(StrEnum):
    """What a fix does."""

    RENAME = "rename"
    REMOVE = "remove"
    LOCATE = "locate"
    ACCEPT = "accept"
    LOOK = "look"
    OUTPUT = "output"
    CHOOSE = "choose"
    DROP = "drop"
    STORE = "store"

    @property
    def asks(self) -> bool:
        """Whether the user has to choose something first."""
        return self in (Remedy.LOCATE, Remedy.CHOOSE)

    @property
    def is_choice(self) -> bool:
        """Whether it is a matter of taste: never done together with others."""
        return self in (Remedy.DROP, Remedy.STORE)


@dataclass(frozen=True, slots=True)
class Fix:
    """One click: what its button says, what it does, and with what (a name, a path)."""

    label: str
    remedy: Remedy
    value: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in a few words and in a sentence. One that is not ``blocking`` is only a warning."""

    title: str
    detail: str
    fix: Fix | None = None
    blocking: bool = True

    @property
    def tone(self) -> str:
        """The value of the tone it is shown in."""
        return "danger" if self.blocking else "warning"


@dataclass(frozen=True, slots=True)
class Problems:
    """All that is wrong with a draft: by row id, and with its output."""

    rows: Mapping[int, Problem] = field(default_factory=dict)
    output: Problem | None = None

    @property
    def blocking(self) -> int:
        """How many of them keep the draft from being built."""
        own = self.output is not None and self.output.blocking
        return own + sum(problem.blocking for problem in self.rows.values())

    @property
    def warnings(self) -> int:
        """How many of them do not."""
        return len(self.rows) + (self.output is not None) - self.blocking


def find_problems(
    rows: Sequence[Row],
    facts: Mapping[Source, SourceFacts],
    output: OutputFacts | None,
    changed: Set[Source],
    *,
    twins: Mapping[Source, Hashable] | None = None,
    needed: int | None = None,
    plain: bool = False,
    pace: Pace | None = None,
) -> Problems:
    """What is wrong with these rows and where they go; of each row only the worst. Disabled rows are left alone.

    Parameters
    ----------
    facts
        What is known of the sources. One that was not looked at yet has no problem.
    changed
        The sources that are not what they were when they were added.
    twins
        Something equal for sources of equal content, for those that have an equal.
    needed
        Bytes of the file to be, when they are known.
    plain
        Nothing is compressed.
    pace
        Stepped for every row: for thousands a job does this.
    """
    taken = Counter([row.name for row in rows if row.enabled])
    troubled = {source for source, known in facts.items() if known.error is not None}
    hit = _sources_of(facts, output)
    fresh: FreshNames | None = None
    first: dict[str, int] = {}
    twin_of: dict[Hashable, tuple[int, str]] = {}
    found: dict[int, Problem] = {}
    for number, row in enumerate(rows, 1):
        if pace is not None:
            pace.step()
        if not row.enabled:
            continue
        name, source = row.name, row.source
        problem = None
        if source in hit and output is not None:
            problem = _overwritten(output)
        elif source in troubled:
            problem = _source_problem(row.path, facts[source])
        if problem is None:
            if not name or (taken[name] > 1 and first.setdefault(name, number) != number):
                fresh = FreshNames(taken) if fresh is None else fresh
                problem = _taken_name(row, first.get(name, number), fresh)
            else:
                problem = _name_problem(name)
        if problem is None and source in changed:
            problem = _CHANGED
        if problem is None and twins and (content := twins.get(source)) is not None:
            earlier = twin_of.setdefault(content, (number, name))
            problem = _twin(*earlier) if earlier[0] != number else None
        if problem is None and row.compress and not plain:
            problem = _COMPRESSED
        if problem is not None:
            found[row.id] = problem
    return Problems(found, None if output is None else _output_problem(output, needed))


def _sources_of(facts: Mapping[Source, SourceFacts], output: OutputFacts | None) -> Set[Source]:
    """The sources that are what is at the output, under whatever name."""
    there = None if output is None else output.facts.file
    return frozenset() if there is None else {source for source, known in facts.items() if known.file == there}


_CHANGED: Final = Problem(
    "Changed on disk",
    "The file is not the one that was added any more. It will be packed as it is now.",
    Fix("Keep as it is now", Remedy.ACCEPT),
    blocking=False,
)


_COMPRESSED: Final = Problem(
    "Not for original readers",
    "It is stored compressed: this library reads it, an original reader of the format cannot use it.",
    Fix("Store raw", Remedy.STORE),
    blocking=False,
)


def _twin(number: int, name: str) -> Problem:
    detail = (
        f"The same bytes as “{words.safe(name, 60)}” in row {number:,}. The format has no aliases: "
        "they would be stored twice."
    )
    return Problem(f"Same content as row {number:,}", detail, Fix("Drop it", Remedy.DROP), blocking=False)


def _overwritten(output: OutputFacts) -> Problem:
    other = f"{os.path.splitext(output.path)[0]}-bundle{EXTENSION}"
    detail = "The bundle would be written over this very file."
    return Problem("Is the output", detail, Fix("Change it", Remedy.OUTPUT, other))


def _source_problem(path: str, facts: SourceFacts) -> Problem | None:
    match facts.error:
        case None:
            return None
        case FileNotFoundError():
            return Problem("Missing", "The file is not there any more.", Fix("Locate…", Remedy.LOCATE))
        case NotRegularFile():
            detail = "Only regular files become models, not folders, pipes or devices."
            return Problem("Not a regular file", detail, Fix("Remove", Remedy.REMOVE))
        case IsADirectoryError():
            return Problem("A folder", "Only files become models.", Fix("Remove", Remedy.REMOVE))
        case error:
            return Problem("Cannot be read", words.error_text(error, path).line, Fix("Look again", Remedy.LOOK))


def _taken_name(row: Row, earlier: int, fresh: FreshNames) -> Problem:
    wanted = row.name or suggested_name(row.source) or "model"
    name = fresh.take(wanted)
    fix = _rename(name)
    if not row.name:
        return Problem("No name", "Every model needs a name.", fix)
    return Problem(f"Same name as row {earlier:,}", "Every model of a bundle has a name of its own.", fix)


@lru_cache(maxsize=65_536)
def _name_problem(name: str) -> Problem | None:
    """What is wrong with a name by itself."""
    try:
        length = len(name) if name.isascii() else len(name.encode())
    except UnicodeEncodeError:
        clean = name.encode("utf-8", "replace").decode()
        return Problem("Not valid text", "The name is not Unicode.", Fix("Repair", Remedy.RENAME, clean))
    if length > MAX_NAME:
        short = name[: LONG_NAME // 4]
        return Problem("Too long", f"A name has at most {MAX_NAME:,} bytes.", Fix("Shorten", Remedy.RENAME, short))
    if has_control_characters(name):
        clean = "".join(c for c in name if not is_hazardous(c)) or "model"
        detail = "The name holds characters that cannot be seen or that steer the display."
        return Problem("Invisible characters", detail, Fix("Take them out", Remedy.RENAME, clean), blocking=False)
    if _is_path_out(name):
        clean = safe_file_name(name)
        detail = "It reads like a path to somewhere else; this library extracts it safely, others may not."
        return Problem("Unsafe as a file name", detail, _rename(clean), blocking=False)
    if length > LONG_NAME:
        detail = f"File systems take names of up to {LONG_NAME} bytes; it would be extracted under a shorter one."
        return Problem("Long name", detail, None, blocking=False)
    return None


def _is_path_out(name: str) -> bool:
    """Whether a program that takes a name for a path would leave its folder."""
    return name[:1] in "/\\" or name[1:2] == ":" or not {".", ".."}.isdisjoint(name.replace("\\", "/").split("/"))


def _rename(name: str) -> Fix:
    return Fix(f"Rename to {words.safe(name, 40)}", Remedy.RENAME, name)


def _output_problem(output: OutputFacts, needed: int | None) -> Problem | None:
    choose = Fix("Choose another…", Remedy.CHOOSE)
    if not output.folder:
        return Problem("No such folder", "The folder of the output does not exist.", choose)
    if not output.writable:
        return Problem("Folder not writable", "You may not write to the folder of the output.", choose)
    match output.facts.error:
        case NotRegularFile() | IsADirectoryError() if output.exists:
            return Problem("Not a file", "At the output is something that is not a regular file.", choose)
    if needed is not None and output.free is not None and needed > output.free:
        detail = (
            f"The bundle takes {words.size(needed)}, and {words.size(output.free)} are free there: "
            f"{words.size(needed - output.free)} too little."
        )
        return Problem("Not enough space", detail, choose)
    return None
