"""A session on the Inspect page in this process: ``python inspect_session.py BUNDLE [--watch]``.

Prints a JSON list, an object a step: ``title``; ``seconds`` until what was asked for was on the screen, or null where
nothing was; ``p95``, ``worst`` and ``own``, the gaps in seconds between two turns of the event loop from the step's
beginning until the window had come to rest, the last without what other processes took of the machine. ``--watch``
tells on the error stream what the window did in long gaps.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from stalls import Beat, Watch

from apbundle_gui import theme
from apbundle_gui.app.program import SWITCH_S, import_ahead, make_application
from apbundle_gui.main_window import MainWindow
from apbundle_gui.pages.inspect.page import InspectPage
from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.pages.inspect.tab import Tab
from apbundle_gui.pages.inspect.table_tab import TableTab
from apbundle_gui.services import Services
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.widgets import TableView

PATIENCE_S: Final = 120.0
REST_S: Final = 0.15
"""How long nothing must happen for a step to be over, in seconds."""
EVERY_MS: Final = 30
"""Between two turns of the wheel or repeats of a key."""
KEY_MS: Final = 80
"""Between two keys of somebody who types fast."""
QUERIES: Final = ("name~mlp.12", "name:*.w1", "dtype:f16,bf16", "shape:[*,8]", "rank:1", "size>100", "-w2 params>=40")
NO_KEYS: Final = Qt.KeyboardModifier.NoModifier
LEFT: Final = Qt.MouseButton.LeftButton
Key = Qt.Key


class Painted(QObject):
    """Counts the frames of a window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.count = 0
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.UpdateRequest
        return False


class Session:
    """The window, and a hand that goes through it step by step."""

    def __init__(self, bundle: Path, settings: Path, watch: bool) -> None:
        self.bundle = bundle
        self.services = Services.create(settings)
        theme.manager().install(theme.Choice.LIGHT)
        self.window = MainWindow(self.services)
        self.window.resize(1280, 800)
        self.window.show()
        self.window.activateWindow()
        QApplication.processEvents()
        self.painted = Painted(self.window)
        self.beat = Beat()
        self.watch = Watch(self.beat) if watch else None
        self.steps: list[dict[str, object]] = []

    # -- one step ------------------------------------------------------------------------------------------------

    def step(
        self,
        title: str,
        act: Callable[[], object],
        until: Callable[[], bool] | None = None,
        times: int = 1,
        every: int = 0,
    ) -> None:
        """Act so many times, ``every`` so many milliseconds, then wait for what it is to bring, and for peace."""
        self.beat.start()
        began = time.perf_counter()
        left = times

        def again() -> None:
            nonlocal left
            if left:
                left -= 1
                act()

        timer = QTimer(interval=every)
        timer.timeout.connect(again)
        timer.start()
        self._wait(lambda: not left, title)
        timer.stop()
        seconds = None
        if until is not None:
            self._wait(until, title)
            frames = self.painted.count
            self.window.update()
            self._wait(lambda: self.painted.count > frames, f"{title}: a frame")
            seconds = time.perf_counter() - began
        rest = time.perf_counter() + REST_S
        self._wait(lambda: time.perf_counter() > rest, title)
        gaps = self.beat.stop()
        self.steps.append({"title": title, "seconds": seconds, **gaps._asdict()})
        if self.watch is not None:
            shown = "" if seconds is None else f"{seconds * 1e3:.0f} ms, "
            sys.stderr.write(f"{title}: {shown}worst {gaps.worst * 1e3:.1f} ms, own {gaps.own * 1e3:.1f}\n")
            sys.stderr.writelines(f"    {cause}\n" for cause in self.watch.causes())

    @staticmethod
    def _wait(condition: Callable[[], bool], what: str) -> None:
        loop = QEventLoop()
        deadline = time.perf_counter() + PATIENCE_S
        timer = QTimer(interval=1, timerType=Qt.TimerType.PreciseTimer)
        timer.timeout.connect(lambda: loop.quit() if condition() or time.perf_counter() > deadline else None)
        timer.start()
        loop.exec()
        if not condition():
            raise TimeoutError(what)

    # -- what a hand does ----------------------------------------------------------------------------------------

    def wheel(self, target: QWidget, notches: int = -3) -> None:
        """Turn the wheel over a widget."""
        at = QPointF(target.rect().center())
        event = QWheelEvent(
            at,
            QPointF(target.mapToGlobal(at.toPoint())),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            NO_KEYS,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QCoreApplication.postEvent(target, event)

    def scroll(self, title: str, view: TableView) -> None:
        """Turn the wheel, go down by pages, jump to the end and back, drag the bar."""
        self.step(f"{title}: wheel", lambda: self.wheel(view.viewport()), times=40, every=EVERY_MS)
        bar = view.verticalScrollBar()
        places = iter(range(30))
        self.step(
            f"{title}: drag the bar",
            lambda: bar.setSliderPosition(next(places) * bar.maximum() // 29),
            times=30,
            every=EVERY_MS,
        )
        keys = iter([Key.Key_Home, *[Key.Key_PageDown] * 10, Key.Key_End, *[Key.Key_Up] * 10, Key.Key_Home])
        self.step(f"{title}: keys", lambda: QTest.keyClick(view, next(keys)), times=23, every=EVERY_MS)

    def type_query(self, tab: TableTab, query: str) -> None:
        """Type a query letter by letter, wait for its rows, and take it back."""
        search = self.page.tabs.search
        letters = iter(query)

        def arranged() -> bool:
            return not tab.model.arranging

        self.step(
            f"{tab.title}: {query}", lambda: QTest.keyClicks(search, next(letters)), arranged, len(query), every=KEY_MS
        )
        self.step(f"{tab.title}: {query} taken back", self.clear_search, lambda: arranged() and not tab.model.query)

    def clear_search(self) -> None:
        """Select all that was typed and delete it."""
        QTest.keyClick(self.page.tabs.search, Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClick(self.page.tabs.search, Key.Key_Delete)

    def sort(self, tab: TableTab) -> None:
        """Click every heading, twice, then the way back to the file's order."""
        header = tab.view.horizontalHeader()
        for column in range(tab.model.columnCount()):
            if header.isSectionHidden(column):
                continue
            heading = tab.model.headerData(column, Qt.Orientation.Horizontal)
            for way in ("up", "down"):
                at = QPoint(header.sectionViewportPosition(column) + 12, header.height() // 2)
                self.step(
                    f"{tab.title}: sort by {heading}, {way}",
                    partial(QTest.mouseClick, header.viewport(), LEFT, NO_KEYS, at),
                    lambda: not tab.model.arranging,
                )
        self.step(
            f"{tab.title}: not sorted",
            lambda: tab.view.sortByColumn(-1, Qt.SortOrder.AscendingOrder),
            lambda: not tab.model.arranging,
        )

    def go_to(self, tab: Tab, until: Callable[[], bool] | None = None, note: str = "") -> None:
        """Click a tab."""
        bar = self.page.tabs.bar
        place = next(number for number in range(bar.count()) if bar.tabText(number) == tab.title)
        at = bar.tabRect(place).center()
        self.step(f"tab {tab.title}{note}", lambda: QTest.mouseClick(bar, LEFT, NO_KEYS, at), until or tab.isVisible)

    # -- the session ---------------------------------------------------------------------------------------------

    def play(self) -> None:
        """All of it."""
        self.step("show the page", lambda: self.window.show_page("inspect"), lambda: self.window.page_name == "inspect")
        page = self.page
        models, tensors = page.models_tab, page.tensors_tab
        self.step("open", lambda: self.window.open_bundles([str(self.bundle)]), lambda: models.table.rowCount() > 0)
        self.step("until formats are known", lambda: None, lambda: self.inspection.formats.complete)
        self.scroll("Models", models.view)
        self.type_query(models, "pert.1" if models.table.rowCount() < 100 else "layers.140")
        self.sort(models)
        for tab in (page.manifest_tab, page.metadata_tab):
            self.go_to(tab)
        self.go_to(tensors, lambda: tensors.table.rowCount() > 0)
        self.step("until tensors are known", lambda: None, lambda: self.inspection.contents.complete)
        self.scroll("Tensors", tensors.view)
        for query in QUERIES:
            self.type_query(tensors, query)
        self.sort(tensors)
        self.select(tensors)
        self.walk_tree()
        self.go_to(page.values_tab, lambda: page.values_tab.values.statistics is not None)
        self.step("Values: other tensors", lambda: self.tree_key(Key.Key_Down), times=10, every=EVERY_MS * 4)
        self.go_to(page.hex_tab)
        keys = iter([Key.Key_PageDown] * 20)
        self.step("Hex: pages", lambda: QTest.keyClick(page.hex_tab.view, next(keys)), times=20, every=EVERY_MS)
        for note in (", again", ", a third time"):
            for tab in self.tabs():
                self.go_to(tab, note=note)
        for word, key in (("back", Key.Key_Left), ("forward", Key.Key_Right)):
            self.step(word, partial(self.travel, key), times=12, every=EVERY_MS * 3)
        self.step("close", lambda: self.window.do("file.close"), lambda: page.inspection is None)

    @property
    def page(self) -> InspectPage:
        """The page the session is on."""
        page = self.window.page("inspect")
        assert isinstance(page, InspectPage)
        return page

    @property
    def inspection(self) -> Inspection:
        """What it looks into."""
        assert self.page.inspection is not None
        return self.page.inspection

    def tabs(self) -> tuple[Tab, ...]:
        """All tabs, in their order."""
        page = self.page
        return (
            page.models_tab,
            page.manifest_tab,
            page.metadata_tab,
            page.tensors_tab,
            page.values_tab,
            page.hex_tab,
            page.compare_tab,
        )

    def select(self, tab: TableTab) -> None:
        """Select one by one, then a range, then all."""
        self.step("Tensors: select", lambda: QTest.keyClick(tab.view, Key.Key_Down), times=15, every=EVERY_MS)
        shift, control = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
        self.step(
            "Tensors: extend", lambda: QTest.keyClick(tab.view, Key.Key_PageDown, shift), times=10, every=EVERY_MS
        )
        self.step("Tensors: select all", lambda: QTest.keyClick(tab.view, Key.Key_A, control))
        self.step("Tensors: select one again", lambda: QTest.keyClick(tab.view, Key.Key_Home))

    def walk_tree(self) -> None:
        """Unfold down to the first tensor, scroll, go on by keys, fold everything."""
        view = self.page.navigation.view

        def quiet() -> bool:
            return not self.services.jobs.jobs

        self.step("Tree: to the top", lambda: QTest.keyClick(view, Key.Key_Home))
        for level in range(6):
            self.step(f"Tree: unfold, level {level}", self.unfold_next, quiet)
        self.scroll("Tree", view)
        self.step("Tree: End, fold", lambda: self.tree_key(Key.Key_Left), times=8, every=EVERY_MS)
        self.step("Tree: to a tensor", lambda: self.page.selection.go(self.a_tensor()), quiet)

    def unfold_next(self) -> None:
        """Unfold the current row, and go to the first one below it."""
        self.tree_key(Key.Key_Right)
        QTimer.singleShot(EVERY_MS, lambda: self.tree_key(Key.Key_Down))

    def tree_key(self, key: Key) -> None:
        """Press a key in the tree."""
        QTest.keyClick(self.page.navigation.view, key)

    def a_tensor(self) -> Place:
        """The place of a tensor in the middle of all."""
        contents = self.inspection.contents
        model, tensor = contents.at(contents.count // 2)
        return Place(model, "", tensor)

    def travel(self, key: Key) -> None:
        """Back or forward."""
        QTest.keyClick(self.window, key, Qt.KeyboardModifier.AltModifier)


def main() -> None:
    """Play the session."""
    sys.setswitchinterval(SWITCH_S)
    make_application()
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Path(sys.argv[1]), Path(folder, "settings.ini"), "--watch" in sys.argv)
        import_ahead()
        session.play()
        if session.watch is not None:
            session.watch.end()
        print(json.dumps(session.steps))
        session.window.shut_down()


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main()
