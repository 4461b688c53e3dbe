"""``apbundle merge``: several bundles into one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from contextlib import ExitStack

from apbundle.cli import values
from apbundle.cli.description import describe_bundle
from apbundle.cli.failures import UsageError
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.sparing import spare_models
from apbundle.cli.tables import packed_tables
from apbundle.cli.working import working
from apbundle.config import creation_time
from apbundle.edit.merge import merge_bundles
from apbundle.format.reader import BundleReader


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("bundles", metavar="BUNDLE", nargs="+", help="a bundle whose models go into the new one")


def _options(parser: ArgumentParser) -> None:
    text = values.unicode_text
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="the bundle to write")
    parser.add_argument(
        "--prefix", action="store_true", help="name each model after its bundle's file too: vision/encoder"
    )
    parser.add_argument("--description", type=text, metavar="TEXT", help="what the bundle is (default: what they say)")
    parser.add_argument(
        "--created-at",
        type=values.seconds,
        metavar="SECONDS",
        help="the creation time since 1970 (default SOURCE_DATE_EPOCH, else now)",
    )


def _run(options: Namespace, output: Output) -> int:
    try:
        created_at = creation_time() if options.created_at is None else options.created_at
    except ValueError as error:
        raise UsageError(str(error)) from None
    spare_models(options.output)
    with ExitStack() as stack:
        readers = [stack.enter_context(BundleReader.open(path)) for path in options.bundles]
        with working() as (progress, cancel):
            written = merge_bundles(
                readers,
                options.output,
                description=options.description,
                created_at=created_at,
                prefix=options.prefix,
                progress=progress,
                cancel=cancel,
            )
    with BundleReader.open(written) as reader:
        if output.json:
            output.document(describe_bundle(reader))
        else:
            output.show(*packed_tables(reader, "merged"))
    return 0


MERGE = Command(
    "merge",
    "put the models of several bundles into one",
    "Write the models of several bundles, in order, as one bundle, with their metadata; each is held against its\n"
    "checksum on the way. The alignment is the largest that the bundles have. Two models of one name are an error:\n"
    "--prefix keeps them apart.",
    "merge vision.apbundle text.apbundle -o all.apbundle --prefix",
    _operands,
    _options,
    _run,
)
