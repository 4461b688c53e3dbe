"""Everything the window can do, as one table.

Menus, toolbar, command palette, the list of shortcuts and the tests all read it. :func:`is_enabled` alone decides what
can be done at a moment. What an action does is somebody else's: the window does its own, and a page does those it lists
in its ``commands()``.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence

from apbundle_gui import theme


class When(Enum):
    """When an action can be done."""

    ALWAYS = "always"
    BUNDLE = "a bundle is open"
    JOB = "a job is running"
    PAGE = "the visible page does it, and can do it now"


class Menu(StrEnum):
    """The menus, in their order; the values are their titles."""

    FILE = "&File"
    EDIT = "&Edit"
    BUILD = "&Build"
    INSPECT = "&Inspect"
    MONITOR = "&Monitor"
    VIEW = "&View"
    HELP = "&Help"

    @property
    def plain(self) -> str:
        """The title without its mnemonic."""
        return self.value.replace("&", "")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the window can do.

    Attributes
    ----------
    name
        What the rest of the program calls it; the part before the dot is the page or the area it belongs to.
    text
        Its menu text, with mnemonic and, when it asks before it acts, an ellipsis.
    tip
        What it does, in one sentence.
    shortcut
        Its keys, in Qt's portable notation; empty for none.
    icon
        A key of :data:`apbundle_gui.theme.icons.GLYPHS`; empty for none.
    group
        Actions of one group of a menu stand together, between separators.
    when
        When it can be done.
    checkable
        It is a switch or one of several choices.
    toolbar
        It is in the toolbar too, while the page that does it is visible.
    """

    name: str
    text: str
    tip: str
    shortcut: str = ""
    icon: str = ""
    group: int = 0
    when: When = When.ALWAYS
    checkable: bool = False
    toolbar: bool = False

    @property
    def menu(self) -> Menu:
        """The menu it is in."""
        area = self.name.partition(".")[0]
        return Menu.VIEW if area == "theme" else Menu[area.upper()]

    @property
    def plain(self) -> str:
        """The text without mnemonic and ellipsis."""
        return self.text.replace("&", "").removesuffix("…")

    @property
    def title(self) -> str:
        """Menu and text, which tell it apart from all others: ``View: Build``."""
        return f"{self.menu.plain}: {self.plain}"

    @property
    def shortcut_text(self) -> str:
        """The keys as this system writes them."""
        return QKeySequence(self.shortcut).toString(QKeySequence.SequenceFormat.NativeText)

    @property
    def tooltip(self) -> str:
        """The tip and the keys, as safe markup."""
        keys = f" ({self.shortcut_text})" if self.shortcut else ""
        return f"<qt>{html.escape(self.tip + keys)}</qt>"


_bundle: Final = partial(Action, when=When.BUNDLE)
_page: Final = partial(Action, when=When.PAGE)
_choice: Final = partial(Action, checkable=True)

ACTIONS: Final[tuple[Action, ...]] = (
    Action("file.open", "&Open…", "Open bundles and look into them", "Ctrl+O", "open"),
    Action("file.sample", "Open &Sample", "Open the bundle that ships with the program", "Ctrl+Shift+O", "sample"),
    _bundle("file.reload", "&Reload", "Read the bundle anew from the disk", "Ctrl+R", "reload", 1),
    _bundle("file.close", "&Close Bundle", "Close the bundle that is shown", "Ctrl+W", "close", 1),
    Action("file.quit", "&Quit", "Close the window and end the program", "Ctrl+Q", "quit", 2),
    _page("edit.undo", "&Undo", "Take back the last change", "Ctrl+Z", "undo", toolbar=True),
    _page("edit.redo", "&Redo", "Make the change again that was taken back", "Ctrl+Shift+Z", "redo", toolbar=True),
    _page("edit.history", "Undo &History", "Show all changes and go back to any of them", "Ctrl+Alt+Z", "recent"),
    _page("edit.find", "&Find", "Search on this page", "Ctrl+F", "inspect", 1),
    _page("build.new", "&New Draft", "Begin an empty draft", "Ctrl+N", "new"),
    _page("build.edit_bundle", "Chan&ge a Bundle…", "Edit a bundle and write over it", "Ctrl+Shift+B", "edit"),
    _page("build.open_recipe", "Open Recip&e…", "Go on with the draft that a recipe describes", "Ctrl+Shift+R", "open"),
    _page("build.save_recipe", "Sa&ve Recipe…", "Save the draft as a recipe that builds the same", "Ctrl+S", "save"),
    _page("build.add_files", "&Add Files…", "Add models to the draft", "Ctrl+Shift+A", "add-file", toolbar=True),
    _page("build.add_folder", "Add F&older…", "Add a folder's models", "Ctrl+Shift+D", "add-folder", toolbar=True),
    _page("build.rename", "&Rename", "Change the name of the selected model", "F2", "edit", 1),
    _page("build.describe", "Metada&ta", "Say more about the selected models", "Ctrl+I", "metadata", 1),
    _page("build.duplicate", "Dup&licate", "Put a copy behind each selected model", "Ctrl+J", "copy", 1),
    _page("build.switch", "Enable or D&isable", "Keep the selected models out, or in", "Ctrl+Shift+X", "check", 1),
    _page("build.compress", "Com&press", "Store the selected models compressed, or not", "Ctrl+Shift+C", "memory", 1),
    _page("build.remove", "Re&move", "Take the selected models out of the draft", "Del", "remove", 1),
    _page("build.move_up", "Move &Up", "Move the selected models up", "Alt+Up", "up", 1),
    _page("build.move_down", "Move Do&wn", "Move the selected models down", "Alt+Down", "down", 1),
    _page("build.sort_name", "&Sort by Name", "Put the models in the order of their names", "", "down", 1),
    _page("build.sort_size", "Sort by Si&ze", "Put the models in the order of their sizes", "", "down", 1),
    _page("build.copy_command", "Copy as Comman&d", "Copy the command that builds this", "Ctrl+Shift+K", "copy", 2),
    _page("build.copy_python", "Cop&y as Python", "Copy Python that builds this", "Ctrl+Shift+Y", "copy", 2),
    _page("build.choose_output", "&Choose Output…", "Choose the file to build", "Ctrl+Shift+S", "save", 2),
    _page("build.build", "&Build", "Write the bundle and open it", "Ctrl+Return", "build", 2),
    _page("inspect.verify", "&Verify", "Compare everything with its checksum", "Ctrl+Shift+V", "verify"),
    _page("inspect.extract", "&Extract…", "Write the selected models to files", "Ctrl+E", "extract", 1, toolbar=True),
    _page("inspect.extract_all", "Extract &All…", "Write all models to files", "Ctrl+Shift+E", "extract", 1),
    _page("inspect.compare", "Co&mpare With…", "Compare with another bundle or model", "Ctrl+D", "compare", 1),
    _page("inspect.back", "&Back", "Go back to where you were", "Alt+Left", "back", 2, toolbar=True),
    _page("inspect.forward", "&Forward", "Go where you came back from", "Alt+Right", "forward", 2, toolbar=True),
    _page("inspect.next_tab", "&Next Tab", "Show the tab after this one", "Ctrl+Tab", "", 3),
    _page("inspect.previous_tab", "&Previous Tab", "Show the tab before this one", "Ctrl+Shift+Tab", "", 3),
    _page("inspect.tree", "&Tree and Tab", "Go with the keys from the tab to the tree, and back", "Ctrl+T", "", 3),
    _page("monitor.run", "&Start", "Start the workload, or go on with it", "F5", "run"),
    _page("monitor.pause", "&Pause", "Hold the workload where it is", "Shift+F6", "pause"),
    _page("monitor.step", "S&tep", "Do one access and hold", "F6", "step"),
    _page("monitor.reset", "&Reset", "End the workload and forget its recording", "Shift+F5", "reset"),
    _page(
        "monitor.freeze", "&Freeze", "Hold the view still while recording goes on", "Space", "freeze", 1, toolbar=True
    ),
    _page("monitor.newest", "Go to the &Newest", "Show the newest again, after a moment in the past", "", "forward", 1),
    _page("monitor.open_recording", "&Open Recording…", "Watch what a program records", "Ctrl+Alt+O", "open", 2),
    _page("monitor.save_recording", "Save Recording &As…", "Save a copy of what is recorded", "", "save", 2),
    _page("monitor.export", "&Export…", "Save the events, the units or the charts", "Ctrl+Alt+E", "extract", 2),
    _page("monitor.close_recording", "&Close Recording", "Go back to the workload", "Ctrl+Alt+W", "close", 2),
    _choice("view.build", "&Build", "Pack models into a bundle", "Ctrl+1", "build"),
    _choice("view.inspect", "&Inspect", "Look into a bundle", "Ctrl+2", "inspect"),
    _choice("view.monitor", "&Monitor", "Watch a bundle page within a memory limit", "Ctrl+3", "monitor"),
    Action("view.commands", "&Commands…", "Find anything the window can do", "Ctrl+K", "command", 1),
    Action("view.cancel_job", "Cancel &Job", "Stop the job in the status bar", "Ctrl+.", "cancel", 1, When.JOB),
    _choice("view.full_screen", "&Full Screen", "Use the whole screen", "F11", "full-screen", 1),
    _choice("theme.system", "Theme: as the S&ystem", "Follow the system's choice of light or dark", group=2),
    _choice("theme.light", "Theme: &Light", "Use the light theme", group=2),
    _choice("theme.dark", "Theme: &Dark", "Use the dark theme", group=2),
    Action("help.shortcuts", "&Keyboard Shortcuts", "Show all shortcuts", "F1", "keyboard"),
    Action("help.messages", "&Messages", "Show what was said so far", "Ctrl+Shift+M", "info"),
    Action("help.about", "&About apbundle", "Show version and license", "", "about", 1),
)


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides what can be done: whether a bundle is open, whether a job runs, and what the page can do."""

    bundle_open: bool = False
    job_running: bool = False
    page_can: frozenset[str] = frozenset()


def is_enabled(action: Action, situation: Situation) -> bool:
    """Whether ``action`` can be done in that situation."""
    match action.when:
        case When.ALWAYS:
            return True
        case When.BUNDLE:
            return situation.bundle_open
        case When.JOB:
            return situation.job_running
        case When.PAGE:
            return action.name in situation.page_can


def find(name: str) -> Action:
    """The action called ``name``.

    Raises
    ------
    KeyError
        When there is none.
    """
    return _BY_NAME[name]


_BY_NAME: Final = {action.name: action for action in ACTIONS}


class ActionSet(QObject):
    """The table as Qt's actions, made once for a window.

    Attributes
    ----------
    triggered
        Emitted with the name of an action the user asked for.
    """

    triggered = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._actions: dict[str, QAction] = {}
        for action in ACTIONS:
            made = QAction(action.text, self)
            made.setToolTip(action.tooltip)
            made.setStatusTip(action.tip)
            made.setCheckable(action.checkable)
            if action.shortcut:
                made.setShortcut(QKeySequence(action.shortcut))
            if action.icon:
                made.setIcon(theme.icon(action.icon))
            made.triggered.connect(lambda _checked, name=action.name: self.triggered.emit(name))
            self._actions[action.name] = made

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def __iter__(self) -> Iterator[QAction]:
        return iter(self._actions.values())

    def recompute(self, situation: Situation) -> None:
        """Enable what can be done, disable the rest."""
        for action in ACTIONS:
            self._actions[action.name].setEnabled(is_enabled(action, situation))

    def enabled(self) -> list[Action]:
        """What can be done now, in the order of the table."""
        return [action for action in ACTIONS if self._actions[action.name].isEnabled()]
