"""What leaves the Monitor page as a file: its tables, its charts, and the recording itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtWidgets import QFileDialog, QWidget

from apbundle.progress import Cancel, Progress
from apbundle_gui.models import monitor_export as tables
from apbundle_gui.models import text as words
from apbundle_gui.pages.monitor.dashboard import Dashboard
from apbundle_gui.pages.monitor.live import LiveView
from apbundle_gui.services import Services
from apbundle_gui.services.exporting import copy_file, write_export
from apbundle_gui.services.pacing import Pace

EVENTS_CSV: Final = "Events as CSV (*.csv)"
EVENTS_JSON: Final = "Events as JSON (*.json)"
UNITS_CSV: Final = "Units as CSV (*.csv)"
UNITS_JSON: Final = "Units as JSON (*.json)"
CHARTS: Final = "Charts as PNG (*.png)"
_KINDS: Final = (EVENTS_CSV, EVENTS_JSON, UNITS_CSV, UNITS_JSON, CHARTS)
_RECORDINGS: Final = "Recordings (*.aptrace)"


class Exports:
    """Asks for a file, and has a job write it.

    Parameters
    ----------
    page
        What the dialogs belong to.
    live, dashboard
        What is exported of.
    """

    def __init__(self, page: QWidget, services: Services, live: LiveView, dashboard: Dashboard) -> None:
        self._page = page
        self._services = services
        self._live = live
        self._dashboard = dashboard

    @property
    def possible(self) -> bool:
        """Whether there is something to export."""
        return self._live.complete

    def save_recording(self) -> None:
        """Save a copy of what is recorded up to now."""
        source = self._live.path
        target, _ = QFileDialog.getSaveFileName(
            self._page, "Save a Copy of the Recording", words.file_name(source), _RECORDINGS
        )
        if target:
            self._start(target, lambda progress, cancel: copy_file(source, target, progress, cancel))

    def export(self) -> None:
        """Ask what to export and where to, and do so."""
        path, kind = QFileDialog.getSaveFileName(self._page, "Export", "", ";;".join(_KINDS))
        if not path:
            return
        suffix = kind[kind.index("*") + 1 : -1]
        path = path if path.endswith(suffix) else path + suffix
        content = self._charts() if kind == CHARTS else self._table(kind)
        if content is not None:
            self._start(path, lambda progress, cancel: write_export(path, content(cancel)))

    def _table(self, kind: str) -> Callable[[Cancel], bytes] | None:
        """What words a table; what it needs is taken now, the rest is done by the job."""
        run = self._live.run
        if run is None:
            return None
        run, rows = run.copy(), self._dashboard.events.shown.rows()
        to_bytes = tables.as_csv if kind in (EVENTS_CSV, UNITS_CSV) else tables.as_json
        if kind in (EVENTS_CSV, EVENTS_JSON):
            return lambda cancel: to_bytes(
                tables.EVENT_COLUMNS, tables.event_records(rows, run.names, run.policy, Pace(cancel))
            )
        return lambda cancel: to_bytes(tables.UNIT_COLUMNS, tables.unit_records(run.residency, run.names, Pace(cancel)))

    def _charts(self) -> Callable[[Cancel], bytes]:
        """The charts as they are."""
        picture = self._dashboard.charts.grab()
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        picture.save(buffer, "PNG")
        buffer.close()
        content = bytes(data.data())
        return lambda cancel: content

    def _start(self, path: str, work: Callable[[Progress, Cancel], str]) -> None:
        name = words.file_name(path)
        self._services.jobs.start(
            f"Writing {name}", work, on_done=lambda written: self._services.messages.info(f"Saved {name}.")
        )
