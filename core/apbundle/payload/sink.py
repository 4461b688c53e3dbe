"""Where the readers of all formats put what they find, within bounds that no payload can move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apbundle.payload.table import TensorTable
from apbundle.payload.tensors import MAX_RANK, MAX_TENSORS, BlockType, Order, PayloadError, PayloadFinding
from apbundle.progress import Reporter
from apbundle.text import printable

LONGEST_TEXT = 1 << 18
"""Longest text of metadata that is kept whole, in characters."""

LONGEST_KEY = 1024
"""Longest key of metadata, in characters."""

_FOLDED_TEXT = 1024  # characters kept of a longer text
_MOST_TEXT = 1 << 26  # characters of all texts together
_MOST_PAIRS = 100_000
_MOST_FINDINGS = 1000
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Folded:
    """A value of metadata too long to be kept: what it is, where it lies, and how it begins."""

    kind: str
    """``"text"``, or the type of the elements of a list."""
    count: int
    """Characters or elements."""
    first: tuple[Value, ...]
    """The first elements; of a text, its beginning."""
    offset: int | None = None
    """First byte of the value as the payload stores it; None where it has no place of its own."""
    size: int | None = None
    """Bytes there."""


Value = str | int | float | bool | Folded | None
"""What metadata may be."""


class Sink:
    """Collects what a payload lists.

    Parameters
    ----------
    tensors
        The table that gets the tensors; others may read it meanwhile.
    reporter
        Told of progress, and asked whether to stop.
    """

    def __init__(self, tensors: TensorTable, reporter: Reporter) -> None:
        self.tensors = tensors
        self.reporter = reporter
        self.facts: list[tuple[str, Value]] = []
        self.pairs: list[tuple[str, Value]] = []
        self.findings: list[PayloadFinding] = []
        self._count = 0
        self._text = 0
        self._full = False

    def tensor(
        self,
        name: str,
        dtype: str,
        shape: Sequence[int],
        offset: int,
        size: int,
        *,
        block: BlockType | None = None,
        order: Order = "C",
        strides: tuple[int, ...] | None = None,
        encoding: str = "",
        skip: int = 0,
    ) -> None:
        """Add a tensor, as the fields of :class:`~apbundle.payload.tensors.TensorInfo`.

        Raises
        ------
        PayloadError
            When the payload lists too many tensors, or one with dimensions or a place that nothing can have.
        """
        if self._count >= MAX_TENSORS:
            raise PayloadError(f"the payload lists more than {MAX_TENSORS:,} tensors", offset)
        if len(shape) > MAX_RANK:
            raise PayloadError(f"tensor {name!r} has {len(shape)} dimensions; at most {MAX_RANK} are accepted")
        sound = min(shape, default=0) >= 0 and max(shape, default=0) <= _MOST
        if not sound or not 0 <= offset <= offset + size <= _MOST:
            raise PayloadError(f"tensor {name!r} is larger, or lies farther, than 63 bits can count")
        self._count += 1
        if self.tensors.add(
            name, dtype, shape, offset, size, block=block, order=order, strides=strides, encoding=encoding, skip=skip
        ):
            self.reporter.check()

    def metadata(self, key: str, value: Value, offset: int | None = None) -> None:
        """Add a pair of the payload's metadata. A long text is folded; ``offset`` is where it lies."""
        if self._full:
            return
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            value = Folded("text", len(value), (value[:_FOLDED_TEXT],), offset)
        self._text += len(key) + (len(value) if isinstance(value, str) else 0)
        if len(self.pairs) >= _MOST_PAIRS or self._text > _MOST_TEXT:
            self._full = True
            self.finding(f"the payload has more metadata than is kept, which is {len(self.pairs):,} entries", offset)
            return
        self.pairs.append((printable(key, LONGEST_KEY), value))

    def fact(self, name: str, value: Value) -> None:
        """Add something the payload's own header says."""
        self.facts.append((name, value))

    def finding(self, message: str, offset: int | None = None) -> None:
        """Add something worth saying: one sentence without a full stop, made printable and cut as an error's is."""
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(PayloadFinding(PayloadError(message).message, offset))

    def fail(self, error: PayloadError) -> None:
        """Add what ended the reading, whatever was found before."""
        self.findings.append(PayloadFinding(error.message, error.offset))
