"""The services of one window, made once and handed to every page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from apbundle_gui.services.jobs import JobRunner
from apbundle_gui.services.messages import Messages
from apbundle_gui.services.session import Session
from apbundle_gui.services.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """What a page may use besides its own widgets."""

    jobs: JobRunner
    session: Session
    settings: Settings
    messages: Messages

    @classmethod
    def create(cls, settings_path: Path | None = None) -> Self:
        """All services, with the settings kept in ``settings_path`` (by default where the system keeps them)."""
        messages = Messages()
        settings = Settings(settings_path, messages)
        jobs = JobRunner(messages)
        return cls(jobs=jobs, session=Session(jobs, settings), settings=settings, messages=messages)

    def shutdown(self) -> None:
        """Stop the jobs, close the bundles and write the settings. Nothing may be used after it."""
        self.jobs.shutdown()
        self.session.shutdown()
        self.settings.save()
