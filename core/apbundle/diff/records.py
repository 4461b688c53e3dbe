"""What a comparison finds, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from apbundle.payload.tensors import TensorInfo

Status = Literal["equal", "changed", "added", "removed"]
"""Of something in the second bundle, seen from the first."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value that is another in the second bundle; ``None`` where there is none."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """How far the numbers of two tensors of one shape lie apart.

    Parameters
    ----------
    elements
        How many were compared.
    different
        How many are not the same number; two NaNs are.
    largest, mean
        Of the absolute differences of those that are finite on both sides; 0 when there are none.
    cosine
        Of the angle between both as vectors, from -1 to 1; 1 when they are equal, ``None`` when one is all zeros or
        holds what is not finite.
    """

    elements: int
    different: int
    largest: float
    mean: float
    cosine: float | None


@dataclass(frozen=True, slots=True)
class TensorDifference:
    """One tensor that is not the same in both models.

    Parameters
    ----------
    before, after
        Its descriptions; ``None`` where it is not.
    values
        How far the numbers lie apart, where both have the same shape and can be read as numbers.
    """

    name: str
    status: Status
    before: TensorInfo | None
    after: TensorInfo | None
    values: ValueDifference | None = None


@dataclass(frozen=True, slots=True)
class ModelDifference:
    """One model, in one or in both bundles.

    Parameters
    ----------
    fields
        What is said of it in the bundles and differs: sizes, metadata.
    tensors
        Its tensors that differ.
    same_bytes
        Whether its raw bytes are the same; ``None`` when it is in one bundle only.
    """

    name: str
    status: Status
    fields: tuple[Change, ...] = ()
    tensors: tuple[TensorDifference, ...] = ()
    same_bytes: bool | None = None


@dataclass(frozen=True, slots=True)
class BundleDifference:
    """Two bundles compared.

    Parameters
    ----------
    fields
        What is said of the bundles as a whole and differs.
    models
        All models that differ: those of the first bundle in its order, then those that only the second has.
    equal_models
        How many models are the same in both.
    """

    fields: tuple[Change, ...]
    models: tuple[ModelDifference, ...]
    equal_models: int

    @property
    def equal(self) -> bool:
        """Whether nothing differs that a reader of both would see."""
        return not self.fields and not self.models
