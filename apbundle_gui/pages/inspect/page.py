"""The Inspect page: a card that says what the bundle is, and tabs that say what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from apbundle.format.extract import ExtractReport
from apbundle_gui.models.remarks import Remark, remarks
from apbundle_gui.pages.inspect.card import BundleCard
from apbundle_gui.pages.inspect.changes import Changes
from apbundle_gui.pages.inspect.compare.tab import CompareTab
from apbundle_gui.pages.inspect.empty import EmptyInspect
from apbundle_gui.pages.inspect.examples import Examples
from apbundle_gui.pages.inspect.extracting import Extracting, report_sentence
from apbundle_gui.pages.inspect.failure import FailurePage
from apbundle_gui.pages.inspect.manifest_tab import ManifestTab
from apbundle_gui.pages.inspect.models_tab import ModelsTab
from apbundle_gui.pages.inspect.navigation import Navigation
from apbundle_gui.pages.inspect.places import place_of_span
from apbundle_gui.pages.inspect.remarks import RemarksView
from apbundle_gui.pages.inspect.selection import Selection
from apbundle_gui.pages.inspect.tab import Tab
from apbundle_gui.pages.inspect.tabbed import KINDS, TabbedPage, make_tab
from apbundle_gui.pages.inspect.tabs import Tabs
from apbundle_gui.pages.inspect.whereabouts import Whereabouts
from apbundle_gui.pages.page import Command
from apbundle_gui.services import OpenBundle, OpenFailure, Services
from apbundle_gui.services.drag_files import DragFiles
from apbundle_gui.services.first_look import first_look
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.theme import PAGE_MARGINS, Space, Tone
from apbundle_gui.widgets import Banner

TREE_WIDTH, LEAST_TREE_WIDTH = 240, 200
"""Of the tree at first and at least, in pixels."""
_TAB_KEY, _SIDES_KEY = "inspect/tab", "inspect/tree_splitter"


class InspectPage(TabbedPage):
    """Looks into the current bundle of the session."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(services, parent)
        self.inspection: Inspection | None = None
        self._inspections: dict[str, Inspection] = {}
        self.selection = Selection(self)
        self.drag_files = DragFiles(services)
        self.extracting = Extracting(services, self)
        self.examples = Examples(self)
        self._elsewhere: tuple[str, Whereabouts] | None = None  # where one wants to go in another bundle
        self.empty = EmptyInspect()
        self.content = QWidget()
        self._compose()
        self._connect()
        self._show_current()

    # -- making --------------------------------------------------------------------------------------------------

    def _compose(self) -> None:
        """From the outside in: what is put into something else is styled again with all that is in it."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*PAGE_MARGINS)
        self._stack = QStackedWidget()
        layout.addWidget(self._stack)
        for widget in (self.empty, self.content):
            self._stack.addWidget(widget)
        place = self.services.settings.number(_TAB_KEY, 0, 0, len(KINDS) - 1)
        self.tabs = Tabs({kind: partial(self._make, kind) for kind in KINDS}, place)
        self.tabs.added.connect(self._added)
        self.banner = Banner()
        self.changes = Changes(self.services, self.selection, self.banner, self)
        self.card = BundleCard()
        self.remarks = RemarksView()
        self.navigation = Navigation(self.services, self.selection, self.tabs, self._inspection_of, self)
        sides = QHBoxLayout(self.content)
        sides.setContentsMargins(0, 0, 0, 0)
        self.sides = QSplitter(Qt.Orientation.Horizontal)
        self.sides.setChildrenCollapsible(False)
        self.sides.setHandleWidth(Space.M)
        sides.addWidget(self.sides)
        self.navigation.view.setMinimumWidth(LEAST_TREE_WIDTH)
        self.sides.addWidget(self.navigation.view)
        main = QWidget()
        self.sides.addWidget(main)
        self.sides.setStretchFactor(1, 1)
        self.sides.setSizes([TREE_WIDTH, 4 * TREE_WIDTH])
        state = self.services.settings.blob(_SIDES_KEY)
        if not state.isEmpty():
            self.sides.restoreState(state)
        column = QVBoxLayout(main)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(Space.M)
        column.addWidget(self.banner)
        column.addWidget(self.card)
        column.addWidget(self.remarks)
        column.addWidget(self.tabs, 1)

    @cached_property
    def failure(self) -> FailurePage:
        """What is shown of a file that does not open."""
        page = FailurePage()
        page.open_wanted.connect(lambda: self.action_requested.emit("file.open"))
        page.again_wanted.connect(lambda: self.services.session.open(page.path))
        page.back_wanted.connect(self._show_current)
        self._stack.addWidget(page)
        return page

    def _make(self, kind: type[Tab]) -> Tab:
        tab = make_tab(kind, self.services, self.selection, self.drag_files)
        if isinstance(tab, ModelsTab):
            tab.extract_wanted.connect(self.extract_selected)
            tab.compare_wanted.connect(self._compare_models)
            tab.panel.field_chosen.connect(self._show_field)
        elif isinstance(tab, CompareTab):
            tab.show_wanted.connect(self.tabs.show_titled)
            tab.other_wanted.connect(self._show_in_other)
        return tab

    def _added(self, tab: Tab) -> None:
        """A tab that comes late shows what the others show."""
        if self.inspection is not None:
            tab.show_inspection(self.inspection)
            if isinstance(tab, ManifestTab):
                tab.mark(remarks(self.inspection.bundle, self.inspection.verification))
            tab.selection_changed()

    def _connect(self) -> None:
        session = self.services.session
        session.opened.connect(self._opened)
        session.failed.connect(self._open_failed)
        session.closed.connect(self._closed)
        session.current_changed.connect(self._show_current)
        session.changed.connect(self._show_recent)
        self._show_recent()
        self.empty.open_wanted.connect(lambda: self.action_requested.emit("file.open"))
        self.empty.sample_wanted.connect(lambda: self.action_requested.emit("file.sample"))
        self.empty.recent_chosen.connect(session.open)
        self.empty.dropped.connect(self.paths_dropped)
        self.card.verify_clicked.connect(self._verify_clicked)
        self.card.extract_clicked.connect(self.extract_selected)
        self.remarks.chosen.connect(self._follow_remark)
        self.extracting.reported.connect(self._show_report)
        self.selection.changed.connect(self.state_changed)
        self.navigation.history.changed.connect(self.state_changed)

    # -- what the window asks ------------------------------------------------------------------------------------

    def commands(self) -> Mapping[str, Command]:
        return {
            "inspect.verify": Command(self.verify, self._can_verify),
            "inspect.extract": Command(self.extract_selected, lambda: bool(self._shown and self.selection.models)),
            "inspect.extract_all": Command(self.extract_all, lambda: bool(self._shown and self._shown.names)),
            "inspect.back": Command(self.navigation.back, lambda: self.navigation.history.can_go_back),
            "inspect.forward": Command(self.navigation.forward, lambda: self.navigation.history.can_go_forward),
            "inspect.compare": Command(self._compare_with, self._is_shown),
            "inspect.next_tab": Command(lambda: self.tabs.turn(1), self._is_shown),
            "inspect.previous_tab": Command(lambda: self.tabs.turn(-1), self._is_shown),
            "inspect.tree": Command(self._switch_pane, self._is_shown),
            "edit.find": Command(self.tabs.start_search, self._is_shown),
        }

    def activate(self) -> None:
        self._focus_table()
        self.tabs.make_ahead()

    def _focus_table(self) -> None:
        """The keys go to the table, unless they go to the search already."""
        if self._shown is not None and self.isVisible() and not self.tabs.search.hasFocus():
            self.tabs.current.focus_widget.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def _shown(self) -> Inspection | None:
        """The inspection that is on the screen; ``None`` behind an error card."""
        return self.inspection if self._stack.currentWidget() is self.content else None

    def _is_shown(self) -> bool:
        return self._shown is not None

    def _switch_pane(self) -> None:
        tree = self.navigation.view
        target = self.tabs.current.focus_widget if tree.hasFocus() else tree
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def file_dropped(self, paths: list[str]) -> None:
        self.paths_dropped.emit(paths)

    def shutdown(self) -> None:
        self.tabs.stop()
        for tab in self.tabs.existing:
            tab.remember()
            tab.hidden()
        self.services.settings.remember(_SIDES_KEY, self.sides.saveState())
        self.services.settings.remember(_TAB_KEY, self.tabs.bar.currentIndex())
        self.changes.watch.close()
        for inspection in self._inspections.values():
            inspection.close()
        self.drag_files.clear()

    def show_example(self, bundle_path: str) -> None:
        self.tabs.show_tab(self.models_tab)
        if self.inspection is not None:
            self.inspection.contents.want_all()
        self.verify()

    def example_ready(self) -> bool:
        inspection = self.inspection
        return (
            inspection is not None
            and inspection.formats.complete
            and inspection.contents.complete
            and inspection.fields is not None
            and inspection.verification.report is not None
        )

    def example_views(self) -> Sequence[str]:
        return tuple(self.examples.views)

    def show_example_view(self, view: str) -> None:
        self.examples.show(view)

    # -- bundles come and go -------------------------------------------------------------------------------------

    def _opened(self, opened: OpenBundle) -> None:
        self._show_current()

    def _closed(self, path: str) -> None:
        inspection = self._inspections.pop(path, None)
        if inspection is not None:
            inspection.close()

    def _open_failed(self, failure: OpenFailure) -> None:
        current, self._elsewhere = self.services.session.current, None
        self.failure.show_failure(failure, current.path if current else None)
        self._stack.setCurrentWidget(self.failure)
        first_look(self.services, failure.path, getattr(failure.error, "offset", None), self.failure.show_look)
        self.state_changed.emit()

    def _show_recent(self) -> None:
        self.empty.show_recent(self.services.session.recent)

    def _show_current(self) -> None:
        current = self.services.session.current
        inspection = self._inspection_of(current) if current is not None else None
        if inspection is not self.inspection:
            self._show_inspection(inspection)
        shown_before = self._is_shown()
        self._stack.setCurrentWidget(self.content if inspection is not None else self.empty)
        if inspection is not None and not shown_before:
            self.tabs.current.shown()
        if current is not None:
            self._arrive(current.path)
        self._focus_table()
        self.state_changed.emit()

    def _show_in_other(self, path: str, there: Whereabouts) -> None:
        """Go to what only another bundle has, which may have to be opened for that."""
        session = self.services.session
        self._elsewhere = path, there
        if any(opened.path == path for opened in session.bundles):
            session.select(path)
        else:
            session.open(path)

    def _arrive(self, path: str) -> None:
        """A bundle is shown: go where one wanted to be in it."""
        if self._elsewhere is not None and self._elsewhere[0] == path:
            there, self._elsewhere = self._elsewhere[1], None
            self.tabs.show_titled("Overview" if there.tensor is None else "Tensors")
            self.changes.go_back_to(there)

    def _inspection_of(self, opened: OpenBundle) -> Inspection:
        inspection = self._inspections.get(opened.path)
        if inspection is None or inspection.bundle is not opened.bundle:
            if inspection is not None:
                inspection.close()
            inspection = Inspection(self.services, opened)
            inspection.verification.changed.connect(self._verification_changed)
            inspection.verification.progressed.connect(self.card.refresh)
            inspection.formats.changed.connect(self.state_changed)
            inspection.fields_ready.connect(self.state_changed)
            self._inspections[opened.path] = inspection
        return inspection

    def _show_inspection(self, inspection: Inspection | None) -> None:
        before, self.inspection = self.inspection, inspection
        again = before is not None and inspection is not None and before.path == inspection.path
        kept = [before.names[model] for model in self.selection.models[:1000]] if again and before else []
        whereabouts = Whereabouts.of(before, self.selection.place) if again and before else None
        self.banner.dismiss()
        self.changes.show_inspection(inspection, whereabouts)
        if again and before is not None and inspection is not None:
            self.navigation.read_anew(before, inspection)
            for tab in self.tabs.existing:
                tab.keep_view()
        else:
            self.tabs.forget_queries()
        self.selection.clear()
        for tab in self.tabs.existing:
            tab.show_inspection(inspection)
        self.card.show_inspection(inspection)
        if inspection is None:
            self.remarks.show_remarks(())
            return
        self._verification_changed()
        places = map(inspection.reader.manifest.number, kept)
        self.selection.select([place for place in places if place is not None])
        if whereabouts is not None:
            self.changes.go_back_to(whereabouts)
        if not self.selection.models and inspection.names:
            self.selection.select((0,))

    # -- verifying -----------------------------------------------------------------------------------------------

    def verify(self) -> None:
        """Verify the bundle."""
        if self.inspection is not None:
            self.inspection.verification.start()

    def _can_verify(self) -> bool:
        return self._shown is not None and not self._shown.verification.running

    def _verify_clicked(self) -> None:
        if self.inspection is not None and self.inspection.verification.running:
            self.inspection.verification.cancel()
        else:
            self.verify()

    def _verification_changed(self) -> None:
        inspection = self.inspection
        if inspection is not None:
            self.card.refresh()
            said = remarks(inspection.bundle, inspection.verification)
            self.remarks.show_remarks(said)
            for tab in self.tabs.existing:
                if isinstance(tab, ManifestTab):
                    tab.mark(said)
            self.state_changed.emit()

    def _follow_remark(self, remark: Remark) -> None:
        inspection, offset = self.inspection, remark.offset
        if inspection is None or offset is None:
            return
        if offset < inspection.reader.data_offset:
            self.tabs.show_tab(self.manifest_tab)
            self.selection.go(place_of_span(inspection, offset, 1))
        elif (model := inspection.model_at(offset)) is not None:
            self.selection.select((model,))
            self.tabs.show_tab(self.models_tab)
        else:
            self.tabs.show_tab(self.hex_tab)
            self.selection.go(place_of_span(inspection, offset, 1))

    def _show_field(self, index: int) -> None:
        if self.inspection is not None and self.inspection.fields is not None:
            field = self.inspection.fields[index]
            self.tabs.show_tab(self.manifest_tab)
            self.selection.go(place_of_span(self.inspection, field.offset, field.length))

    def _compare_models(self, before: int, after: int) -> None:
        self.tabs.show_tab(self.compare_tab)
        self.compare_tab.compare_models(before, after)

    def _compare_with(self) -> None:
        self.tabs.show_tab(self.compare_tab)
        self.compare_tab.begin()

    # -- extracting ----------------------------------------------------------------------------------------------

    def extract_selected(self) -> None:
        """Extract the selected models, or all of them when none is selected."""
        if self.inspection is not None:
            names = [self.inspection.names[model] for model in self.selection.models]
            self.extracting.begin(self.inspection, names or self.inspection.names)

    def extract_all(self) -> None:
        """Extract all models."""
        if self.inspection is not None:
            self.extracting.begin(self.inspection, self.inspection.names)

    def _show_report(self, report: ExtractReport, folder: str) -> None:
        self.banner.say(
            report_sentence(report, folder),
            Tone.WARNING if report.written else Tone.DANGER,
            [("Show Which", lambda: self.extracting.show_report(report, folder))],
        )
