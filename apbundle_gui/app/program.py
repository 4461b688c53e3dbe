"""One run of the program."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

from apbundle_gui import resources, theme
from apbundle_gui.app.arguments import Options
from apbundle_gui.app.demo import start_demo
from apbundle_gui.app.reporting import Reporter, log_to_stderr
from apbundle_gui.app.screenshots import draw_all
from apbundle_gui.main_window import MainWindow, import_pages
from apbundle_gui.services import Services

HEAD_START_MS: Final = 500
"""How long the window has the machine for itself before the other pages are imported, in milliseconds."""
SWITCH_S: Final = 0.001
"""How long a job keeps the interpreter while the window waits for it, in seconds; Python's own 0.005 can be felt."""


def make_application() -> QApplication:
    """The application object, named so that the system finds its desktop file and settings."""
    QCoreApplication.setApplicationName("apbundle")
    QGuiApplication.setDesktopFileName("apbundle")
    application = QApplication(sys.argv[:1])
    application.setWindowIcon(QIcon(str(resources.path("icons/apbundle.svg"))))
    return application


def run(options: Options) -> int:
    """Do what the options say, until the window closes. Returns the exit code."""
    log_to_stderr()
    if options.screenshots is not None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        make_application()
        return draw_all(Path(options.screenshots), options.files[0] if options.files else None)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop would not let Python see Ctrl+C; writes are atomic
    sys.setswitchinterval(SWITCH_S)
    application = make_application()
    services = Services.create()
    reporter = Reporter(services.messages)
    reporter.install()
    try:
        theme.manager().install(chosen_theme(options, services))
        window = MainWindow(services)
        window.show()
        QTimer.singleShot(HEAD_START_MS, threading.Thread(target=import_ahead, name="import pages").start)
        if options.demo:
            start_demo(window)
        if options.files:
            window.open_files(options.files)
        return application.exec()
    finally:
        reporter.uninstall()


def import_ahead() -> None:
    """Import what the other pages need.

    Modules live as long as the program. With them, a full round of the garbage collector stops the window for 40 ms;
    without, for less than one.
    """
    import_pages()
    gc.freeze()


def chosen_theme(options: Options, services: Services) -> theme.Choice:
    """The theme of the command line, else the remembered one, else the system's."""
    wanted = options.theme or services.settings.text("window/theme")
    return theme.Choice(wanted) if wanted in list(theme.Choice) else theme.Choice.SYSTEM
