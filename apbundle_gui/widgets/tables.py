"""The table every page uses: rows of one height, faint lines between them, no vertical ones."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QPainter, QPaintEvent, QPen, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from apbundle_gui import theme

MAX_COPIED_ROWS: Final = 10_000
"""How many rows the clipboard gets at most."""


class TableView(QTableView):
    """A table over an item model.

    Rows are selected whole, text elides in the middle, the copy shortcut copies the selected rows as tab-separated
    text. Sorting is the model's (``sort``): a proxy would take seconds over a million rows.

    Parameters
    ----------
    sortable
        Whether the headers sort.
    framed
        Whether it stands by itself, with a hairline around it, rather than in a card.
    """

    def __init__(self, parent: QWidget | None = None, *, sortable: bool = True, framed: bool = False) -> None:
        super().__init__(parent)
        if framed:
            self.setProperty("kind", "framed")
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(theme.ROW_HEIGHT)
        rows.setDefaultSectionSize(theme.ROW_HEIGHT)
        columns = self.horizontalHeader()
        columns.setHighlightSections(False)
        columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        columns.setStretchLastSection(True)
        self.setSortingEnabled(sortable)
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy_selection)

    def setSelectionModel(self, selection: QItemSelectionModel) -> None:
        """Use this selection; the header does not: it would ask for every selected cell whenever it is painted."""
        super().setSelectionModel(selection)
        header = self.horizontalHeader()
        header.setSelectionModel(QItemSelectionModel(selection.model(), header))

    def selected_ranges(self) -> list[tuple[int, int]]:
        """The selected rows in the order they are shown, as ranges of first and last row."""
        selecting = self.selectionModel()
        if selecting is None:
            return []
        selection = selecting.selection()
        parts = map(selection.at, range(selection.count()))
        return sorted({(part.top(), part.bottom()) for part in parts})

    def selected_rows(self) -> list[int]:
        """The selected rows in the order they are shown."""
        return [row for first, last in self.selected_ranges() for row in range(first, last + 1)]

    def set_widths(self, widths: list[int], stretch: int | None = None) -> None:
        """Give the columns their first widths in pixels; column ``stretch`` takes the room that is left."""
        header = self.horizontalHeader()
        if stretch is not None:
            header.setStretchLastSection(False)
            header.setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)
        for column, width in enumerate(widths):
            if column != stretch:
                header.resizeSection(column, width)

    def copy_selection(self) -> None:
        """Put the selected rows on the clipboard, as tab-separated text."""
        model = self.model()
        if model is None:
            return
        shown = [column for column in range(model.columnCount()) if not self.isColumnHidden(column)]
        lines = (
            "\t".join(str(model.index(row, column).data() or "") for column in shown)
            for row in self.selected_rows()[:MAX_COPIED_ROWS]
        )
        QGuiApplication.clipboard().setText("\n".join(lines))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        if first < 0:
            return
        if last < 0:
            last = self.model().rowCount(QModelIndex()) - 1
        painter = QPainter(self.viewport())
        painter.setPen(QPen(theme.color("grid"), 1))
        width = self.viewport().width()
        for row in range(first, last + 1):
            y = self.rowViewportPosition(row) + self.rowHeight(row) - 1
            painter.drawLine(0, y, width, y)
        painter.end()
