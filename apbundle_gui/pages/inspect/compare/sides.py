"""The two things that are compared, one below the other, and which of them comes first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QListView, QSizePolicy, QStyle, QStyleOptionComboBox, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.model_names import ModelNames
from apbundle_gui.services.comparing import Request
from apbundle_gui.theme import Space
from apbundle_gui.widgets import ElidedLabel, SecondaryLabel, button

LEAST_WIDTH = 120
"""Of a list of bundles or models, in pixels."""
_LETTERS = 10
_BUNDLE, _FILE, _MODEL = range(1, 4)
"""Columns of what belongs to a side."""


class Sides(QWidget):
    """Chooses the other bundle, a model of each if only these are to be compared, and the direction.

    Attributes
    ----------
    file_wanted
        A bundle that is not open should be chosen.
    other_changed
        Emitted with the path of the bundle that was chosen, whose models should be offered.
    changed
        Something else was chosen.
    swapped_changed
        The direction was turned round by hand.
    """

    file_wanted = Signal()
    other_changed = Signal(object)
    changed = Signal()
    swapped_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._here = ""
        self._swapped = False
        self._showing = False
        self.choice = _box("Bundle to compare with", "Open bundles")
        self.choice.setPlaceholderText("Choose a bundle")
        self.file = button("Choose File…", self.file_wanted.emit, icon="open", tip="Compare with a bundle from a file")
        self._this = ElidedLabel()
        self._this.setAccessibleDescription("This bundle")
        self.other_model = _box("Model of the other bundle", "Models of the other bundle")
        self.this_model = _box("Model of this bundle", "Models of this bundle")
        self._names = ModelNames(self), ModelNames(self)
        for box, names in zip((self.other_model, self.this_model), self._names, strict=True):
            box.setModel(names)
            box.setCurrentIndex(0)
        self.swap = button("&Swap", self._swap, icon="swap", tip="Look at it from the other side")
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setSpacing(Space.S)
        for row, text in enumerate(("From", "To")):
            self.grid.addWidget(SecondaryLabel(text), row, 0)
        self.grid.setColumnStretch(_BUNDLE, 2)
        self.grid.setColumnStretch(_MODEL, 1)
        self.grid.addWidget(self.swap, 0, _MODEL + 1)
        self._place()
        self.choice.currentIndexChanged.connect(self._choice_changed)
        self.other_model.currentIndexChanged.connect(lambda: self._model_changed(0))
        self.this_model.currentIndexChanged.connect(lambda: self._model_changed(1))

    # -- what is chosen ------------------------------------------------------------------------------------------

    @property
    def request(self) -> Request | None:
        """What is chosen; ``None`` while that cannot be compared."""
        path = self.choice.currentData()
        if path is None:
            return None
        other, this = (
            names.name(box.currentIndex())
            for box, names in zip((self.other_model, self.this_model), self._names, strict=True)
        )
        if other is None or this is None:
            return None if path == self._here else Request(path, None, self._swapped)
        if path == self._here and other == this:
            return None
        return Request(path, (other, this), self._swapped)

    def show_bundles(self, here: str, others: Sequence[str], names: Sequence[str], request: Request | None) -> None:
        """Offer these bundles and the one under inspection with its models, and show ``request`` as what is chosen."""
        before = self.choice.currentData()
        chosen = request.other if request is not None else before if before in others else None
        self._here = here
        self._showing = True
        self._this.setText(words.file_name(here) if here else "", here)
        counted = Counter(words.file_name(path) for path in others)
        self.choice.clear()
        for path in others:
            name = words.file_name(path)
            self._offer(name if counted[name] == 1 else words.safe(path), path)
        if here:
            self._offer("This bundle: two of its models", here)
        paths = [*others, here]
        row = paths.index(chosen) if chosen in paths else len(others) - 1  # the latest opened is the likeliest
        self.choice.setCurrentIndex(row)
        self.choice.setEnabled(bool(here))
        self._names[1].show_names(names)
        self._showing = False
        self.other_changed.emit(self.choice.currentData())
        self._show_models((None, None) if request is None or request.models is None else request.models)
        if request is not None and request.swapped != self._swapped:
            self._swapped = request.swapped
            self._place()
        self.changed.emit()

    def show_other_models(self, names: Sequence[str]) -> None:
        """Offer these models of the other bundle; none, if they are not known."""
        self._names[0].show_names(names)
        self._show_models((None, None))
        for box in (self.other_model, self.this_model):
            box.setEnabled(bool(names))

    def choose_models(self, other: str, this: str) -> None:
        """Choose a model of each side."""
        self._show_models((other, this))
        self.changed.emit()

    # -- what happens --------------------------------------------------------------------------------------------

    def _offer(self, text: str, path: str) -> None:
        self.choice.addItem(text, path)
        self.choice.setItemData(self.choice.count() - 1, words.tooltip(path), Qt.ItemDataRole.ToolTipRole)

    def _show_models(self, models: tuple[str | None, str | None]) -> None:
        showing, self._showing = self._showing, True
        for box, names, model in zip((self.other_model, self.this_model), self._names, models, strict=True):
            box.setCurrentIndex(max(0, names.row_of(model)))
        self._showing = showing

    def _choice_changed(self) -> None:
        if not self._showing:
            self.other_changed.emit(self.choice.currentData())
            self.changed.emit()

    def _model_changed(self, side: int) -> None:
        """A model is compared with a model: with the one of the same name, until another one is chosen."""
        if self._showing:
            return
        boxes = self.other_model, self.this_model
        name = self._names[side].name(boxes[side].currentIndex())
        across = self._names[1 - side]
        known = across.name(boxes[1 - side].currentIndex())
        if name is None or known is None:
            row = 0 if name is None else across.row_of(name)
            self._showing = True
            boxes[1 - side].setCurrentIndex(row if row >= 0 else min(1, across.rowCount() - 1))
            self._showing = False
        self.changed.emit()

    def _swap(self) -> None:
        self._swapped = not self._swapped
        self._place()
        self.swapped_changed.emit()

    def _place(self) -> None:
        """The other one stands above, this one below; swapped, the other way round. The keys go from top to bottom."""
        other, this = (1, 0) if self._swapped else (0, 1)
        self.grid.addWidget(self.choice, other, _BUNDLE)
        self.grid.addWidget(self.file, other, _FILE)
        self.grid.addWidget(self.other_model, other, _MODEL)
        self.grid.addWidget(self._this, this, _BUNDLE, 1, 2)
        self.grid.addWidget(self.this_model, this, _MODEL)
        others = [self.choice, self.file, self.other_model]
        order = [self.this_model, *others] if self._swapped else [*others, self.this_model]
        for one, following in zip(order, [*order[1:], self.swap], strict=True):
            QWidget.setTabOrder(one, following)


class _Box(QComboBox):
    """A list of any length: Qt asks every item for an icon before it says how large the box wants to be."""

    def sizeHint(self) -> QSize:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        metrics = self.fontMetrics()
        text = QSize(metrics.horizontalAdvance("X") * _LETTERS, metrics.height() + 2)
        return self.style().sizeFromContents(QStyle.ContentsType.CT_ComboBox, option, text, self)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


def _box(name: str, list_name: str) -> QComboBox:
    box = _Box()
    box.setAccessibleName(name)
    listed = box.view()
    listed.setAccessibleName(list_name)
    if isinstance(listed, QListView):  # else it lays out all names, whenever the style is another
        listed.setUniformItemSizes(True)
        listed.setLayoutMode(QListView.LayoutMode.Batched)
    box.setMinimumWidth(LEAST_WIDTH)
    box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    return box
