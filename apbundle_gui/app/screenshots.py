"""Draws every page with content, in both themes and two sizes, without a display."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray, QEventLoop, QIODevice, QSize, QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication

from apbundle.errors import BundleError
from apbundle.fileio import OutputFile, write_atomically
from apbundle_gui import resources, theme
from apbundle_gui.app.reporting import Reporter, log
from apbundle_gui.main_window import MainWindow, PageSpec, standard_pages
from apbundle_gui.pages.page import Page
from apbundle_gui.services import Level, OpenFailure, Services, Session

SIZES: Final = (QSize(1280, 800), QSize(1920, 1080))
PATIENCE_S: Final = 60.0
"""How long a page may take to have its content on the screen, in seconds."""
LOOK_MS: Final = 10
"""How often it is looked at, in milliseconds."""
SETTLING: Final = 10
"""How many pictures are compared at most until two in a row are the same."""


def draw_all(folder: Path) -> int:
    """Write ``<page>-<theme>-<width>.png`` for all pages into ``folder``. Returns the exit code."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="apbundle-") as work:
            sample = Path(work, "sample.apbundle")
            shutil.copyfile(resources.sample_path(), sample)
            services = Services.create(Path(work, "settings.ini"))
            reporter = Reporter(services.messages)
            reporter.install()
            try:
                _draw(services, str(sample), folder)
            finally:
                reporter.uninstall()
            failed = any(message.level >= Level.ERROR for message in services.messages.kept)
    except (BundleError, OSError) as error:
        log.error("%s", error)
        return 2
    return 1 if failed else 0


def _draw(services: Services, sample: str, folder: Path) -> None:
    QApplication.setCursorFlashTime(0)
    theme.manager().install(theme.Choice.LIGHT)
    pages = standard_pages()
    window = MainWindow(services, pages)
    window.show()
    try:
        _open(services.session, sample)
        for spec in pages:
            _draw_page(window, spec, sample, folder)
    finally:
        window.shut_down()


def _open(session: Session, path: str) -> None:
    failures: list[OpenFailure] = []
    session.failed.connect(failures.append)
    session.open(path)
    wait_until(lambda: session.current is not None or bool(failures), f"{path} to open")
    if failures:
        raise failures[0].error


def _draw_page(window: MainWindow, spec: PageSpec, sample: str, folder: Path) -> None:
    window.show_page(spec.name)
    page = window.page(spec.name)
    page.show_example(sample)
    wait_until(partial(_at_rest, page, window.services), f"{spec.title} to be ready")
    for choice in (theme.Choice.LIGHT, theme.Choice.DARK):
        theme.manager().choose(choice)
        for size in SIZES:
            window.resize(size)
            save(settled_picture(window), folder / f"{spec.name}-{choice}-{size.width()}.png")


def _at_rest(page: Page, services: Services) -> bool:
    return page.example_ready() and not services.jobs.jobs


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Handle events until ``condition`` holds.

    Raises
    ------
    TimeoutError
        When it does not within a minute.
    """
    deadline = time.monotonic() + PATIENCE_S
    loop = QEventLoop()
    timer = QTimer(interval=LOOK_MS)
    timer.timeout.connect(lambda: loop.quit() if condition() or time.monotonic() > deadline else None)
    timer.start()
    if not condition():
        loop.exec()
    timer.stop()
    if not condition():
        raise TimeoutError(f"waited {PATIENCE_S:.0f} s for {what}")


def settled_picture(window: MainWindow) -> QPixmap:
    """The window when layout and painting have come to rest; a page that moves by itself is taken as it is."""
    picture = window.grab()
    for _ in range(SETTLING):
        QApplication.processEvents()
        before, picture = picture, window.grab()
        if before.toImage() == picture.toImage():
            break
    return picture


def save(picture: QPixmap, path: Path) -> None:
    """Write a picture as a PNG file, as a whole or not at all."""
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")
    buffer.close()
    content = data.data()

    def fill(out: OutputFile) -> None:
        out.write_at(0, content)

    write_atomically(path, size=len(content), fill=fill)
