"""Surfaces: a card, a tile with one number, a list of facts, and the hairline between things."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets.labels import ElidedLabel, Label, MonoLabel, SecondaryLabel, SectionTitle
from apbundle_gui.widgets.properties import set_property


class Card(QFrame):
    """A surface with a hairline around it.

    Attributes
    ----------
    body
        The vertical layout things are put into.
    header
        The row of the title, for a badge or a button at its right end; only with a title.
    """

    def __init__(self, title: str = "", parent: QWidget | None = None, *, margin: int = Space.L) -> None:
        super().__init__(parent)
        set_property(self, kind="card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(margin, margin, margin, margin)
        self.body.setSpacing(Space.S)
        self.header = QHBoxLayout()
        self.header.setSpacing(Space.S)
        if title:
            self.header.addWidget(SectionTitle(title))
            self.header.addStretch(1)
            self.body.addLayout(self.header)


class Divider(QFrame):
    """A horizontal hairline."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_property(self, kind="divider")
        self.setFixedHeight(1)


class Swatch(QWidget):
    """A small square in the colour of a meaning, for tiles and legends."""

    SIDE = 8

    def __init__(self, tone: Tone, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tone = tone
        self.setFixedSize(self.SIDE, self.SIDE)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.tone_color(self._tone))
        painter.drawRoundedRect(QRectF(self.rect()), 2, 2)


class _Value(ElidedLabel):
    """The number of a tile: it is drawn smaller before it is cut."""

    SMALLEST = 0.6
    """The least share of its size."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.setFont(theme.value_font())

    def setText(self, text: str, tooltip: str | None = None) -> None:
        super().setText(text, tooltip)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(theme.value_font())
        return QSize(metrics.horizontalAdvance(self.text()) + 2, metrics.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.sizeHint().height())

    def _fit(self) -> None:
        font = theme.value_font()
        wanted = self.sizeHint().width()
        if wanted > self.width() > 0:
            font.setPointSizeF(font.pointSizeF() * max(self.SMALLEST, self.width() / wanted))
        if font != self.font():
            self.setFont(font)


class Tile(Card):
    """One number, large, with its caption above and an optional line of detail below."""

    def __init__(self, caption: str, tone: Tone | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=Space.M)
        self.body.setSpacing(2)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        if tone is not None:
            row.addWidget(Swatch(tone))
        row.addWidget(ElidedLabel(caption, secondary=True), 1)
        self.body.addLayout(row)
        self._value = _Value(words.NONE)
        self._value.setAccessibleDescription(caption)
        self.body.addWidget(self._value)
        self._detail = ElidedLabel(" ", secondary=True)
        self.body.addWidget(self._detail)

    @property
    def value(self) -> str:
        """What it shows."""
        return self._value.text()

    def set_value(self, value: str, detail: str = "", tooltip: str | None = None) -> None:
        """Show a value (already worded, see :mod:`apbundle_gui.models.text`) and a line about it."""
        if value != self._value.text() or tooltip is not None:
            self._value.setText(value, tooltip)
        if (detail or " ") != self._detail.text():
            self._detail.setText(detail or " ")


class Facts(QWidget):
    """Captions and values in two columns, such as the particulars of a bundle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(Space.L)
        self._grid.setVerticalSpacing(Space.XS)
        self._grid.setColumnStretch(1, 1)
        self._values: dict[str, ElidedLabel] = {}
        self._captions: dict[str, SecondaryLabel] = {}

    def add(self, caption: str, *, mono: bool = False) -> ElidedLabel:
        """Add a row and return the label of its value."""
        row = self._grid.rowCount()
        value = MonoLabel(words.NONE) if mono else ElidedLabel(words.NONE)
        self._captions[caption] = SecondaryLabel(caption)
        self._grid.addWidget(self._captions[caption], row, 0)
        self._grid.addWidget(value, row, 1)
        self._values[caption] = value
        return value

    def set(self, caption: str, value: str, tooltip: str | None = None) -> None:
        """Show a value in the row of that caption."""
        self._values[caption].setText(value or words.NONE, tooltip)

    def show_row(self, caption: str, shown: bool) -> None:
        """Show or hide the row of that caption."""
        self._captions[caption].setVisible(shown)
        self._values[caption].setVisible(shown)


class Note(Label):
    """A line beside or under a field that says what is wrong with it, or what follows from it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setWordWrap(True)
        self.hide()

    def say(self, text: str, tone: Tone = Tone.NEUTRAL) -> None:
        """Show a remark; an empty one hides the line."""
        self.setText(text)
        self.set_tone(tone)
        self.setVisible(bool(text))
