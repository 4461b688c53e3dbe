"""The byte ruler: the file to be, to scale, before a byte is written. Models are dragged in it to other places."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from apbundle_gui import theme
from apbundle_gui.models.byte_map import FileMap, Part, Stretch
from apbundle_gui.models.draft_outlook import layout_text, stretch_text, summary_text
from apbundle_gui.services.planning import Planned
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Card, ElidedLabel, SectionTitle, icon_button
from apbundle_gui.widgets.byte_map_view import LANE, ByteMapView

Key = Qt.Key
ZOOM: Final = 2.0
_ALT: Final = Qt.KeyboardModifier.AltModifier


class DraftRuler(ByteMapView):
    """The map itself.

    Attributes
    ----------
    pointed
        Emitted with the stretch under the pointer, or ``None``.
    moved
        Emitted with a model and the place in front of which it was dropped, both as numbers in the file's order.
    """

    pointed = Signal(object)
    moved = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, tensors=False)
        self.setAccessibleName("Bytes of the file to be")
        self.setMouseTracking(True)
        self._taken: int | None = None
        self._drop_at: int | None = None

    @property
    def drop_at(self) -> int | None:
        """The place in front of which the model that is dragged would go."""
        return self._drop_at

    @property
    def stretch(self) -> Stretch | None:
        """The part that the keys have come to."""
        return None if self._map is None else self._map.stretch_at(self._cursor)

    def follow(self, shown: FileMap | None) -> None:
        """Show the map of a draft that changed; what was zoomed into stays in view."""
        whole, begin, end = self.visible == (0, self.file_size), *self.visible
        cursor = self._cursor
        self.show_map(shown)
        if shown is not None and not whole and end <= shown.size:
            self.show_stretch(begin, end)
            self._cursor = min(cursor, shown.size - 1)

    # -- hands ---------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._taken = None
        if self._pressed is not None and self._map is not None:
            found = self._map.stretch_at(self.offset_at(event.position().x()))
            self._taken = found.model if found.part is Part.MODEL else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._pressed is None:
            self.pointed.emit(None if self._map is None else self._map.stretch_at(self.offset_at(x)))
        elif self._taken is None:
            super().mouseMoveEvent(event)
        elif self._dragged or abs(x - self._pressed[0].x()) > Space.S:
            self._dragged = True
            self._show_drop_at(self.place_at(x))
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        taken, at = self._taken, self._drop_at
        self._let_go()
        super().mouseReleaseEvent(event)
        if taken is not None and at is not None and at not in (taken, taken + 1):
            self.moved.emit(taken, at)

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit(None)
        super().leaveEvent(event)

    def place_at(self, x: float) -> int:
        """The place between models that is nearest to a pixel: the number of the model behind it."""
        if self._map is None:
            return 0
        offset = self.offset_at(x)
        ends = self._map.model_ends
        place = int(ends.searchsorted(offset, "right"))
        found = self._map.stretch_at(offset)
        return place + (found.part is Part.MODEL and offset >= (found.start + found.end) // 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        found = self.stretch
        if event.key() == Key.Key_Escape and self._drop_at is not None:
            self._let_go()
            self._pressed = None
        elif event.modifiers() == _ALT and event.key() in (Key.Key_Left, Key.Key_Right):
            if found is not None and found.model is not None:
                step = -1 if event.key() == Key.Key_Left else 2
                self.moved.emit(found.model, max(0, found.model + step))
        else:
            super().keyPressEvent(event)

    def _let_go(self) -> None:
        self._taken = None
        self._show_drop_at(None)
        self.unsetCursor()

    def _show_drop_at(self, at: int | None) -> None:
        if at != self._drop_at:
            self._drop_at = at
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._drop_at is None or self._map is None:
            return
        starts, ends = self._map.model_starts, self._map.model_ends
        edge = starts[self._drop_at] if self._drop_at < len(starts) else ends[-1]
        x = min(max(round(self.x_of(int(edge))), 1), self.width() - 2)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("text"), 2))
        painter.setBrush(theme.color("surface"))
        painter.drawLine(x, 0, x, LANE)
        painter.drawEllipse(QPoint(x, LANE), 3, 3)
        painter.end()


class RulerCard(Card):
    """The ruler with its title, what is pointed at, and the buttons that zoom.

    Attributes
    ----------
    chosen
        Emitted with the number of the model that was chosen in it, in the file's order.
    moved
        As of the ruler.
    """

    chosen = Signal(int)
    moved = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=Space.M)
        self.body.setSpacing(Space.S)
        self.ruler = DraftRuler()
        self.said = ElidedLabel(secondary=True)
        self.said.setFont(theme.tabular(self.said.font()))
        self._summary = ""
        row = QHBoxLayout()
        row.setSpacing(Space.XS)
        row.addWidget(SectionTitle("Bytes to be written"))
        row.addSpacing(Space.S)
        row.addWidget(self.said, 1)
        ruler = self.ruler
        row.addWidget(icon_button("zoom-out", "Show more of the file (−)", lambda: ruler.zoom(ZOOM)))
        row.addWidget(icon_button("zoom-in", "Show less of the file (+)", lambda: ruler.zoom(1 / ZOOM)))
        row.addWidget(icon_button("zoom-all", "Show the whole file (0)", ruler.show_all))
        self.body.addLayout(row)
        self.body.addWidget(ruler)
        ruler.pointed.connect(self._point)
        ruler.chosen.connect(self._choose)
        ruler.moved.connect(self.moved)
        ruler.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        ruler.customContextMenuRequested.connect(lambda at: self.menu().popup(ruler.mapToGlobal(at)))

    def show_layout(self, shown: FileMap | None, planned: Planned | None, why: str = "") -> None:
        """Show the layout of the file to be, or ``why`` there is none."""
        self.ruler.follow(shown)
        if shown is None or planned is None:
            self._summary = f"Not known yet. {why}".strip()
        else:
            self._summary = summary_text(shown, planned)
        self.ruler.setAccessibleDescription(self._summary)
        self._point(None)

    def mark(self, model: int | None) -> None:
        """Set the bytes of a model apart, or of none."""
        shown = self.ruler.map
        found = shown.stretch_of(model) if shown is not None and model is not None else None
        self.ruler.mark(None if found is None else (found.start, found.end - found.start))
        if found is not None:
            self.said.setText(stretch_text(found))

    def menu(self) -> QMenu:
        """What can be done with the layout as a whole."""
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        copy = menu.addAction(theme.icon("copy"), "&Copy the Layout as Text")
        copy.triggered.connect(lambda _checked: self.copy_layout())
        copy.setEnabled(self.ruler.map is not None)
        return menu

    def copy_layout(self) -> None:
        """Put all parts on the clipboard, one a line."""
        if self.ruler.map is not None:
            QGuiApplication.clipboard().setText(layout_text(self.ruler.map))

    def _point(self, stretch: Stretch | None) -> None:
        self.said.setText(self._summary if stretch is None else stretch_text(stretch))

    def _choose(self, stretch: Stretch) -> None:
        self.said.setText(stretch_text(stretch))
        if stretch.model is not None:
            self.chosen.emit(stretch.model)
