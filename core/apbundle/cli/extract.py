"""``apbundle extract``: models out of a bundle, to files that cannot leave their folder or to standard output."""

from __future__ import annotations

import errno
import os
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from apbundle.cli.failures import Failure, UsageError, describe
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.tables import extracted_tables
from apbundle.cli.working import working
from apbundle.errors import BundleError
from apbundle.format.extract import ExtractReport, NotExtracted, copy_model, extract_models
from apbundle.format.reader import BundleReader
from apbundle.progress import Reporter
from apbundle.text import printable

if TYPE_CHECKING:
    from apbundle.cli.extract_recipe import RecipeBeside

_STDOUT = "-"


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the bundle")
    parser.add_argument(
        "names", metavar="NAME", nargs="*", default=[], help="a model to extract; all of them if none is named"
    )


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="DIR",
        help="the folder for the files, made if it is missing; - writes the bytes of one model to standard output",
    )
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")
    parser.add_argument(
        "--recipe",
        action="store_true",
        help="write recipe.toml beside the models, from which pack builds the same bytes; exits with 1 if it cannot",
    )


def _run(options: Namespace, output: Output) -> int:
    with BundleReader.open(options.file) as reader:
        names = list(dict.fromkeys(options.names)) or reader.manifest.model_names
        for name in names:
            _check_name(reader, name)
        if options.recipe and (options.names or options.output == _STDOUT):
            raise UsageError("--recipe is about all models of a bundle", "Name none, and a folder for them.")
        if options.output == _STDOUT:
            return _to_stdout(reader, names, output)
        report = _to_folder(reader, names, options.output, options.force)
        recipe = _recipe(reader, report, options) if options.recipe else None
    status = max(_status(report), recipe.status if recipe else 0)
    failed = [(item.name, _why(item, options.force)) for item in report.failed]
    if output.json:
        output.document(_document(report, failed) | ({"recipe": recipe.to_json()} if recipe else {}))
        return status
    if report.written:
        output.show(*extracted_tables(options.output, report.written))
    for name, failure in failed:
        output.complain(replace(failure, message=f"{printable(name, 100)!r} was not written: {failure.message}"))
    if recipe is not None:
        recipe.tell(output)
    return status


def _recipe(reader: BundleReader, report: ExtractReport, options: Namespace) -> RecipeBeside:
    from apbundle.cli.extract_recipe import write_recipe_beside  # which most extractions do without

    return write_recipe_beside(reader, report, options.output, force=options.force)


def _check_name(reader: BundleReader, name: str) -> None:
    try:
        reader.entry(name)
    except BundleError as error:
        error.hint = "Nothing was written. apbundle info lists the models."
        raise


def _to_stdout(reader: BundleReader, names: list[str], output: Output) -> int:
    if output.json:
        raise UsageError("--json and -o - both want standard output")
    if len(names) != 1:
        raise UsageError(f"-o - writes one model, not {len(names)}", "Name one.")
    if sys.stdout.isatty():
        raise UsageError("the bytes of a model are not for a terminal", "Send them to a file or another program.")
    entry = reader.entry(names[0])
    begun = False

    def write(offset: int, piece: memoryview) -> None:
        nonlocal begun
        begun = True
        output.raw(piece)

    with working() as (progress, cancel):
        reporter = Reporter(progress, cancel)
        reporter.phase("extract", entry.raw_size)
        try:
            copy_model(reader, entry, write, reporter)
        except BundleError as error:
            if not begun or error.code == "cancelled":
                raise
            output.fail(describe(error, "What was written is damaged or not complete; do not use it."))
            return 1
    return 0


def _to_folder(reader: BundleReader, names: list[str], folder: str, force: bool) -> ExtractReport:
    made = _make_folder(folder)
    report = None
    try:
        with working() as (progress, cancel):
            report = extract_models(reader, names, folder, force=force, progress=progress, cancel=cancel)
    finally:
        if report is None or _status(report) == 2:
            _remove_empty(made)
    return report


def _make_folder(path: str) -> list[str]:
    """Make the folder if it is missing; what was made for it, the innermost first."""
    made = []
    existing = os.path.abspath(path)
    while not os.path.lexists(existing):
        made.append(existing)
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), existing)
    for folder in reversed(made):
        os.mkdir(folder)
    return made


def _remove_empty(folders: list[str]) -> None:
    for folder in folders:
        try:
            os.rmdir(folder)
        except OSError:
            return


def _status(report: ExtractReport) -> int:
    if not report.failed:
        return 0
    return 1 if report.written else 2


def _why(item: NotExtracted, force: bool) -> Failure:
    return describe(item.error, "Use --force to overwrite it." if isinstance(item.error, FileExistsError) else "")


def _document(report: ExtractReport, failed: list[tuple[str, Failure]]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "written": [{"name": item.name, "path": item.path, "size": item.size} for item in report.written],
        "failed": [{"name": name, "error": failure.to_json()} for name, failure in failed],
    }
    if _status(report) == 2:
        document["error"] = failed[0][1].to_json()
    return document


EXTRACT = Command(
    "extract",
    "write models of a bundle to files",
    "Write the bytes of models, decompressed, to files that carry their names as far as those are safe. A file\n"
    "appears when it is complete and matches its checksum; files that are there stay unless --force is given. With\n"
    "--recipe a recipe is written beside them that builds the bundle again.",
    "extract models.apbundle encoder -o weights",
    _operands,
    _options,
    _run,
)
