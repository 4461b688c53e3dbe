"""The places of all models as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

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
        sizes, starts = _columns(manifest)
        if not sizes.all():
            held = np.flatnonzero(sizes)
            sizes, starts = sizes[held], starts[held]
        else:
            held = np.arange(len(sizes))
        if (starts[1:] < starts[:-1]).any():
            order = np.argsort(starts, kind="stable")
            held, sizes, starts = held[order], sizes[order], starts[order]
        return cls(held, starts, starts + sizes)


def lie_apart(manifest: BundleManifest, data_length: int) -> bool:
    """Whether all models lie inside a data part of ``data_length`` bytes, none over another."""
    sizes, offsets = _columns(manifest)
    length = np.uint64(data_length)
    if ((sizes > length) | (offsets > length - np.minimum(sizes, length))).any():
        return False
    extents = Extents.of(manifest)
    return not (extents.starts[1:] < extents.ends[:-1]).any()


def are_aligned(manifest: BundleManifest, data_offset: int, alignment: int) -> bool:
    """Whether each model with bytes stands at a multiple of ``alignment`` of the file, a power of two."""
    sizes, offsets = _columns(manifest)
    off = (offsets + np.uint64(data_offset)) & np.uint64(alignment - 1) != 0
    return not (off & (sizes != 0)).any()


def _columns(manifest: BundleManifest) -> tuple[Numbers, Numbers]:
    """The stored sizes and the offsets of all models; not to be written to."""
    return np.asarray(manifest.sizes, np.uint64), np.asarray(manifest.offsets, np.uint64)
