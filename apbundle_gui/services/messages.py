"""The one road from any part of the program to the user.

Whoever has something to say posts a :class:`Message`; the window shows it and the log keeps it. Nobody else opens a
message box.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from PySide6.QtCore import QObject, Signal

from apbundle.text import printable

log: Final = logging.getLogger("apbundle_gui")

KEPT: Final = 200
"""How many of the latest messages are remembered."""


class Level(IntEnum):
    """How much a message matters; the values are those of :mod:`logging`."""

    INFO = logging.INFO
    WARNING = logging.WARNING
    ERROR = logging.ERROR


@dataclass(frozen=True, slots=True)
class Message:
    """Something the user should know.

    ``text`` is plain text and may quote strangers' bytes: whoever shows it makes it printable. ``error`` is what was
    caught, for those who can say more about it.
    """

    level: Level
    text: str
    error: BaseException | None = None


class Messages(QObject):
    """Posts messages, from the GUI thread.

    Attributes
    ----------
    posted
        Emitted with every :class:`Message`.
    withdrawn
        Emitted with the ``text`` of messages that hold no longer.
    """

    posted = Signal(object)
    withdrawn = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: deque[Message] = deque(maxlen=KEPT)

    @property
    def kept(self) -> tuple[Message, ...]:
        """The latest messages, oldest first."""
        return tuple(self._kept)

    def info(self, text: str) -> None:
        """Say that something went as it should."""
        self._post(Message(Level.INFO, text))

    def warning(self, text: str, error: BaseException | None = None) -> None:
        """Say that something works, but not as wanted."""
        self._post(Message(Level.WARNING, text, error))

    def error(self, what: str | BaseException, error: BaseException | None = None) -> None:
        """Say that something did not work: a sentence, an exception, or a sentence about an exception."""
        if isinstance(what, BaseException):
            self._post(Message(Level.ERROR, str(what) or type(what).__name__, what))
        else:
            self._post(Message(Level.ERROR, what, error))

    def withdraw(self, text: str) -> None:
        """Say that a message with this ``text``, if there was one, holds no longer: whoever still shows it stops."""
        self.withdrawn.emit(text)

    def _post(self, message: Message) -> None:
        line = message.text if message.error is None else f"{message.text} [{message.error!r}]"
        log.log(message.level, "%s", printable(line))
        self._kept.append(message)
        self.posted.emit(message)
