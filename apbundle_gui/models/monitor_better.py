"""What would be better, in words and as a table: limits on the curve, and policies on the same accesses. No widgets."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QObject, Qt

from apbundle.trace.compare import ComparedOutcome, Comparison
from apbundle.trace.policies import BELADY
from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import AnyIndex, Role
from apbundle_gui.models.plain_table import PlainTable
from apbundle_gui.services.analysis import CurveFound

NO_ACCESSES: Final = "Nothing was accessed: there is nothing to work out."


def in_force(found: CurveFound) -> str:
    """What the recorded limits come to, by the order of accesses alone."""
    limit = found.in_force.only
    if limit is None:
        said = found.in_force.words()
        return f"Recorded under {said}." if said else ""
    rate = found.hit_rate(limit)
    if rate is None:
        return f"The limit was {words.size(limit)}, less than the largest unit: the curve begins above it."
    return f"Under the limit of {words.size(limit)}, LRU has {words.percent(rate)} hits."


def knee(found: CurveFound) -> str:
    """Where more memory begins to gain little."""
    rate = found.hit_rate(found.knee)
    if rate is None:
        return ""
    return f"Above {words.size(found.knee)} ({words.percent(rate)}) more memory gains little: that is the knee."


def needed(found: CurveFound, percent: int) -> str:
    """Which limit a hit rate takes."""
    limit = found.needed[percent]
    if limit is None:
        best = found.hit_rate(found.working_set) or 0.0
        return f"No limit reaches {percent} %: with all in memory it is {words.percent(best)}, as first accesses miss."
    now = found.in_force.only
    if now is None:
        return f"{percent} % takes {words.size(limit)}."
    if limit <= now:
        return f"{percent} % takes {words.size(limit)}: there is that much."
    return f"{percent} % takes {words.size(limit)}, {words.size(limit - now)} more."


def curve_sentences(found: CurveFound, percent: int) -> str:
    """All of the curve that matters, in words."""
    if not found.accesses:
        return NO_ACCESSES
    return " ".join(filter(None, (in_force(found), needed(found, percent), knee(found))))


class Column(IntEnum):
    """The columns of the table."""

    LIMIT = 0
    POLICY = 1
    HIT_RATE = 2
    BYTE_HIT_RATE = 3
    LOADED = 4
    EVICTIONS = 5


_HEADINGS: Final = ("Limit", "Policy", "Hit rate", "By bytes", "Loaded", "Evictions")


class PolicyTable(PlainTable[ComparedOutcome]):
    """Policies under limits, as they were compared."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(_HEADINGS, parent)
        self._recorded = ""
        self._limits: tuple[int, ...] = ()

    def show_comparison(self, found: Comparison, policy: str, limits: tuple[int, ...]) -> None:
        """Show the rows; ``policy`` and ``limits`` (bytes) were in force, and these limits come first."""
        self._recorded, self._limits = policy, limits
        self.show_records(sorted(found.rows, key=lambda row: row.outcome.limit not in limits))

    def clear(self) -> None:
        """Show nothing."""
        self.show_records(())

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self.record(index.row())
        if role == Role.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if index.column() == Column.POLICY else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Role.DisplayRole:
            return self._text(row, index.column())
        return words.tooltip(self._tip(row, index.column())) if role == Role.ToolTipRole else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if role == Role.TextAlignmentRole and orientation == Qt.Orientation.Horizontal:
            side = Qt.AlignmentFlag.AlignLeft if section == Column.POLICY else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return super().headerData(section, orientation, role)

    def _text(self, row: ComparedOutcome, column: int) -> str:
        outcome = row.outcome
        match column:
            case Column.LIMIT:
                return words.size(outcome.limit)
            case Column.POLICY:
                return f"{row.facts.title}{self._remark(row)}"
            case Column.HIT_RATE:
                return words.percent(outcome.hit_rate)
            case Column.BYTE_HIT_RATE:
                return words.percent(outcome.byte_hit_rate)
            case Column.LOADED:
                return words.size(outcome.miss_bytes)
        return words.count(outcome.evictions)

    def _remark(self, row: ComparedOutcome) -> str:
        remarks = []
        if row.facts.name == self._recorded and row.outcome.limit in self._limits:
            remarks.append("recorded")
        if row.is_best:
            remarks.append("best")
        if row.facts.name == BELADY:
            remarks.append("bound" if row.is_bound else "no bound")
        return f"  ({', '.join(remarks)})" if remarks else ""

    def _tip(self, row: ComparedOutcome, column: int) -> str:
        outcome = row.outcome
        match column:
            case Column.LIMIT:
                return words.exact_size(outcome.limit)
            case Column.HIT_RATE:
                return f"{words.count(outcome.hits)} of {words.count(outcome.accesses, 'access', 'accesses')}"
            case Column.BYTE_HIT_RATE | Column.LOADED:
                return f"{words.exact_size(outcome.miss_bytes)} loaded"
        return explanation(row)


def explanation(row: ComparedOutcome) -> str:
    """What a policy is good for and bad at, and what is to be known of this row."""
    said = [f"{row.facts.title}: {row.facts.summary}"]
    if row.facts.name == BELADY:
        said.append(
            "No policy can have more hits."
            if row.is_bound
            else "The units differ in size, so that it is no bound: another order may have more hits."
        )
    if row.refused_units:
        said.append(f"{words.count(row.refused_units, 'unit is', 'units are')} too large for it to keep.")
    return " ".join(said)


def policy_sentences(found: Comparison, policy: str, limit: int | None) -> str:
    """What another policy would gain under a limit, in words."""
    rows = [row for row in found.rows if limit is None or row.outcome.limit == limit]
    if not found.accesses or not rows:
        return NO_ACCESSES
    best = next(row for row in rows if row.is_best)
    ours = next((row for row in rows if row.facts.name == policy and row.outcome.limit == best.outcome.limit), None)
    what = f"Under {words.size(best.outcome.limit)}, {best.facts.title} has most hits: "
    what += words.percent(best.outcome.hit_rate)
    if ours is None or ours.facts.name == best.facts.name:
        return f"{what}."
    return f"{what}; {ours.facts.title}, which was recorded, has {words.percent(ours.outcome.hit_rate)}."
