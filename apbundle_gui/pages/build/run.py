"""One build after the other: starts them, asks before something is replaced, and says how they ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.services import Job, Services
from apbundle_gui.services.building import BuildRequest, build
from apbundle_gui.widgets import question

LONGEST_NAME: Final = 48
"""Longest file name in a question, in characters: so many have room on a line."""


class Building(QObject):
    """Builds what it is given.

    Attributes
    ----------
    job
        The build that runs, or ``None``.
    progressed
        There is something new to say of it.
    built
        Emitted with the request and what was written, as a :class:`~apbundle_gui.services.building.Written`.
    failed
        Emitted with the request and the exception.
    cancelled
        Emitted when the user stopped it, and nothing was written.
    """

    progressed = Signal()
    built = Signal(object, object)
    failed = Signal(object, object)
    cancelled = Signal()

    def __init__(self, services: Services, page: QWidget) -> None:
        super().__init__(page)
        self._services = services
        self._page = page
        self._agreed = ""
        self.job: Job | None = None
        self.question: QMessageBox | None = None

    def start(self, request: BuildRequest) -> None:
        """Build, unless a build is running or the user is being asked. What was agreed to once is not asked again."""
        if self.job is not None or self.question is not None:
            return
        request = replace(request, overwrite=request.overwrite or request.output == self._agreed)
        self.job = build(
            self._services,
            request,
            on_done=lambda written: self._end(lambda: self.built.emit(request, written)),
            on_failed=lambda error: self._end(lambda: self._failed(request, error)),
            on_cancelled=lambda: self._end(self.cancelled.emit),
        )
        self.job.progressed.connect(self.progressed)
        self.progressed.emit()

    def cancel(self) -> None:
        """Ask the build to stop."""
        if self.job is not None:
            self.job.cancel()
            self.progressed.emit()

    def forget(self) -> None:
        """Ask again before something is replaced: the output is another one."""
        self._agreed = ""

    def _end(self, tell: Callable[[], object]) -> None:
        self.job = None
        tell()
        self.progressed.emit()

    def _failed(self, request: BuildRequest, error: BaseException) -> None:
        if isinstance(error, FileExistsError) and not request.overwrite:
            self._ask(request)
        else:
            self.failed.emit(request, error)

    def _ask(self, request: BuildRequest) -> None:
        box, yes = question(
            self._page,
            "Build",
            f"Replace {words.safe(words.file_name(request.output), LONGEST_NAME)}?",
            f"{words.safe(request.output)} exists already. It stays as it is until the new bundle is complete.",
            "Replace",
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def answered() -> None:
            agreed = box.clickedButton() is yes
            self.question = None
            if agreed:
                self._agreed = request.output
                self.start(request)
            self.progressed.emit()

        box.finished.connect(answered)
        self.question = box
        box.open()
