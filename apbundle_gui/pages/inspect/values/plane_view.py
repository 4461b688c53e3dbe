"""The slice that is seen, as a map, a line or a number, with its controls and what is under the mouse in words."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.models import value_text
from apbundle_gui.models.value_slice import Slicing
from apbundle_gui.pages.inspect.values.curve import Curve
from apbundle_gui.pages.inspect.values.heat_map import HeatMap
from apbundle_gui.pages.inspect.values.legend import ColorLegend
from apbundle_gui.pages.inspect.values.map_view import PART, WHOLE, MapView
from apbundle_gui.pages.inspect.values.number_view import NumberView
from apbundle_gui.pages.inspect.values.slice_bar import SliceBar
from apbundle_gui.services.tensor_layout import Plane
from apbundle_gui.services.tensor_values import Coloring, Picture, TensorValues
from apbundle_gui.services.value_grid import Region
from apbundle_gui.services.value_range import ValueRange
from apbundle_gui.theme import Space
from apbundle_gui.widgets import ElidedLabel, FlowLayout, icon_button

PAUSE_MS: Final = 40
"""How long nothing must move before a picture is asked for, in milliseconds."""
SCALES: Final = ("Around zero", "Low to high")
SHOWN: Final = ("Mean", "Extreme")
_GROWN: Final = 1.25


class PlaneView(QWidget):
    """Shows a slice of the tensor that is looked at.

    Attributes
    ----------
    element_chosen
        Emitted with the index of an element that the user chose.
    slicing
        What is seen, and where the cursor is.
    """

    element_chosen = Signal(object)

    def __init__(self, values: TensorValues, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values = values
        self._clip = True
        self._scale_chosen = False
        self._reach = ValueRange(0.0, 0.0)
        self._plane: Plane | None = None
        self._hovered: tuple[int, int] | None = None
        self._told: tuple[int, Any] | None = None
        self.slicing = Slicing((), None, None, ())
        self.bar = SliceBar()
        self.map = HeatMap()
        self.curve = Curve()
        self.number = NumberView()
        self.stack = QStackedWidget()
        self.line = ElidedLabel()
        self.line.setFont(theme.tabular(self.line.font()))
        self.legend = ColorLegend()
        self.scale = _combo(
            "Colours", SCALES, "Colours from the negative over zero to the positive, or along the range"
        )
        self.shown = _combo("Of many values", SHOWN, "What colours a cell of several values")
        self.zooms = [
            icon_button("zoom-out", "Show more cells (−)", self.zoom_out),
            icon_button("zoom-in", "Show fewer cells, larger (+)", self.zoom_in),
            icon_button("zoom-all", "Show all cells (0)", self.fit),
        ]
        self._compose()
        self._part = self._timer(self._ask_part)
        self._whole = self._timer(self._ask_whole)
        self._tell = self._timer(self._ask_number)
        self._connect()

    def _compose(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(Space.S)
        top.addWidget(self.line, 1)
        for zoom in self.zooms:
            top.addWidget(zoom)
        below = FlowLayout(spacing=Space.M)
        for widget in (self.shown, self.scale, self.legend):
            below.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.S)
        layout.addWidget(self.bar)
        layout.addLayout(top)
        layout.addWidget(self.stack, 1)
        for view in (self.map, self.curve, self.number):
            self.stack.addWidget(view)
        layout.addLayout(below)

    def _connect(self) -> None:
        self.bar.changed.connect(self._sliced)
        self.scale.currentIndexChanged.connect(self.recolor)
        self.scale.activated.connect(self._scale_taken)
        self.shown.currentIndexChanged.connect(self.recolor)
        self._values.pictured.connect(self._pictured)
        self._values.recolored.connect(self._recolored)
        self._values.told.connect(self._number_told)
        for view in (self.map, self.curve):
            view.seen_changed.connect(self._seen_changed)
            view.resized.connect(self._resized)
            view.moved.connect(self._moved)
            view.pointed.connect(self._pointed)
            view.chosen.connect(lambda: self.element_chosen.emit(self.slicing.index))
        self.number.chosen.connect(lambda: self.element_chosen.emit(self.slicing.index))

    def _scale_taken(self) -> None:
        """From now on the colours are as the user wants them, not as suits the values."""
        self._scale_chosen = True

    def _timer(self, what: Any) -> QTimer:
        timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        timer.timeout.connect(what)
        return timer

    # -- what it shows -------------------------------------------------------------------------------------------

    @property
    def current(self) -> MapView:
        """The map or the line that is seen."""
        return self.curve if self.stack.currentWidget() is self.curve else self.map

    @property
    def is_number(self) -> bool:
        """Whether it is a single number."""
        return self.slicing.column_axis is None

    @property
    def focus_widget(self) -> QWidget:
        """Where the keys go."""
        return self.number if self.is_number else self.current

    def zoom_in(self) -> None:
        """Show fewer cells, larger."""
        self.current.zoom_in()

    def zoom_out(self) -> None:
        """Show more cells."""
        self.current.zoom_out()

    def fit(self) -> None:
        """Show all cells."""
        self.current.fit()

    def forget(self) -> None:
        """Ask for nothing more: another tensor is looked at, of which nothing is known yet."""
        self._plane = None
        for timer in (self._part, self._whole, self._tell):
            timer.stop()

    def show_tensor(self) -> None:
        """Show another tensor: the one that is looked at now, of which statistics are known."""
        layout, found = self._values.layout, self._values.statistics
        assert layout is not None
        if not self._scale_chosen and found is not None and found.low is not None and found.high is not None:
            blocked = QSignalBlocker(self.scale)
            self.scale.setCurrentIndex(0 if found.low < 0 < found.high else 1)
            blocked.unblock()
        self._show_slicing(Slicing.of(layout.shape), anew=True)

    def go_to(self, index: tuple[int, ...]) -> None:
        """Put the cursor on an element; nobody is told."""
        self._show_slicing(self.slicing.at(index))

    def set_clip(self, clip: bool) -> None:
        """Whether outliers share the colour of the ends."""
        self._clip = clip
        self.recolor()

    def _show_slicing(self, slicing: Slicing, *, anew: bool = False) -> None:
        layout = self._values.layout
        if layout is None or (self._plane is None and not anew):
            return
        before, self.slicing = self.slicing, slicing
        plane = slicing.plane(layout)
        self.bar.show_slicing(slicing)
        self.stack.setCurrentWidget(self._view_of(slicing))
        seen = (slicing.row_axis, slicing.column_axis)
        if anew or seen != (before.row_axis, before.column_axis):
            self.current.show_plane(plane.rows, plane.columns)
        if anew or plane != self._plane:
            self._plane = plane
            self._told = None
            self._restyle()
            self._ask_whole()
            self._seen_changed()
        self.current.set_cursor(*slicing.cell)
        self._tell.start()
        self._show_line()

    def _view_of(self, slicing: Slicing) -> QWidget:
        if slicing.column_axis is None:
            return self.number
        return self.curve if slicing.row_axis is None else self.map

    def recolor(self) -> None:
        """Take the colours that were chosen."""
        self._restyle()
        for purpose, picture in self.current.pictures.items():
            self._recolor(purpose, picture)

    def _restyle(self) -> None:
        found = self._values.statistics
        if found is None:
            return
        full = found.full or ValueRange(0.0, 0.0)
        self._reach = found.common if self._clip and found.common is not None else full
        self.map.set_diverging(self._diverging)
        self.curve.set_range(self._reach)
        is_map = self.stack.currentWidget() is self.map
        for control in (self.legend, self.scale):
            control.setVisible(is_map)
        self.shown.setVisible(is_map and not self._all_single)
        for above in (self.line, *self.zooms):
            above.setVisible(not self.is_number)
        self._show_legend()

    @property
    def _all_single(self) -> bool:
        """Whether there is a pixel at least for each value."""
        room, plane = self.current.room, self._plane
        return plane is not None and plane.rows <= room.height() and plane.columns <= room.width()

    @property
    def _diverging(self) -> bool:
        return self.scale.currentIndex() == 0

    def _coloring(self, purpose: str, *, single: bool) -> Coloring:
        """How a picture is coloured: that of single values by all values, any other one by its cells.

        A part that is no closer than that has the colours of the whole.
        """
        scale = None
        if single:
            scale = self._reach.symmetric if self._diverging else self._reach
        elif purpose == PART and (whole := self.current.pictures.get(WHOLE)) is not None and not whole.grid.single:
            scale = whole.scale
        return Coloring(scale, self._diverging, self._clip, self.shown.currentIndex() == 1)

    def _recolor(self, purpose: str, picture: Picture) -> None:
        wanted = self._coloring(purpose, single=picture.grid.single)
        if picture.coloring != wanted:
            self._values.recolor(purpose, picture, wanted)

    def _show_legend(self) -> None:
        cells, pictures, found = self.map.cells, self.map.pictures, self._values.statistics
        seen = pictures.get(WHOLE) if cells.fits else pictures.get(PART, pictures.get(WHOLE))
        if seen is not None and found is not None:
            self.legend.show_scale(seen.scale, diverging=self._diverging, odd=found.finite < found.count)

    # -- pictures ------------------------------------------------------------------------------------------------

    def _ask_whole(self) -> None:
        plane = self._plane
        if plane is not None and not self.is_number:
            self._ask(WHOLE, plane, Region(0, plane.rows, 0, plane.columns))

    def _ask_part(self) -> None:
        if self._plane is not None and not self.is_number and not self.current.cells.fits:
            self._ask(PART, self._plane, self.current.region)

    def _ask(self, purpose: str, plane: Plane, region: Region) -> None:
        room = self.current.room
        height, width = int(room.height()), int(room.width())
        if region.cells:
            single = region.bottom - region.top <= height and region.right - region.left <= width
            self._values.picture(purpose, plane, region, height, width, self._coloring(purpose, single=single))

    def _pictured(self, purpose: str, picture: Picture) -> None:
        if picture.plane != self._plane or (purpose == PART and self.current.cells.fits):
            return
        self.current.show_picture(purpose, picture)
        self._recolor(purpose, picture)
        if purpose == WHOLE and (part := self.current.pictures.get(PART)) is not None:
            self._recolor(PART, part)
        self._show_legend()
        self._show_line()

    def _recolored(self, purpose: str, picture: Picture) -> None:
        shown = self.current.pictures.get(purpose)
        if shown is not None and shown.grid is picture.grid:
            self._pictured(purpose, picture)

    def _seen_changed(self) -> None:
        if not self.current.cells.fits:
            self._part.start()
        self._show_legend()

    def _resized(self) -> None:
        self._restyle()
        whole = self.current.pictures.get(WHOLE)
        if whole is None or whole.grid.single:
            return
        height, width = whole.grid.mean.shape
        room = self.current.room
        if room.height() > _GROWN * height or room.width() > _GROWN * width:
            self._whole.start()

    # -- the cursor ----------------------------------------------------------------------------------------------

    def _sliced(self, slicing: Slicing) -> None:
        self._show_slicing(slicing)

    def _moved(self, row: int, column: int) -> None:
        self.slicing = self.slicing.at_cell(row, column)
        self._tell.start()
        self._show_line()

    def _pointed(self, cell: tuple[int, int] | None) -> None:
        self._hovered = cell
        self._show_line()

    def _ask_number(self) -> None:
        layout = self._values.layout
        if layout is not None and self._plane is not None and self._values.error is None:
            self._values.tell(layout.position(self.slicing.index))

    def _number_told(self, position: int, number: Any) -> None:
        self._told = position, number
        self.number.show_number(value_text.exact(number))
        self._show_line()

    def _show_line(self) -> None:
        """Say what is under the mouse, or at the cursor."""
        if self._hovered is not None:
            self.line.setText(self._cell_line(*self._hovered))
            return
        index = self.slicing.index
        said = f"{value_text.index_text(index)}   {self._cursor_value()}"
        self.line.setText("" if self.is_number else said)
        self._describe()

    def _cursor_value(self) -> str:
        layout, told = self._values.layout, self._told
        if layout is None or self._plane is None or told is None or told[0] != layout.position(self.slicing.index):
            return self._picture_text(*self.slicing.cell)
        return value_text.exact(told[1])

    def _cell_line(self, row: int, column: int) -> str:
        picture = self._picture_at(row, column)
        index = [str(place) for place in self.slicing.at_cell(row, column).index]
        if picture is not None and not picture.grid.single:
            grid = picture.grid
            found = grid.cell_of(row, column)
            assert found is not None
            for axis, borders, place in (
                (self.slicing.row_axis, grid.row_edges, found[0]),
                (self.slicing.column_axis, grid.column_edges, found[1]),
            ):
                if axis is not None:
                    index[axis] = value_text.span_text(int(borders[place]), int(borders[place + 1]))
        return f"[{', '.join(index)}]   {self._picture_text(row, column)}"

    def _picture_at(self, row: int, column: int) -> Picture | None:
        """The finest picture of a cell."""
        for purpose in (PART, WHOLE):
            picture = self.current.pictures.get(purpose)
            if picture is not None and picture.grid.cell_of(row, column) is not None:
                return picture
        return None

    def _picture_text(self, row: int, column: int) -> str:
        picture = self._picture_at(row, column)
        return "" if picture is None else value_text.cell_text(picture.grid, row, column)

    def _describe(self) -> None:
        if self.is_number:
            return
        seen = self.current.region
        index = value_text.index_text(self.slicing.index)
        rows = f"rows {value_text.span_text(seen.top, seen.bottom)}, " if self.slicing.row_axis is not None else ""
        scale = f" Colours from {' to '.join(self.legend.texts[:2])}." if self.legend.texts else ""
        self.current.setAccessibleDescription(
            f"Cursor at {index}: {self._cursor_value() or 'not read yet'}. "
            f"Seen are {rows}columns {value_text.span_text(seen.left, seen.right)}."
            f"{scale if self.slicing.row_axis is not None else ''}"
        )


def _combo(name: str, choices: tuple[str, ...], tip: str) -> QComboBox:
    combo = QComboBox()
    combo.addItems(list(choices))
    combo.setAccessibleName(name)
    combo.view().setAccessibleName(name)
    combo.setToolTip(words.tooltip(tip))
    return combo
