"""Labels. Every one shows plain text: a name such as ``<img src=…>`` is a name, not a picture."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QStyle, QStyleOption, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.theme import Tone
from apbundle_gui.widgets.properties import set_property


class Label(QLabel):
    """A label of plain text, made printable, in the text colour or that of a tone."""

    def __init__(self, text: str = "", parent: QWidget | None = None, *, tone: Tone | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)
        if tone is not None:
            self.set_tone(tone)

    def setText(self, text: str) -> None:
        """Show ``text``: line breaks stay, hazardous characters become visible tokens."""
        super().setText("\n".join(words.safe(line, words.SHOWN_IN_DETAIL) for line in text.split("\n")))

    def set_tone(self, tone: Tone | None) -> None:
        """Use the text colour of a meaning, or the usual one again."""
        set_property(self, kind="tinted" if tone else "", tone=tone.value if tone else "")


class SecondaryLabel(Label):
    """Small print: captions, units, explanations."""

    def __init__(self, text: str = "", parent: QWidget | None = None, *, wrap: bool = False) -> None:
        super().__init__(text, parent)
        self.setWordWrap(wrap)
        set_property(self, kind="secondary")


class PageTitle(Label):
    """The title of a page."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setFont(theme.title_font())


class SectionTitle(Label):
    """The title of a section; sections are set apart by it and by space, never by a frame."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setFont(theme.section_font())


class ElidedLabel(QWidget):
    """One line of text that loses its middle where there is no room, and shows itself whole in its tooltip."""

    def __init__(self, text: str = "", parent: QWidget | None = None, *, secondary: bool = False) -> None:
        super().__init__(parent)
        self._text = ""
        self._secondary = secondary
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def text(self) -> str:
        """What it shows, before it is cut to the room there is."""
        return self._text

    def setText(self, text: str, tooltip: str | None = None) -> None:
        """Show ``text``, made printable; the tooltip is that text unless another one is given."""
        self._text = words.safe(text)
        self.setToolTip(words.tooltip(text if tooltip is None else tooltip))
        self.setAccessibleName(self._text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self._text) + 2, metrics.height())

    def minimumSizeHint(self) -> QSize:
        metrics = QFontMetrics(self.font())
        return QSize(min(self.sizeHint().width(), 6 * metrics.averageCharWidth()), metrics.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOption()
        option.initFrom(self)
        painter = QPainter(self)
        shown = QFontMetrics(self.font()).elidedText(self._text, Qt.TextElideMode.ElideMiddle, self.width())
        if self._secondary and self.isEnabled():
            option.palette.setColor(QPalette.ColorRole.WindowText, theme.color("secondary"))
        alignment = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        enabled = bool(option.state & QStyle.StateFlag.State_Enabled)
        role = QPalette.ColorRole.WindowText
        self.style().drawItemText(painter, self.rect(), alignment, option.palette, enabled, shown, role)


class MonoLabel(ElidedLabel):
    """An offset, a digest or hexadecimal bytes in the monospaced font."""

    def __init__(self, text: str = "", parent: QWidget | None = None, *, secondary: bool = False) -> None:
        super().__init__(text, parent, secondary=secondary)
        self.setFont(theme.mono_font())


class Badge(Label):
    """A state in one or two words, on a tinted ground. One shape everywhere."""

    def __init__(self, text: str = "", tone: Tone = Tone.NEUTRAL, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_state(text, tone)

    def set_state(self, text: str, tone: Tone) -> None:
        """Show another state."""
        self.setText(text)
        set_property(self, kind="badge", tone=tone.value)
