"""The one style sheet, filled in from the tokens.

Widgets say what they are by two dynamic properties, never by colours of their own: ``kind`` (a card, a badge, a primary
button …) and ``tone`` (what its colour means).
"""

from __future__ import annotations

from dataclasses import asdict, fields
from string import Template
from typing import Final

from apbundle_gui.theme.contrast import blend
from apbundle_gui.theme.tokens import CONTROL_HEIGHT, RADIUS, ROW_HEIGHT, Colors, Space, Tone

_BASE: Final = Template("""
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: ${xs}px ${s}px; }
QLabel { background: transparent; }
QLabel[kind="secondary"], QLabel[kind="caption"] { color: $secondary; }
QLabel:disabled { color: $disabled; }

QFrame[kind="card"] { background: $surface; border: 1px solid $border; border-radius: ${radius}px; }
QFrame[kind="divider"] { background: $border; border: none; }
QLabel[kind="badge"] { border-radius: 9px; padding: 1px ${s}px; min-height: 16px; }
QFrame[kind="banner"] { border-radius: ${radius}px; }
""")

_BUTTONS: Final = Template("""
QPushButton { background: $surface; color: $text; border: 1px solid $border; border-radius: ${radius}px;
    padding: 0 ${m}px; min-height: ${inner}px; }
QPushButton:hover { background: $hover; }
QPushButton:pressed, QPushButton:checked { background: $pressed; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $disabled; background: $surface; }
QPushButton[kind="primary"] { background: $primary; color: $on_primary; border-color: $primary; }
QPushButton[kind="primary"]:hover { background: $primary_hover; border-color: $primary_hover; }
QPushButton[kind="primary"]:pressed { background: $primary_pressed; border-color: $primary_pressed; }
QPushButton[kind="primary"]:focus { border-color: $focus_on_primary; }
QPushButton[kind="primary"]:disabled { background: $pressed; color: $disabled; border-color: $pressed; }
QPushButton[kind="quiet"] { background: transparent; border-color: transparent; padding: 0 ${s}px; }
QPushButton[kind="quiet"]:hover { background: $hover_window; }
QPushButton[kind="quiet"]:pressed { background: $pressed; }
QPushButton[kind="quiet"]:focus { border-color: $accent; }
QPushButton::menu-indicator { image: url(ui:chevron-down.svg); width: 10px; height: 10px;
    subcontrol-position: right center; subcontrol-origin: padding; right: ${s}px; }

QToolButton { background: transparent; color: $text; border: 1px solid transparent; border-radius: ${radius}px;
    padding: ${xs}px ${s}px; }
QToolButton:hover { background: $hover_window; }
QToolButton:pressed, QToolButton:open { background: $pressed; }
QToolButton:checked { background: $selection; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $disabled; }
QToolButton::menu-indicator { image: url(ui:chevron-down.svg); width: 10px; height: 10px;
    subcontrol-position: right center; subcontrol-origin: padding; right: ${s}px; }
QToolButton[popupMode="2"] { padding-right: 26px; }
QToolButton[kind="selector"] { background: $surface; border-color: $border; padding: ${xs}px 26px ${xs}px ${s}px; }
QToolButton[kind="selector"]:hover { background: $hover; }
QToolButton[kind="search"] { background: $surface; border-color: $border; color: $secondary; text-align: left; }
QToolButton[kind="search"]:hover { background: $hover; }
QToolButton[kind="rail"] { border: none; color: $secondary; padding: ${s}px 0; border-radius: ${radius}px; }
QToolButton[kind="rail"]:hover { background: $hover_window; }
QToolButton[kind="rail"]:checked { background: $selection; color: $accent_text; }
QToolButton[kind="rail"]:focus { border: 1px solid $accent; }

QCheckBox, QRadioButton { spacing: ${s}px; background: transparent; }
QCheckBox::indicator, QTableView::indicator, QRadioButton::indicator { width: 14px; height: 14px;
    border: 1px solid $control; background: $surface; }
QCheckBox::indicator, QTableView::indicator { border-radius: 4px; }
QRadioButton::indicator { border-radius: 7px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover, QCheckBox::indicator:focus,
QRadioButton::indicator:focus { border-color: $accent; }
QCheckBox::indicator:checked, QTableView::indicator:checked { background: $primary; border-color: $primary;
    image: url(ui:check.svg); }
QCheckBox::indicator:indeterminate { background: $primary; border-color: $primary; image: url(ui:dash.svg); }
QRadioButton::indicator:checked { background: $primary; border-color: $primary; image: url(ui:dot.svg); }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { background: $pressed; border-color: $border; }
""")

_FIELDS: Final = Template("""
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QDateTimeEdit { background: $surface; color: $text;
    border: 1px solid $border; border-radius: ${radius}px; padding: 0 ${s}px; min-height: ${inner}px;
    selection-background-color: $selection; selection-color: $text; }
QPlainTextEdit, QTextEdit { background: $surface; color: $text; border: 1px solid $border;
    border-radius: ${radius}px; padding: ${xs}px; selection-background-color: $selection; selection-color: $text; }
QLineEdit:hover, QSpinBox:hover, QDoubleSpinBox:hover, QComboBox:hover { border-color: $control; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus, QTextEdit:focus,
QDateTimeEdit:focus { border-color: $accent; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled { color: $disabled;
    background: $window; }
QLineEdit[tone="danger"] { border-color: $danger_line; }
QAbstractSpinBox QLineEdit, QComboBox QLineEdit { border: none; background: transparent; min-height: 0;
    padding: 0 ${xs}px; }
QAbstractItemView QLineEdit { min-height: 0; border-radius: 0; padding: 0 ${xs}px; border-color: $accent; }
QComboBox { padding-right: ${xl}px; }
QComboBox::drop-down { border: none; width: ${xl}px; }
QComboBox::down-arrow { image: url(ui:chevron-down.svg); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $border; padding: ${xs}px; outline: none;
    selection-background-color: $selection; selection-color: $text; }
QComboBox QAbstractItemView::item { min-height: ${xl}px; }
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button {
    border: none; background: transparent; width: 18px; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url(ui:chevron-up.svg); width: 10px; height: 10px; }
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow { image: url(ui:chevron-down.svg); width: 10px; height: 10px; }

QSlider:horizontal { min-height: 22px; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $border; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: $primary; }
QSlider::handle:horizontal { width: 14px; height: 14px; margin: -6px 0; border-radius: 8px; background: $surface;
    border: 1px solid $control; }
QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus { border-color: $accent; }
QSlider::sub-page:horizontal:disabled { background: $border; }
QProgressBar { background: $border; border: none; border-radius: 3px; min-height: 6px; max-height: 6px; }
QProgressBar::chunk { background: $primary; border-radius: 3px; }
""")

_VIEWS: Final = Template("""
QTableView, QTreeView, QListView { background: $surface; border: none; outline: none; color: $text;
    selection-background-color: $selection; selection-color: $text; alternate-background-color: $surface; }
QAbstractScrollArea[kind="framed"] { border: 1px solid $border;
    border-radius: ${radius}px; }
QTableView::item, QTreeView::item, QListView::item { padding: 0 ${s}px; border: none; }
QTableView::item:selected, QTreeView::item:selected, QListView::item:selected { background: $selection; color: $text; }
QTreeView::item, QListView::item { height: ${row}px; }
QTreeView::branch { background: transparent; }
QTreeView::branch:has-children:closed { image: url(ui:chevron-right.svg); }
QTreeView::branch:has-children:open { image: url(ui:chevron-down.svg); }
QHeaderView { background: $surface; border: none; }
QHeaderView::section { background: $surface; color: $secondary; border: none; border-bottom: 1px solid $border;
    padding: 0 ${cell}px; height: 28px; }
QHeaderView::section:hover { color: $text; }
QHeaderView::down-arrow { image: url(ui:chevron-down.svg); width: 10px; height: 10px; }
QHeaderView::up-arrow { image: url(ui:chevron-up.svg); width: 10px; height: 10px; }
QTableCornerButton::section { background: $surface; border: none; }
QAbstractScrollArea { background: $surface; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollArea { background: transparent; border: none; }
QScrollArea > #qt_scrollarea_viewport, QScrollArea > #qt_scrollarea_viewport > QWidget[kind="body"] {
    background: transparent; }

QTabWidget::pane { border: none; border-top: 1px solid $border; }
QTabBar { background: transparent; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: $secondary; border: none; border-bottom: 2px solid transparent;
    padding: ${s}px ${m}px; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; }
QTabBar::tab:disabled { color: $disabled; }

QScrollBar { background: transparent; border: none; }
QScrollBar:vertical { width: 10px; }
QScrollBar:horizontal { height: 10px; }
QScrollBar::handle { background: $scroll; border-radius: 3px; margin: 2px; }
QScrollBar::handle:hover { background: $control; }
QScrollBar::handle:vertical { min-height: 24px; }
QScrollBar::handle:horizontal { min-width: 24px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QSplitter::handle { background: transparent; }
QSplitter::handle:hover { background: $border; }
""")

_FRAME: Final = Template("""
QMenuBar { background: $window; color: $text; padding: 2px ${s}px; }
QMenuBar::item { background: transparent; padding: ${xs}px ${s}px; border-radius: 4px; }
QMenuBar::item:selected, QMenuBar::item:pressed { background: $hover_window; }
QMenu { background: $raised; color: $text; border: 1px solid $border; padding: ${xs}px; }
QMenu::item { padding: 5px ${xl}px 5px ${s}px; border-radius: 4px; }
QMenu::item:selected { background: $selection; }
QMenu::item:disabled { color: $disabled; background: transparent; }
QMenu::icon { padding-left: ${s}px; }
QMenu::indicator { width: 14px; height: 14px; padding-left: ${s}px; }
QMenu::indicator:checked { image: url(ui:tick.svg); }
QMenu::separator { height: 1px; background: $border; margin: ${xs}px ${s}px; }
QToolBar { background: $window; border: none; border-bottom: 1px solid $border; padding: ${xs}px ${s}px;
    spacing: ${xs}px; }
QToolBar::separator { width: 1px; background: $border; margin: ${xs}px; }
QToolBarExtension { background: transparent; }
QFrame[kind="rail"] { background: $window; border: none; border-right: 1px solid $border; }
QStatusBar { background: $window; color: $secondary; border-top: 1px solid $border; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: $secondary; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QFrame[kind="popover"] { background: $raised; border: 1px solid $border; border-radius: ${radius}px; }
""")

_TONE: Final = Template("""
QLabel[kind="badge"][tone="$tone"] { background: $fill; color: $text; border: 1px solid $border; }
QLabel[kind="tinted"][tone="$tone"] { color: $text; }
QFrame[kind="banner"][tone="$tone"] { background: $fill; border: 1px solid $border; }
""")


def stylesheet(colors: Colors) -> str:
    """The application's style sheet in one theme."""
    values: dict[str, object] = {
        name: value for name, value in ((f.name, getattr(colors, f.name)) for f in fields(colors)) if name != "tones"
    }
    values |= {space.name.lower(): int(space) for space in Space}
    values |= {
        "radius": RADIUS,
        "row": ROW_HEIGHT,
        "cell": Space.S + 3,  # Qt sets the text of a cell three pixels in from its padding
        "inner": CONTROL_HEIGHT - 2,
        "hover_window": blend(colors.window, colors.text, 0.07),
        "control": blend(colors.surface, colors.text, 0.34),
        "scroll": blend(colors.surface, colors.text, 0.18),
        "accent_text": colors.tones[Tone.ACCENT].text,
        "danger_line": colors.tones[Tone.DANGER].line,
        "focus_on_primary": blend(colors.primary, colors.on_primary, 0.6),
    }
    parts = [template.substitute(values) for template in (_BASE, _BUTTONS, _FIELDS, _VIEWS, _FRAME)]
    parts += [_TONE.substitute(tone=tone, **asdict(value)) for tone, value in colors.tones.items()]
    return "".join(parts)
