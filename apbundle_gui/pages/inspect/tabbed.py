"""Which tabs the Inspect page has, in which order, and how one gets at each."""

from __future__ import annotations

from typing import Final

from apbundle_gui.pages.inspect.compare.tab import CompareTab
from apbundle_gui.pages.inspect.hex_tab import HexTab
from apbundle_gui.pages.inspect.manifest_tab import ManifestTab
from apbundle_gui.pages.inspect.metadata_tab import MetadataTab
from apbundle_gui.pages.inspect.models_tab import ModelsTab
from apbundle_gui.pages.inspect.selection import Selection
from apbundle_gui.pages.inspect.tab import Tab
from apbundle_gui.pages.inspect.tabs import Tabs
from apbundle_gui.pages.inspect.tensors_tab import TensorsTab
from apbundle_gui.pages.inspect.values.tab import ValuesTab
from apbundle_gui.pages.page import Page
from apbundle_gui.services import Services
from apbundle_gui.services.drag_files import DragFiles

KINDS: Final[tuple[type[Tab], ...]] = (
    ModelsTab,
    ManifestTab,
    MetadataTab,
    TensorsTab,
    ValuesTab,
    HexTab,
    CompareTab,
)
"""All tabs, in their order."""


def make_tab(kind: type[Tab], services: Services, selection: Selection, drag_files: DragFiles) -> Tab:
    """A new tab of one of :data:`KINDS`."""
    if issubclass(kind, (ModelsTab, TensorsTab)):
        return kind(services, selection, drag_files)
    return kind(services, selection)


class TabbedPage(Page):
    """A page with the tabs. Each is made when it is first asked for."""

    tabs: Tabs

    @property
    def models_tab(self) -> ModelsTab:
        """What the bundle holds, as a whole."""
        return self.tabs.get(ModelsTab)

    @property
    def manifest_tab(self) -> ManifestTab:
        """The fields of the manifest."""
        return self.tabs.get(ManifestTab)

    @property
    def metadata_tab(self) -> MetadataTab:
        """The metadata of the bundle and its models."""
        return self.tabs.get(MetadataTab)

    @property
    def tensors_tab(self) -> TensorsTab:
        """All tensors."""
        return self.tabs.get(TensorsTab)

    @property
    def values_tab(self) -> ValuesTab:
        """The values of a tensor."""
        return self.tabs.get(ValuesTab)

    @property
    def hex_tab(self) -> HexTab:
        """The bytes of the file."""
        return self.tabs.get(HexTab)

    @property
    def compare_tab(self) -> CompareTab:
        """What differs from another bundle."""
        return self.tabs.get(CompareTab)
