"""The SHA-256 of a whole file, as ``sha256sum`` prints it, taken by a job."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

from apbundle.fileio import PIECE, InputFile
from apbundle.format.scratch import scratch_memory
from apbundle.progress import Cancel, Progress, Reporter
from apbundle_gui.services.container import Services
from apbundle_gui.services.jobs import Job


def fingerprint(services: Services, path: str, on_done: Callable[[str], None], on_end: Callable[[], None]) -> Job:
    """Read a file to its end; ``on_done`` gets the digest in hexadecimal, ``on_end`` is called where there is none."""

    def work(progress: Progress, cancel: Cancel) -> str:
        reporter, hasher = Reporter(progress, cancel), hashlib.sha256()
        with InputFile.open(path) as file, scratch_memory(PIECE) as scratch:
            reporter.phase("digest", file.size)
            for at in range(0, file.size, PIECE):
                piece = scratch[: min(PIECE, file.size - at)]
                file.read_into(at, piece)
                hasher.update(piece)
                reporter.advance(len(piece))
            file.check_unchanged()
        return hasher.hexdigest()

    return services.jobs.start(
        f"Digest of {os.path.basename(path)}",
        work,
        on_done=on_done,
        on_failed=lambda error: on_end(),
        on_cancelled=on_end,
        key=("build.fingerprint", id(services)),
        abandonable=True,
    )
