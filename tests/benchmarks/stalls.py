"""How long the event loop of this process is away, and what the window's thread does meanwhile."""

from __future__ import annotations

import gc
import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from types import FrameType
from typing import Final, NamedTuple

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer

LATE_S: Final = 0.016
"""A gap that is looked into, in seconds: a frame that was missed."""
_LOOK_S: Final = 0.002
_DEPTH: Final = 3


class Gaps(NamedTuple):
    """How long the event loop was away, in seconds."""

    p95: float
    """The gap that 95 of 100 do not exceed."""
    worst: float
    own: float
    """The worst as far as this process was at work then, in any thread: without what others took of the machine."""


class Beat(QObject):
    """A timer of a millisecond; what lies between two of its beats somebody had to wait."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.last = math.inf
        self._turns: list[tuple[float, float]] = []
        self.timer = QTimer(self, interval=1, timerType=Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self._beat)

    def _beat(self) -> None:
        self.last = time.perf_counter()
        self._turns.append((self.last, time.process_time()))

    def start(self) -> None:
        """Begin to count."""
        self._turns = []
        self._beat()
        self.timer.start()

    def stop(self) -> Gaps:
        """What was seen since the start."""
        self.timer.stop()
        self._beat()
        self.last = math.inf
        gaps, worked = np.diff(np.array(self._turns), axis=0).T
        return Gaps(float(np.percentile(gaps, 95)), float(gaps.max()), float(np.minimum(gaps, worked).max()))


class Watch:
    """A thread that notes where the window's thread is, and where the others are, while a beat is late.

    It wants the interpreter as well and so makes the gaps longer: it is for finding causes, not for figures.
    """

    def __init__(self, beat: Beat) -> None:
        self._beat = beat
        self._seen: Counter[str] = Counter()
        self._window = threading.get_ident()
        self._held: list[dict[int, FrameType]] = []
        self._held_lock = threading.Lock()
        self._ended = threading.Event()
        self._round = 0.0
        gc.callbacks.append(self._collect)
        beat.timer.timeout.connect(self._let_go)
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)
        self._thread.start()

    def _collect(self, phase: str, info: dict[str, int]) -> None:
        """Note a round of the garbage collector that is long."""
        if phase == "start":
            self._round = time.perf_counter()
        elif (took := time.perf_counter() - self._round) > _LOOK_S:
            self._seen[f"garbage collector, generation {info['generation']}: {took * 1e3:.0f} ms"] += 1

    def causes(self, most: int = 4) -> Iterator[str]:
        """The stacks seen most often since the last call, each with how often."""
        seen, self._seen = self._seen, Counter()
        return (f"{count} × {stack}" for stack, count in seen.most_common(most))

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_S):
            if time.perf_counter() - self._beat.last > LATE_S - _LOOK_S:
                with self._held_lock:
                    self._held.append(sys._current_frames())
                    self._seen[self._stacks()] += 1

    def _stacks(self) -> str:
        own, frames = threading.get_ident(), self._held[-1]
        others = {_brief(frame, 1) for ident, frame in frames.items() if ident not in (own, self._window)}
        busy = "; ".join(sorted(other for other in others if "threading" not in other))
        return f"{_brief(frames[self._window], _DEPTH)}   [{busy}]"

    def end(self) -> None:
        """Watch no more."""
        self._ended.set()
        self._thread.join()
        gc.callbacks.remove(self._collect)

    def _let_go(self) -> None:
        """Drop the frames in the window's thread: what lived in them may end nowhere else."""
        if self._held and self._held_lock.acquire(blocking=False):
            self._held.clear()
            self._held_lock.release()


def _brief(frame: FrameType | None, depth: int) -> str:
    every: list[str] = []
    ours: list[str] = []
    while frame is not None:
        code = frame.f_code
        every.append(f"{code.co_filename.rpartition('/')[2]}:{frame.f_lineno} {code.co_name}")
        if "apbundle" in code.co_filename:
            ours.append(every[-1])
        frame = frame.f_back
    return " < ".join((ours or every)[:depth])
