"""What every tab of the page is, whatever it shows."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, Signal
from PySide6.QtWidgets import QWidget

from apbundle_gui.models.query_completions import Completions
from apbundle_gui.pages.inspect.selection import Selection
from apbundle_gui.pages.inspect.side_splitter import SideSplitter
from apbundle_gui.services import Services
from apbundle_gui.services.inspection import Inspection


class Tab(QWidget):
    """One tab of the page. Subclasses say what they show of a bundle, and of what is selected in it.

    Attributes
    ----------
    counted
        Emitted when :attr:`count_text` may have changed.
    query_dropped
        Emitted when the tab itself stopped filtering, to show something that did not match.
    title
        On the tab.
    placeholder
        What the search field says while it is empty; a tab without one is not searched.
    long_queries
        Whether the field should be wide: it stands below the tabs then, wherever there is room.
    """

    counted = Signal()
    query_dropped = Signal()

    title = ""
    placeholder = ""
    long_queries = False

    def __init__(self, services: Services, selection: Selection) -> None:
        super().__init__()
        self.services = services
        self.selection = selection
        self.inspection: Inspection | None = None
        selection.changed.connect(self._selection_moved)

    # -- what the page asks --------------------------------------------------------------------------------------

    def show_inspection(self, inspection: Inspection | None) -> None:
        """Show another bundle, or none."""
        raise NotImplementedError

    def selection_changed(self) -> None:
        """Follow the selection. A hidden tab may put it off until it is ``shown``."""
        raise NotImplementedError

    def shown(self) -> None:
        """The tab became visible: what only it needs can be fetched now."""

    def hidden(self) -> None:
        """Another tab, or another page, became the visible one: no work for nobody."""

    @property
    def focus_widget(self) -> QWidget:
        """Where the keys go when the tab becomes visible."""
        return self

    @property
    def search_widget(self) -> QWidget | None:
        """Where one searches, in a tab that has a field of its own for that."""
        return None

    @property
    def count_text(self) -> str:
        """How much there is of what the tab lists; empty for nothing to say."""
        return ""

    def set_query(self, query: str) -> None:
        """Show what matches ``query``."""

    @property
    def mistake(self) -> str:
        """What is wrong with the query, in a sentence; empty for nothing. ``counted`` tells of changes."""
        return ""

    def completions(self, query: str, cursor: int) -> Completions:
        """How a query may go on from the place of the cursor."""
        return Completions(cursor, cursor, ())

    def keep_view(self) -> None:
        """The bundle is about to be read anew: keep what part of it is in view until one goes elsewhere."""

    def let_go(self) -> None:
        """One goes elsewhere."""

    def remember(self) -> None:
        """Keep in the settings what should be the same next time."""

    def _selection_moved(self) -> None:
        if not self.selection.returning:
            self.let_go()
        self.selection_changed()

    # -- what subclasses use -------------------------------------------------------------------------------------

    def key(self, what: str) -> str:
        """Where a setting of this tab is kept."""
        return f"inspect/{self.title.lower()}_{what}"

    def restore_splitter(self, splitter: SideSplitter) -> None:
        """Give the splitter of the tab the sizes that :meth:`remember_splitter` kept, if there are any."""
        state: QByteArray = self.services.settings.blob(self.key("splitter"))
        if not state.isEmpty() and splitter.restoreState(state):
            splitter.let_go()

    def remember_splitter(self, splitter: SideSplitter) -> None:
        """Keep the sizes of the splitter, if a hand made them."""
        if not splitter.fitted:
            self.services.settings.remember(self.key("splitter"), splitter.saveState())
