"""The tab that compares: another bundle is chosen, and what differs stands in a table."""

from __future__ import annotations

import os
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.compare_table import Column, CompareTable, summary
from apbundle_gui.pages.inspect.columns import Width
from apbundle_gui.pages.inspect.compare.bar import CompareBar
from apbundle_gui.pages.inspect.compare.panel import DifferencePanel
from apbundle_gui.pages.inspect.delegates import set_delegates
from apbundle_gui.pages.inspect.selection import Place, Selection
from apbundle_gui.pages.inspect.table_tab import TableTab
from apbundle_gui.pages.inspect.whereabouts import Whereabouts
from apbundle_gui.services import OpenBundle, Services
from apbundle_gui.services.comparing import Comparison, Request
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.theme import Tone
from apbundle_gui.widgets import EmptyState, TableView

WIDTHS = (
    Width(98),
    Width(130, grow=5),
    Width(110, grow=2, drop=4),
    Width(96, grow=3, drop=2),
    Width(96, grow=3, drop=1),
    Width(82),
    Width(76, drop=3),
    Width(76, drop=6),
    Width(84, drop=5),
)
FILTER = "Bundles (*.apbundle);;All files (*)"
PURPOSE = (
    "Choose another bundle above, or two models, to see what differs: models, metadata and tensors that were added, "
    "removed or changed, and how far the numbers lie apart."
)
_NAME_SHOWN = 60


class CompareTab(TableTab):
    """The tab that compares.

    Attributes
    ----------
    show_wanted
        Emitted with the title of the tab in which what is selected should be shown.
    other_wanted
        Emitted with the path of another bundle and the :class:`Whereabouts` in it of what should be shown.
    """

    show_wanted = Signal(str)
    other_wanted = Signal(str, object)

    title = "Compare"
    noun = "difference"
    placeholder = "Filter by name, model or status"
    widths = WIDTHS
    panel_width = 280

    def __init__(self, services: Services, selection: Selection) -> None:
        self.table = CompareTable(services.jobs)
        self.panel = DifferencePanel()
        view = TableView(framed=True)
        view.setSelectionMode(TableView.SelectionMode.SingleSelection)
        set_delegates(view, toned=(Column.STATUS, Column.NAME))
        super().__init__(services, selection, self.table, view, self.panel)
        self.table.setParent(self)
        self._comparisons: dict[str, tuple[Inspection, Comparison]] = {}
        self._comparison: Comparison | None = None
        self.bar = CompareBar()
        self.empty = EmptyState("compare", "Compare two bundles", PURPOSE, hint="Or drop the other bundle here.")
        self.column.insertWidget(0, self.bar)
        self.column.addWidget(self.empty, 1)
        self.bar.compare_wanted.connect(self._compare)
        self.bar.sides.file_wanted.connect(self._choose_file)
        self.bar.sides.other_changed.connect(self._other_chosen)
        self.bar.cancel_wanted.connect(self._cancel)
        self.empty.dropped.connect(lambda paths: self.compare_with(paths[0]))
        self.when_chosen(self._row_selected)
        view.activated.connect(self._follow_row)
        self.panel.values_wanted.connect(lambda: self.show_wanted.emit("Values"))
        self.panel.bytes_wanted.connect(lambda: self.show_wanted.emit("Hex"))
        self.panel.other_wanted.connect(self._follow_row)
        self.table.arranged.connect(self.selection_changed)
        services.session.changed.connect(self._show_choice)
        services.session.closed.connect(self._bundle_closed)
        self._show()

    # -- what is compared ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Let the user choose what to compare with: an open bundle, or else a file."""
        if self._others():
            self.bar.sides.choice.setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            self._choose_file()

    def compare_with(self, path: str) -> None:
        """Compare the bundle with the one at ``path``."""
        self._compare(Request(os.path.abspath(path)))

    def compare_models(self, before: int, after: int) -> None:
        """Compare two models of the bundle."""
        if self.inspection is not None:
            names = self.inspection.names
            self._compare(Request(self.inspection.path, (names[before], names[after])))

    def _compare(self, request: Request) -> None:
        if self._comparison is not None:
            opened = self._opened(request.other)
            self._comparison.start(request, None if opened is None else opened.bundle.reader)
            self._show_choice()

    def _opened(self, path: str | None) -> OpenBundle | None:
        return next((found for found in self.services.session.bundles if found.path == path), None)

    def _others(self) -> list[str]:
        here = "" if self.inspection is None else self.inspection.path
        return [opened.path for opened in self.services.session.bundles if opened.path != here]

    def _choose_file(self) -> None:
        if self.inspection is not None:
            folder = os.path.dirname(self.inspection.path)
            path, _ = QFileDialog.getOpenFileName(self, "Compare With", folder, FILTER)
            if path:
                self.compare_with(path)

    def _other_chosen(self, path: str | None) -> None:
        """Offer the models of an open bundle; of this one, two of them at once."""
        opened, sides = self._opened(path), self.bar.sides
        names: Sequence[str] = () if opened is None else opened.bundle.reader.manifest.names
        sides.show_other_models(names)
        if self.inspection is not None and path == self.inspection.path and len(names) > 1:
            current = self.selection.current or 0
            sides.choose_models(names[0] if current else names[1], names[current])

    def _cancel(self) -> None:
        if self._comparison is not None:
            self._comparison.cancel()

    # -- what the page asks --------------------------------------------------------------------------------------

    def show_inspection(self, inspection: Inspection | None) -> None:
        if self._comparison is not None:
            self._comparison.changed.disconnect(self._show)
            self._comparison.progressed.disconnect(self._show_progress)
        self.inspection = inspection
        self._comparison = None if inspection is None else self._comparison_of(inspection)
        if self._comparison is not None:
            self._comparison.changed.connect(self._show)
            self._comparison.progressed.connect(self._show_progress)
        self._show_choice()
        self._show()

    def _comparison_of(self, inspection: Inspection) -> Comparison:
        """What the bundle was compared with before, unless it was read anew since."""
        known = self._comparisons.get(inspection.path)
        if known is not None and known[0] is inspection:
            return known[1]
        if known is not None:
            known[1].close()
        made = Comparison(self.services.jobs, inspection, self)
        self._comparisons[inspection.path] = inspection, made
        return made

    def _bundle_closed(self, path: str) -> None:
        for known, (_, comparison) in list(self._comparisons.items()):
            if path == known or (comparison.request is not None and comparison.request.other == path):
                comparison.cancel()
        if path in self._comparisons:
            self._comparisons.pop(path)[1].close()

    def shown(self) -> None:
        self.selection_changed()

    @property
    def focus_widget(self) -> QWidget:
        if self.table.rowCount():
            return self.view
        return self.bar.sides.choice if self.bar.sides.choice.isEnabled() else self.bar.sides.file

    @property
    def count_text(self) -> str:
        done = self._comparison is not None and self._comparison.found is not None
        return super().count_text if done else ""

    # -- what came of it -----------------------------------------------------------------------------------------

    def _show_choice(self) -> None:
        here, others = self.inspection, self._others()
        request = None if self._comparison is None else self._comparison.request
        if here is not None and request is not None and request.other not in (here.path, *others):
            others.append(request.other)
        path, names = ("", ()) if here is None else (here.path, here.names)
        self.bar.sides.show_bundles(path, others, names, request)

    def _show(self) -> None:
        comparison = self._comparison
        found = None if comparison is None else comparison.found
        begun = comparison is not None and (comparison.job is not None or found is not None)
        self._splitter.setVisible(begun)
        self.empty.setVisible(not begun)
        self.nothing = "Nothing differs." if found is not None else "Comparing…"
        self.panel.show_difference(None)
        self.bar.show_job(None if comparison is None else comparison.job, compared=begun)
        if comparison is None:
            self.bar.say("")
        elif comparison.job is None:
            self._say(comparison)
            self._show_paths(comparison)
        self.table.show_differences(() if found is None else found.rows)
        focused = QApplication.focusWidget()
        if self.table.rowCount() and focused is not None and self.bar.isAncestorOf(focused):
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)  # on to what was found

    def _show_paths(self, comparison: Comparison) -> None:
        request, here = comparison.request, self.inspection
        paths = ("", "")
        if request is not None and here is not None and request.models is None:
            paths = (here.path, request.other) if request.swapped else (request.other, here.path)
        self.panel.show_bundles(*paths)

    def _say(self, comparison: Comparison) -> None:
        request = comparison.request
        if comparison.error is not None and request is not None:
            self.bar.say(words.error_text(comparison.error, request.other).line, Tone.DANGER)
        elif comparison.found is None:
            self.bar.say("")
        else:
            who = ""
            if request is not None and request.ordered is not None:
                who = " → ".join(f"“{words.safe(name, _NAME_SHOWN)}”" for name in request.ordered) + ": "
            found = comparison.found
            self.bar.say(who + summary(found), Tone.WARNING if found.rows else Tone.OK)

    def _show_progress(self) -> None:
        if self._comparison is not None:
            self.bar.show_job(self._comparison.job)

    # -- selection -----------------------------------------------------------------------------------------------

    def selection_changed(self) -> None:
        comparison, inspection, place = self._comparison, self.inspection, self.selection.place
        if comparison is None or comparison.found is None or inspection is None or not self.isVisible():
            return
        current = self.current()
        if place.model is not None:
            name = inspection.names[place.model]
            if current is None or self.table.difference(current).where != (name, place.tensor):
                thing = comparison.found.places.get((name, place.tensor))
                if thing is not None:
                    self.show_selected([thing], thing)
        self._show_panel()

    def _row_selected(self) -> None:
        self._show_panel()
        chosen = self.chosen()
        if chosen is None or self.inspection is None:
            return
        where = self.table.difference(chosen).where
        if where is None:
            return
        model = self.inspection.reader.manifest.number(where[0])
        if model is not None:
            self.selection.go(Place(model, "", where[1]))

    def _follow_row(self) -> None:
        """Lead to what the row is about, where there is more of it."""
        chosen = self.chosen()
        row = None if chosen is None else self.table.difference(chosen)
        request = None if self._comparison is None else self._comparison.request
        if row is None or request is None:
            return
        if row.where is not None:
            self.show_wanted.emit({"tensor": "Values", "field": "Metadata"}.get(row.kind, "Overview"))
        elif row.kind in ("model", "tensor"):
            model = row.model if request.models is None else request.models[0]
            self.other_wanted.emit(request.other, Whereabouts(model, "", row.name if row.kind == "tensor" else None))

    def _show_panel(self) -> None:
        current = self.current()
        self.panel.show_difference(None if current is None else self.table.difference(current))
