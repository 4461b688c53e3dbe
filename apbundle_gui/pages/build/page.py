"""The Build page: files become a draft, the draft becomes a bundle."""

from __future__ import annotations

import os
from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QMenu, QStackedWidget, QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.build_draft import Draft
from apbundle_gui.models.build_problems import Problems
from apbundle_gui.models.build_store import DraftStore
from apbundle_gui.models.build_table import DraftTable
from apbundle_gui.pages.build.adding import Adding
from apbundle_gui.pages.build.choosing import Choosing
from apbundle_gui.pages.build.dropping import EmptyDraft
from apbundle_gui.pages.build.fixing import Fixing
from apbundle_gui.pages.build.handling import Handling
from apbundle_gui.pages.build.keeping import Keeping
from apbundle_gui.pages.build.making import Making
from apbundle_gui.pages.build.menu import row_menu
from apbundle_gui.pages.build.outlook import Outlook
from apbundle_gui.pages.build.recipes import Recipes
from apbundle_gui.pages.build.ruler_link import RulerLink
from apbundle_gui.pages.build.side import Side
from apbundle_gui.pages.build.workbench import Workbench
from apbundle_gui.pages.page import Command, Page
from apbundle_gui.services import Services
from apbundle_gui.services.details import Detail, Group, Origin
from apbundle_gui.services.example_files import Example, ExampleFiles
from apbundle_gui.services.gains import Gains
from apbundle_gui.services.sources import Sources
from apbundle_gui.theme import PAGE_MARGINS, Space, Tone
from apbundle_gui.widgets import Banner, DropTargets, button, local_paths, take_copy


class BuildPage(Page):
    """Packs models into a bundle. The draft is a value in a store; everything here shows it, or asks for another."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(services, parent)
        self.setAcceptDrops(True)
        self.store = DraftStore(self)
        self.sources = Sources(services, self)
        self.gains = Gains(services, self)
        self.table = DraftTable(self)
        self.table.show_facts(self.sources.facts)
        self.table.show_gains(self.gains.known)
        self._example = ExampleFiles(services)
        self.outlook = Outlook(services, self.store, self.sources, self)
        self.choosing = Choosing(services.settings, self.store, self.file_dropped, self)
        self._compose()
        self.adding = Adding(services, self.store, self.sources, self)
        self.fixing = Fixing(self.store, self.table, self.sources, self.choosing.output, self)
        self.handling = Handling(self.store, self.table, self.sources, self.view)
        self.making = Making(
            services, self.store, self.sources, self.banner, self.bench.error_card, self.bench.result, self
        )
        self.building = self.making.building
        self.recipes = Recipes(services, self.store, self.choosing, self.banner, self)
        self.keeping = Keeping(services, self.store, self.banner, self)
        self.ruler_link = RulerLink(self.bench.ruler, self.view, self.table, self.store, self.outlook)
        self._connect()
        self._show_judgement()

    # -- what the window asks ------------------------------------------------------------------------------------

    def commands(self) -> Mapping[str, Command]:
        def any_rows() -> bool:
            return bool(self.store.draft.rows)

        undo = self.store.undo_stack
        return {
            "edit.undo": Command(self.undo, undo.canUndo),
            "edit.redo": Command(self.redo, undo.canRedo),
            "edit.history": Command(lambda: self.side.show_tab(self.side.history), any_rows),
            "build.new": Command(self.store.clear, any_rows),
            "build.add_files": Command(self.choosing.files),
            "build.add_folder": Command(self.choosing.folder),
            **self.handling.commands(),
            **self.recipes.commands(),
            "build.describe": Command(lambda: self.side.show_tab(self.side.details), any_rows),
            "build.choose_output": Command(self.choosing.output, any_rows),
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
        return True

    def unsaved(self) -> str:
        draft = self.store.draft
        if not draft.rows or self.making.is_built or draft == self.recipes.saved:
            return ""
        return f"The draft of {words.count(len(draft.rows), 'model')} was not built."

    def shutdown(self) -> None:
        self.bench.remember(self.services.settings)
        self.outlook.stop()
        self.keeping.close()
        self._example.clear()

    def show_example(self, bundle_path: str) -> None:
        def unpacked(example: Example) -> None:
            self.adding.add(example.paths)
            self.store.describe(example.description)

        self._example.unpack(bundle_path, unpacked)

    @property
    def problems(self) -> Problems:
        """What is wrong with the draft."""
        return self.outlook.judgement.problems

    @property
    def at_rest(self) -> bool:
        """Whether everything that is known of the draft is on the screen."""
        return not (self.adding.busy or self.outlook.busy or self.side.details.busy)

    def example_ready(self) -> bool:
        return bool(self.store.draft.rows) and self.at_rest

    # -- making --------------------------------------------------------------------------------------------------

    def _compose(self) -> None:
        files = button("Add Files…", self.choosing.files, icon="add-file", kind="primary")
        folder = button("Add Folder…", self.choosing.folder, icon="add-folder")
        self.empty = EmptyDraft((files, folder))
        self.banner = Banner()
        self.side = Side(self.services, self.store, self.gains)
        self.panel = self.side.panel
        self.bench = Workbench(
            self.services,
            self.table,
            self.side,
            lambda: self.making.toggle(self.can_build),
            self.choosing.files,
            self.choosing.folder,
        )
        self.view = self.bench.view
        self.bench.restore(self.services.settings)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.bench)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*PAGE_MARGINS)
        layout.setSpacing(Space.M)
        layout.addWidget(self.banner)
        layout.addWidget(self._stack, 1)
        self.targets = DropTargets(self, strip=True)
        self.targets.watch(self.view.viewport())

    def _connect(self) -> None:
        store, view, panel, table, outlook = self.store, self.view, self.panel, self.table, self.outlook
        store.changed.connect(self._draft_changed)
        store.undo_stack.indexChanged.connect(self._history_changed)
        outlook.judged.connect(self._show_judgement)
        outlook.layout_known.connect(self._show_state)
        self.gains.changed.connect(lambda: table.show_gains(self.gains.known))
        table.renamed.connect(lambda row, name: store.rename({row: name}))
        table.told.connect(self._tell)
        table.switched.connect(lambda row, on: store.switch((row,), on))
        view.paths_dropped.connect(self.adding.add)
        view.rows_dropped.connect(lambda at: store.move(view.selected_ids(), at))
        view.fix_wanted.connect(self.fixing.fix)
        self.bench.fix_all_clicked.connect(self.fixing.fix_all)
        self.bench.dismissed.connect(self._show_state)
        self.bench.again_clicked.connect(self.build)
        self.bench.other_clicked.connect(self.choosing.output)
        view.selectionModel().selectionChanged.connect(self._selection_changed)
        view.customContextMenuRequested.connect(self._show_menu)
        panel.output_typed.connect(lambda text: store.put(text, typed=True))
        panel.output_wanted.connect(self.choosing.output)
        panel.fix_wanted.connect(self.fixing.fix_output)
        panel.described.connect(store.describe)
        panel.options_changed.connect(store.set_options)
        panel.details.metadata_changed.connect(store.describe_further)
        panel.details.dated.connect(store.date)
        panel.left.connect(self._field_left)
        self.targets.open_dropped.connect(self._open_bundles)
        self.targets.add_dropped.connect(self.adding.add)
        self.targets.gone.connect(lambda: self.empty.show_dropping(False))
        self.view.files_entered.connect(self._offer)
        self.adding.added.connect(view.show_new)
        self.adding.open_wanted.connect(self._open_bundles)
        self.adding.changed.connect(self._show_state)
        self.making.changed.connect(self._show_state)
        self.making.built.connect(self.bundle_built)
        self.making.built.connect(self._built)
        self.making.failed.connect(self._look_again)

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

    def can_build(self) -> bool:
        """Whether the draft can be built now."""
        return (
            any(row.enabled for row in self.store.draft.rows)
            and not self.problems.blocking
            and self.making.idle
            and not self.adding.busy
            and not (self.outlook.busy and self.store.draft.is_edit)  # what it costs is told first
        )

    def build(self) -> None:
        """Build the draft, if it can be built. What is being typed is part of it."""
        for view in (self.view, self.side.details.view, self.panel.details.view):
            if view.state() == view.State.EditingState:
                view.setFocus()
        if self.can_build():
            self.making.build()

    def _tell(self, row: int, group: Group, text: str) -> None:
        if text:
            self.store.tell((row,), Detail(group, "", text, Origin.YOU))
        else:
            self.store.untell((row,), (group, ""))

    # -- what happens --------------------------------------------------------------------------------------------

    def _draft_changed(self, before: Draft, after: Draft) -> None:
        self.outlook.forget()
        if before.rows is not after.rows:
            self.table.show_rows(after.rows)
            facts = self.sources.facts
            if any(row.source not in facts for row in after.rows):
                self._look_again()
            known = {row.id for row in before.rows}
            new = frozenset(row.id for row in after.rows if row.id not in known)
            if new and known:
                self.view.show_new(new)
            compressed = [row.source for row in after.rows if row.compress]
            self.view.show_stored(bool(compressed))
            self.gains.want(compressed)
            self._show_selection()
        if before.target != after.target:
            self.building.forget()
        self.panel.show_draft(after)
        self._turn_to(self.bench if after.rows else self.empty)

    def _built(self, path: str) -> None:
        self._look_again()  # it may be one that models were taken from
        self.keeping.forget()

    def _look_again(self) -> None:
        self.sources.refresh([row.source for row in self.store.draft.rows])
        self.outlook.forget()

    def _show_judgement(self) -> None:
        """Show everything that follows from the draft and from what is known of its files."""
        self.fixing.problems = self.problems
        self.table.show_facts(self.sources.facts)
        self.table.show_problems(self.problems.rows)
        self.panel.show_output(self.outlook.output, self.problems.output, self.outlook.cost)
        self._show_state()

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
        self._show_selection()
        self._show_total()
        self.state_changed.emit()

    def _show_selection(self) -> None:
        rows = self.table.rows
        self.side.details.show_rows([rows[at] for at in self.view.selected_rows()])

    def _show_total(self) -> None:
        selected, outlook = self.view.selected_rows(), self.outlook
        picked = selected if len(selected) > 1 else []
        total = outlook.judgement.total
        self.bench.footer.show_total(len(self.table.rows), total, len(picked), outlook.size_of(picked))

    def _show_state(self) -> None:
        self._show_total()
        outlook, problems, draft = self.outlook, self.problems, self.store.draft
        size = 0 if outlook.planned is None else outlook.planned.file_size
        otherwise = "…" if outlook.busy else ""
        total = outlook.judgement.total
        self.panel.show_plan(draft, total, outlook.planned, otherwise, self.making.seconds_for(size))
        self.bench.footer.show_problems(problems, len(self.fixing.fixes()))
        if self.building.job is not None:
            self.bench.header.show_build(self.building.job)
        else:
            if self.adding.busy:
                state = "Looking", Tone.ACCENT
            elif problems.blocking:
                state = words.count(problems.blocking, "problem"), Tone.DANGER
            elif self.bench.error_card.isVisibleTo(self.bench):
                state = "Failed", Tone.DANGER
            elif self.making.is_built:
                state = "Built", Tone.OK
            else:
                state = "Ready", Tone.NEUTRAL
            cost = outlook.cost
            remark = f"into {words.file_name(draft.target)}" if draft.target else ""
            remark = words.joined(("" if cost is None else cost.brief, remark))
            self.bench.header.show_state(*state, remark, self.can_build(), None if cost is None else cost.text)
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
        self.panel.details.leave(self.store.draft)

    def _open_bundles(self, paths: list[str]) -> None:
        for path in paths:
            self.bundle_built.emit(path)

    # -- dragging and menus --------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if paths := local_paths(event.mimeData()):
            take_copy(event)
            self.empty.show_dropping(True)
            self._offer(paths)

    def _offer(self, paths: list[str]) -> None:
        """Show what can be done with these paths, above the table where they can be dropped between rows."""
        rows = self.bench.isVisible()
        self.targets.offer(
            paths, self.bench.splitter.mapTo(self, QPoint(0, 0)).y() if rows else self.height(), rows=rows
        )

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if local_paths(event.mimeData()):
            take_copy(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self.empty.show_dropping(False)
        if paths := local_paths(event.mimeData()):
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
