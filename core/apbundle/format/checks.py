"""How entries lie in the data part: what is an error, and what is only worth a warning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apbundle.errors import Finding, bundle_error
from apbundle.format import layout
from apbundle.format.manifest import BundleManifest
from apbundle.names import has_control_characters

_Numbers = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True)
class Extents:
    """Where the models that have bytes lie, in order of offset.

    ``order[i]`` is the model's index; ``starts[i]`` and ``ends[i]`` (exclusive) count from the data offset.
    """

    order: np.ndarray[Any, np.dtype[np.intp]]
    starts: _Numbers
    ends: _Numbers

    @classmethod
    def of(cls, manifest: BundleManifest) -> Extents:
        """The extents of all models of ``manifest`` that have bytes."""
        sizes = np.array(manifest.sizes, np.uint64)
        starts = np.array(manifest.offsets, np.uint64)
        held = np.flatnonzero(sizes)
        order = held[np.argsort(starts[held], kind="stable")]
        return cls(order, starts[order], starts[order] + sizes[order])

    def uncovered(self, data_offset: int, file_size: int) -> list[tuple[int, int]]:
        """The ranges of the data part that belong to no model, as file offsets, ends exclusive."""
        begins = np.concatenate(([0], self.ends)).astype(np.uint64) + np.uint64(data_offset)
        ends = np.concatenate((self.starts + np.uint64(data_offset), [file_size])).astype(np.uint64)
        holes = np.flatnonzero(ends > begins)
        return list(zip(begins[holes].tolist(), ends[holes].tolist(), strict=True))


def checked_extents(manifest: BundleManifest, positions: Sequence[int], data_length: int, path: str) -> Extents:
    """The extents of ``manifest``, held against a data part of ``data_length`` bytes and against each other.

    ``positions`` are the entries' places in the file, for the errors' offsets. 0-byte models overlap nothing.

    Raises
    ------
    OutOfBounds, Overlap
    """
    sizes, offsets = np.array(manifest.sizes, np.uint64), np.array(manifest.offsets, np.uint64)
    length = np.uint64(data_length)
    outside = np.flatnonzero((sizes > length) | (offsets > length - np.minimum(sizes, length)))
    if outside.size:
        index = int(outside[0])
        raise bundle_error(
            "out_of_bounds",
            f"The model {manifest.model_names[index]!r} claims {sizes[index]} bytes from {offsets[index]}; "
            f"the data part has {data_length}.",
            path=path,
            offset=positions[index],
            hint="The file was cut short or its manifest is damaged; get it again.",
        )
    extents = Extents.of(manifest)
    overlaps = np.flatnonzero(extents.starts[1:] < extents.ends[:-1])
    if overlaps.size:
        first, second = (int(extents.order[overlaps[0] + step]) for step in (0, 1))
        names = manifest.model_names
        raise bundle_error(
            "overlap",
            f"The models {names[first]!r} and {names[second]!r} claim the same bytes.",
            path=path,
            offset=positions[second],
            hint="No model can be read safely.",
        )
    return extents


def layout_warnings(extents: Extents, data_offset: int, file_size: int, alignment: int) -> list[Finding]:
    """Gaps that the placement rule does not give, and bytes after the last model; one finding a kind, at its first."""
    findings = []
    begins, ends = extents.starts + np.uint64(data_offset), extents.ends + np.uint64(data_offset)
    previous = np.concatenate(([data_offset], ends[:-1])).astype(np.uint64)[: len(begins)]
    units = _placement_units(ends - begins, alignment)
    placed = (previous + units - np.uint64(1)) // units * units
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


def _placement_units(sizes: _Numbers, alignment: int) -> _Numbers:
    """:func:`layout.placement_unit` of many sizes; no share is above 2 MiB, so its logarithm is exact."""
    shares = np.minimum(sizes // np.uint64(layout.PLACEMENT_SHARE), np.uint64(layout.LARGEST_PLACEMENT))
    powers = np.uint64(1) << np.log2(np.maximum(shares, np.uint64(1))).astype(np.uint64)
    units: _Numbers = np.maximum(powers, np.uint64(alignment))
    return units


def name_warnings(manifest: BundleManifest, positions: Sequence[int]) -> list[Finding]:
    """Names that are empty or steer a display; one finding a kind, at its first."""
    findings = []
    names = manifest.model_names
    if "" in manifest:
        index = names.index("")
        findings.append(Finding("empty_name", f"Model {index} has an empty name.", positions[index]))
    odd = [index for index, name in enumerate(names) if has_control_characters(name)]
    if odd:
        others = f", and so do {len(odd) - 1} more" if len(odd) > 1 else ""
        message = f"The name {names[odd[0]]!r} holds control or bidirectional characters{others}."
        findings.append(Finding("control_in_name", message, positions[odd[0]]))
    return findings
