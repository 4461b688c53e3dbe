"""The tree beside the tabs: open bundles, their models, and the tensors in them, grouped by their names."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QItemSelectionModel, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyleOptionViewItem, QWidget

from apbundle_gui import theme
from apbundle_gui.models.arranged import AnyIndex
from apbundle_gui.models.bundle_tree import NODE_ROLE, BundleTree, TreeNode, Twig
from apbundle_gui.models.tree_items import Column, TreeItem
from apbundle_gui.pages.inspect.columns import ColumnFit, Width
from apbundle_gui.theme import Space
from apbundle_gui.widgets import CellDelegate, TableView

INDENT: Final = 14
"""How far a level is set in, in pixels."""
FOLD_ROOM: Final = 16
"""Width of the sign that folds, in pixels."""
WIDTHS: Final = (Width(136, grow=1), Width(66, drop=2), Width(80, drop=1))
Key = Qt.Key


class _TwigDelegate(CellDelegate):
    """Paints a name where it stands in the tree, with the sign that says whether it is unfolded."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        twig = index.data(NODE_ROLE)
        rect = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.color("selection"))
        left = rect.left() + Space.XS + twig.level * INDENT
        if twig.foldable:
            name = "folded" if not twig.unfolded else "unfolded"
            self._draw(painter, name, left, rect)
        left += FOLD_ROOM
        if twig.icon:
            self._draw(painter, twig.icon, left, rect)
            left += theme.ICON + Space.XS + 2
        painter.setFont(option.font)
        painter.setPen(theme.color("text" if twig.icon else "secondary"))
        metrics = option.fontMetrics
        text = metrics.elidedText(index.data(), Qt.TextElideMode.ElideMiddle, rect.right() - left)
        painter.drawText(left, rect.top() + (rect.height() + metrics.ascent() - metrics.descent()) // 2, text)

    @staticmethod
    def _draw(painter: QPainter, icon: str, left: int, rect: QRect) -> None:
        picture = theme.icon_picture(icon, None, painter.device().devicePixelRatioF())
        painter.drawPixmap(left, rect.top() + (rect.height() - theme.ICON) // 2, picture)


class TreeView(TableView):
    """The rows of the tree, folded by click and by key.

    Attributes
    ----------
    chosen
        The user went to another row, which is current now.
    """

    chosen = Signal()

    def __init__(self, tree: BundleTree, parent: QWidget | None = None) -> None:
        super().__init__(parent, sortable=False, framed=True)
        self._tree = tree
        self._following = False
        self._node: TreeNode | None = None  # that was chosen or shown last
        self._kept: int | None = None
        self.setModel(tree)
        self.setAccessibleName("Bundles, models and tensors")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setItemDelegate(CellDelegate(self))
        self.setItemDelegateForColumn(Column.NAME, _TwigDelegate(self))
        self.columns = ColumnFit(self, WIDTHS)
        self.selectionModel().currentRowChanged.connect(self._row_changed)
        self.selectionModel().selectionChanged.connect(self._row_changed)
        tree.revealed.connect(self.show_row)
        tree.modelAboutToBeReset.connect(self._keep)
        self.verticalScrollBar().rangeChanged.connect(self._scroll_back)
        self.verticalScrollBar().actionTriggered.connect(self.let_go)

    @property
    def item(self) -> TreeItem | None:
        """What the current row stands for."""
        row = self.currentIndex().row()
        return self._tree.item(row) if row >= 0 else None

    def show_row(self, row: int) -> None:
        """Make a row the current one, without it being chosen."""
        index = self._tree.index(row, Column.NAME)
        self._following = True
        try:
            flag = QItemSelectionModel.SelectionFlag
            self.selectionModel().setCurrentIndex(index, flag.ClearAndSelect | flag.Rows)
            self.scrollTo(index)
            self._node = self._tree.node(row)
        finally:
            self._following = False
        self._scroll_back()

    def let_go(self) -> None:
        """One goes elsewhere: what was in view before the bundles were read anew need not stay so."""
        self._kept = None

    def _keep(self) -> None:
        self._kept = self.verticalScrollBar().value()

    def _scroll_back(self) -> None:
        if self._kept is not None:
            self.verticalScrollBar().setValue(self._kept)

    def toggle(self, row: int) -> None:
        """Fold what is unfolded, and unfold what is folded."""
        if self._twig(row).unfolded:
            self._tree.fold(row)
        else:
            self._tree.unfold(row)

    # -- hands ---------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.let_go()
        row = self.currentIndex().row()
        if row < 0 or event.modifiers() != Qt.KeyboardModifier.NoModifier:
            super().keyPressEvent(event)
            return
        twig = self._twig(row)
        match event.key():
            case Key.Key_Right if twig.foldable and not twig.unfolded:
                self._tree.unfold(row)
            case Key.Key_Right if twig.unfolded:
                self.selectRow(row + 1)
            case Key.Key_Left if twig.unfolded:
                self._tree.fold(row)
            case Key.Key_Left:
                parent = self._tree.node(row).above.parent
                if parent is not None:
                    self.selectRow(parent.row)
            case Key.Key_Return | Key.Key_Enter if twig.foldable:
                self.toggle(row)
            case _:
                super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.let_go()
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and index.column() == Column.NAME and event.button() == Qt.MouseButton.LeftButton:
            twig = self._twig(index.row())
            left = self.visualRect(index).left() + Space.XS + twig.level * INDENT
            if twig.foldable and left <= event.position().x() < left + FOLD_ROOM:
                self.toggle(index.row())
                return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and self._twig(index.row()).foldable:
            self.toggle(index.row())

    def _twig(self, row: int) -> Twig:
        twig: Twig = self._tree.index(row, Column.NAME).data(NODE_ROLE)
        return twig

    def _row_changed(self) -> None:
        """Rows that come or go, and the keys that come to a row, choose nothing."""
        row = self.currentIndex().row()
        if self._following or row < 0 or not self.selectionModel().isRowSelected(row):
            return
        node = self._tree.node(row)
        if node is not self._node:
            self._node = node
            self.chosen.emit()
