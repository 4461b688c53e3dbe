"""Reading every byte of a bundle and saying whether it is what was written."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Literal

from apbundle.errors import Finding
from apbundle.fileio import PIECE
from apbundle.format.checks import uncovered
from apbundle.format.model import DIGEST_ALGORITHMS, ModelEntry
from apbundle.format.reader import BundleReader
from apbundle.format.scratch import scratch_memory
from apbundle.format.tail import tail_warnings
from apbundle.format.zeros import first_nonzero
from apbundle.progress import Cancel, Progress, Reporter

Status = Literal["verified", "failed", "no_checksums"]


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The outcome: a ``status``, what speaks against the file, and the models whose bytes match their digest."""

    status: Status
    findings: tuple[Finding, ...]
    sound_models: tuple[str, ...]


def verify(reader: BundleReader, *, progress: Progress | None = None, cancel: Cancel | None = None) -> VerifyReport:
    """Check digests, binding, and that every byte which belongs to nothing is zero.

    ``verified`` means that digests and binding match; ``no_checksums`` that nothing is wrong but there are no digests;
    ``failed`` anything else. Digests show damage, not who wrote the file.

    Raises
    ------
    ChangedOnDisk
        The file changed while it was read.
    Cancelled, OSError
    """
    reporter = Reporter(progress, cancel)
    findings = _known_faults(reader)
    ranges = _zero_ranges(reader)
    reporter.phase("verify", sum(end - begin for begin, end in ranges) + reader.manifest.total_size)
    sound = []
    reader.file.check_unchanged()
    with scratch_memory(min(PIECE, reader.file_size)) as scratch:
        findings += _nonzero_bytes(reader, ranges, scratch, reporter)
        for entry in reader.manifest:
            reader.file.check_unchanged()
            fault = _wrong_digest(reader, entry, scratch, reporter)
            if fault is not None:
                findings.append(fault)
            elif entry.digest is not None:
                sound.append(entry.name)
    reader.file.check_unchanged()
    status: Status = "failed" if findings else "verified" if reader.has_digests else "no_checksums"
    return VerifyReport(status, tuple(findings), tuple(sound))


def _known_faults(reader: BundleReader) -> list[Finding]:
    """What opening already found that a sound bundle does not have."""
    findings = [
        finding for finding in tail_warnings(reader) if finding.code in ("stale_extension", "unknown_manifest_tail")
    ]
    error = reader.extension_error
    if error is not None:
        findings.append(Finding(error.code, error.message, error.offset))
    if reader.has_digests and reader.extension and reader.extension.binding is None:
        findings.append(Finding("stale_extension", "There are digests, but nothing binds them to this bundle."))
    return findings


def _zero_ranges(reader: BundleReader) -> list[tuple[int, int]]:
    """Slack, padding, gaps and what follows the models: zeros in a sound bundle. File offsets, ends exclusive."""
    ranges = uncovered(reader.manifest, reader.data_offset, reader.file_size)
    if reader.extension_range and not reader.tail:
        ranges.insert(0, (reader.extension_range[1], reader.data_offset))
    return ranges


def _nonzero_bytes(
    reader: BundleReader, ranges: list[tuple[int, int]], scratch: memoryview, reporter: Reporter
) -> list[Finding]:
    findings = []
    for begin, end in ranges:
        at = begin
        for piece in reader.stored_pieces(begin, end, scratch):
            nonzero = first_nonzero(piece)
            if nonzero is not None:
                code = "trailing_data" if end == reader.file_size else "gap"
                message = "A byte that belongs to no model is not zero."
                findings.append(Finding(code, message, at + nonzero))
                reporter.advance(end - at)
                break
            at += len(piece)
            reporter.advance(len(piece))
    return findings


def _wrong_digest(reader: BundleReader, entry: ModelEntry, scratch: memoryview, reporter: Reporter) -> Finding | None:
    if entry.digest is None:
        reporter.advance(entry.size)
        return None
    hasher = DIGEST_ALGORITHMS[entry.digest.algorithm].hasher()
    begin = reader.data_offset + entry.offset
    for piece in reader.stored_pieces(begin, begin + entry.size, scratch):
        hasher.update(piece)
        reporter.advance(len(piece))
    if hmac.compare_digest(hasher.digest().hex(), entry.digest.hex):
        return None
    return Finding("checksum_mismatch", f"The bytes of the model {entry.name!r} do not match its digest.", begin)
