"""The residency strip: every model as a cell that says whether it is in memory, and how hot it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetrics,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from apbundle_gui import theme
from apbundle_gui.models import monitor_text as wording
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_residency import NEVER, Presence
from apbundle_gui.models.monitor_run import Run
from apbundle_gui.models.monitor_strip import Grid, Row, lay_out
from apbundle_gui.theme import Space, Tone

HEIGHT: Final = 38
"""Height of the strip in pixels."""
COOLEST: Final = 0.30
"""How strongly a model in memory is coloured that was not used lately; 1 is the hottest."""
_EVICTED: Final = 0.75
_ABSENT: Final = 0.10
_ALPHA: Final = np.array([0.0, COOLEST, _EVICTED, _ABSENT])  # by Presence
_TONES: Final = (Tone.NEUTRAL, Tone.HIT, Tone.EVICTION, Tone.NEUTRAL)  # by Presence
_SHOWN_IN_TOOLTIP: Final = 8


class ResidencyStrip(QWidget):
    """The models of a run at the moment it was last shown.

    Attributes
    ----------
    selected
        Emitted with the number of a model that was clicked, or reached with the arrow keys.
    """

    selected = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Models in memory")
        self._names: Sequence[str] = ()
        self._sizes = np.zeros(0, np.int64)
        self._presence = np.zeros(0, np.uint8)
        self._heat = np.zeros(0)
        self._last_used = np.zeros(0, np.int64)
        self._now = 0
        self._marked: tuple[int, ...] = ()
        self._by_size = True
        self._said = ""
        self._layout: Row | Grid = Row(np.zeros(1, np.int64))
        self._laid_out_for = (-1, -1)

    @property
    def marked(self) -> tuple[int, ...]:
        """The models that stand out now."""
        return self._marked

    def sizeHint(self) -> QSize:
        return QSize(400, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(100, HEIGHT)

    def show_models(self, names: Sequence[str], sizes: NDArray[np.int64]) -> None:
        """Show models of which none was loaded yet."""
        self.show_run(Run.of_models(names, sizes), 0)
        self._marked = ()

    def show_run(self, run: Run, now: int) -> None:
        """Show where the models are at ``now``, in nanoseconds of the recording."""
        if run.names is not self._names:
            self._marked = ()
        if run.sizes is not self._sizes or run.names is not self._names:
            self._names, self._sizes = run.names, run.sizes
            self._laid_out_for = (-1, -1)
        self._presence = run.residency.presence(now)
        self._heat = run.residency.heat(now)
        self._last_used = run.residency.last_used.copy()
        self._now = now
        self.update()

    def say(self, text: str) -> None:
        """Say something in place of the models; nothing: show them again."""
        self._said = text
        if text:
            self.setAccessibleDescription(text)
        else:
            self.describe()
        self.update()

    def mark(self, models: Iterable[int]) -> None:
        """Let these models stand out, and no others."""
        self._marked = tuple(model for model in models if model < len(self._names))
        self.update()

    def set_by_size(self, by_size: bool) -> None:
        """Whether a model's cell is as wide as the model is large, or all are equal."""
        self._by_size = by_size
        self._laid_out_for = (-1, -1)
        self.update()

    def describe(self) -> None:
        """Bring what a screen reader says up to date."""
        there = int(np.count_nonzero(self._presence == Presence.IN_MEMORY))
        self.setAccessibleDescription(f"{there:,} of {words.count(len(self._names), 'model')} in memory")

    def text_of(self, model: int) -> str:
        """What is known of a model, for its tooltip."""
        state = wording.PRESENCE_NAMES[int(self._presence[model])]
        used = int(self._last_used[model])
        ago = f"used {words.duration(max(self._now - used, 0) / 1e9)} ago" if used != NEVER else ""
        facts = words.joined((words.size(int(self._sizes[model])), state, ago))
        return f"{words.safe(self._names[model])}\n{facts}"

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._said:
            painter.setPen(theme.color("secondary"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._said)
            return
        if not len(self._names):
            return
        layout = self._laid_out()
        if isinstance(layout, Row):
            self._paint_row(painter, layout)
        else:
            self._paint_grid(painter, layout)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self._marked and not self._said:
            self.describe()

    def _laid_out(self) -> Row | Grid:
        here = (self.width(), self.height())
        if here != self._laid_out_for:
            self._layout = lay_out(self._sizes, self.width() - 1, self.height() - 1, by_size=self._by_size)
            self._laid_out_for = here
        return self._layout

    def _paint_row(self, painter: QPainter, row: Row) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetrics(self.font())
        alpha = self._alpha()
        for model in range(len(self._names)):
            left, right = int(row.edges[model]), int(row.edges[model + 1])
            cell = QRect(left, 1, right - left - 3, self.height() - 3)
            presence = Presence(int(self._presence[model]))
            self._paint_cell(painter, cell, presence, float(alpha[model]), model in self._marked)
            name = words.safe(self._names[model], 80)
            room = cell.width() - 2 * Space.XS
            if room >= metrics.averageCharWidth() * 4:
                strong = presence is Presence.IN_MEMORY
                painter.setPen(theme.color("text" if strong else "secondary"))
                shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)
                painter.drawText(cell.adjusted(Space.XS, 0, -Space.XS, 0), Qt.AlignmentFlag.AlignCenter, shown)

    def _paint_cell(self, painter: QPainter, cell: QRect, presence: Presence, alpha: float, marked: bool) -> None:
        fill = theme.tone_color(_TONES[presence])
        fill.setAlphaF(alpha)
        edge = QPen(theme.color("border"), 1)
        if presence is Presence.NEVER_LOADED:
            edge.setStyle(Qt.PenStyle.DotLine)
            edge.setColor(theme.color("disabled"))
        elif presence is Presence.IN_MEMORY:
            edge.setColor(theme.tone_color(Tone.HIT))
        elif presence is Presence.RECENTLY_EVICTED:
            edge.setColor(theme.tone_color(Tone.EVICTION))
        painter.setPen(edge)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if presence is Presence.RECENTLY_EVICTED:  # a lid that was lifted: told apart without its colour too
            painter.drawRoundedRect(cell, 3, 3)
            painter.fillRect(QRect(cell.left() + 1, cell.bottom() - 4, cell.width() - 1, 4), fill)
        else:
            painter.setBrush(fill)
            painter.drawRoundedRect(cell, 3, 3)
        if marked:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.drawRoundedRect(cell, 3, 3)

    def _paint_grid(self, painter: QPainter, grid: Grid) -> None:
        image = self._grid_image(grid)
        gap = 1 if grid.side >= 4 else 0
        painter.drawImage(QRect(0, 0, grid.columns * grid.side, grid.rows * grid.side), image)
        if gap:
            painter.setPen(QPen(theme.color("surface"), 1))
            for column in range(1, grid.columns + 1):
                x = column * grid.side - 1
                painter.drawLine(x, 0, x, grid.rows * grid.side)
            for row in range(1, grid.rows + 1):
                y = row * grid.side - 1
                painter.drawLine(0, y, grid.columns * grid.side, y)
        painter.setPen(QPen(theme.color("accent"), 2))
        for model in self._marked:
            row, column = divmod(model // grid.share, grid.columns)
            painter.drawRect(column * grid.side, row * grid.side, grid.side - gap, grid.side - gap)

    def _grid_image(self, grid: Grid) -> QImage:
        """One pixel a cell: the mean of what its models would be painted with."""
        ground = _rgb(theme.color("surface"))
        tones = np.array([_rgb(theme.tone_color(tone)) for tone in _TONES])
        alpha = np.maximum(self._alpha(), _ABSENT / 2)[:, None]
        colors = ground + (tones[self._presence] - ground) * alpha
        starts = np.arange(0, len(colors), grid.share)
        shares = np.diff(np.append(starts, len(colors)))[:, None]
        means = np.add.reduceat(colors, starts) / shares
        pixels = np.tile(ground, (grid.rows * grid.columns, 1))
        pixels[: len(means)] = means
        data = np.zeros((grid.rows, grid.columns, 4), np.uint8)
        data[..., :3] = np.round(pixels).astype(np.uint8).reshape(grid.rows, grid.columns, 3)[..., ::-1]
        data[..., 3] = 255
        return QImage(data.tobytes(), grid.columns, grid.rows, 4 * grid.columns, QImage.Format.Format_RGB32).copy()

    def _alpha(self) -> NDArray[np.float64]:
        alpha: NDArray[np.float64] = _ALPHA[self._presence]
        there = self._presence == Presence.IN_MEMORY
        alpha[there] += (1 - COOLEST) * np.sqrt(self._heat[there])
        return alpha

    # -- pointing ------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._show_tooltip(event.pos(), event.globalPos())
            return True
        return super().event(event)

    def _show_tooltip(self, place: QPoint, where: QPoint) -> None:
        models = range(0) if self._said else self._laid_out().models_at(place.x(), place.y())
        lines = [self.text_of(model) for model in models[:_SHOWN_IN_TOOLTIP]]
        if len(models) > _SHOWN_IN_TOOLTIP:
            lines.append(f"and {words.count(len(models) - _SHOWN_IN_TOOLTIP, 'more model')}")
        QToolTip.showText(where, words.tooltip("\n".join(lines)), self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        models = self._laid_out().models_at(int(event.position().x()), int(event.position().y()))
        if models and not self._said:
            self._select(models[0])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not len(self._names) or self._said:
            super().keyPressEvent(event)
            return
        before = self._marked[0] if self._marked else -1 if step > 0 else len(self._names)
        self._select(min(max(before + step, 0), len(self._names) - 1))

    def _select(self, model: int) -> None:
        self.mark((model,))
        self.setAccessibleDescription(self.text_of(model).replace("\n", ": "))
        self.selected.emit(model)


def _rgb(color: QColor) -> NDArray[np.float64]:
    return np.array([color.red(), color.green(), color.blue()], np.float64)
