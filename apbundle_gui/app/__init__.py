"""Starts the program: ``apbundle-gui [FILE…]``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from apbundle_gui.app.arguments import parse

MISSING = "apbundle-gui needs its window toolkit: pip install 'apbundle[gui]'"
NO_DISPLAY = "apbundle-gui finds no display to open its window on; --screenshots DIR needs none"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program until its window closes.

    Parameters
    ----------
    arguments
        Without the name of the program; by default those of the process.

    Returns
    -------
    int
        The exit code.
    """
    options = parse(arguments)
    try:
        from apbundle_gui.app.program import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("PySide6", "shiboken6", "qtawesome"):
            raise
        sys.stderr.write(f"{MISSING}\n")
        return 2
    if options.screenshots is None and not _has_display():
        sys.stderr.write(f"{NO_DISPLAY}\n")
        return 2
    return run(options)


def _has_display() -> bool:
    """Whether Qt may find a display; where there is none it would end the process with a core dump."""
    return sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")))
