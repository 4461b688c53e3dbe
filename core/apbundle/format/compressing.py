"""Compressing models ahead of a build: where a model goes depends on how many bytes it takes."""

from __future__ import annotations

from collections.abc import Sequence

from apbundle.fileio import StagingFile
from apbundle.format import layout
from apbundle.format.compression import encode_chunk
from apbundle.format.model import Compression
from apbundle.format.sources import ModelSource, NewModel, opened
from apbundle.progress import Reporter


def compressed(models: Sequence[NewModel], staging: StagingFile, reporter: Reporter) -> list[NewModel]:
    """``models``, those that ask for it with their frames made and waiting in ``staging``."""
    reporter.phase("compress", sum(model.source.size for model in models if model.compress))
    buffer = memoryview(bytearray(layout.DEFAULT_CHUNK))
    result = []
    end = 0
    for model in models:
        if model.compress:
            table = _stage(model.source, staging, end, buffer, reporter)
            source = _StagedSource(staging, end, table.ends[-1] if table.ends else 0)
            model = NewModel(model.name, source, model.metadata, compression=table)
            end += source.size
        result.append(model)
    return result


def _stage(
    source: ModelSource, staging: StagingFile, begin: int, buffer: memoryview, reporter: Reporter
) -> Compression:
    ends: list[int] = []
    with opened(source):
        for start in range(0, source.size, len(buffer)):
            chunk = buffer[: min(len(buffer), source.size - start)]
            source.read_into(start, chunk)
            frame = encode_chunk(chunk)
            at = ends[-1] if ends else 0
            staging.write_at(begin + at, frame)
            ends.append(at + len(frame))
            reporter.advance(len(chunk))
    return Compression(source.size, len(buffer), tuple(ends))


class _StagedSource:
    """A compressed model waiting in a staging file, from ``begin`` on."""

    path = None

    def __init__(self, staging: StagingFile, begin: int, size: int) -> None:
        self._staging, self._begin, self.size = staging, begin, size

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill ``buffer`` with stored bytes from ``offset``."""
        self._staging.read_into(self._begin + offset, buffer)
