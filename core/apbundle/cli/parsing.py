"""The command line: which command, with which operands and options.

Options and operands may come in any order, so the options are read first, and the operands from what they leave.
"""

from __future__ import annotations

import argparse
import difflib
import shutil
import textwrap
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import apbundle
from apbundle.cli.failures import UsageError
from apbundle.cli.output import Output

PROGRAM = "apbundle"


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    ``add_operands`` and ``add_options`` declare what it takes; ``run`` does the work and returns the exit status.
    ``summary`` is a phrase, ``details`` a paragraph, ``example`` a command line without the program's name.
    """

    name: str
    summary: str
    details: str
    example: str
    add_operands: Callable[[ArgumentParser], None]
    add_options: Callable[[ArgumentParser], None]
    run: Callable[[Namespace, Output], int]


class _Parser(ArgumentParser):
    """A parser that raises instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def has_flag(arguments: Sequence[str], *flags: str) -> bool:
    """Whether one of ``flags`` is among the options."""
    return not set(flags).isdisjoint(_split(arguments)[0])


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The arguments before ``--``, and those after it, which are operands whatever they look like."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return list(arguments[:end]), list(arguments[end + 1 :])


def parse(commands: Mapping[str, Command], arguments: Sequence[str]) -> tuple[Command, Namespace]:
    """The command that is meant, and what it is given.

    Raises
    ------
    UsageError
    SystemExit
        After printing help or the version.
    """
    at = next((i for i, argument in enumerate(arguments) if not argument.startswith("-")), None)
    if has_flag(arguments, "--version"):
        print(PROGRAM, apbundle.__version__)
        raise SystemExit(0)
    if at is None:
        if has_flag(arguments, "-h", "--help"):
            print(_overview(commands))
            raise SystemExit(0)
        raise UsageError("a command is missing", f"Try {PROGRAM} --help.")
    name = arguments[at]
    if name not in commands:
        close = difflib.get_close_matches(name, commands, 1)
        hint = f"Did you mean {close[0]}? " if close else ""
        raise UsageError(f"there is no command {name!r}", f"{hint}Try {PROGRAM} --help.")
    command = commands[name]
    try:
        return command, _parse_command(command, [*arguments[:at], *arguments[at + 1 :]])
    except UsageError as error:
        error.hint = error.hint or f"Try {PROGRAM} {name} --help."
        raise


def _parse_command(command: Command, arguments: Sequence[str]) -> Namespace:
    options = _Parser(add_help=False, allow_abbrev=False)
    command.add_options(options)
    options.add_argument("--json", action="store_true", help="print JSON, errors too")
    operands = _Parser(add_help=False)
    command.add_operands(operands)
    if has_flag(arguments, "-h", "--help"):
        _parser_for_help(command, operands, options).print_help()
        raise SystemExit(0)
    before, after = _split(arguments)
    namespace, rest = options.parse_known_args(before)
    unknown = next((argument for argument in rest if argument.startswith("-") and argument != "-"), None)
    if unknown is not None:
        raise UsageError(f"there is no option {unknown}")
    return operands.parse_args(["--", *rest, *after], namespace)


def _parser_for_help(command: Command, operands: ArgumentParser, options: ArgumentParser) -> ArgumentParser:
    return ArgumentParser(
        prog=f"{PROGRAM} {command.name}",
        description=textwrap.fill(command.details, shutil.get_terminal_size().columns - 2),
        epilog=f"example:\n  {PROGRAM} {command.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[operands, options],
    )


def _overview(commands: Mapping[str, Command]) -> str:
    listed = "\n".join(f"  {command.name:<9}{command.summary}" for command in commands.values())
    return f"""usage: {PROGRAM} COMMAND ...

Pack machine-learning models into one .apbundle file, look inside it, and watch it page.

commands:
{listed}

options:
  -h, --help   show this, or with a command what it takes
  --version    show the version
  --json       print JSON, errors too

exit status: 0 done; 1 the answer is no, or some were not written; 2 nothing done

example:
  {PROGRAM} pack models.apbundle encoder.safetensors decoder=weights/best.gguf"""
