"""What a build left: the file, its digest, and what can be done with it."""

from __future__ import annotations

import os
from typing import Final

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.services import Job, Services
from apbundle_gui.services.building import Written
from apbundle_gui.services.fingerprint import fingerprint
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Card, ElidedLabel, Glyph, MonoLabel, SecondaryLabel, SectionTitle, button, icon_button

UNASKED: Final = 1 << 30
"""Files of so many bytes are digested unasked."""


class ResultCard(Card):
    """Hidden until something was built.

    Attributes
    ----------
    digest
        The SHA-256 of the file, in hexadecimal, once it is known.
    open_wanted
        Emitted with the path of the bundle.
    dismissed
        It was read and put away.
    """

    open_wanted = Signal(object)
    dismissed = Signal()

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=Space.M)
        self._services = services
        self._path = ""
        self._job: Job | None = None
        self.digest = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.title = SectionTitle("")
        self.said = ElidedLabel(secondary=True)
        self.sum = MonoLabel()
        self.sum.setAccessibleDescription("SHA-256 of the file")
        self.open = button("Open", lambda: self.open_wanted.emit(self._path), tip="Show it on the Inspect page")
        self.show_folder = button("Show in Folder", self._show_folder, kind="quiet")
        self.copy_path = button("Copy Path", self._copy_path, kind="quiet")
        self.copy_digest = button("Copy Digest", self._copy_digest, kind="quiet")
        self.take_digest = button("Compute", self._take_digest, kind="quiet", tip="Read the whole file once")
        self._compose()
        self.hide()

    def _compose(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout()
        for row in (first, second):
            row.setSpacing(Space.S)
            self.body.addLayout(row)
        self.body.setSpacing(Space.XS)
        first.addWidget(Glyph("ok", theme.ICON, Tone.OK))
        first.addWidget(self.title)
        first.addWidget(self.said, 1)
        for each in (self.open, self.show_folder, self.copy_path, icon_button("close", "Dismiss", self.dismiss)):
            first.addWidget(each)
        second.addSpacing(theme.ICON + Space.S)
        second.addWidget(SecondaryLabel("SHA-256"))
        second.addWidget(self.sum, 1)
        second.addWidget(self.take_digest)
        second.addWidget(self.copy_digest)

    def show_written(self, written: Written, seconds: float) -> None:
        """Say what was written, and how long that took."""
        self._path = written.path
        edit = written.edit
        self.title.setText(f"{'Built' if edit is None else 'Saved'} {words.file_name(written.path)}")
        took = words.duration(seconds)
        cost = "" if edit is None else edit.brief.replace("Rewrites", "rewrote")
        size = words.size(written.size)
        self.said.setText(words.joined((words.count(written.models, "model"), size, cost, took)), written.path)
        self._know("")
        if written.size <= UNASKED:
            self._take_digest()
        self.show()

    def dismiss(self) -> None:
        """Put it away."""
        if self._job is not None:
            self._job.cancel()
        self.hide()
        self.dismissed.emit()

    def _know(self, digest: str) -> None:
        self.digest = digest
        self.sum.setText(digest or words.NONE)
        self.copy_digest.setVisible(bool(digest))
        self.take_digest.setVisible(not digest and self._job is None)

    def _take_digest(self) -> None:
        path = self._path

        def ended(digest: str = "") -> None:
            self._job = None
            if path == self._path:
                self._know(digest)

        self._job = fingerprint(self._services, path, ended, ended)
        self.take_digest.hide()
        self.sum.setText("…")

    def _show_folder(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(os.path.dirname(self._path))):
            self._services.messages.warning("No program of this system shows folders.")

    def _copy_path(self) -> None:
        QGuiApplication.clipboard().setText(self._path)
        self._services.messages.info("Copied the path of the bundle.")

    def _copy_digest(self) -> None:
        QGuiApplication.clipboard().setText(self.digest)
        self._services.messages.info("Copied the SHA-256 of the file.")
