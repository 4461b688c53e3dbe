"""Copying models into the data part: in order, in large aligned pieces, digesting each piece on its way."""

from __future__ import annotations

from collections.abc import Sequence

from apbundle.fileio import PIECE, OutputFile
from apbundle.format.model import DIGEST_ALGORITHMS, DigestTable, Hasher
from apbundle.format.plan import Plan
from apbundle.format.scratch import scratch_memory
from apbundle.format.sources import ModelSource, NewModel, opened
from apbundle.progress import Reporter


class _PieceWriter:
    """Output in order, in pieces that begin and end at multiples of 4 MiB of the file."""

    def __init__(self, out: OutputFile, at: int, buffer: memoryview, reporter: Reporter) -> None:
        self._out, self._buffer, self._reporter = out, buffer, reporter
        self._flushed = at
        self.at = at

    def room(self, wanted: int) -> memoryview:
        """Part of the buffer to be filled next, at most ``wanted`` bytes."""
        used = self.at - self._flushed
        return self._buffer[used : used + min(wanted, self._piece_end() - self.at)]

    def _piece_end(self) -> int:
        return (self._flushed // PIECE + 1) * PIECE

    def commit(self, size: int) -> None:
        """Count ``size`` bytes of the room as filled."""
        self.at += size
        if self.at == self._piece_end():
            self.flush()

    def zeros_to(self, end: int) -> None:
        """Fill up to ``end``, exclusive, with zeros."""
        while self.at < end:
            room = self.room(end - self.at)
            room[:] = bytes(len(room))
            self.commit(len(room))

    def flush(self) -> None:
        """Write what is filled."""
        size = self.at - self._flushed
        if size:
            self._out.write_at(self._flushed, self._buffer[:size])
            self._flushed = self.at
            self._reporter.advance(size)


def copy_models(
    out: OutputFile, models: Sequence[NewModel], plan: Plan, digest: str | None, reporter: Reporter
) -> DigestTable | None:
    """Write ``models`` and the zeros between them to ``out`` as planned; their digests, if ``digest`` names a kind."""
    algorithm = None if digest is None else DIGEST_ALGORITHMS[digest]
    digests = bytearray()
    with scratch_memory(PIECE) as buffer:
        pieces = _PieceWriter(out, plan.data_offset, buffer, reporter)
        for model, offset in zip(models, plan.offsets, strict=True):
            pieces.zeros_to(plan.data_offset + offset)
            hasher = algorithm.hasher() if algorithm else None
            with opened(model.source) as source:
                _copy_model(source, pieces, hasher)
            if hasher:
                digests += hasher.digest()
        pieces.flush()
    return None if algorithm is None else DigestTable(algorithm, bytes(digests))


def _copy_model(source: ModelSource, pieces: _PieceWriter, hasher: Hasher | None) -> None:
    done = 0
    while done < source.size:
        room = pieces.room(source.size - done)
        source.read_into(done, room)
        if hasher is not None:
            hasher.update(room)
        done += len(room)
        pieces.commit(len(room))
