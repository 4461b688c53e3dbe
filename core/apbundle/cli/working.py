"""Long work at a terminal: a progress bar while it lasts, and a clean end when a signal asks for one."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING

from apbundle.errors import BundleError, Cancelled
from apbundle.progress import Cancel, Progress
from apbundle.text import format_size

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_PATIENCE = 0.4
"""Seconds before a bar appears: what is done sooner needs none."""


class Stopped(Exception):
    """Work that a signal stopped: what it said last, and the signal's number."""

    def __init__(self, error: BundleError, number: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.signal = number


@contextmanager
def working() -> Iterator[tuple[Progress | None, Cancel]]:
    """What to hand to long work as its ``progress`` and ``cancel``.

    The first signal makes ``cancel`` answer true, so that the work tidies up; a second one ends it where it stands.

    Raises
    ------
    Stopped
        In place of the ``Cancelled`` of work that a signal stopped.
    """
    with _signals_heard() as heard, _progress_shown() as progress:
        try:
            yield progress, lambda: bool(heard)
        except Cancelled as error:
            if heard:
                raise Stopped(error, heard[0]) from error
            raise


@contextmanager
def _signals_heard() -> Iterator[list[int]]:
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        if heard:
            raise KeyboardInterrupt
        heard.append(number)

    previous = {}
    if threading.current_thread() is threading.main_thread():  # only there can they be set
        for number in _SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                previous[number] = signal.signal(number, hear)
    try:
        yield heard
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _progress_shown() -> Iterator[Progress | None]:
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    bar = _Bar()
    try:
        yield bar
    finally:
        bar.stop()


class _Bar:
    """A progress bar on standard error that appears when work takes long, and goes away with it."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._bars: Bars | None = None
        self._phase = ""
        self._phase_began = self._began

    def __call__(self, phase: str, done: int, total: int) -> None:
        now = monotonic()
        if self._bars is None:
            if now - self._began < _PATIENCE:
                return
            self._bars = _bars()
            self._bars.start()
        if phase != self._phase:
            for task in self._bars.task_ids:
                self._bars.remove_task(task)
            self._bars.add_task(phase.capitalize(), total=total or None, said="")
            self._phase, self._phase_began = phase, now
        [task] = self._bars.task_ids
        self._bars.update(task, completed=done, said=_said(done, total, now - self._phase_began))

    def stop(self) -> None:
        """Take it off the screen."""
        if self._bars is not None:
            self._bars.stop()


def _said(done: int, total: int, seconds: float) -> str:
    if not total:
        return ""
    rate = f"  {format_size(int(done / seconds))}/s" if seconds > _PATIENCE else ""
    return f"{format_size(done)} of {format_size(total)}{rate}"


def _bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[said]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True, markup=False, highlight=False, emoji=False),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
