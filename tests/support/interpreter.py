"""Programs in a fresh interpreter: what one import loads, or finds, is only seen there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run_python(program: str, *, path: Path | None = None) -> str:
    """What ``program`` prints, with ``path`` before everything else on the import path; it must succeed."""
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(
        command, check=False, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
