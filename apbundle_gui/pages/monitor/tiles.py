"""The row of tiles: what the recording counts so far."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from apbundle.trace.records import Kind
from apbundle_gui.models import text as words
from apbundle_gui.models.monitor_counters import UNKNOWN
from apbundle_gui.models.monitor_run import Run
from apbundle_gui.models.monitor_series import KINDS, RATE_WINDOW_NS
from apbundle_gui.models.monitor_text import memory_detail, tally
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Tile

NARROW: Final = 1120
"""The width below which the tiles stand in two rows, in pixels."""

_TILES: Final = (  # name, caption, tone, share of the width when all stand in one row
    ("hits", "Hits", Tone.HIT, 18),
    ("misses", "Misses", Tone.MISS, 18),
    ("hit_rate", "Hit rate", None, 18),
    ("evictions", "Evictions", Tone.EVICTION, 18),
    ("prefetches", "Prefetches", Tone.PREFETCH, 17),
    ("bytes_loaded", "Bytes loaded", None, 22),
    ("memory_used", "Memory used", Tone.LIMIT, 22),
    ("resident", "Resident", None, 22),
)


class Tiles(QWidget):
    """Eight numbers, with what they mean at the moment below them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(Space.S)
        self._tiles = {name: Tile(caption, tone) for name, caption, tone, _ in _TILES}
        for tile in self._tiles.values():
            tile.body.setContentsMargins(Space.M, Space.XS, Space.M, Space.XS)
        self._columns = 0
        self._arrange(len(_TILES))

    def value(self, name: str) -> str:
        """What the tile called ``name`` shows."""
        return self._tiles[name].value

    def clear(self) -> None:
        """Show that there is nothing to count yet."""
        for tile in self._tiles.values():
            tile.set_value(words.NONE)

    def show_run(self, run: Run, now: float, resident: int | None) -> None:
        """Show the counters of a run at ``now`` (seconds); ``resident`` are the bytes the engine holds, if known."""
        counters = run.counters
        recent = dict(zip(KINDS, (int(count) for count in run.series.recent(now)), strict=True))
        seconds = min(RATE_WINDOW_NS / 1e9, max(now, run.series.bin_seconds))

        def each_second(kind: Kind) -> str:
            value = recent[kind] / seconds
            return f"{words.compact(round(value)) if value >= 1000 else words.significant(value)} a second"

        def count(name: str, value: int, detail: str) -> None:
            self._tiles[name].set_value(tally(value), detail, words.count(value))

        def size(name: str, value: int, detail: str) -> None:
            self._tiles[name].set_value(words.size(value), detail, words.exact_size(value))

        accesses = recent[Kind.HIT] + recent[Kind.MISS]
        lately = f"{words.percent(recent[Kind.HIT] / accesses)} lately" if accesses else "no access lately"
        count("hits", counters.hits, each_second(Kind.HIT))
        count("misses", counters.misses, each_second(Kind.MISS))
        self._tiles["hit_rate"].set_value(words.percent(counters.hit_rate), lately)
        count("evictions", counters.evictions, each_second(Kind.EVICT))
        used = counters.prefetches_used
        count("prefetches", counters.prefetches, "" if used == UNKNOWN else f"{words.count(used)} used")
        total = int(run.sizes.sum())
        times = f"{words.significant(counters.bytes_loaded / total)} × all models" if total else ""
        size("bytes_loaded", counters.bytes_loaded, times)
        used = counters.memory_used
        self._tiles["memory_used"].set_value(words.size(used), *memory_detail(used, run.limit))
        there, models = int(run.residency.resident.sum()), len(run.names)
        of = words.count(models, "model") if models < 1000 else tally(models)  # a tile has no room for both
        if resident is None:
            self._tiles["resident"].set_value(tally(there), f"of {of}", words.count(there))
        else:
            size("resident", resident, f"{tally(there)} of {of}")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(len(_TILES) // 2 if event.size().width() < NARROW else len(_TILES))

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for place, tile in enumerate(self._tiles.values()):
            self._grid.addWidget(tile, place // columns, place % columns)
        one_row = columns == len(_TILES)
        for column, (_, _, _, share) in enumerate(_TILES):
            self._grid.setColumnStretch(column, share if one_row else int(column < columns))
