"""Nothing goes wrong in silence: exceptions nobody caught and Qt's own complaints reach the log and the user."""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType
from typing import Final

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from apbundle.text import printable
from apbundle_gui.services import Messages

log: Final = logging.getLogger("apbundle_gui")
qt_log: Final = logging.getLogger("apbundle_gui.qt")

_LEVELS: Final = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_PLATFORM_NOISE: Final = "This plugin does not support"
"""How the platform without a display mentions, as a warning, what it cannot do by design."""


class PlainFormatter(logging.Formatter):
    """Lines without control characters: text from a file can neither begin a line of the log nor steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The record; only a traceback has more than one line."""
        return "\n".join(printable(line) for line in super().format(record).split("\n"))


def log_to_stderr() -> None:
    """Send the program's log to the standard error output."""
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter("%(levelname)s %(name)s: %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


class Reporter(QObject):
    """Installs the three hooks, and hands on what they catch in the GUI thread."""

    _caught = Signal(object)

    def __init__(self, messages: Messages) -> None:
        super().__init__()
        self._messages = messages
        self._telling = False
        self._caught.connect(self._tell)

    def install(self) -> None:
        """Take over the hooks of Python and of Qt."""
        sys.excepthook = self._unhandled
        threading.excepthook = self._unhandled_in_thread
        qInstallMessageHandler(self._from_qt)

    def uninstall(self) -> None:
        """Give the hooks back."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        qInstallMessageHandler(None)

    def _unhandled(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.error("unexpected exception", exc_info=(kind, error, trace))
        if not self._telling:
            self._caught.emit(error)

    def _unhandled_in_thread(self, caught: threading.ExceptHookArgs) -> None:
        error = caught.exc_value if caught.exc_value is not None else caught.exc_type()
        self._unhandled(caught.exc_type, error, caught.exc_traceback)

    def _from_qt(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if not text.startswith(_PLATFORM_NOISE):
            qt_log.log(_LEVELS[kind], "%s", printable(text))

    def _tell(self, error: BaseException) -> None:
        self._telling = True  # an exception while telling is logged, not told
        try:
            self._messages.error(error)
        finally:
            self._telling = False
