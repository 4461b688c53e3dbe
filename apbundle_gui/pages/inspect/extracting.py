"""Extracting by dialog: choose a folder, decide about files that exist, and hear what became of each model."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from apbundle.format.extract import ExtractReport
from apbundle_gui.models import text as words
from apbundle_gui.models.pair_list import PairList
from apbundle_gui.services import Services
from apbundle_gui.services.extraction import ExtractPlan, extract, plan_extraction
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.theme import Space
from apbundle_gui.widgets import Label, PageTitle, TableView, button

_FOLDER_KEY: Final = "inspect/extract_folder"


class ListDialog(QDialog):
    """A title, a sentence, a list of names with a remark each, and the ways to go on.

    Parameters
    ----------
    ways
        Button text and what it does; the last is the default, and closing the dialog does nothing.
    """

    def __init__(
        self,
        title: str,
        sentence: str,
        names: PairList,
        ways: Sequence[tuple[str, Callable[[], object]]],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(Space.XL, Space.XL, Space.XL, Space.L)
        layout.setSpacing(Space.M)
        layout.addWidget(PageTitle(title))
        self.sentence = Label(sentence)
        self.sentence.setWordWrap(True)
        layout.addWidget(self.sentence)
        view = TableView(sortable=False, framed=True)
        view.setAccessibleName(title)
        names.setParent(view)
        view.setModel(names)
        view.set_widths([260, 0], stretch=1)
        layout.addWidget(view, 1)
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addStretch(1)
        self.buttons: list[QPushButton] = []
        for text, act in ways:
            made = button(text, kind="primary" if (text, act) == ways[-1] else "plain")
            made.clicked.connect(self.accept)
            made.clicked.connect(lambda _checked, act=act: act())
            row.addWidget(made)
            self.buttons.append(made)
        self.buttons[-1].setDefault(True)
        layout.addLayout(row)
        self.resize(720, 400)


class Extracting(QObject):
    """One extraction after the other, from the question where to, to the report.

    Attributes
    ----------
    reported
        Emitted with an :class:`~apbundle.format.extract.ExtractReport` in which something was not written, and the
        folder.
    """

    reported = Signal(object, object)

    def __init__(self, services: Services, parent: QWidget) -> None:
        super().__init__(parent)
        self._services = services
        self._window = parent
        self.dialog: ListDialog | None = None

    def begin(self, inspection: Inspection, names: Sequence[str]) -> None:
        """Ask where to, and go on."""
        before = self._services.settings.text(_FOLDER_KEY) or os.path.dirname(inspection.path)
        folder = QFileDialog.getExistingDirectory(self._window, "Extract To", before)
        if folder:
            self._services.settings.remember(_FOLDER_KEY, folder)
            self.plan(inspection, names, folder)

    def plan(self, inspection: Inspection, names: Sequence[str], folder: str) -> None:
        """Look which files exist in ``folder``, ask about them, and go on."""
        plan_extraction(
            self._services, inspection, names, folder, lambda plan: self._decide(inspection, plan, overwrite=False)
        )

    def _decide(self, inspection: Inspection, plan: ExtractPlan, *, overwrite: bool) -> None:
        if not plan.existing:
            self._write(inspection, plan, overwrite=overwrite)
            return
        existing, models = len(plan.existing), len(plan.names)
        rest = models - existing
        overwriting = ("&Overwrite", lambda: self._write(inspection, plan, overwrite=True))
        skipping = ("&Skip These", lambda: self._write(inspection, plan, overwrite=False))
        cancelling = ("&Cancel", lambda: None)
        ways = [cancelling, overwriting, skipping] if rest else [overwriting, cancelling]
        self.dialog = ListDialog(
            "Some files exist",
            f"{words.count(existing)} of {words.count(models, 'file')} exist in {words.safe(plan.folder)}. "
            "Overwriting cannot be undone.",
            PairList(("File", "Model"), [(os.path.basename(path), name) for name, path in plan.existing]),
            ways,
            self._window,
        )
        self.dialog.finished.connect(self._forget_dialog)
        self.dialog.open()

    def _write(self, inspection: Inspection, plan: ExtractPlan, *, overwrite: bool) -> None:
        extract(
            self._services,
            inspection,
            plan.names,
            plan.folder,
            overwrite=overwrite,
            on_done=lambda report: self._report(report, plan.folder),
            on_cancelled=lambda said: self._services.messages.info(f"Extracting was cancelled. {said}"),
        )

    def _report(self, report: ExtractReport, folder: str) -> None:
        if report.failed:
            self.reported.emit(report, folder)
            return
        size = sum(item.size for item in report.written)
        done = f"{words.count(len(report.written), 'model')} ({words.size(size)})"
        self._services.messages.info(f"Extracted {done} to {folder}.")

    def show_report(self, report: ExtractReport, folder: str) -> None:
        """List what was not written, and why."""
        pairs = [(failure.name, words.error_text(failure.error).line) for failure in report.failed]
        self.dialog = ListDialog(
            "Not everything was extracted",
            report_sentence(report, folder),
            PairList(("Model", "Why it was not written"), pairs),
            [("&Close", lambda: None)],
            self._window,
        )
        self.dialog.finished.connect(self._forget_dialog)
        self.dialog.open()

    def _forget_dialog(self) -> None:
        self.dialog = None


def report_sentence(report: ExtractReport, folder: str) -> str:
    """What became of an extraction, in a sentence."""
    written, failed = len(report.written), len(report.failed)
    skipped = sum(isinstance(failure.error, FileExistsError) for failure in report.failed)
    parts = [f"{words.count(written)} of {words.count(written + failed, 'model')} written to {words.safe(folder)}"]
    if skipped:
        parts.append(f"{words.count(skipped)} skipped because the file exists")
    if failed > skipped:
        parts.append(f"{words.count(failed - skipped)} failed")
    return "; ".join(parts) + "."
