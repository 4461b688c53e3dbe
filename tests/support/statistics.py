"""What numpy says of the values of an array, against what the window says of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from apbundle_gui.services.value_statistics import Statistics


def wide(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Values in double precision; of complex ones their magnitudes."""
    with np.errstate(all="ignore"):
        return np.abs(array.astype(np.complex128)) if array.dtype.kind == "c" else array.astype(np.float64)


def check(found: Statistics, array: np.ndarray[Any, Any]) -> None:
    """``found`` is what there is to say of all elements of ``array``, in double precision."""
    values = array.reshape(-1)
    finite = values[np.isfinite(values)]
    assert found.count == values.size
    assert found.zeros == int((values == 0).sum())
    assert found.nans == int(np.isnan(values).sum())
    assert (found.positive_infinite, found.negative_infinite) == ((values == np.inf).sum(), (values == -np.inf).sum())
    assert found.finite == finite.size
    if finite.size:
        assert (found.low, found.high) == (finite.min(), finite.max())
        scale = max(abs(finite.max()), abs(finite.min())) or 1.0
        assert found.mean / scale == pytest.approx((finite / scale).mean(), rel=1e-9, abs=1e-12)
        assert found.std / scale == pytest.approx((finite / scale).std(), rel=1e-6, abs=1e-9)
        assert found.histogram is not None
        counted = int(found.histogram.counts.sum()) + found.histogram.below + found.histogram.above
        assert counted == finite.size
    else:
        assert found.low is found.high is found.histogram is None
        assert math.isnan(found.mean)
        assert math.isnan(found.std)
