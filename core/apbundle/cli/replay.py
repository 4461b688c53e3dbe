"""``apbundle replay``: operations from a file run under a memory limit, or a recording run again under another."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from apbundle.cli import values
from apbundle.cli.failures import UsageError
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.replay_recording import is_recording, rerun_recording
from apbundle.cli.tables import replay_table
from apbundle.fileio import InputFile
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.paging.policy import POLICIES
from apbundle.text import printable
from apbundle.trace.replay import COLUMNS, Step, apply, run_ops
from apbundle.trace.workload import Operation, parse_ops

_HINT = "Try apbundle replay --help."


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="BUNDLE|TRACE", help="the bundle, or a recording")


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--ops",
        metavar="OPS",
        help="for a bundle, and required: a text file with an operation a line: get NAME, hint NAME, evict NAME or "
        "clear",
    )
    parser.add_argument(
        "--max-memory",
        type=values.memory,
        metavar="N",
        help="the limit, in bytes or as 2GiB, or auto for a share of what the machine leaves; for a recording, as "
        "recorded if not given, changes of it included",
    )
    parser.add_argument(
        "--eviction",
        choices=list(POLICIES),
        help="what goes first when room is needed (default lru, for a recording as recorded)",
    )
    parser.add_argument(
        "--prefetch",
        type=values.count,
        metavar="N",
        help="load up to N models ahead before each access returns (default off, for a recording as recorded)",
    )
    parser.add_argument(
        "--source",
        choices=["auto", "map", "read"],
        help="for a bundle: map models of 2MiB and more, where the limit counts whole blocks of the file, or read "
        "every one, which counts as the format's first implementation does (default auto: map where that is safe)",
    )
    parser.add_argument(
        "--every",
        action="store_true",
        help="for a bundle: print a line of tab-separated values after each operation",
    )


def _run(options: Namespace, output: Output) -> int:
    if is_recording(options.file):
        for option in ("ops", "source", "every"):
            if getattr(options, option):
                raise UsageError(f"--{option} is for a bundle, and this is a recording", _HINT)
        rerun_recording(options, output)
    else:
        missing = [f"--{name}" for name in ("ops", "max-memory") if getattr(options, name.replace("-", "_")) is None]
        if missing:
            raise UsageError(f"the following arguments are required: {', '.join(missing)}", _HINT)
        _run_operations(options, output)
    return 0


def _run_operations(options: Namespace, output: Output) -> None:
    operations = _read_operations(options.ops)
    config = PagingConfig(
        max_memory=options.max_memory,
        eviction=options.eviction or "lru",
        prefetch="off" if options.prefetch is None else "inline",
        prefetch_count=options.prefetch or 0,
        source=options.source or "auto",
    )
    with PagedBundle.open(options.file, config) as paged:
        if options.every and not output.json:
            output.row("\t".join(COLUMNS))
            for step in run_ops(paged, operations):
                output.row(_printable(step).to_tsv())
            return
        steps = [asdict(step) for step in run_ops(paged, operations)] if options.every else None
        if steps is None:
            for operation in operations:
                apply(paged, operation)
        counters = _counters(paged, operations)
    if output.json:
        output.document(counters if steps is None else {**counters, "every": steps})
    else:
        output.show(replay_table(counters))


def _read_operations(path: str) -> list[Operation]:
    with InputFile.open(path) as file:
        data = file.read(0, file.size)
    try:
        return parse_ops(data.decode())
    except ValueError as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise UsageError(f"the operations in {path!r} cannot be read: {reason}") from None


def _printable(step: Step) -> Step:
    """The step with every name on one line and in one column, whatever characters it has."""
    return replace(step, name=printable(step.name), cached=tuple(printable(name) for name in step.cached))


def _counters(paged: PagedBundle, operations: Sequence[Operation]) -> dict[str, Any]:
    stats = paged.stats()
    return {
        "operations": len(operations),
        **asdict(stats),
        "hit_rate": stats.hit_rate,
        "max_memory": paged.max_memory,
        "resident": paged.resident,
        "cached": sorted(paged.cached_names),
    }


REPLAY = Command(
    "replay",
    "run operations, or a recording again, under a memory limit",
    "Run the operations of a file against a bundle whose models page in and out under a memory limit, and print the\n"
    "counters at the end, or with --every those after each operation. Or run what a program did, as a recording has\n"
    "it, again under the same or another limit, policy or prefetch, over the sizes alone, and print the counters side\n"
    "by side.",
    "replay models.apbundle --ops day.ops --max-memory 100MB --eviction lfu",
    _operands,
    _options,
    _run,
)
