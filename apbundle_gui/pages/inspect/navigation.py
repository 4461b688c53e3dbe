"""Going from place to place: by the tree, and back and forward to where one has been."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject

from apbundle_gui.models.bundle_tree import BundleTree
from apbundle_gui.models.tree_items import TreeItem
from apbundle_gui.pages.inspect.history import History, Visit
from apbundle_gui.pages.inspect.selection import NOWHERE, Place, Selection
from apbundle_gui.pages.inspect.tabs import Tabs
from apbundle_gui.pages.inspect.tree import TreeView
from apbundle_gui.pages.inspect.whereabouts import moved
from apbundle_gui.services import OpenBundle, Services
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.name_groups import NameGroup


class Navigation(QObject):
    """Keeps the tree and the history in step with the selection, and the selection with them.

    Parameters
    ----------
    inspection_of
        What is known of an open bundle.

    Attributes
    ----------
    view
        The tree.
    history
        Where one has been.
    """

    def __init__(
        self,
        services: Services,
        selection: Selection,
        tabs: Tabs,
        inspection_of: Callable[[OpenBundle], Inspection],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = services.session
        self._selection = selection
        self._tabs = tabs
        self._inspection_of = inspection_of
        self.tree = BundleTree(services.jobs, self._inspection_at, self)
        self.view = TreeView(self.tree)
        self.history = History(self)
        self._session.changed.connect(self._show_bundles)
        self._session.closed.connect(self.history.forget)
        self.view.chosen.connect(self._chosen)
        selection.changed.connect(self.follow)
        tabs.bar.currentChanged.connect(self._visit)
        self._show_bundles()

    def follow(self) -> None:
        """Show in the tree what is selected, and remember that one was here."""
        if not self._selection.returning:
            self.view.let_go()
        self._visit()
        current = self._session.current
        if current is None:
            return
        place = self._selection.place
        item = self.view.item
        shown = item is not None and not item.note and item.path == current.path
        if item is not None and shown and self._place_of(item) == Place(place.model, place.group, place.tensor):
            return
        self.tree.reveal(TreeItem(current.path, place.model, self._group_of(current, place)))

    def back(self) -> None:
        """Go to the place before this one."""
        self._travel(self.history.back())

    def forward(self) -> None:
        """Go to the place one went back from."""
        self._travel(self.history.forward())

    def read_anew(self, before: Inspection, after: Inspection) -> None:
        """A bundle was read anew: the visits to it are to the same places in the new file, as far as these are."""
        self.history.convert(before.path, lambda place: moved(before, after, place))

    # -- what happens --------------------------------------------------------------------------------------------

    def _show_bundles(self) -> None:
        self.tree.show_bundles([opened.path for opened in self._session.bundles])

    def _inspection_at(self, path: str) -> Inspection | None:
        found = next((opened for opened in self._session.bundles if opened.path == path), None)
        return None if found is None else self._inspection_of(found)

    def _chosen(self) -> None:
        item = self.view.item
        if item is not None and not item.note:
            place = self._place_of(item)
            self._session.select(item.path)
            self._selection.go(place)

    @staticmethod
    def _place_of(item: TreeItem) -> Place:
        group = item.group
        return Place(item.model, "" if group is None or group.leaf else group.prefix, item.tensor)

    def _group_of(self, opened: OpenBundle, place: Place) -> NameGroup | None:
        """The place as the tree has it: a tensor, a group, or neither."""
        if place.model is None:
            return None
        if place.tensor is None:
            return NameGroup("", place.group, np.zeros(0, np.int32), False) if place.group else None
        contents = self._inspection_of(opened).contents.of(place.model)
        if contents is None or place.tensor >= len(contents.tensors):  # the file may hold others since
            return None
        return NameGroup("", contents.tensors.name(place.tensor), np.array([place.tensor], np.int32), True)

    def _visit(self) -> None:
        current = self._session.current
        if current is not None and self._selection.place != NOWHERE:
            self.history.visit(Visit(current.path, self._selection.place, self._tabs.bar.currentIndex()))

    def _travel(self, visit: Visit | None) -> None:
        if visit is None:
            return
        self.history.travel(True)
        try:
            self._session.select(visit.path)
            self._tabs.bar.setCurrentIndex(visit.tab)
            self._selection.go(visit.place)
        finally:
            self.history.travel(False)
