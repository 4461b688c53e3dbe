"""Which format each model of a bundle has, told from its content by a job in the background."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from apbundle.errors import BundleError
from apbundle.format.model import ModelEntry
from apbundle.format.reader import BundleReader
from apbundle.payload.detect import HEAD_SIZE, detect_format
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.heads import Heads
from apbundle_gui.services.pacing import Pace

TOLD_MS: Final = 100
"""How often it is told that more formats are known, in milliseconds."""
_FATAL: Final = ("changed_on_disk", "closed")


def model_format(reader: BundleReader, entry: ModelEntry) -> str:
    """The format of one model, as :func:`apbundle.payload.detect.detect_format` names it.

    Raises
    ------
    BundleError, OSError
        The model's bytes cannot be read.
    """
    size = entry.raw_size
    head = reader.read_range(entry.name, 0, min(HEAD_SIZE, size))
    return detect_format(head, size, partial(reader.read_range, entry.name))


class ModelFormats(QObject):
    """The formats of one bundle's models, by the models' index. They become known in order, wanted ones first.

    Attributes
    ----------
    changed
        Emitted now and then while more of them become known, and at the end.
    """

    changed = Signal()

    def __init__(
        self, services: Services, reader: BundleReader, names: Sequence[str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._services = services
        self._reader = reader
        self._names = names
        self._found: list[str | None] = [None] * len(names)
        self._errors: dict[int, BundleError | OSError] = {}
        self._wanted: deque[int] = deque()
        self._known = self._told = 0
        self._timer = QTimer(self, interval=TOLD_MS)
        self._timer.timeout.connect(self._tell)
        self._closed = False
        self._job = services.jobs.start(
            "Looking at the models",
            self._work,
            on_done=lambda _: self._end(),
            on_failed=self._failed,
            on_cancelled=self._end,
            key=("inspect.formats", id(self)),
            abandonable=True,
        )
        self._timer.start()

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, index: int) -> str | None:
        """The format of a model; ``None`` while it is not known, or when the model cannot be read."""
        return self._found[index]

    def error(self, index: int) -> BundleError | OSError | None:
        """Why the model's content cannot be looked at, if so."""
        return self._errors.get(index)

    @property
    def complete(self) -> bool:
        """Whether the job has ended."""
        return not self._job.running

    def want(self, index: int) -> None:
        """Look at this model before the others: it is on the screen."""
        if self._job.running and self._found[index] is None:
            self._wanted.append(index)

    def close(self) -> None:
        """Stop looking."""
        self._closed = True
        self._job.cancel()
        self._timer.stop()

    # -- in the worker -------------------------------------------------------------------------------------------

    def _work(self, progress: Progress, cancel: Cancel) -> None:
        progress("formats", 0, 0)
        pace = Pace(cancel)
        heads, seen = Heads(self._reader, self._names), Heads(self._reader, self._names)
        for index in range(len(self._names)):
            while self._wanted:
                self._look(self._wanted.pop(), seen)  # the latest first: the view may have scrolled on
                pace.step()
            self._look(index, heads)
            pace.step()

    def _look(self, index: int, heads: Heads) -> None:
        if self._found[index] is not None or index in self._errors:
            return
        try:
            self._found[index] = detect_format(heads.of(index), heads.size(index), partial(heads.read, index))
        except (BundleError, OSError) as error:
            if isinstance(error, BundleError) and error.code in _FATAL:
                raise
            self._errors[index] = error.with_traceback(None)  # its frames would keep the file open
        self._known += 1

    # -- in the GUI thread ---------------------------------------------------------------------------------------

    def _tell(self) -> None:
        if self._known != self._told:
            self._told = self._known
            self.changed.emit()

    def _end(self) -> None:
        if not self._closed:
            self._timer.stop()
            self.changed.emit()

    def _failed(self, error: BaseException) -> None:
        if not self._closed:
            self._services.messages.error(error)
        self._end()
