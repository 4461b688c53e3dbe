"""``apbundle replay``: operations from a file, run under a memory limit, and what the cache made of them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from apbundle.cli import values
from apbundle.cli.failures import UsageError
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.tables import replay_table
from apbundle.fileio import InputFile
from apbundle.paged import PagedBundle, PagingConfig
from apbundle.text import printable
from apbundle.trace.replay import COLUMNS, Step, apply, run_ops
from apbundle.trace.workload import Operation, parse_ops


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the bundle")


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--ops",
        required=True,
        metavar="OPS",
        help="a text file with an operation a line: get NAME, hint NAME, evict NAME or clear",
    )
    parser.add_argument(
        "--max-memory",
        required=True,
        type=values.memory,
        metavar="N",
        help="the limit, in bytes or as 2GiB, or auto for a share of what the machine leaves",
    )
    parser.add_argument(
        "--eviction", choices=["lru", "lfu"], default="lru", help="what goes first when room is needed (default lru)"
    )
    parser.add_argument(
        "--prefetch",
        type=values.count,
        metavar="N",
        help="load up to N models ahead before each access returns; off if not given",
    )
    parser.add_argument(
        "--source",
        choices=["auto", "map", "read"],
        default="auto",
        help="map models of 2MiB and more, where the limit counts whole blocks of the file, or read every one, which "
        "counts as the format's first implementation does (default auto: map where that is safe)",
    )
    parser.add_argument(
        "--every", action="store_true", help="print a line of tab-separated values after each operation"
    )


def _run(options: Namespace, output: Output) -> int:
    operations = _read_operations(options.ops)
    config = PagingConfig(
        max_memory=options.max_memory,
        eviction=options.eviction,
        prefetch="off" if options.prefetch is None else "inline",
        prefetch_count=options.prefetch or 0,
        source=options.source,
    )
    with PagedBundle.open(options.file, config) as paged:
        if options.every and not output.json:
            output.row("\t".join(COLUMNS))
            for step in run_ops(paged, operations):
                output.row(_printable(step).to_tsv())
            return 0
        steps = [asdict(step) for step in run_ops(paged, operations)] if options.every else None
        if steps is None:
            for operation in operations:
                apply(paged, operation)
        counters = _counters(paged, operations)
    if output.json:
        output.document(counters if steps is None else {**counters, "every": steps})
    else:
        output.show(replay_table(counters))
    return 0


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
    "run operations against a bundle under a memory limit",
    "Run the operations of a file against a bundle whose models page in and out under a memory limit, and print the\n"
    "counters at the end, or with --every those after each operation.",
    "replay models.apbundle --ops day.ops --max-memory 100MB --eviction lfu",
    _operands,
    _options,
    _run,
)
