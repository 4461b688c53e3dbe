"""The ways of tensors out of the bundle: dragged to other programs, or extracted to a folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.pages.inspect.drag_view import DragView
from apbundle_gui.services import Services
from apbundle_gui.services.drag_files import DragFiles
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.tensor_files import RAW, TensorReport, file_size, write_tensors

MOST_EXTRACTED: Final = 10_000
"""The most tensors that are extracted at once."""
_FOLDER_KEY: Final = "inspect/extract_folder"
_RAW_SAID: Final = "No array type fits: only the raw bytes are in the file."
_RAW_SAID_OF_MANY: Final = "Where no array type fits, only the raw bytes are in the file."


class TensorsLeaving(QObject):
    """Makes files of tensors, which are given as rows of the bundle's contents."""

    def __init__(self, services: Services, view: DragView, drag_files: DragFiles, parent: QWidget) -> None:
        super().__init__(parent)
        self._services = services
        self._view = view
        self._drag_files = drag_files
        self._parent = parent

    def drag(self, inspection: Inspection | None, things: Sequence[int]) -> None:
        """Begin to drag them."""
        if inspection is None or not things:
            self._view.no_drag()
            return
        few = things[: DragFiles.MOST + 1]
        if not DragFiles.fits(len(things), sum(file_size(inspection.contents.info(thing)) for thing in few)):
            self._services.messages.warning("This is too much to drag at once. Extract it to a folder instead.")
            self._view.no_drag()
            return
        keys = [inspection.contents.at(thing) for thing in few]
        self._drag_files.prepare_tensors(inspection, keys, self._ready, self._view.no_drag)

    def _ready(self, paths: list[str]) -> None:
        if not self._view.drag(paths):
            them = "it" if len(paths) == 1 else "them"
            said = f"{words.count(len(paths), 'file')} ready: drag again to take {them} along."
            self._services.messages.info(f"{said}{_raw_remark(paths)}")
        elif remark := _raw_remark(paths):
            self._services.messages.info(remark.strip())

    def extract(self, inspection: Inspection, things: Sequence[int]) -> None:
        """Ask where to, and write them there; no file that exists is replaced."""
        if len(things) > MOST_EXTRACTED:
            most = words.count(MOST_EXTRACTED, "tensor")
            self._services.messages.warning(f"At most {most} become files at once. Extract the whole model instead.")
            return
        before = self._services.settings.text(_FOLDER_KEY) or os.path.dirname(inspection.path)
        folder = QFileDialog.getExistingDirectory(self._parent, "Extract To", before)
        if not folder:
            return
        self._services.settings.remember(_FOLDER_KEY, folder)
        write_tensors(
            self._services.jobs,
            inspection,
            [inspection.contents.at(thing) for thing in things],
            folder,
            title="Extracting",
            on_done=lambda report: self._report(report, folder),
            on_cancelled=lambda: self._services.messages.info("Extracting was cancelled."),
        )

    def _report(self, report: TensorReport, folder: str) -> None:
        if report.failed:
            first, more = report.failed[0], len(report.failed) - 1
            others = f", nor were {words.count(more, 'other')}" if more else ""
            self._services.messages.error(f"The tensor {first.name!r} was not extracted{others}.", first.error)
        if report.written:
            done = words.count(len(report.written), "tensor")
            remark = _raw_remark([item.path for item in report.written])
            self._services.messages.info(f"Extracted {done} to {folder}.{remark}")


def _raw_remark(paths: Sequence[str]) -> str:
    raw = sum(path.endswith(RAW) for path in paths)
    return "" if not raw else f" {_RAW_SAID if len(paths) == 1 else _RAW_SAID_OF_MANY}"
