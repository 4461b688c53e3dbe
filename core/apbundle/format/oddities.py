"""What is odd about a bundle but does not stop anyone from reading it: its warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apbundle.errors import Finding
from apbundle.format import layout
from apbundle.format.extents import Extents, Numbers
from apbundle.format.tail import tail_warnings

if TYPE_CHECKING:
    from apbundle.format.reader import BundleReader


def find_oddities(reader: BundleReader) -> list[Finding]:
    """The warnings about the bundle of ``reader``, from what was read when it was opened."""
    findings = [*_change_warnings(reader), *_head_warnings(reader), *_name_warnings(reader)]
    findings += tail_warnings(reader)
    findings += layout_warnings(reader.extents, reader.data_offset, reader.file_size, reader.alignment)
    if reader.extension_error is None and not reader.has_digests:
        findings.append(Finding("no_checksums", "The bundle holds no digests: damage to a model cannot be seen."))
    return findings


def _change_warnings(reader: BundleReader) -> list[Finding]:
    """What became of a change in place whose program died."""
    if reader.file.was_rolled_back:
        return [Finding("change_undone", "A change of the bundle was interrupted; it was undone when it was opened.")]
    if reader.file.shows_other_bytes:
        message = "A change of the bundle was interrupted, and cannot be undone here: it is read as it was before."
        return [Finding("change_pending", message)]
    return []


def _head_warnings(reader: BundleReader) -> list[Finding]:
    findings, base, manifest = [], layout.HEADER.size, reader.manifest
    if manifest.version != reader.version:
        message = f"The manifest says version {manifest.version}, the header {reader.version}."
        findings.append(Finding("version_mismatch", message, base))
    if manifest.created_at > layout.LAST_TIMESTAMP:
        message = f"The creation time {manifest.created_at} is past the year 9999."
        findings.append(Finding("bad_timestamp", message, base + 4))
    return findings


def _name_warnings(reader: BundleReader) -> list[Finding]:
    """Names that are empty or steer a display; one finding a kind, at its first."""
    findings, base, names = [], layout.HEADER.size, reader.manifest.names
    empty = names.number("")
    if empty is not None:
        findings.append(Finding("empty_name", f"Model {empty} has an empty name.", base + reader.bounds[empty]))
    odd = names.odd()
    if odd:
        others = f", and so do {len(odd) - 1} more" if len(odd) > 1 else ""
        message = f"The name {names[odd[0]]!r} holds control or bidirectional characters{others}."
        findings.append(Finding("control_in_name", message, base + reader.bounds[odd[0]]))
    return findings


def layout_warnings(extents: Extents, data_offset: int, file_size: int, alignment: int) -> list[Finding]:
    """Gaps that the placement rule does not give, and bytes after the last model; one finding a kind, at its first."""
    findings = []
    begins, ends = extents.starts + np.uint64(data_offset), extents.ends + np.uint64(data_offset)
    previous = np.concatenate(([data_offset], ends[:-1])).astype(np.uint64)[: len(begins)]
    units = _placement_units(ends - begins, alignment)
    placed = (previous + units - np.uint64(1)) & ~(units - np.uint64(1))
    gaps = np.flatnonzero((begins != previous) & (begins != placed))
    if gaps.size:
        lost, first = int((begins - previous)[gaps].sum()), int(previous[gaps[0]])
        where = "before a model" if gaps.size == 1 else f"in {gaps.size} places between models"
        said = f"1 byte {where} belongs" if lost == 1 else f"{lost} bytes {where} belong"
        findings.append(Finding("gap", f"{said} to none.", first))
    end = int(ends[-1]) if ends.size else data_offset
    if file_size > end:
        rest = file_size - end
        said = "1 byte follows" if rest == 1 else f"{rest} bytes follow"
        findings.append(Finding("trailing_data", f"{said} the last model.", end))
    return findings


def _placement_units(sizes: Numbers, alignment: int) -> Numbers:
    """:func:`layout.placement_unit` of many sizes; no share is above 2 MiB, so its logarithm is exact."""
    shares = np.minimum(sizes // np.uint64(layout.PLACEMENT_SHARE), np.uint64(layout.LARGEST_PLACEMENT))
    if shares.max(initial=0) <= alignment:
        return np.full(len(sizes), alignment, np.uint64)
    powers = np.uint64(1) << np.log2(np.maximum(shares, np.uint64(1))).astype(np.uint64)
    units: Numbers = np.maximum(powers, np.uint64(alignment))
    return units
