"""The window itself: rail, pages, menus, toolbar, status bar, and the way between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from apbundle_gui import resources, theme
from apbundle_gui.actions import ActionSet, Situation, find
from apbundle_gui.main_window.commands import CommandPalette, Entry
from apbundle_gui.main_window.dialogs import AboutDialog, MessagesDialog, ShortcutsDialog, confirm_leaving
from apbundle_gui.main_window.menus import RecentMenu, ToolBar, fill_menu_bar
from apbundle_gui.main_window.pages import PageSpec, standard_pages
from apbundle_gui.main_window.rail import Rail
from apbundle_gui.main_window.status import StatusBar
from apbundle_gui.models import text as words
from apbundle_gui.pages.page import Command, Page
from apbundle_gui.services import Level, Message, OpenBundle, OpenFailure, Services
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Banner, DropTargets, all_opened, local_paths, recordings_of, take_copy

FILTER: Final = "Bundles and recordings (*.apbundle *.aptrace);;All files (*)"
_TONES: Final = {Level.INFO: Tone.OK, Level.WARNING: Tone.WARNING, Level.ERROR: Tone.DANGER}


class MainWindow(QMainWindow):
    """Composes the program.

    Parameters
    ----------
    services
        Shut down when the window closes.
    pages
        The pages it has; each is made when it is first shown.
    """

    def __init__(self, services: Services, pages: Sequence[PageSpec] | None = None) -> None:
        super().__init__()
        self.services = services
        self._specs = {spec.name: spec for spec in (standard_pages() if pages is None else pages)}
        self._pages: dict[str, Page] = {}
        self._commands: Mapping[str, Command] = {}
        self._page_name = ""
        self._in_banner = ""
        self.setMinimumSize(860, 560)
        self.setAcceptDrops(True)
        self.actions_ = ActionSet(self)
        self.actions_.triggered.connect(self.do)
        for action in self.actions_:
            self.addAction(action)  # so that shortcuts work although a menu bar is hidden
        self._own = self._own_commands()
        self._compose()
        self._connect()
        self._restore()

    # -- what others ask of the window ---------------------------------------------------------------------------

    @property
    def page_name(self) -> str:
        """The name of the visible page."""
        return self._page_name

    def page(self, name: str) -> Page:
        """The page called ``name``, made now if it was never shown."""
        if name not in self._pages:
            page = self._specs[name].make(self.services)
            page.state_changed.connect(self._recompute)
            page.action_requested.connect(self.do)
            page.bundle_built.connect(self._bundle_built)
            page.paths_dropped.connect(self._dropped_on_page)
            self._pages[name] = page
            self._stack.addWidget(page)
        return self._pages[name]

    def show_page(self, name: str) -> None:
        """Make a page the visible one."""
        if name != self._page_name:
            if self._page_name:
                self._pages[self._page_name].deactivate()
            page = self.page(name)
            self._page_name = name
            self._commands = page.commands()
            self._stack.setCurrentWidget(page)
            self._toolbar.show_for(self._commands.__contains__)
            page.activate()
        for spec in self._specs.values():
            self.actions_[f"view.{spec.name}"].setChecked(spec.name == name)
        self._recompute()

    def open_files(self, paths: Sequence[str]) -> None:
        """Open bundles as :meth:`open_bundles` does, and show the last of the recordings among them in Monitor."""
        recordings = recordings_of(paths)
        self.open_bundles([path for path in paths if path not in recordings])
        if recordings:
            self.show_page("monitor")
            self._pages["monitor"].file_dropped(recordings)

    def open_bundles(self, paths: Sequence[str]) -> None:
        """Open files, each as a job, and show them in Inspect; Monitor stays: it shows the bundle as well."""
        if not paths:
            return
        if self._page_name == "monitor":
            self.page("inspect")  # made now, it hears of a file that does not open
        else:
            self.show_page("inspect")
        for path in paths:
            self.services.session.open(path)

    def do(self, name: str) -> None:
        """Do the action called ``name``, if it can be done."""
        if not self.actions_[name].isEnabled():
            return
        command = self._own.get(name) or self._commands[name]
        command.run()
        self._recompute()

    # -- making --------------------------------------------------------------------------------------------------

    def _compose(self) -> None:
        session = self.services.session
        self._recent = RecentMenu(session, self)
        fill_menu_bar(self.menuBar(), self.actions_, self._recent)
        self._toolbar = ToolBar(self.actions_, session, self)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self._toolbar)
        self.status = StatusBar(self.services.jobs, self)
        self.setStatusBar(self.status)
        center = QWidget()
        row = QHBoxLayout(center)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(Rail([self.actions_[f"view.{name}"] for name in self._specs]))
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.banner = Banner()
        self._banner_place = QWidget()
        place = QVBoxLayout(self._banner_place)
        place.setContentsMargins(Space.XL, Space.M, Space.XL, 0)
        place.addWidget(self.banner)
        self._banner_place.hide()
        column.addWidget(self._banner_place)
        self._stack = QStackedWidget()
        column.addWidget(self._stack, 1)
        row.addWidget(content, 1)
        self.setCentralWidget(center)
        self._overlay = DropTargets(content)
        self._palette = CommandPalette(self)

    def _connect(self) -> None:
        services = self.services
        services.messages.posted.connect(self._say)
        services.messages.withdrawn.connect(self._unsay)
        services.jobs.changed.connect(self._recompute)
        services.session.current_changed.connect(self._bundle_changed)
        services.session.opened.connect(self._opened)
        services.session.failed.connect(self._open_failed)
        self._recent.chosen.connect(lambda path: self.open_bundles([path]))
        self._overlay.open_dropped.connect(self.open_files)
        self._overlay.add_dropped.connect(self._add)
        self.banner.dismissed.connect(self._banner_place.hide)

    def _own_commands(self) -> dict[str, Command]:
        own: dict[str, Callable[[], object]] = {
            "file.open": self._choose_bundles,
            "file.sample": lambda: self.open_bundles([str(resources.sample_path())]),
            "file.reload": self._reload,
            "file.close": self._close_bundle,
            "file.quit": self.close,
            "view.commands": self._show_commands,
            "view.cancel_job": self._cancel_job,
            "view.full_screen": self._toggle_full_screen,
            "help.shortcuts": lambda: ShortcutsDialog(self).open(),
            "help.messages": lambda: MessagesDialog(self.services.messages.kept, self).open(),
            "help.about": lambda: AboutDialog(self).open(),
        }
        own |= {f"view.{name}": partial(self.show_page, name) for name in self._specs}
        own |= {f"theme.{choice}": partial(self.choose_theme, choice) for choice in theme.Choice}
        return {name: Command(run) for name, run in own.items()}

    # -- what happens --------------------------------------------------------------------------------------------

    def _recompute(self) -> None:
        session = self.services.session
        can = frozenset(name for name, command in self._commands.items() if command.enabled())
        self.actions_.recompute(Situation(session.current is not None, bool(self.services.jobs.jobs), can))
        for choice in theme.Choice:
            self.actions_[f"theme.{choice}"].setChecked(choice is theme.manager().choice)
        self.actions_["view.full_screen"].setChecked(self.isFullScreen())

    def _say(self, message: Message) -> None:
        text = message.text if message.error is None else words.error_text(message.error).line
        if message.level is Level.INFO:
            self.status.say(text)
            return
        if message.error is not None and message.text != str(message.error):
            text = f"{message.text} {text}"
        self._in_banner = message.text
        self._banner_place.show()
        self.banner.say(text, _TONES[message.level])

    def _unsay(self, text: str) -> None:
        if text == self._in_banner:
            self.banner.dismiss()

    def _opened(self, opened: OpenBundle) -> None:
        count = words.count(len(opened.bundle), "model")
        self.services.messages.info(f"Opened {words.file_name(opened.path)}: {count}.")

    def _open_failed(self, failure: OpenFailure) -> None:
        self.show_page("inspect")  # it says what is wrong with the file

    def _bundle_changed(self) -> None:
        current = self.services.session.current
        self.setWindowTitle(f"{words.file_name(current.path)} – apbundle" if current else "apbundle")
        self._recompute()

    def _reload(self) -> None:
        if (current := self.services.session.current) is not None:
            self.services.session.open(current.path)

    def _close_bundle(self) -> None:
        if (current := self.services.session.current) is not None:
            self.services.session.close(current.path)

    def _cancel_job(self) -> None:
        self.status.job_panel.cancel()

    def _bundle_built(self, path: str) -> None:
        self.open_files([path])

    def _choose_bundles(self) -> None:
        current = self.services.session.current
        folder = os.path.dirname(current.path) if current else ""
        paths, _ = QFileDialog.getOpenFileNames(self, "Open Bundles", folder, FILTER)
        self.open_files(paths)

    def _add(self, paths: list[str]) -> None:
        self.show_page("build")
        self._pages["build"].file_dropped(paths)

    def _dropped_on_page(self, paths: list[str]) -> None:
        if all_opened(paths):
            self.open_files(paths)
        else:
            self._add(paths)

    def choose_theme(self, choice: theme.Choice) -> None:
        """Use a theme from now on, and remember it."""
        theme.manager().choose(choice)
        self.services.settings.remember("window/theme", choice.value)
        self._recompute()

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _show_commands(self) -> None:
        entries = [
            Entry(action.title, action.tip, action.shortcut_text, action.icon, partial(self.do, action.name))
            for action in self.actions_.enabled()
            if action is not find("view.commands")
        ]
        entries += [
            Entry(f"Recent: {words.file_name(path)}", path, "", "recent", partial(self.open_bundles, [path]))
            for path in self.services.session.recent
        ]
        self._palette.open_with(entries)

    # -- files dropped anywhere ----------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        paths = local_paths(event.mimeData())
        if paths and event.source() is None:  # what is dragged out of the window is not offered back to it
            take_copy(event)
            if not self._pages[self._page_name].takes_drag(paths):
                self._overlay.offer(paths)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._overlay.left()

    def dropEvent(self, event: QDropEvent) -> None:
        self._overlay.dropEvent(event)

    # -- remembered ----------------------------------------------------------------------------------------------

    def _restore(self) -> None:
        settings = self.services.settings
        self.setWindowTitle("apbundle")
        self.resize(1280, 800)
        self.restoreGeometry(settings.blob("window/geometry"))
        page = settings.text("window/page")
        self.show_page(page if page in self._specs else next(iter(self._specs)))

    def closeEvent(self, event: QCloseEvent) -> None:
        losses = [loss for page in self._pages.values() if (loss := page.unsaved())]
        losses += [f"“{job.title}” is not finished." for job in self.services.jobs.jobs if not job.abandonable]
        if losses and not confirm_leaving(self, losses):
            event.ignore()
            return
        self.shut_down()
        event.accept()

    def shut_down(self) -> None:
        """Remember what is to be remembered and end everything, without asking."""
        settings = self.services.settings
        settings.remember("window/geometry", self.saveGeometry())
        settings.remember("window/page", self._page_name)
        for page in self._pages.values():
            page.shutdown()
        self.services.shutdown()
