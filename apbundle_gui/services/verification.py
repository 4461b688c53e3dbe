"""Whether a bundle's bytes are those that were written: asked by a job, answered for the bundle and for each model."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QObject, Signal

from apbundle.bundle import ModelBundle
from apbundle.errors import BundleError
from apbundle.format.model import ModelEntry
from apbundle.format.verify import VerifyReport
from apbundle.progress import Cancel, Progress
from apbundle_gui.services.container import Services
from apbundle_gui.services.jobs import Job


class BundleState(Enum):
    """What can be said of a bundle as a whole. Its badge shows it."""

    VERIFIED = "verified"
    FAILED = "failed"
    NO_CHECKSUMS = "no checksums"
    NOT_VERIFIED = "not verified"
    EXTENSION_UNUSABLE = "extension unusable"


class ModelState(Enum):
    """What can be said of one model's bytes."""

    VERIFIED = "verified"
    DAMAGED = "damaged"
    NO_CHECKSUM = "no checksum"
    NOT_VERIFIED = "not verified"


class Verification(QObject):
    """Verifies one bundle when asked to, and keeps the answer.

    Attributes
    ----------
    changed
        Emitted when verifying began or ended.
    progressed
        Emitted while it goes on; :attr:`job` says how far it is.
    report
        The last complete answer, if there is one.
    error
        Why the last attempt gave none, if it failed.
    """

    changed = Signal()
    progressed = Signal()

    def __init__(self, services: Services, bundle: ModelBundle, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._services = services
        self._bundle = bundle
        self._has_digests = bundle.reader.has_digests
        self._sound: frozenset[str] = frozenset()
        self._closed = False
        self.job: Job | None = None
        self.report: VerifyReport | None = None
        self.error: BundleError | OSError | None = None

    @property
    def running(self) -> bool:
        """Whether the bundle is being verified now."""
        return self.job is not None

    @property
    def state(self) -> BundleState:
        """What can be said of the bundle."""
        if self._bundle.extension_error is not None:
            return BundleState.EXTENSION_UNUSABLE
        if self.report is not None:
            return {
                "verified": BundleState.VERIFIED,
                "failed": BundleState.FAILED,
                "no_checksums": BundleState.NO_CHECKSUMS,
            }[self.report.status]
        return BundleState.NOT_VERIFIED if self._has_digests else BundleState.NO_CHECKSUMS

    def model_state(self, entry: ModelEntry) -> ModelState:
        """What can be said of one model's bytes."""
        if entry.digest is None:
            return ModelState.NO_CHECKSUM
        if self.report is None:
            return ModelState.NOT_VERIFIED
        return ModelState.VERIFIED if entry.name in self._sound else ModelState.DAMAGED

    def start(self) -> None:
        """Verify the bundle, unless that is going on."""
        if self.running:
            return

        def work(progress: Progress, cancel: Cancel) -> tuple[VerifyReport, frozenset[str]]:
            report = self._bundle.verify(progress=progress, cancel=cancel)
            return report, frozenset(report.sound_models)

        self.error = None
        self.job = self._services.jobs.start(
            "Verifying",
            work,
            on_done=lambda answer: self._done(*answer),
            on_failed=self._failed,
            on_cancelled=self._ended,
            abandonable=True,
        )
        self.job.progressed.connect(self.progressed)
        self.changed.emit()

    def cancel(self) -> None:
        """Stop verifying; what was known before stays."""
        if self.job is not None:
            self.job.cancel()

    def close(self) -> None:
        """Stop, and say nothing any more."""
        self._closed = True
        if self.job is not None:
            self.job.progressed.disconnect(self.progressed)
            self.job.cancel()

    def _done(self, report: VerifyReport, sound: frozenset[str]) -> None:
        self.report, self._sound = report, sound
        self._ended()

    def _failed(self, error: BaseException) -> None:
        error = error.with_traceback(None)  # it is kept, and its frames would keep the file open
        if isinstance(error, (BundleError, OSError)):
            self.error = error
        if not self._closed:
            self._services.messages.error("The bundle could not be verified.", error)
        self._ended()

    def _ended(self) -> None:
        self.job = None
        if not self._closed:
            self.changed.emit()
