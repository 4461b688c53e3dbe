"""The page of a file that does not open: what is wrong, where, and what can be seen of it all the same."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.failures import looked_at, still_seen
from apbundle_gui.pages.inspect.panes import HexPane, ScrollPane
from apbundle_gui.services import OpenFailure
from apbundle_gui.services.first_look import ROWS, FirstLook
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Card, ErrorCard, SectionTitle, button


class FailurePage(QWidget):
    """The error card, and the bytes around the fault.

    Attributes
    ----------
    open_wanted, again_wanted, back_wanted
        The buttons: another file, the same one again, the bundle that is still open.
    """

    open_wanted = Signal()
    again_wanted = Signal()
    back_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._failure: OpenFailure | None = None
        self._back = button("&Back", self.back_wanted.emit)
        self.card = ErrorCard(
            (
                button("&Open Another…", self.open_wanted.emit, icon="open", kind="primary"),
                button("&Try Again", self.again_wanted.emit, icon="reload"),
                self._back,
            )
        )
        self._seen = Card()
        self._seen_title = SectionTitle("")
        self._seen.body.addWidget(self._seen_title)
        self.bytes = HexPane("Bytes of the file around the fault", ROWS)
        self.bytes.setFixedHeight(self.bytes.sizeHint().height() + Space.M)
        self._seen.body.addWidget(self.bytes)
        pane = ScrollPane()
        pane.body.addWidget(self.card)
        pane.body.addWidget(self._seen)
        pane.body.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(pane)

    @property
    def path(self) -> str:
        """The file that did not open."""
        return self._failure.path if self._failure is not None else ""

    def show_failure(self, failure: OpenFailure, back_to: str | None) -> None:
        """Show why a file did not open; ``back_to`` is the path of a bundle one can go back to."""
        self._failure = failure
        self.card.show_error(failure.error, failure.path)
        self._back.setVisible(back_to is not None)
        if back_to is not None:
            self._back.setText(f"&Back to {words.menu_text(words.file_name(back_to))}")
        self._seen.hide()

    def show_look(self, look: FirstLook | None) -> None:
        """Show what was seen of the file."""
        failure = self._failure
        if failure is None:
            return
        self.card.show_error(failure.error, failure.path, still_seen(look))
        self._seen.setVisible(look is not None and bool(look.data))
        if look is not None:
            self._seen_title.setText(looked_at(look))
            self.bytes.show_bytes(look.data, look.start, getattr(failure.error, "offset", None))
