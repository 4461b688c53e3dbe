"""How entries lie in the data part: inside it, and none over another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from apbundle.errors import bundle_error
from apbundle.format import layout
from apbundle.format.manifest import BundleManifest

Numbers: TypeAlias = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Extents:
    """Where the models that have bytes lie, in order of offset.

    ``order[i]`` is the model's index; ``starts[i]`` and ``ends[i]`` (exclusive) count from the data offset.
    """

    order: NDArray[np.intp]
    starts: Numbers
    ends: Numbers

    @classmethod
    def of(cls, manifest: BundleManifest) -> Extents:
        """The extents of all models of ``manifest`` that have bytes."""
        sizes, starts = columns(manifest)
        if not sizes.all():
            held = np.flatnonzero(sizes)
            sizes, starts = sizes[held], starts[held]
        else:
            held = np.arange(len(sizes))
        if (starts[1:] < starts[:-1]).any():
            order = np.argsort(starts, kind="stable")
            held, sizes, starts = held[order], sizes[order], starts[order]
        return cls(held, starts, starts + sizes)

    def uncovered(self, data_offset: int, file_size: int) -> list[tuple[int, int]]:
        """The ranges of the data part that belong to no model, as file offsets, ends exclusive."""
        begins = np.concatenate(([0], self.ends)).astype(np.uint64) + np.uint64(data_offset)
        ends = np.concatenate((self.starts + np.uint64(data_offset), [file_size])).astype(np.uint64)
        holes = np.flatnonzero(ends > begins)
        return list(zip(begins[holes].tolist(), ends[holes].tolist(), strict=True))


def columns(manifest: BundleManifest) -> tuple[Numbers, Numbers]:
    """The stored sizes and the offsets of all models; not to be written to."""
    return np.asarray(manifest.sizes, np.uint64), np.asarray(manifest.offsets, np.uint64)


def checked_extents(manifest: BundleManifest, bounds: Sequence[int], data_length: int, path: str) -> Extents:
    """The extents of ``manifest``, held against a data part of ``data_length`` bytes and against each other.

    ``bounds`` are the entries' places in the manifest, for the errors' offsets. 0-byte models overlap nothing.

    Raises
    ------
    OutOfBounds, Overlap
    """
    sizes, offsets = columns(manifest)
    length = np.uint64(data_length)
    outside = np.flatnonzero((sizes > length) | (offsets > length - np.minimum(sizes, length)))
    if outside.size:
        index = int(outside[0])
        raise bundle_error(
            "out_of_bounds",
            f"The model {manifest.names[index]!r} claims {sizes[index]} bytes from {offsets[index]}; "
            f"the data part has {data_length}.",
            path=path,
            offset=layout.HEADER.size + bounds[index],
            hint="The file was cut short or its manifest is damaged; get it again.",
        )
    extents = Extents.of(manifest)
    overlaps = np.flatnonzero(extents.starts[1:] < extents.ends[:-1])
    if overlaps.size:
        first, second = (int(extents.order[overlaps[0] + step]) for step in (0, 1))
        names = manifest.names
        raise bundle_error(
            "overlap",
            f"The models {names[first]!r} and {names[second]!r} claim the same bytes.",
            path=path,
            offset=layout.HEADER.size + bounds[second],
            hint="No model can be read safely.",
        )
    return extents
