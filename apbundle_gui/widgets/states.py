"""What a page shows besides its content: that it is empty, that something failed, that something happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets.buttons import icon_button
from apbundle_gui.widgets.cards import Card, Facts
from apbundle_gui.widgets.drop import DropArea
from apbundle_gui.widgets.labels import Badge, Label, PageTitle, SecondaryLabel, SectionTitle
from apbundle_gui.widgets.properties import set_property

SENTENCE_WIDTH = 460
"""Width of the sentence on an empty page in pixels: lines of a length that reads well."""
TONE_ICONS = {Tone.OK: "ok", Tone.WARNING: "warning", Tone.DANGER: "danger"}


class Glyph(QLabel):
    """An icon that stands by itself and follows the theme."""

    def __init__(self, name: str, size: int, tone: Tone | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._size, self._tone = name, size, tone
        self.setFixedSize(size, size)
        theme.manager().changed.connect(self._draw)
        self._draw()

    def show_icon(self, name: str, tone: Tone | None = None) -> None:
        """Show another icon."""
        self._name, self._tone = name, tone
        self._draw()

    def _draw(self) -> None:
        size = QSize(self._size, self._size)
        self.setPixmap(theme.icon(self._name, self._tone).pixmap(size, self.devicePixelRatioF()))


class EmptyState(DropArea):
    """A page without content: one sentence that says what it is for, and the ways to begin. Takes drops.

    Parameters
    ----------
    icon
        A key of :data:`apbundle_gui.theme.icons.GLYPHS`.
    title, sentence
        What to do, and what for.
    buttons
        The ways to begin, the first one the primary button.
    hint
        What may be dropped here, in small print.
    """

    def __init__(
        self,
        icon: str,
        title: str,
        sentence: str,
        buttons: Sequence[QPushButton] = (),
        hint: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.XL)
        layout.setSpacing(Space.S)
        layout.addStretch(2)
        layout.addWidget(Glyph(icon, theme.ICON_HERO), 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(Space.S)
        layout.addWidget(PageTitle(title), 0, Qt.AlignmentFlag.AlignHCenter)
        text = SecondaryLabel(sentence, wrap=True)
        text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        text.setFixedWidth(SENTENCE_WIDTH)
        place = QHBoxLayout()  # between stretches it gets the height its lines need; an alignment would not give it
        place.addStretch(1)
        place.addWidget(text)
        place.addStretch(1)
        layout.addLayout(place)
        layout.addSpacing(Space.M)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addStretch(1)
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)
        layout.addLayout(row)
        if hint:
            layout.addSpacing(Space.S)
            layout.addWidget(SecondaryLabel(hint), 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)


class Banner(QFrame):
    """A line at the top of a page or of the window, with what can be done about it. Hidden while it says nothing.

    Attributes
    ----------
    dismissed
        Emitted when the user closes it.
    """

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_property(self, kind="banner", tone=Tone.NEUTRAL.value)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(Space.M, Space.XS, Space.XS, Space.XS)
        layout.setSpacing(Space.S)
        self._icon = Glyph("info", theme.ICON)
        layout.addWidget(self._icon)
        self._text = Label()
        self._text.setWordWrap(True)
        layout.addWidget(self._text, 1)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(Space.XS)
        layout.addLayout(self._buttons)
        layout.addWidget(icon_button("close", "Dismiss", self.dismiss))
        self.hide()

    @property
    def text(self) -> str:
        """What it says; empty while it is hidden."""
        return self._text.text()

    def say(
        self, text: str, tone: Tone = Tone.NEUTRAL, actions: Sequence[tuple[str, Callable[[], object]]] = ()
    ) -> None:
        """Say something, replacing what was said before, with a quiet button for each ``(label, function)``."""
        self._clear()
        self._text.setText(text)
        self._icon.show_icon(TONE_ICONS.get(tone, "info"), tone)
        set_property(self, tone=tone.value)
        for label, function in actions:
            button = QPushButton(label)
            button.clicked.connect(lambda _=False, function=function: function())
            self._buttons.addWidget(button)
        self.show()

    def dismiss(self) -> None:
        """Hide it."""
        self._clear()
        self.hide()
        self.dismissed.emit()

    def _clear(self) -> None:
        self._text.setText("")
        while (item := self._buttons.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()


class ErrorCard(Card):
    """What is wrong with a file, where, what to do, and what can still be seen of it."""

    def __init__(self, buttons: Sequence[QPushButton] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(Glyph("danger", theme.ICON_LARGE, Tone.DANGER))
        self._title = SectionTitle("")
        row.addWidget(self._title)
        row.addStretch(1)
        self._code = Badge("", Tone.DANGER)
        row.addWidget(self._code)
        self.body.addLayout(row)
        self._message = Label()
        self._message.setWordWrap(True)
        self._message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.body.addWidget(self._message)
        self._facts = Facts()
        self._path = self._facts.add("File")
        self._offset = self._facts.add("Where", mono=True)
        self.body.addWidget(self._facts)
        self._hint = SecondaryLabel(wrap=True)
        self.body.addWidget(self._hint)
        self._seen = SecondaryLabel(wrap=True)
        self.body.addWidget(self._seen)
        if buttons:
            self.body.addSpacing(Space.S)
            actions = QHBoxLayout()
            actions.setSpacing(Space.S)
            for button in buttons:
                actions.addWidget(button)
            actions.addStretch(1)
            self.body.addLayout(actions)

    def show_error(self, error: BaseException, path: str = "", still_seen: str = "") -> None:
        """Show an exception. ``still_seen`` says what of the file can be looked at all the same."""
        said = words.error_text(error, path or None)
        code = getattr(error, "code", "")
        offset = getattr(error, "offset", None)
        self._title.setText(said.title)
        self._message.setText(said.message)
        self._code.set_state(code or type(error).__name__, Tone.DANGER)
        self._path.setText(path or getattr(error, "path", None) or words.NONE)
        self._offset.setText(
            words.NONE if offset is None else f"{words.hex_offset(offset)}   {words.offset_tooltip(offset)}"
        )
        self._facts.show_row("Where", offset is not None)
        self._hint.setText(said.hint)
        self._hint.setVisible(bool(said.hint))
        self._seen.setText(still_seen)
        self._seen.setVisible(bool(still_seen))
