"""What the tabs of the page show in pictures: of any bundle, the models and tensors that have most to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QItemSelectionModel, Qt

from apbundle_gui.pages.inspect.selection import Place
from apbundle_gui.services.inspection import Inspection

if TYPE_CHECKING:
    from apbundle_gui.pages.inspect.page import InspectPage

QUERY: Final = "dtype:f32 size>1KiB"
"""What is searched for among the tensors."""
ROWS: Final = 3
"""How many of those that are found are selected."""
LOOKED_AT: Final = 40
"""Models and tensors of each that are considered at most."""
MOST_ELEMENTS: Final = 1 << 20
"""Elements of a tensor whose values are shown at most."""


class Examples:
    """Shows one tab after the other with something in it.

    Attributes
    ----------
    views
        What it can show, by the names of the pictures; the first is the page as one comes to it.
    """

    def __init__(self, page: InspectPage) -> None:
        self._page = page
        self.views: Mapping[str, Callable[[Inspection], None]] = {
            "": self._overview,
            "manifest": self._manifest,
            "metadata": self._metadata,
            "tensors": self._tensors,
            "values": self._values,
            "hex": self._hex,
            "compare": self._compare,
        }

    def show(self, view: str) -> None:
        """Show one of :attr:`views` of the current bundle, whose models are all read."""
        if self._page.inspection is not None:
            self.views[view](self._page.inspection)

    def _overview(self, inspection: Inspection) -> None:
        self._page.tabs.show_tab(self._page.models_tab)

    def _manifest(self, inspection: Inspection) -> None:
        self._page.tabs.show_tab(self._page.manifest_tab)

    def _metadata(self, inspection: Inspection) -> None:
        self._page.tabs.show_tab(self._page.metadata_tab)

    def _tensors(self, inspection: Inspection) -> None:
        tab = self._page.tensors_tab
        self._page.tabs.show_tab(tab)
        tab.table.arranged.connect(self._select_tensors, Qt.ConnectionType.SingleShotConnection)
        self._page.tabs.search.setText(QUERY)

    def _select_tensors(self) -> None:
        tab = self._page.tensors_tab
        selecting, flag = tab.view.selectionModel(), QItemSelectionModel.SelectionFlag
        for row in range(min(ROWS, tab.table.rowCount())):
            selecting.setCurrentIndex(tab.table.index(row, 0), flag.Select | flag.Rows)

    def _values(self, inspection: Inspection) -> None:
        self._page.tabs.show_tab(self._page.values_tab)
        self._go_to_matrix(inspection)

    def _hex(self, inspection: Inspection) -> None:
        self._page.tabs.show_tab(self._page.hex_tab)
        self._go_to_matrix(inspection)

    def _compare(self, inspection: Inspection) -> None:
        names = {model: frozenset(contents) for model, contents in enumerate(self._names(inspection))}
        pairs = combinations(names, 2)
        self._page.tabs.show_tab(self._page.compare_tab)
        pair = max(pairs, key=lambda pair: len(names[pair[0]] & names[pair[1]]), default=None)
        if pair is not None:
            self._page.selection.go(Place(pair[1], "", 0))
            self._page.compare_tab.compare_models(*pair)

    def _names(self, inspection: Inspection) -> list[list[str]]:
        listed = [inspection.contents.of(model) for model in range(min(LOOKED_AT, len(inspection.names)))]
        return [[] if found is None else [info.name for info in found.tensors[:LOOKED_AT]] for found in listed]

    def _go_to_matrix(self, inspection: Inspection) -> None:
        """Choose the largest matrix that is not too large."""
        best, place = 0, None
        for model, names in enumerate(self._names(inspection)):
            contents = inspection.contents.of(model)
            for tensor in range(len(names)):
                info = contents.tensors[tensor] if contents is not None else None
                if info is not None and len(info.shape) == 2 and best < info.elements <= MOST_ELEMENTS:
                    best, place = info.elements, Place(model, "", tensor)
        if place is not None:
            self._page.selection.go(place)
