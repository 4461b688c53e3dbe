"""Which limit was in force: the one home of that, for everything that tells of a recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from apbundle.text import format_size
from apbundle.trace.decoding import EventArray
from apbundle.trace.records import Kind, RecordingHeader


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits, in bytes, that were in force one after the other; ``None`` where the recording does not tell.

    Parameters
    ----------
    first, last
        In time.
    least, most
        In size.
    changes
        How often another one came into force.
    """

    first: int | None = None
    last: int | None = None
    least: int | None = None
    most: int | None = None
    changes: int = 0

    @classmethod
    def of(cls, limit: int | None) -> Self:
        """One limit."""
        return cls(limit, limit, limit, limit)

    @classmethod
    def at_start(cls, header: RecordingHeader, start: int = 0) -> Self:
        """Those before event ``start``, from where events are read: what was in force in the middle is not known."""
        return cls() if start else cls.of(header.limit)

    def after(self, events: EventArray) -> Limits:
        """With those that came into force in ``events``, which come next."""
        found = self
        for limit in events["bytes"][events["kind"] == Kind.RESIZE].tolist():
            if found.last is None or found.least is None or found.most is None:
                found = replace(Limits.of(limit), first=found.first, changes=found.changes + 1)
            elif limit != found.last:
                least, most = min(found.least, limit), max(found.most, limit)
                found = replace(found, last=limit, least=least, most=most, changes=found.changes + 1)
        return found

    @property
    def only(self) -> int | None:
        """The limit, if there was but one all along."""
        return None if self.changes else self.last

    def words(self) -> str:
        """Those limits, for a sentence; empty if none is known."""
        if self.last is None or self.least is None or self.most is None:
            return ""
        if not self.changes:
            return format_size(self.last)
        if self.least == self.most:
            return f"{format_size(self.last)} at last"
        return f"limits from {format_size(self.least)} to {format_size(self.most)}, at last {format_size(self.last)}"

    def marks(self) -> dict[int, str]:
        """What is to be said of single limits: of the only one, or of the first, the last and the extremes."""
        if self.only is not None:
            return {self.only: "as recorded"}
        said = (
            (self.first, "as recorded at first"),
            (self.last, "as recorded at last"),
            (self.least, "the lowest recorded"),
            (self.most, "the highest recorded"),
        )
        marks: dict[int, str] = {}
        for limit, word in said:
            if limit is not None:
                marks.setdefault(limit, word)
        return marks


UNKNOWN: Final = Limits()
"""What is known where nothing tells."""
