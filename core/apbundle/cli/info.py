"""``apbundle info``: what a bundle holds, without reading its models."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from itertools import islice

from apbundle.cli.description import describe_bundle, model_format
from apbundle.cli.drawing import MOST_ROWS
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.tables import bundle_tables
from apbundle.format.reader import BundleReader


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the bundle")


def _options(parser: ArgumentParser) -> None:
    """Takes none of its own."""


def _run(options: Namespace, output: Output) -> int:
    with BundleReader.open(options.file) as reader:
        if output.json:
            output.document(describe_bundle(reader))
        else:
            shown = islice(reader.manifest, MOST_ROWS)
            output.show(*bundle_tables(reader, [model_format(reader, entry) for entry in shown]))
    return 0


INFO = Command(
    "info",
    "show what a bundle holds",
    "Show what a bundle holds: its models with their formats, sizes, places and metadata, and anything odd about it.",
    "info models.apbundle",
    _operands,
    _options,
    _run,
)
