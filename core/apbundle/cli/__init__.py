"""The program ``apbundle``: what the library does, as commands.

``parsing`` reads the command line, one module a command does the work, ``output`` and ``tables`` show what came of it,
``failures`` words what went wrong, ``working`` shows progress and hears Ctrl-C. Exit status 0: done; 1: the answer is
no, or some were not written; 2: nothing done; 128 and a signal's number: stopped by that signal.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from apbundle.cli.commands import COMMANDS
from apbundle.cli.failures import INTERRUPTED, KINDS, describe
from apbundle.cli.output import Output
from apbundle.cli.parsing import has_flag, parse
from apbundle.cli.working import Stopped

__all__ = ["main"]

_BROKEN_PIPE = 128 + 13  # as of a program that SIGPIPE ends; not every system has a name for that signal


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Parameters
    ----------
    argv
        The arguments without the program's name; by default those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    output = Output(json=has_flag(arguments, "--json"))
    status = 0
    try:
        output.require()
        status = _run(arguments, output)
        output.flush()
    except BrokenPipeError:  # whoever read our output has seen enough
        output.abandon()
        status = _BROKEN_PIPE
    except OSError as error:  # the output itself: the disk that it goes to is full, say
        output.abandon()
        if status == 0:
            output.complain(describe(error))
            status = 2
    return status


def _run(arguments: Sequence[str], output: Output) -> int:
    try:
        command, options = parse(COMMANDS, arguments)
        return command.run(options, output)
    except BrokenPipeError:
        raise
    except SystemExit as done:  # help and version, already printed
        return int(done.code or 0)
    except Stopped as stopped:
        output.fail(describe(stopped.error))
        return 128 + stopped.signal
    except KeyboardInterrupt:
        output.fail(INTERRUPTED)
        return 128 + signal.SIGINT
    except KINDS as error:
        failure = describe(error)
        output.fail(failure)
        return failure.status
