"""The table of the draft as it is handled: files dropped between rows, rows dragged elsewhere, problems fixed."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QMimeData, QPoint, QRect, Qt, Signal
from PySide6.QtGui import (
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QStyleOptionViewItem, QWidget

from apbundle_gui import theme
from apbundle_gui.models.build_table import Column, DraftTable, blocks
from apbundle_gui.pages.build.delegates import DraftDelegate
from apbundle_gui.widgets import TableView, local_paths

ROWS_TYPE: Final = "application/x-apbundle-draft-rows"
"""What a drag of the table's own rows carries. The rows themselves are the selected ones."""
WIDTHS: Final = (200, 44, 200, 112, 120, 80, 72, 96, 84)
MOST_SELECTED: Final = 1000
"""How many new rows are selected at most."""
ROOM_FOR: Final = {
    Column.FORMAT: 560,
    Column.STORED: 640,
    Column.ARCHITECTURE: 880,
    Column.TENSORS: 960,
    Column.VERSION: 1060,
}
"""Widths of the table in pixels below which a column gives its room to the sources."""


class DraftView(TableView):
    """The table of the draft.

    Attributes
    ----------
    paths_dropped
        Emitted with the paths dropped and the row they go in front of.
    rows_dropped
        Emitted with the row in front of which the selected ones shall go.
    fix_wanted
        Emitted with the row whose problem shall be fixed.
    files_entered
        Emitted with the paths of a drag that came over the table.
    sort_wanted
        Emitted with the column whose heading was clicked.
    switch_wanted
        The selected rows shall go into the bundle, or be kept out of it.
    """

    paths_dropped = Signal(object, int)
    rows_dropped = Signal(int)
    fix_wanted = Signal(int)
    files_entered = Signal(object)
    sort_wanted = Signal(int)
    switch_wanted = Signal()

    def __init__(self, table: DraftTable, parent: QWidget | None = None) -> None:
        super().__init__(parent, sortable=False, framed=True)
        self.setModel(table)
        self._table = table
        self.setAccessibleName("Models of the draft")
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDragEnabled(True)
        self.setDropIndicatorShown(False)  # it is painted here, over the whole width
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        delegate = DraftDelegate(self._is_taken, self)
        delegate.fix_clicked.connect(self.fix_wanted)
        self.setItemDelegate(delegate)
        self.set_widths(list(WIDTHS), Column.SOURCE)
        header = self.horizontalHeader()
        header.moveSection(Column.NUMBER, 0)
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self.sort_wanted)
        self._drop_at: int | None = None
        self._compressed = False
        self.setColumnHidden(Column.STORED, True)

    @property
    def drop_at(self) -> int | None:
        """The row in front of which a drop would go, while something is dragged over the table."""
        return self._drop_at

    def selected_rows(self) -> list[int]:
        ranges = self.selectionModel().selection().toList()
        return sorted({row for part in ranges for row in range(part.top(), part.bottom() + 1)})

    def selected_ids(self) -> frozenset[int]:
        """The ids of the selected rows."""
        return frozenset(self._table.rows[row].id for row in self.selected_rows())

    def show_new(self, ids: frozenset[int], *, alone: bool = False) -> None:
        """Make rows the current ones: selected, unless they are too many, or all there are and not meant ``alone``."""
        rows = [at for at, row in enumerate(self._table.rows) if row.id in ids]
        if not rows:
            return
        first = self._table.index(rows[0], Column.NAME)
        self.selectionModel().setCurrentIndex(first, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.scrollTo(first)
        if (len(rows) == self._table.rowCount() and not alone) or len(rows) > MOST_SELECTED:
            return
        selection = QItemSelection()
        last = self._table.columnCount() - 1
        for begin, end in blocks(rows):
            selection.select(self._table.index(begin, 0), self._table.index(end, last))
        self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def edit_name(self) -> None:
        """Begin to edit the name of the current row."""
        row = self.currentIndex().row()
        if row >= 0:
            index = self._table.index(row, Column.NAME)
            self.setCurrentIndex(index)
            self.edit(index)

    def _is_taken(self, row: int, name: str) -> bool:
        return any(other.name == name for at, other in enumerate(self._table.rows) if at != row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            index = self.currentIndex()
            if index.isValid() and self.state() != QAbstractItemView.State.EditingState:
                problem = self._table.problem(index.row())
                if problem is not None and problem.fix is not None:
                    self.fix_wanted.emit(index.row())
                else:
                    self.edit_name()
                return
        if event.key() == Qt.Key.Key_Space and not event.modifiers() and self.selectionModel().hasSelection():
            self.switch_wanted.emit()
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._give_room()
        super().resizeEvent(event)

    def show_stored(self, compressed: bool) -> None:
        """Say how rows are stored, if any is stored otherwise than as it is."""
        if compressed != self._compressed:
            self._compressed = compressed
            self._give_room()

    def _give_room(self) -> None:
        width = self.viewport().width()
        for column, least in ROOM_FOR.items():
            needed = column is not Column.STORED or self._compressed
            self.setColumnHidden(column, width < least or not needed)

    # -- dragging ------------------------------------------------------------------------------------------------

    def startDrag(self, actions: Qt.DropAction) -> None:
        if self.selected_rows():
            self.run_drag(self.make_drag())

    def make_drag(self) -> QDrag:
        """A drag of the selected rows."""
        drag = QDrag(self)
        drag.setMimeData(rows_mime())
        drag.setPixmap(theme.icon("model").pixmap(theme.ICON_LARGE, theme.ICON_LARGE))
        drag.setHotSpot(QPoint(-theme.Space.S, -theme.Space.S))
        return drag

    def run_drag(self, drag: QDrag) -> None:
        """Hand the drag to the system until it is dropped."""
        drag.exec(Qt.DropAction.MoveAction)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._consider(event)
        if event.source() is None and (paths := local_paths(event.mimeData())):
            self.files_entered.emit(paths)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._consider(event)
        if event.isAccepted() and self.viewport().height() > 2 * self.autoScrollMargin():
            self.startAutoScroll()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._show_drop_at(None)
        self.stopAutoScroll()

    def dropEvent(self, event: QDropEvent) -> None:
        self.stopAutoScroll()
        at = self._row_at(event.position().toPoint())
        self._show_drop_at(None)
        if event.mimeData().hasFormat(ROWS_TYPE):
            event.setDropAction(Qt.DropAction.MoveAction)
            event.accept()
            self.rows_dropped.emit(at)
        elif paths := local_paths(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.paths_dropped.emit(paths, at)
        self.setState(QAbstractItemView.State.NoState)

    def _consider(self, event: QDragMoveEvent) -> None:
        mime = event.mimeData()
        own = mime.hasFormat(ROWS_TYPE)
        if own or local_paths(mime):
            event.setDropAction(Qt.DropAction.MoveAction if own else Qt.DropAction.CopyAction)
            event.accept()
            self._show_drop_at(self._row_at(event.position().toPoint()))
        else:
            event.ignore()

    def _row_at(self, position: QPoint) -> int:
        """The row in front of which a drop there goes: the nearest gap between rows."""
        row = self.rowAt(position.y())
        if row < 0:
            return self._table.rowCount()
        middle = self.rowViewportPosition(row) + self.rowHeight(row) // 2
        return row if position.y() < middle else row + 1

    def _show_drop_at(self, at: int | None) -> None:
        if at != self._drop_at:
            self._drop_at = at
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._drop_at is None:
            return
        rows = self._table.rowCount()
        if self._drop_at < rows:
            y = self.rowViewportPosition(self._drop_at)
        else:
            y = self.rowViewportPosition(rows - 1) + self.rowHeight(rows - 1) if rows else 0
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = theme.color("accent")
        painter.setPen(QPen(accent, 2))
        y = max(y, 1)
        painter.drawLine(theme.Space.S, y, self.viewport().width(), y)
        painter.setBrush(theme.color("surface"))
        painter.drawEllipse(QPoint(theme.Space.XS, y), 3, 3)

    def fix_rect(self, row: int) -> QRect:
        """Where the button that fixes a row is, in the viewport."""
        index = self._table.index(row, Column.SOURCE)
        delegate = self.itemDelegate()
        assert isinstance(delegate, DraftDelegate)
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        option.rect = self.visualRect(index)
        return delegate.fix_rect(option, index)


def rows_mime() -> QMimeData:
    """What a drag of the table's own rows carries."""
    mime = QMimeData()
    mime.setData(ROWS_TYPE, b"")
    return mime
