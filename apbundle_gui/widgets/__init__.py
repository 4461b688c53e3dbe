"""The small widgets all pages are made of. Text goes in as plain text, colours come from the theme."""

from apbundle_gui.widgets.buttons import button, icon_button
from apbundle_gui.widgets.cards import Card, Divider, Facts, Note, Swatch, Tile
from apbundle_gui.widgets.cells import CellDelegate
from apbundle_gui.widgets.drop import DropArea, local_paths, take_copy
from apbundle_gui.widgets.drop_targets import DropTargets, all_opened, opened_of, recordings_of
from apbundle_gui.widgets.fields import DoubleSpinBox, SpinBox
from apbundle_gui.widgets.flow import FlowLayout
from apbundle_gui.widgets.headers import PageHeader
from apbundle_gui.widgets.labels import (
    Badge,
    ElidedLabel,
    Label,
    MonoLabel,
    PageTitle,
    SecondaryLabel,
    SectionTitle,
)
from apbundle_gui.widgets.properties import set_property
from apbundle_gui.widgets.question import question
from apbundle_gui.widgets.states import Banner, EmptyState, ErrorCard, Glyph
from apbundle_gui.widgets.tables import TableView

__all__ = [
    "Badge",
    "Banner",
    "Card",
    "CellDelegate",
    "Divider",
    "DoubleSpinBox",
    "DropArea",
    "DropTargets",
    "ElidedLabel",
    "EmptyState",
    "ErrorCard",
    "Facts",
    "FlowLayout",
    "Glyph",
    "Label",
    "MonoLabel",
    "Note",
    "PageHeader",
    "PageTitle",
    "SecondaryLabel",
    "SectionTitle",
    "SpinBox",
    "Swatch",
    "TableView",
    "Tile",
    "all_opened",
    "button",
    "icon_button",
    "local_paths",
    "opened_of",
    "question",
    "recordings_of",
    "set_property",
    "take_copy",
]
