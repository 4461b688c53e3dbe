"""How entries lie in the data part: inside it, none over another, each where the bundle says they begin.

Of many, numpy sees at once whether all are sound; what is wrong is told here alone, by a look at one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from apbundle.errors import bundle_error
from apbundle.format import layout
from apbundle.format.manifest import MANY, BundleManifest


def check_places(manifest: BundleManifest, bounds: Sequence[int], data_length: int, path: str) -> None:
    """Hold the models' places against a data part of ``data_length`` bytes and against each other.

    ``bounds`` are the entries' places in the manifest, for the errors' offsets. 0-byte models overlap nothing.

    Raises
    ------
    OutOfBounds, Overlap
    """
    if len(manifest) >= MANY:
        from apbundle.format.extents import lie_apart

        if lie_apart(manifest, data_length):
            return
    sizes, names = manifest.sizes, manifest.names
    for index, (size, offset) in enumerate(zip(sizes, manifest.offsets, strict=True)):
        if offset + size > data_length:
            raise bundle_error(
                "out_of_bounds",
                f"The model {names[index]!r} claims {size} bytes from {offset}; the data part has {data_length}.",
                path=path,
                offset=layout.HEADER.size + bounds[index],
                hint="The file was cut short or its manifest is damaged; get it again.",
            )
    for (start, first), (following, second) in pairwise(_by_offset(manifest)):
        if following < start + sizes[first]:
            raise bundle_error(
                "overlap",
                f"The models {names[first]!r} and {names[second]!r} claim the same bytes.",
                path=path,
                offset=layout.HEADER.size + bounds[second],
                hint="No model can be read safely.",
            )


def first_unaligned(manifest: BundleManifest, data_offset: int, alignment: int) -> int | None:
    """The first model with bytes that does not stand at a multiple of ``alignment`` of the file, a power of two."""
    if len(manifest) >= MANY:
        from apbundle.format.extents import are_aligned

        if are_aligned(manifest, data_offset, alignment):
            return None
    for index, (size, offset) in enumerate(zip(manifest.sizes, manifest.offsets, strict=True)):
        if size and (data_offset + offset) % alignment:
            return index
    return None


def uncovered(manifest: BundleManifest, data_offset: int, file_size: int) -> list[tuple[int, int]]:
    """The ranges of the data part that belong to no model, as file offsets, ends exclusive."""
    ranges, sizes, at = [], manifest.sizes, data_offset
    for offset, index in _by_offset(manifest):
        begin = data_offset + offset
        if begin > at:
            ranges.append((at, begin))
        at = begin + sizes[index]
    if file_size > at:
        ranges.append((at, file_size))
    return ranges


def _by_offset(manifest: BundleManifest) -> list[tuple[int, int]]:
    """Offset and number of each model that has bytes, in order of offset."""
    columns = zip(manifest.sizes, manifest.offsets, strict=True)
    return sorted((offset, index) for index, (size, offset) in enumerate(columns) if size)
