"""What the draft would become: its problems, the layout of its file, and what is at the place where it goes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from apbundle_gui.models import text as words
from apbundle_gui.models.build_judgement import Judgement, Known, judge
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.byte_map import FileMap
from apbundle_gui.models.draft_outlook import draft_map
from apbundle_gui.models.draft_recipe import recipe_of
from apbundle_gui.pages.build.working import Worker
from apbundle_gui.services import Services
from apbundle_gui.services.editing import EditCost
from apbundle_gui.services.looking import NO_FACTS
from apbundle_gui.services.planning import Planned, plan
from apbundle_gui.services.sources import OutputFacts, Sources, look_at_output
from apbundle_gui.services.twins import Twins

SETTLE_MS: Final = 120
"""How long the draft has to rest before it is planned, in milliseconds."""


class Outlook(QObject):
    """Follows the draft and its sources; what takes long is worked out by jobs once the draft has come to rest.

    Attributes
    ----------
    judgement
        Sizes and problems, as of the last time the draft was judged.
    planned, map
        The layout of the file to be; ``None`` while it is not known, or when the draft cannot be built.
    why
        Why there is no layout, if so.
    rows
        The ids of the rows that are in the map, in their order.
    resting
        The timer that waits until the draft has come to rest.
    judged, layout_known
        Emitted when there are others.
    """

    judged = Signal()
    layout_known = Signal()

    def __init__(self, services: Services, store: DraftStore, sources: Sources, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._store = store
        self._sources = sources
        self._twins = Twins(services, self)
        self._seen: OutputFacts | None = None
        self._planning = False
        self._judging = Worker(services, "Looking for problems")
        self._compared: object = None
        self.judgement = Judgement()
        self.planned: Planned | None = None
        self.map: FileMap | None = None
        self.why = ""
        self.rows: tuple[int, ...] = ()
        self.resting = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self.resting.timeout.connect(self._work)
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._judge)
        self._twins.changed.connect(self._soon.start)
        sources.changed.connect(self.forget)

    @property
    def busy(self) -> bool:
        """Whether something is still to come."""
        return self.resting.isActive() or self._planning or self._soon.isActive() or self._judging.busy

    @property
    def output(self) -> OutputFacts | None:
        """What is at the output; ``None`` until it was looked at."""
        seen = self._seen
        return seen if seen is not None and seen.path == self._store.draft.target else None

    @property
    def cost(self) -> EditCost | None:
        """What it takes to change the bundle that the models come from; ``None`` where that is not what is done."""
        return None if self.planned is None else self.planned.cost

    def size_of(self, rows: Collection[int]) -> int:
        """Bytes of these rows, by place."""
        sizes = self.judgement.sizes
        return sum(sizes[row] for row in rows) if len(sizes) == len(self._store.draft.rows) else 0

    def forget(self) -> None:
        """The draft or a source is another one: judge at once, plan once it has come to rest."""
        self.planned = None
        self._planning = True
        self._soon.start()
        self.resting.start()

    def stop(self) -> None:
        """Begin nothing any more."""
        self.resting.stop()
        self._soon.stop()

    # -- judging -------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        draft, sources = self._store.draft, self._sources
        needed = None if self.planned is None else self.planned.needed
        known = Known(sources.snapshot(), self.output, set(sources.changed_sources), self._twins.found, needed)
        self._judging.run(len(draft.rows), lambda pace: judge(draft, known, pace), self._take)

    def _take(self, judgement: Judgement) -> None:
        self.judgement = judgement
        self.judged.emit()

    # -- planning ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        draft, facts = self._store.draft, self._sources.snapshot()
        self._planning = False
        if not draft.rows:
            self.planned = self.map = None
            self.layout_known.emit()
            return
        self._planning = True
        look_at_output(self._services, draft.target, self._output_seen)
        plan(self._services, lambda pace: recipe_of(draft, pace), facts, self._plan_known)

    def _output_seen(self, output: OutputFacts) -> None:
        self._seen = output
        self._soon.start()

    def _plan_known(self, planned: Planned | Exception) -> None:
        self._planning = False
        rows = self._store.draft.enabled
        if isinstance(planned, Planned) and len(rows) == len(planned.starts):
            self.planned = planned
            self.rows = tuple([row.id for row in rows])
            self.map = draft_map(planned, tuple([row.name for row in rows]))
            self.why = ""
        else:
            self.planned = self.map = None
            self.why = words.error_text(planned).message if isinstance(planned, Exception) else ""
        self._soon.start()
        self.layout_known.emit()
        self._compare()

    def _compare(self) -> None:
        """Look for equal contents, when there are other sources than before."""
        facts = self._sources.facts
        sources = [row.source for row in self._store.draft.rows if row.enabled]
        compared = [(source, facts.get(source, NO_FACTS).identity) for source in sources]
        if compared != self._compared:
            self._compared = compared
            self._twins.look(sources, facts)
