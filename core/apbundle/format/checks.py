"""How entries lie in the data part: what is an error, and what is only worth a warning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apbundle.errors import Finding, bundle_error
from apbundle.format import layout
from apbundle.format.model import ModelEntry
from apbundle.names import has_control_characters


def check_bounds(entries: Sequence[ModelEntry], positions: Sequence[int], data_length: int, path: str) -> None:
    """Refuse entries that reach past ``data_length`` bytes or claim the same bytes.

    ``positions`` are the entries' places in the file, for the errors' offsets. 0-byte models overlap nothing.

    Raises
    ------
    OutOfBounds, Overlap
    """
    for index, entry in enumerate(entries):
        if entry.size > data_length or entry.offset > data_length - entry.size:
            raise bundle_error(
                "out_of_bounds",
                f"The model {entry.name!r} claims {entry.size} bytes from {entry.offset}; "
                f"the data part has {data_length}.",
                path=path,
                offset=positions[index],
                hint="The file was cut short or its manifest is damaged; get it again.",
            )
    order, starts, ends = _by_offset(entries)
    overlaps = np.flatnonzero(starts[1:] < ends[:-1])
    if overlaps.size:
        first, second = entries[order[overlaps[0]]], entries[order[overlaps[0] + 1]]
        raise bundle_error(
            "overlap",
            f"The models {first.name!r} and {second.name!r} claim the same bytes.",
            path=path,
            offset=positions[order[overlaps[0] + 1]],
            hint="No model can be read safely.",
        )


def _by_offset(entries: Sequence[ModelEntry]) -> tuple[list[int], np.ndarray, np.ndarray]:
    """Indices of the models that have bytes in order of offset, with their starts and ends."""
    held = [index for index, entry in enumerate(entries) if entry.size]
    starts = np.array([entries[index].offset for index in held], np.uint64)
    sizes = np.array([entries[index].size for index in held], np.uint64)
    order = np.argsort(starts, kind="stable")
    return [held[i] for i in order.tolist()], starts[order], (starts + sizes)[order]


def layout_warnings(
    entries: Sequence[ModelEntry], data_offset: int, file_size: int, alignment: int | None
) -> list[Finding]:
    """Gaps that the placement rule does not give, and bytes after the last model."""
    findings = []
    order, starts, ends = _by_offset(entries)
    previous = data_offset
    for index, start, end in zip(order, starts.tolist(), ends.tolist(), strict=True):
        begin = data_offset + start
        placed = layout.round_up(previous, layout.placement_unit(entries[index].size, alignment or 1))
        if begin not in (previous, placed):
            message = f"{begin - previous} bytes before the model {entries[index].name!r} belong to none."
            findings.append(Finding("gap", message, previous))
        previous = data_offset + end
    if file_size > previous:
        findings.append(Finding("trailing_data", f"{file_size - previous} bytes follow the last model.", previous))
    return findings


def name_warnings(entries: Sequence[ModelEntry], positions: Sequence[int]) -> list[Finding]:
    """Names that are empty or steer a display; one finding a kind, at its first."""
    findings = []
    empty = [index for index, entry in enumerate(entries) if not entry.name]
    if empty:
        findings.append(Finding("empty_name", f"Model {empty[0]} has an empty name.", positions[empty[0]]))
    odd = [index for index, entry in enumerate(entries) if has_control_characters(entry.name)]
    if odd:
        message = f"{len(odd)} names hold control or bidirectional characters; the first is {entries[odd[0]].name!r}."
        findings.append(Finding("control_in_name", message, positions[odd[0]]))
    return findings


def uncovered_ranges(entries: Sequence[ModelEntry], data_offset: int, file_size: int) -> list[tuple[int, int]]:
    """The ranges of the data part that belong to no model, as file offsets, ends exclusive."""
    _, starts, ends = _by_offset(entries)
    edges = [data_offset, *(data_offset + ends).tolist()], [*(data_offset + starts).tolist(), file_size]
    return [(begin, end) for begin, end in zip(*edges, strict=True) if end > begin]
