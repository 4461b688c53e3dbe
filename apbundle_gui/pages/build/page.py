"""The Build page: files become a draft, the draft becomes a bundle."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QTimer
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QStackedWidget, QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.build_draft import EXTENSION, Draft
from apbundle_gui.models.build_problems import Problems, find_problems
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.build_table import DraftTable
from apbundle_gui.pages.build.adding import Adding
from apbundle_gui.pages.build.dropping import EmptyDraft, draft_paths, is_for_draft
from apbundle_gui.pages.build.fixing import Fixing
from apbundle_gui.pages.build.menu import row_menu
from apbundle_gui.pages.build.outlook import Outlook
from apbundle_gui.pages.build.run import Building
from apbundle_gui.pages.build.workbench import Workbench
from apbundle_gui.pages.page import Command, Page
from apbundle_gui.services import Services
from apbundle_gui.services.building import BuildRequest, ModelRequest
from apbundle_gui.services.example_files import Example, ExampleFiles
from apbundle_gui.services.sources import Sources
from apbundle_gui.theme import PAGE_MARGINS, Space, Tone
from apbundle_gui.widgets import Banner, button, take_copy

MODEL_FILTER: Final = "All files (*)"
BUNDLE_FILTER: Final = f"Bundles (*{EXTENSION});;All files (*)"
_FOLDER_KEY: Final = "build/folder"


class BuildPage(Page):
    """Packs models into a bundle. The draft is a value in a store; everything here shows it, or asks for another."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(services, parent)
        self.setAcceptDrops(True)
        self.store = DraftStore(self)
        self.sources = Sources(services, self)
        self.table = DraftTable(self)
        self.table.show_facts(self.sources.facts)
        self.problems = Problems()
        self.building = Building(services, self)
        self._example = ExampleFiles(services)
        self._built = self._attempt = Draft()
        self.outlook = Outlook(services, self.store, self)
        self._pending = QTimer(self, singleShot=True, interval=0)
        self._compose()
        self.adding = Adding(services, self.store, self.sources, self.banner, self)
        self.fixing = Fixing(self.store, self.table, self.sources, self)
        self._connect()
        self._refresh()

    # -- what the window asks ------------------------------------------------------------------------------------

    def commands(self) -> Mapping[str, Command]:
        def any_rows() -> bool:
            return bool(self.store.draft.rows)

        def any_selected() -> bool:
            return self.view.selectionModel().hasSelection()

        undo = self.store.undo_stack
        return {
            "edit.undo": Command(self.undo, undo.canUndo),
            "edit.redo": Command(self.redo, undo.canRedo),
            "build.new": Command(self.store.clear, any_rows),
            "build.add_files": Command(self.choose_files),
            "build.add_folder": Command(self.choose_folder),
            "build.rename": Command(self.view.edit_name, any_selected),
            "build.remove": Command(self.remove_selected, any_selected),
            "build.move_up": Command(lambda: self.store.step(self.view.selected_ids(), -1), any_selected),
            "build.move_down": Command(lambda: self.store.step(self.view.selected_ids(), 1), any_selected),
            "build.choose_output": Command(self.choose_output, any_rows),
            "build.build": Command(self.build, self.can_build),
        }

    def activate(self) -> None:
        self._look_again()
        self._take_focus()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow() and self.isVisible():
            self._look_again()  # the user comes back from another program, which may have changed the files

    def file_dropped(self, paths: list[str]) -> None:
        self.adding.add(paths)

    def takes_drag(self, paths: list[str]) -> bool:
        return is_for_draft(paths)

    def unsaved(self) -> str:
        draft = self.store.draft
        if not draft.rows or draft == self._built:
            return ""
        return f"The draft of {words.count(len(draft.rows), 'model')} was not built."

    def shutdown(self) -> None:
        self.bench.remember(self.services.settings)
        self._pending.stop()
        self.outlook.resting.stop()
        self._example.clear()

    def show_example(self, bundle_path: str) -> None:
        def unpacked(example: Example) -> None:
            self.adding.add(example.paths)
            self.store.describe(example.description)

        self._example.unpack(bundle_path, unpacked)

    @property
    def at_rest(self) -> bool:
        """Whether everything that is known of the draft is on the screen."""
        return not (self.adding.busy or self._pending.isActive() or self.outlook.busy)

    def example_ready(self) -> bool:
        return bool(self.store.draft.rows) and self.at_rest

    # -- making --------------------------------------------------------------------------------------------------

    def _compose(self) -> None:
        files = button("Add Files…", self.choose_files, icon="add-file", kind="primary")
        folder = button("Add Folder…", self.choose_folder, icon="add-folder")
        self.empty = EmptyDraft((files, folder))
        self.banner = Banner()
        self.bench = Workbench(self.table, self._build_clicked, self.choose_files, self.choose_folder)
        self.view, self.panel = self.bench.view, self.bench.panel
        self.bench.restore(self.services.settings)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.bench)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*PAGE_MARGINS)
        layout.setSpacing(Space.M)
        layout.addWidget(self.banner)
        layout.addWidget(self._stack, 1)

    def _connect(self) -> None:
        store, view, panel, building = self.store, self.view, self.panel, self.building
        store.changed.connect(self._draft_changed)
        store.undo_stack.indexChanged.connect(self._history_changed)
        self.sources.changed.connect(self._pending.start)
        self.sources.changed.connect(self.outlook.forget)
        self._pending.timeout.connect(self._refresh)
        self.outlook.output_seen.connect(self._refresh)
        self.outlook.size_planned.connect(self._show_state)
        self.table.renamed.connect(lambda row, name: store.rename({row: name}))
        view.paths_dropped.connect(self.adding.add)
        view.rows_dropped.connect(lambda at: store.move(view.selected_ids(), at))
        view.fix_wanted.connect(self.fixing.fix)
        self.bench.fix_all_clicked.connect(self.fixing.fix_all)
        self.bench.dismissed.connect(self._show_state)
        self.bench.again_clicked.connect(self.build)
        self.bench.other_clicked.connect(self.choose_output)
        view.selectionModel().selectionChanged.connect(self._selection_changed)
        view.customContextMenuRequested.connect(self._show_menu)
        panel.output_typed.connect(lambda text: store.put(text, typed=True))
        panel.output_wanted.connect(self.choose_output)
        panel.described.connect(store.describe)
        panel.options_changed.connect(store.set_options)
        panel.left.connect(self._field_left)
        self.adding.added.connect(view.show_new)
        self.adding.open_wanted.connect(self._open_bundles)
        self.adding.changed.connect(self._show_state)
        building.progressed.connect(self._show_state)
        building.built.connect(self._build_done)
        building.failed.connect(self._build_failed)
        building.cancelled.connect(self._build_cancelled)

    # -- what the user asks --------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Take back the last change of the draft."""
        text = self.store.undo_stack.undoText()
        self.store.undo_stack.undo()
        self.services.messages.info(f"Undone: {text}")

    def redo(self) -> None:
        """Make the change again that was taken back."""
        text = self.store.undo_stack.redoText()
        self.store.undo_stack.redo()
        self.services.messages.info(f"Redone: {text}")

    def choose_files(self) -> None:
        """Add files chosen in a dialog."""
        folder = self.services.settings.text(_FOLDER_KEY)
        paths, _ = QFileDialog.getOpenFileNames(self, "Add Models", folder, MODEL_FILTER)
        if paths:
            self.services.settings.remember(_FOLDER_KEY, os.path.dirname(paths[0]))
            self.adding.add(paths)

    def choose_folder(self) -> None:
        """Add the models of a folder chosen in a dialog."""
        path = QFileDialog.getExistingDirectory(self, "Add a Folder", self.services.settings.text(_FOLDER_KEY))
        if path:
            self.services.settings.remember(_FOLDER_KEY, path)
            self.adding.add([path])

    def choose_output(self) -> None:
        """Choose in a dialog where the bundle goes. Whether to replace what is there is asked when it is built."""
        options = QFileDialog.Option.DontConfirmOverwrite
        target = self.store.draft.target
        path, _ = QFileDialog.getSaveFileName(self, "Choose the Output", target, BUNDLE_FILTER, options=options)
        if path:
            self.store.put(path if os.path.splitext(path)[1] else path + EXTENSION)

    def remove_selected(self) -> None:
        """Take the selected rows out, and select what comes to their place."""
        rows = self.view.selected_rows()
        self.store.remove(self.view.selected_ids())
        left = self.table.rowCount()
        if rows and left:
            self.view.selectRow(min(rows[0], left - 1))

    def can_build(self) -> bool:
        """Whether the draft can be built now."""
        return (
            bool(self.store.draft.rows)
            and not self.problems.blocking
            and self.building.job is None
            and self.building.question is None
            and not self.adding.busy
        )

    def build(self) -> None:
        """Build the draft."""
        if not self.can_build():
            return
        draft, facts = self.store.draft, self.sources.facts
        models = tuple(
            ModelRequest(row.name, row.path, known.identity if (known := facts.get(row.path)) else None)
            for row in draft.rows
        )
        self.bench.error_card.hide()
        self.banner.dismiss()
        self._attempt = draft
        self.building.start(BuildRequest(draft.target, models, draft.description, draft.options.config))

    def _build_clicked(self) -> None:
        if self.building.job is not None:
            self.building.cancel()
        else:
            self.build()

    # -- what happens --------------------------------------------------------------------------------------------

    def _draft_changed(self, before: Draft, after: Draft) -> None:
        self._pending.start()
        self.outlook.forget()
        if before.rows is not after.rows:
            self.table.show_rows(after.rows)
            facts = self.sources.facts
            if any(row.path not in facts for row in after.rows):
                self._look_again()
            known = {row.id for row in before.rows}
            new = frozenset(row.id for row in after.rows if row.id not in known)
            if new and known:
                self.view.show_new(new)
        if before.target != after.target:
            self.building.forget()
        self.panel.show_draft(after)

    def _look_again(self) -> None:
        self.sources.refresh([row.path for row in self.store.draft.rows])
        self.outlook.forget()

    def _refresh(self) -> None:
        """Show everything that follows from the draft and from what is known of its files."""
        rows, facts, output = self.store.draft.rows, self.sources.facts, self.outlook.output
        self.outlook.measure(facts)
        self.problems = self.fixing.problems = find_problems(rows, facts, output, self.sources.changed_paths)
        self.table.show_facts(facts)
        self.table.show_problems(self.problems.rows)
        self.panel.show_output(output, self.problems.output)
        self._show_state()
        self._turn_to(self.bench if rows else self.empty)

    def _turn_to(self, shown: QWidget) -> None:
        """Show the table, or the empty page; the keys go on where one would expect it."""
        if shown is self._stack.currentWidget():
            return
        self._stack.setCurrentWidget(shown)
        self._take_focus()

    def _take_focus(self) -> None:
        if not self.isHidden():  # files may still arrive when another page is shown
            (self.view if self._stack.currentWidget() is self.bench else self.empty).setFocus()

    def _history_changed(self) -> None:
        self.state_changed.emit()

    def _selection_changed(self) -> None:
        self._show_total()
        self.state_changed.emit()

    def _show_total(self) -> None:
        selected, outlook = self.view.selected_rows(), self.outlook
        picked = selected if len(selected) > 1 else []
        self.bench.footer.show_total(len(self.table.rows), outlook.total, len(picked), outlook.size_of(picked))
        self.panel.show_size(outlook.total, outlook.planned, "…" if outlook.busy else "")

    def _show_state(self) -> None:
        self._show_total()
        problems = self.problems
        fixable = len(self.fixing.fixes())
        self.bench.footer.show_problems(problems, fixable)
        if self.building.job is not None:
            self.bench.header.show_build(self.building.job)
        else:
            if self.adding.busy:
                state = "Looking", Tone.ACCENT
            elif problems.blocking:
                state = words.count(problems.blocking, "problem"), Tone.DANGER
            elif self.bench.error_card.isVisibleTo(self.bench):
                state = "Failed", Tone.DANGER
            elif self.store.draft == self._built:
                state = "Built", Tone.OK
            else:
                state = "Ready", Tone.NEUTRAL
            target = self.store.draft.target
            remark = f"into {words.file_name(target)}" if target else ""
            self.bench.header.show_state(*state, remark, self.can_build())
        self.state_changed.emit()

    def _field_left(self) -> None:
        self.store.pause()
        draft = self.store.draft
        if draft.output:
            folder = os.path.dirname(draft.rows[0].path) if draft.rows else ""
            whole = os.path.abspath(os.path.join(folder, os.path.expanduser(draft.output)))
            if whole != draft.output:
                self.store.put(whole)
        self.panel.show_draft(self.store.draft)

    def _open_bundles(self, paths: list[str]) -> None:
        for path in paths:
            self.bundle_built.emit(path)

    # -- how a build ends ----------------------------------------------------------------------------------------

    def _build_done(self, request: BuildRequest, path: str) -> None:
        self._built = self._attempt
        name = words.file_name(path)
        self.banner.say(
            f"Built {name} from {words.count(len(request.models), 'model')}.",
            Tone.OK,
            ((f"Open {name}".replace("&", "&&"), lambda: self.bundle_built.emit(path)),),
        )
        self.outlook.forget()
        self.bundle_built.emit(path)

    def _build_failed(self, request: BuildRequest, error: BaseException) -> None:
        safe = "The draft is kept."
        if not getattr(error, "hint", ""):
            safe += " Nothing was written; what was at the output before is as it was."
        concerned = getattr(error, "path", None) or getattr(error, "filename", None)
        self.bench.error_card.show_error(error, concerned if isinstance(concerned, str) else request.output, safe)
        self.bench.error_card.show()
        self._look_again()

    def _build_cancelled(self) -> None:
        self.banner.say("Cancelled: nothing was written, and the draft is as it was.", Tone.NEUTRAL)

    # -- dragging and menus --------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if draft_paths(event.mimeData()):
            take_copy(event)
            self.empty.show_dropping(True)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if draft_paths(event.mimeData()):
            take_copy(event)

    def dragLeaveEvent(self, event: QEvent) -> None:
        self.empty.show_dropping(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.empty.show_dropping(False)
        if paths := draft_paths(event.mimeData()):
            take_copy(event)
            self.adding.add(paths)

    def _show_menu(self, at: QPoint) -> None:
        if self.view.selectionModel().hasSelection():
            self.menu().popup(self.view.viewport().mapToGlobal(at))

    def menu(self) -> QMenu:
        """What can be done with the selected rows."""
        row = self.view.currentIndex().row()
        problem = self.table.problem(row) if row >= 0 else None
        fix = problem.fix if problem is not None else None
        return row_menu(self, fix, lambda: self.fixing.fix(row), lambda name: self.commands()[name].run())
