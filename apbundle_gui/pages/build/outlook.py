"""What the draft would become: how large its models and its file are, and what is at the place where it goes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.services import Services
from apbundle_gui.services.building import plan_size
from apbundle_gui.services.sources import OutputFacts, SourceFacts, look_at_output

SETTLE_MS: Final = 120
"""How long the draft has to rest before it is planned, in milliseconds."""


class Outlook(QObject):
    """Follows the draft; what takes long is worked out by jobs once the draft has come to rest.

    Attributes
    ----------
    sizes, total
        Bytes of each row's source and of all of them, as of the last :meth:`measure`.
    planned
        Bytes of the file to be; ``None`` when it is not known, or the draft cannot be built.
    resting
        The timer that waits until the draft has come to rest.
    output_seen, size_planned
        Emitted when the output was looked at, and when the size was worked out.
    """

    output_seen = Signal()
    size_planned = Signal()

    def __init__(self, services: Services, store: DraftStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._store = store
        self._seen: OutputFacts | None = None
        self._planning = False
        self.sizes: list[int] = []
        self.total = 0
        self.planned: int | None = None
        self.resting = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self.resting.timeout.connect(self._work)

    @property
    def busy(self) -> bool:
        """Whether something is still to come."""
        return self.resting.isActive() or self._planning

    @property
    def output(self) -> OutputFacts | None:
        """What is at the output; ``None`` until it was looked at."""
        seen = self._seen
        return seen if seen is not None and seen.path == self._store.draft.target else None

    def measure(self, facts: Mapping[str, SourceFacts]) -> None:
        """Take the sizes of the draft's sources as they are known now."""
        known = [facts.get(row.path) for row in self._store.draft.rows]
        self.sizes = [0 if each is None or each.identity is None else each.identity.size for each in known]
        self.total = sum(self.sizes)

    def size_of(self, rows: Collection[int]) -> int:
        """Bytes of these rows, by place."""
        return sum(self.sizes[row] for row in rows) if len(self.sizes) == len(self._store.draft.rows) else 0

    def forget(self) -> None:
        """The draft is another one: plan it anew."""
        self.planned = None
        self._planning = True
        self.resting.start()

    def _work(self) -> None:
        draft = self._store.draft
        if not draft.rows or len(self.sizes) != len(draft.rows):
            self._planning = False
            return
        look_at_output(self._services, draft.target, self._output_seen)
        models = list(zip(draft.rows, self.sizes, strict=True))
        plan_size(self._services, models, draft.description, draft.options.config, self._size_planned)

    def _output_seen(self, output: OutputFacts) -> None:
        self._seen = output
        self.output_seen.emit()

    def _size_planned(self, size: int | None) -> None:
        self.planned = size
        self._planning = False
        self.size_planned.emit()
