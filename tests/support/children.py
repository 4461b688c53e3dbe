"""Forked children that run one function, and die when told to."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Callable


def fork(function: Callable[[], object]) -> int:
    """The process id of a child that runs ``function`` and exits: 0, or 1 after an exception."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # about threads; the child starts none and calls no others
        pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        function()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def wait_for(pid: int) -> int:
    """The exit status of a child, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_forked(function: Callable[[], object]) -> int:
    """The exit status of a child that ran ``function``."""
    return wait_for(fork(function))
