"""One scene of the window in this process: ``python window_scenes.py SCENE FOLDER SECONDS WIDTH HEIGHT``.

Prints a JSON object: ``p95`` and ``worst``, the gaps in seconds between two turns of a timer of 1 ms while the scene
plays, and ``frames``, how often a second the window was painted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtWidgets import QApplication

from apbundle_gui import theme
from apbundle_gui.app.program import SWITCH_S, import_ahead, make_application
from apbundle_gui.app.screenshots import wait_until
from apbundle_gui.main_window import MainWindow
from apbundle_gui.models.monitor_text import PACES
from apbundle_gui.services import Services

BEAT_MS: Final = 16
KEY_MS: Final = 120
"""Milliseconds between two keys of somebody who types fast."""
QUERY: Final = "layers.140"


class Probe(QObject):
    """Measures how long the event loop is away, and counts the frames of a window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._turns: list[float] = []
        self._frames = 0
        self._timer = QTimer(self, interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(lambda: self._turns.append(time.perf_counter()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self._frames += event.type() == QEvent.Type.UpdateRequest
        return False

    def during(self, scene: Callable[[], None]) -> dict[str, float]:
        """What it saw while ``scene`` ran."""
        self._window.installEventFilter(self)
        self._turns, self._frames = [time.perf_counter()], 0
        self._timer.start()
        scene()
        self._timer.stop()
        self._turns.append(time.perf_counter())
        gaps = np.diff(self._turns)
        return {
            "p95": float(np.percentile(gaps, 95)),
            "worst": float(gaps.max()),
            "frames": self._frames / (self._turns[-1] - self._turns[0]),
        }


class Stage:
    """The window, and what can be played in it."""

    def __init__(self, folder: Path, seconds: float, size: QSize) -> None:
        self.folder: Final = folder
        self.seconds: Final = seconds
        self.services = Services.create(folder / "settings.ini")
        theme.manager().install(theme.Choice.LIGHT)
        self.window = MainWindow(self.services)
        self.window.resize(size)
        self.window.show()
        QApplication.processEvents()

    def play(self, name: str) -> dict[str, float]:
        """Play a scene and measure it."""
        return getattr(self, name)()

    def open(self) -> dict[str, float]:
        """Open a hundred thousand models, until everything about them is known, then scroll through them."""
        self.window.show_page("inspect")
        QApplication.processEvents()
        return Probe(self.window).during(lambda: (self._open_many(), self._scroll()))

    def filter(self) -> dict[str, float]:
        """Type a query over them, letter by letter, and take it back, again and again."""
        self.window.show_page("inspect")
        self._open_many()
        return Probe(self.window).during(self._type)

    def verify(self) -> dict[str, float]:
        """Verify a large bundle."""
        self._open("large.apbundle")
        page = self.window.page("inspect")

        def verify() -> None:
            page.verify()
            wait_until(lambda: page.inspection.verification.report is not None, "the verdict")

        return Probe(self.window).during(verify)

    def monitor(self) -> dict[str, float]:
        """Run the Zipf workload as fast as it goes."""
        self._open("paged.apbundle")
        self.window.show_page("monitor")
        page = self.window.page("monitor")
        wait_until(page.commands()["monitor.run"].enabled, "the models")
        page.source.speed.setValue(PACES.index(None))
        page.run()
        wait_until(lambda: page.live.now > 1e9, "the workload")
        result = Probe(self.window).during(lambda: self._wait(self.seconds))
        page.reset()
        return result

    def theme(self) -> dict[str, float]:
        """Change the theme, with all pages made, again and again."""
        self._open("paged.apbundle")
        for name in ("build", "monitor", "inspect"):
            self.window.show_page(name)
            QApplication.processEvents()
        choices = cycle((theme.Choice.DARK, theme.Choice.LIGHT))
        return Probe(self.window).during(
            lambda: self._repeat(lambda: self.window.choose_theme(next(choices)), BEAT_MS * 20)
        )

    def close(self) -> None:
        """End it."""
        self.window.shut_down()

    def _open(self, name: str) -> None:
        self.window.open_bundles([str(self.folder / name)])
        wait_until(lambda: self.services.session.current is not None and not self.services.jobs.jobs, name)

    def _open_many(self) -> None:
        self._open("many.apbundle")
        page = self.window.page("inspect")
        wait_until(lambda: page.example_ready() or page.inspection.formats.complete, "the formats")

    def _scroll(self) -> None:
        bar = self.window.page("inspect").models_tab.view.verticalScrollBar()
        places = cycle([*np.linspace(0, bar.maximum(), 60).astype(int), *range(0, 600, 13)])
        self._repeat(lambda: bar.setValue(int(next(places))), BEAT_MS)

    def _type(self) -> None:
        search = self.window.page("inspect").tabs.search
        texts = cycle([QUERY[:length] for length in (*range(len(QUERY) + 1), *range(len(QUERY) - 1, 0, -1))])
        self._repeat(lambda: search.setText(next(texts)), KEY_MS)

    def _repeat(self, act: Callable[[], object], every: int) -> None:
        timer = QTimer(interval=every)
        timer.timeout.connect(act)
        timer.start()
        self._wait(self.seconds)
        timer.stop()

    @staticmethod
    def _wait(seconds: float) -> None:
        end = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() >= end, "the end")


def bare() -> None:
    """The least a window with a chart takes to start."""
    import pyqtgraph as pg

    application = QApplication(sys.argv[:1])
    widget = pg.PlotWidget()
    widget.show()
    widget.grab()
    application.processEvents()


def main() -> None:
    """Play the scene asked for."""
    name, folder, seconds, width, height = sys.argv[1:]
    if name == "bare":
        bare()
        return
    sys.setswitchinterval(SWITCH_S)
    make_application()
    stage = Stage(Path(folder), float(seconds), QSize(int(width), int(height)))
    if name == "start":
        stage.window.grab()
    else:
        import_ahead()
        print(json.dumps(stage.play(name)))
    stage.close()


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main()
