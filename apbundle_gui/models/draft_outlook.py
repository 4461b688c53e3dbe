"""What a draft would become, in words: its layout, part by part, and who can read it."""

from __future__ import annotations

import numpy as np

from apbundle_gui.models import text as words
from apbundle_gui.models.build_draft import Draft
from apbundle_gui.models.byte_map import FileMap, Part, Stretch
from apbundle_gui.services.planning import Planned


def draft_map(planned: Planned, names: tuple[str, ...]) -> FileMap:
    """The map of a file to be. Models are numbered in their order."""
    return FileMap(
        (planned.entries_end, planned.extension_end, planned.data_offset, planned.file_size),
        planned.starts,
        planned.ends,
        np.arange(len(planned.starts)),
        names,
    )


def stretch_text(stretch: Stretch) -> str:
    """A part in one line: name, first and last byte, size."""
    size = stretch.end - stretch.start
    exact = f"{words.size(size)} ({words.exact_size(size)})" if size >= 1024 else words.exact_size(size)
    where = f"{words.hex_offset(stretch.start)} – {words.hex_offset(stretch.end - 1)}"
    return words.joined((stretch.name, where, exact))


def layout_text(shown: FileMap) -> str:
    """All parts as lines of text: first byte, byte after the last, bytes, what it is."""
    lines = [f"{each.start}\t{each.end}\t{each.end - each.start}\t{each.name}" for each in shown.stretches()]
    return "\n".join(["first\tend\tbytes\tpart", *lines])


def summary_text(shown: FileMap, planned: Planned) -> str:
    """The whole file in a sentence, for whoever cannot see it."""
    parts = [f"Header and manifest to {words.hex_offset(planned.entries_end - 1)}"]
    if planned.extension_end > planned.entries_end:
        parts.append(f"extension to {words.hex_offset(planned.extension_end - 1)}")
    if planned.slack:
        parts.append(f"{words.size(planned.slack)} of slack")
    parts.append(f"{words.count(len(planned.starts), 'model')} from {words.hex_offset(planned.data_offset)}")
    gaps = sum(1 for each in shown.stretches() if each.part is Part.PADDING) if len(planned.starts) <= 1000 else 0
    if planned.padding:
        places = f" in {words.count(gaps, 'place')}" if gaps else ""
        parts.append(f"{words.size(planned.padding)} of padding{places}")
    return f"{', '.join(parts)}, {words.size(planned.file_size)} in all."


def size_text(planned: Planned) -> str:
    """How large the file will be."""
    return words.size(planned.file_size) if planned.exact else f"at most {words.size(planned.file_size)}"


def padding_text(planned: Planned) -> str:
    """What alignment costs."""
    if not planned.padding:
        return "none"
    share = words.percent(planned.padding / planned.file_size)
    return f"{words.size(planned.padding)}, {share}"


def reader_text(draft: Draft) -> str:
    """What an original reader of the format gets out of the bundle."""
    rows = draft.enabled
    if draft.options.plain:
        lost = sum(1 for row in rows if row.details)
        left = f" The metadata of {words.count(lost, 'model')} is left out." if lost else ""
        return f"Byte for byte what an original reader's own writer makes.{left}"
    compressed = sum(1 for row in rows if row.compress)
    whole = len(rows) - compressed
    if not compressed:
        return "An original reader gets every model, byte for byte; it passes over metadata and checksums."
    if not whole:
        return "An original reader can use none of the models: all are compressed."
    return (
        f"An original reader gets {words.count(whole, 'model')} of {len(rows):,}; it cannot use the compressed "
        f"{'one' if compressed == 1 else 'ones'}."
    )
