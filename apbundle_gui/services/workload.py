"""The workload the window runs: a process beside it, told what to do and listened to.

What happens to that process, a crash included, is a state and a message here and never anything worse.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from apbundle import ModelBundle
from apbundle.errors import ERROR_CLASSES, bundle_error
from apbundle_gui.services import workload_worker
from apbundle_gui.services.scratch import ScratchFolder
from apbundle_gui.services.workload_worker import WorkloadSettings, to_line

PATIENCE_MS: Final = 1000
"""How long a process may take to end once its input has ended, in milliseconds."""
_MAX_HEARD: Final = 1 << 20
_MAX_STDERR: Final = 16 << 10


def list_models(bundle: ModelBundle) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The names and the raw bytes of a bundle's models. Takes its time for very many: run it as a job."""
    names, sizes = [], []
    for entry in bundle.manifest:
        names.append(entry.name)
        sizes.append(entry.raw_size)
    return tuple(names), np.array(sizes, np.int64)


class WorkloadState(Enum):
    """Where a workload is. ``HELD`` can go on; ``FULL``, ``ENDED`` and ``FAILED`` cannot."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    HELD = "held"
    FULL = "full"
    ENDED = "ended"
    FAILED = "failed"


class Workload(QObject):
    """Runs at most one workload at a time.

    Attributes
    ----------
    changed
        Emitted when the state changed.
    progressed
        Emitted a few times a second while ``accesses`` or ``resident`` change.
    failed
        Emitted with the exception when the workload could not go on, after the state changed.
    """

    changed = Signal()
    progressed = Signal()
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = WorkloadState.IDLE
        self.settings: WorkloadSettings | None = None
        self.accesses = 0
        self.resident = 0
        self._folder: ScratchFolder | None = None
        self._runs = 0
        self._process: QProcess | None = None
        self._heard = b""
        self._error: BaseException | None = None

    @property
    def recording(self) -> str | None:
        """The file of this run, or of the one that ended; it may not exist yet."""
        return self.settings.recording if self.settings else None

    @property
    def alive(self) -> bool:
        """Whether its process has not ended yet, so that the recording may still grow."""
        return self._process is not None

    @property
    def process_id(self) -> int:
        """The number of its process; 0 when there is none."""
        return self._process.processId() if self._process is not None else 0

    def start(self, settings: WorkloadSettings) -> None:
        """Begin anew. The settings' ``recording`` is chosen here, whatever it was.

        Raises
        ------
        OSError
            There is no place for the recording.
        """
        self.reset()
        if self._folder is None:
            self._folder = ScratchFolder("monitor")
        self._runs += 1
        self.settings = replace(settings, recording=os.path.join(self._folder.path, f"run-{self._runs}.aptrace"))
        process = QProcess(self)
        self._process = process
        process.setProgram(sys.executable)
        process.setArguments(["-P", workload_worker.__file__])
        process.readyReadStandardOutput.connect(self._hear)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._not_started)
        self._set_state(WorkloadState.STARTING)
        process.start()
        process.write(self.settings.to_line())

    def pause(self) -> None:
        """Hold it where it is."""
        self._tell(hold=True)

    def resume(self) -> None:
        """Let it go on."""
        self._tell(hold=False)

    def step(self, count: int = 1) -> None:
        """Do so many accesses and hold."""
        self._tell(step=count)

    def set_pace(self, pace: float | None) -> None:
        """Change the speed: accesses a second, ``None`` as fast as it goes."""
        if self.settings is not None:
            self.settings = replace(self.settings, pace=pace)
        self._tell(pace=pace)

    def reset(self) -> None:
        """End what runs, and forget it and its recording."""
        process, self._process = self._process, None
        if process is not None:
            self._let_go(process)
        if self.recording is not None:
            with suppress(OSError):
                os.unlink(self.recording)
        self.settings = None
        self.accesses = self.resident = 0
        self._heard = b""
        self._error = None
        self._set_state(WorkloadState.IDLE)

    def shutdown(self) -> None:
        """End what runs, wait for it, and leave nothing behind."""
        self.reset()
        for process in self.findChildren(QProcess):
            process.kill()  # it only reads: there is nothing to lose, and nobody waits for it to come to its end
            process.waitForFinished()
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def _tell(self, **command: Any) -> None:
        if self._process is not None:
            self._process.write(to_line(command))

    def _let_go(self, process: QProcess) -> None:
        """Let a process end by itself, and kill it when it does not; what it says and does is of no interest now."""
        process.readyReadStandardOutput.disconnect(self._hear)
        process.finished.disconnect(self._finished)
        process.errorOccurred.disconnect(self._not_started)
        process.finished.connect(process.deleteLater)
        process.closeWriteChannel()
        timer = QTimer(process, singleShot=True, interval=PATIENCE_MS)
        timer.timeout.connect(process.kill)
        timer.start()

    def _hear(self) -> None:
        process = self._process
        if process is None:
            return
        self._heard += process.readAllStandardOutput().data()
        *lines, self._heard = self._heard.split(b"\n")
        if len(self._heard) > _MAX_HEARD:
            self._heard = b""
        for line in lines:
            self._understand(line)

    def _understand(self, line: bytes) -> None:
        told = json.loads(line)
        if "failed" in told:
            self._error = _exception(told["failed"])
        if "accesses" in told:
            self.accesses, self.resident = told["accesses"], told["resident"]
            self.progressed.emit()
        if "state" in told:
            self._set_state(WorkloadState(told["state"]))

    def _finished(self, code: int, status: QProcess.ExitStatus) -> None:
        process = self._process
        if process is None:
            return
        self._hear()
        last_words = bytes(process.readAllStandardError().data())[-_MAX_STDERR:].decode(errors="replace").strip()
        self._process = None
        process.deleteLater()
        if status == QProcess.ExitStatus.NormalExit:
            reason = last_words.splitlines()[-1] if last_words else f"it ended with code {code}"
        else:
            reason = "it was killed, or it crashed"
        self._fail(self._error or OSError(f"The workload's process is gone: {reason}"))

    def _not_started(self, error: QProcess.ProcessError) -> None:
        process = self._process
        if process is not None and error == QProcess.ProcessError.FailedToStart:
            self._process = None
            process.deleteLater()
            self._fail(OSError(f"The workload's process cannot be started: {process.errorString()}"))

    def _fail(self, error: BaseException) -> None:
        self._set_state(WorkloadState.FAILED)
        self.failed.emit(error)

    def _set_state(self, state: WorkloadState) -> None:
        if state is not self.state:
            self.state = state
            self.changed.emit()


def _exception(told: dict[str, Any]) -> BaseException:
    """The exception the worker met."""
    if told.get("code") in ERROR_CLASSES:
        return bundle_error(told["code"], told["message"], path=told["path"], offset=told["offset"], hint=told["hint"])
    if "errno" in told:
        return OSError(told["errno"], told["message"], told["path"])
    return MemoryError(told["message"])
