"""The bytes of an open file as a view needs them: what is there at once, the rest as soon as a job has read it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from PySide6.QtCore import QObject, Signal

from apbundle.errors import BundleError
from apbundle.fileio import InputFile
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.jobs import JobRunner

BLOCK: Final = 64 * 1024
"""Bytes read at once."""
KEPT: Final = 64
"""How many blocks are remembered."""


class FileBlocks(QObject):
    """Blocks of one file. Nothing is read in the thread of the window.

    Attributes
    ----------
    arrived
        Emitted when bytes that were asked for can be had, or cannot (see :attr:`error`).
    error
        Why the last attempt to read failed, if it did.
    """

    arrived = Signal()

    def __init__(self, jobs: JobRunner, file: InputFile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._file = file
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._asked: frozenset[int] = frozenset()
        self.error: BundleError | OSError | None = None

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._file.size

    def peek(self, offset: int, length: int) -> bytes | None:
        """These bytes, fewer at the end of the file; ``None`` while they are being read."""
        end = min(offset + length, self._file.size)
        if end <= offset:
            return b""
        numbers = range(offset // BLOCK, (end - 1) // BLOCK + 1)
        missing = [number for number in numbers if number not in self._blocks]
        if missing:
            self._ask(missing)
            return None
        for number in numbers:
            self._blocks.move_to_end(number)
        first = numbers.start * BLOCK
        return b"".join(self._blocks[number] for number in numbers)[offset - first : end - first]

    def _ask(self, missing: list[int]) -> None:
        wanted = frozenset(missing)
        if wanted <= self._asked or self.error is not None:
            return
        self._asked = wanted
        file, size = self._file, self._file.size

        def work(progress: Progress, cancel: Cancel) -> dict[int, bytes]:
            return {number: file.read(number * BLOCK, min(BLOCK, size - number * BLOCK)) for number in wanted}

        self._jobs.start(
            "Reading bytes",
            work,
            on_done=self._read,
            on_failed=self._failed,
            key=("bytes", id(self)),
            abandonable=True,
        )

    def _read(self, blocks: dict[int, bytes]) -> None:
        self._asked = frozenset()
        self._blocks.update(blocks)
        while len(self._blocks) > KEPT:
            self._blocks.popitem(last=False)
        self.arrived.emit()

    def _failed(self, error: BaseException) -> None:
        self._asked = frozenset()
        if isinstance(error, (BundleError, OSError)):
            self.error = error
        self.arrived.emit()
