"""What the pages work with: jobs, the open bundles, the settings, and messages to the user. QtCore only."""

from apbundle_gui.services.container import Services
from apbundle_gui.services.job import Job, JobState
from apbundle_gui.services.jobs import JobRunner
from apbundle_gui.services.messages import Level, Message, Messages
from apbundle_gui.services.session import OpenBundle, OpenFailure, Session
from apbundle_gui.services.settings import Settings

__all__ = [
    "Job",
    "JobRunner",
    "JobState",
    "Level",
    "Message",
    "Messages",
    "OpenBundle",
    "OpenFailure",
    "Services",
    "Session",
    "Settings",
]
