"""Where everything goes, decided from names and sizes before a byte is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apbundle.errors import bundle_error
from apbundle.format import layout


@dataclass(frozen=True, slots=True)
class Plan:
    """The layout of a bundle to be written. All values are bytes.

    ``offsets`` has the start of each model counted from ``data_offset``, in order. The extension block begins at
    ``entries_end``, counted from the start of the file; ``slack`` zeros follow it.
    """

    offsets: tuple[int, ...]
    entries_end: int
    extension_size: int
    slack: int
    data_offset: int
    file_size: int

    @property
    def manifest_length(self) -> int:
        """What the header says: all between it and the data part."""
        return self.data_offset - layout.HEADER.size

    @property
    def data_length(self) -> int:
        """The length of the data part."""
        return self.file_size - self.data_offset


def plan_bundle(
    entries_size: int, extension_size: int, sizes: Sequence[int], *, alignment: int, slack: int, plain: bool
) -> Plan:
    """Lay out models of ``sizes`` stored bytes, in order.

    Parameters
    ----------
    entries_size
        Bytes of the manifest up to the end of its last entry.
    extension_size
        Bytes of the extension block.
    alignment
        What every model that has bytes starts at a multiple of, counted from the start of the file.
    slack
        The least number of zeros after the block.
    plain
        Lay models out back to back, as the reference does; ``alignment`` and ``slack`` are not used.

    Raises
    ------
    LimitExceeded
        The manifest would be larger than a reader accepts.
    """
    entries_end = layout.HEADER.size + entries_size
    used = entries_end + extension_size
    units = [1 if plain else layout.placement_unit(size, alignment) for size in sizes]
    if plain:
        data_offset = used
    else:
        first = next((unit for unit, size in zip(units, sizes, strict=True) if size), alignment)
        data_offset = layout.round_up(used + slack, first)
    if data_offset - layout.HEADER.size > layout.MAX_MANIFEST:
        raise bundle_error(
            "limit_exceeded",
            f"The manifest would take {data_offset - layout.HEADER.size} bytes; readers accept {layout.MAX_MANIFEST}.",
            hint="Use fewer models, shorter names or a shorter description.",
        )
    end = data_offset
    offsets = []
    for size, unit in zip(sizes, units, strict=True):
        start = layout.round_up(end, unit) if size else end
        offsets.append(start - data_offset)
        end = start + size
    return Plan(tuple(offsets), entries_end, extension_size, data_offset - used, data_offset, end)
