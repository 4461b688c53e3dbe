"""Draws every page and tab with content, in both themes and two sizes, without a display."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
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
QUIET_LOOKS: Final = 6
"""How many looks in a row must find nothing at work."""
SETTLING: Final = 10
"""How many pictures are compared at most until two in a row are the same."""


def draw_all(folder: Path, bundle: str | None = None) -> int:
    """Write ``<page>[-<view>]-<theme>-<width>.png`` for all pages into ``folder``. Returns the exit code.

    Parameters
    ----------
    bundle
        What the Inspect page shows, if not the sample as all others do.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="apbundle-") as work:
            sample = Path(work, "sample.apbundle")
            shutil.copyfile(resources.sample_path(), sample)
            services = Services.create(Path(work, "settings.ini"))
            reporter = Reporter(services.messages)
            reporter.install()
            try:
                _draw(services, str(sample), bundle, folder)
            finally:
                reporter.uninstall()
            failed = any(message.level >= Level.ERROR for message in services.messages.kept)
    except (BundleError, OSError) as error:
        log.error("%s", error)
        return 2
    return 1 if failed else 0


def _draw(services: Services, sample: str, bundle: str | None, folder: Path) -> None:
    QApplication.setCursorFlashTime(0)
    theme.manager().install(theme.Choice.LIGHT)
    pages = standard_pages()
    window = MainWindow(services, pages)
    window.show()
    try:
        for spec in sorted(pages, key=lambda spec: spec.name != "inspect"):
            shown = bundle if bundle is not None and spec.name == "inspect" else sample
            _open(services.session, shown)
            _draw_page(window, spec, shown, folder)
    finally:
        window.shut_down()


def _open(session: Session, path: str) -> None:
    path = os.path.abspath(path)
    failures: list[OpenFailure] = []
    session.failed.connect(failures.append)
    session.open(path)
    wait_until(
        lambda: bool(failures) or (session.current is not None and session.current.path == path), f"{path} to open"
    )
    if failures:
        raise failures[0].error


def _draw_page(window: MainWindow, spec: PageSpec, bundle: str, folder: Path) -> None:
    window.show_page(spec.name)
    page = window.page(spec.name)
    page.show_example(bundle)
    wait_until(_at_rest(page, window.services), f"{spec.title} to be ready")
    for view in page.example_views():
        page.show_example_view(view)
        for size in SIZES:
            window.resize(size)
            wait_until(_at_rest(page, window.services), f"{spec.title} {view} to be ready")
            for choice in (theme.Choice.LIGHT, theme.Choice.DARK):
                theme.manager().choose(choice)
                parts = (spec.name, view, choice, str(size.width()))
                save(settled_picture(window), folder / f"{'-'.join(filter(None, parts))}.png")


def _at_rest(page: Page, services: Services) -> Callable[[], bool]:
    """A condition that holds once the page was ready, and no job was at work, for some looks in a row."""
    quiet = 0

    def at_rest() -> bool:
        nonlocal quiet
        quiet = quiet + 1 if page.example_ready() and not services.jobs.jobs else 0
        return quiet > QUIET_LOOKS

    return at_rest


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
