"""``apbundle edit``: change a bundle, in place where that is possible, and say beforehand what it costs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from apbundle.cli import values
from apbundle.cli.description import describe_bundle
from apbundle.cli.drawing import headline
from apbundle.cli.edit_changes import NO_DIGEST, parse_changes
from apbundle.cli.failures import UsageError
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.working import working
from apbundle.edit.plan import EditPlan, plan_edit
from apbundle.format.model import DIGEST_ALGORITHMS
from apbundle.format.reader import BundleReader


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the bundle")


def _options(parser: ArgumentParser) -> None:
    text = values.unicode_text

    def several(name: str, metavar: str, said: str) -> None:
        parser.add_argument(name, action="append", type=text, default=[], metavar=metavar, help=f"{said}; repeatable")

    several(
        "--meta",
        "NAME.KEY=VALUE",
        "describe a model: KEY is version, architecture, format, hyperparameters.K or custom.K; no VALUE removes it",
    )
    several("--bundle-meta", "KEY=VALUE", "describe the bundle; no VALUE removes it")
    parser.add_argument("--description", type=text, metavar="TEXT", help="what the bundle is, in words")
    several("--add", "[NAME=]PATH", "put a file in as a model, after the others")
    several("--remove", "NAME", "leave a model out")
    several("--replace", "NAME=PATH", "give a model the bytes of a file; what was said of the old ones' format goes")
    several("--rename", "NAME=NEW", "give a model another name")
    several("--first", "NAME", "put this model first, several in the order given")
    several("--compress", "NAME", "store a model as zstd frames, which other readers of the format cannot use")
    several("--decompress", "NAME", "store a model as its bytes")
    parser.add_argument(
        "--align", type=values.alignment, metavar="BYTES", help="start every model at a multiple of this"
    )
    parser.add_argument("--digest", choices=[*DIGEST_ALGORITHMS, NO_DIGEST], help="the checksums to store")
    parser.add_argument("--created-at", type=values.seconds, metavar="SECONDS", help="the creation time since 1970")
    parser.add_argument("--plan", action="store_true", help="say what it would cost, and change nothing")


def _run(options: Namespace, output: Output) -> int:
    with BundleReader.open(options.file) as reader:
        changes = parse_changes(options, reader)
        if not changes:
            raise UsageError("nothing is to be changed", "apbundle edit --help lists what can be.")
        plan = plan_edit(reader, changes)
        if not options.plan:
            with working() as (progress, cancel):
                plan.apply(progress=progress, cancel=cancel)
        if options.plan:
            _tell(output, "plan", plan, _cost(plan))
            return 0
    with BundleReader.open(options.file) as reader:
        _tell(output, "edited", plan, {**describe_bundle(reader), "edit": _cost(plan)} if output.json else {})
    return 0


def _tell(output: Output, word: str, plan: EditPlan, document: dict[str, Any]) -> None:
    if output.json:
        output.document(document)
    else:
        output.show(headline(word, "bold green", plan.reader.path, plan.cost.removesuffix(".")))


def _cost(plan: EditPlan) -> dict[str, Any]:
    return {
        "changes": plan.changes,
        "in_place": plan.in_place,
        "bytes_read": plan.bytes_read,
        "bytes_written": plan.bytes_written,
        "file_size": plan.file_size,
        "reasons": list(plan.reasons),
    }


EDIT = Command(
    "edit",
    "change a bundle where it is",
    "Change a bundle: what is said of it and its models, which models it has, their names and order, alignment and\n"
    "checksums. What fits the room before the models is written over in place, behind a journal from which the next\n"
    "program that opens the bundle undoes an interrupted change; anything else is written as a new file that takes\n"
    "the place of the old one when it is complete. --plan says which, and how many bytes. Names are those before the\n"
    "change, and those of models that are added. --digest and --align give an old bundle what it lacks.",
    "edit models.apbundle --meta encoder.version=1.1 --rename head=classifier --plan",
    _operands,
    _options,
    _run,
)
