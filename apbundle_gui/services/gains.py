"""What compressing a model would save, measured by a job on a sample of its bytes with the library's own encoder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from PySide6.QtCore import QObject, Signal

from apbundle.errors import BundleError, Cancelled
from apbundle.format.compression import encode_chunk
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.jobs import Job
from apbundle_gui.services.looking import Looker, Source
from apbundle_gui.services.pacing import Pace
from apbundle_gui.services.source_bytes import SourceBytes, source_bytes

SAMPLES: Final = 8
"""How many pieces of a model are compressed, evenly spread."""
SAMPLE: Final = 128 << 10
"""Bytes of each."""


class Gains(QObject):
    """Measures what is wanted, one after the other, and remembers it.

    Attributes
    ----------
    changed
        Emitted when more is known.
    """

    changed = Signal()

    def __init__(self, services: Services, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._known: dict[Source, float] = {}
        self._wanted: dict[Source, None] = {}
        self._job: Job | None = None

    @property
    def known(self) -> Mapping[Source, float]:
        """The share of its bytes that each source would save, 0 to 1."""
        return MappingProxyType(self._known)

    @property
    def busy(self) -> bool:
        """Whether something is being measured."""
        return self._job is not None

    def forget(self, sources: Iterable[Source]) -> None:
        """These changed: measure them anew when they are wanted."""
        for source in sources:
            self._known.pop(source, None)

    def want(self, sources: Iterable[Source]) -> None:
        """Measure these, unless they are known."""
        self._wanted = {source: None for source in sources if source not in self._known}
        if self._wanted and self._job is None:
            self._job = self._services.jobs.start(
                "Measuring what compression saves", self._work, on_done=lambda _: self._end(), abandonable=True
            )
            self._job.finished.connect(self._ended)

    def _ended(self) -> None:
        self._job = None

    def _end(self) -> None:
        self._job = None
        self.changed.emit()
        self.want(list(self._wanted))

    def _work(self, progress: Progress, cancel: Cancel) -> None:
        progress("sample", 0, 0)
        pace = Pace(cancel)
        with Looker(pace) as looker:
            while self._wanted:
                source, _ = self._wanted.popitem()
                try:
                    with source_bytes(source, looker) as data:
                        self._known[source] = measured(data, pace)
                except Cancelled:
                    raise
                except (BundleError, OSError):
                    self._known[source] = 0.0  # its row says that it cannot be read
                pace.step()


def measured(data: SourceBytes, pace: Pace) -> float:
    """The share of its bytes that compressing saves, by a sample; all of a small model is the sample."""
    step = max(SAMPLE, data.size // SAMPLES)
    buffer = memoryview(bytearray(min(SAMPLE, data.size)))
    before = after = 0
    for offset in range(0, data.size, step):
        part = buffer[: min(SAMPLE, data.size - offset)]
        data.read_into(offset, part)
        before += len(part)
        after += min(len(encode_chunk(part)), len(part))
        pace.step()
    return 1 - after / before if before else 0.0
