"""``apbundle verify``: whether every byte of a bundle is what was written."""

from __future__ import annotations

import hashlib
import hmac
from argparse import ArgumentParser, Namespace

from apbundle.cli import values
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.working import working
from apbundle.errors import Finding
from apbundle.fileio import PIECE
from apbundle.format.reader import BundleReader
from apbundle.format.verify import VerifyReport, verify
from apbundle.progress import Reporter
from apbundle.text import format_size, plural, printable

_STATUS_STYLES = {"verified": "bold green", "failed": "bold red", "no_checksums": "bold yellow"}


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the bundle")


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--expect",
        type=values.sha256,
        metavar="DIGEST",
        help="also compare the SHA-256 of the whole file, which you have from elsewhere",
    )
    parser.add_argument(
        "--require-checksums", action="store_true", help="exit with 1 when the bundle holds no checksums"
    )


def _run(options: Namespace, output: Output) -> int:
    with BundleReader.open(options.file) as reader, working() as (progress, cancel):
        report = verify(reader, progress=progress, cancel=cancel)
        if options.expect is not None:
            report = _expected(reader, options.expect, report, Reporter(progress, cancel))
    if output.json:
        findings = [finding.to_json() for finding in report.findings]
        output.document({"path": options.file, "status": report.status, "findings": findings})
    else:
        style = _STATUS_STYLES[report.status]
        said = _said(reader, report, file_compared=options.expect is not None)
        output.headline(report.status.replace("_", " "), style, f"{printable(reader.path)}: {said}")
        if report.status == "failed":
            from apbundle.cli.findings_table import findings_table

            output.show("", findings_table([("error", finding) for finding in report.findings]))
    accepted = ("verified",) if options.require_checksums else ("verified", "no_checksums")
    return 0 if report.status in accepted else 1


def _said(reader: BundleReader, report: VerifyReport, *, file_compared: bool) -> str:
    """What came of it; ``file_compared`` if the whole file was held against a digest too."""
    read = format_size(reader.file_size)
    if report.status == "failed":
        return plural(len(report.findings), "finding")
    if report.status == "verified":
        models = plural(len(reader.manifest), "model")
        said = f"every byte of {read} is what was written: {models}, {reader.digest_algorithm}"
    else:
        said = f"nothing is wrong in {read}, but without checksums damage to a model cannot be seen"
    return said + ("; the file has the SHA-256 expected" if file_compared else "")


def _expected(reader: BundleReader, digest: str, report: VerifyReport, reporter: Reporter) -> VerifyReport:
    """``report``, failed if the SHA-256 of the whole file is not ``digest``."""
    reporter.phase("compare", reader.file_size)
    hasher = hashlib.sha256()
    scratch = memoryview(bytearray(min(PIECE, reader.file_size)))
    for piece in reader.stored_pieces(0, reader.file_size, scratch):
        hasher.update(piece)
        reporter.advance(len(piece))
    reader.file.check_unchanged()
    found = hasher.hexdigest()
    if hmac.compare_digest(found, digest):
        return report
    finding = Finding("checksum_mismatch", f"The SHA-256 of the file is {found}, not the one expected.")
    return VerifyReport("failed", (*report.findings, finding), report.sound_models)


VERIFY = Command(
    "verify",
    "check every byte of a bundle",
    "Read a whole bundle and say whether it is what was written: verified, failed, or no checksums to tell by.\n"
    "Checksums show damage, not who made the file; for that, compare --expect with a digest you trust.",
    "verify models.apbundle --require-checksums",
    _operands,
    _options,
    _run,
)
