"""Fixed transforms and filter banks that real models are built with, from their defining formulas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def sinusoidal_positions(length: int, width: int) -> Array:
    """Position encodings of a transformer, ``(length, width)``: sines in even columns, cosines in odd ones."""
    position = np.arange(length)[:, None]
    angle = position / 10_000 ** (np.arange(0, width, 2)[None, :] / width)
    table = np.empty((length, width))
    table[:, 0::2] = np.sin(angle)
    table[:, 1::2] = np.cos(angle)
    return table.astype(np.float32)


def dct_basis(size: int) -> Array:
    """The orthonormal DCT-II matrix, ``(size, size)``: row ``k`` is the cosine of frequency ``k``."""
    n = np.arange(size)
    basis = np.cos(np.pi / size * (n[None, :] + 0.5) * n[:, None]) * np.sqrt(2 / size)
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)


def mel_filters(bands: int, window: int, rate: int) -> Array:
    """Triangular filters on the mel scale, ``(bands, window // 2 + 1)``, each of unit area over hertz.

    Parameters
    ----------
    bands
        How many filters there are between 0 Hz and half the sampling rate.
    window
        Samples in one Fourier transform.
    rate
        Samples a second.
    """
    highest = 2595 * np.log10(1 + rate / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, highest, bands + 2) / 2595) - 1)
    frequency = np.linspace(0, rate / 2, window // 2 + 1)[None, :]
    left, centre, right = (corners[i : bands + i, None] for i in range(3))
    triangles = np.minimum((frequency - left) / (centre - left), (right - frequency) / (right - centre))
    return (np.maximum(triangles, 0) * 2 / (right - left)).astype(np.float32)


def gabor_filters(size: int, orientations: int, wavelengths: tuple[float, ...]) -> Array:
    """Gabor filters as the kernels of a convolution, ``(wavelengths * orientations, 1, size, size)``.

    Each is a cosine wave under a Gaussian window, without a constant part and of norm 1: what the first layer of a
    trained image network tends to.
    """
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    kernels = []
    for wavelength in wavelengths:
        for angle in np.arange(orientations) * np.pi / orientations:
            along = x * np.cos(angle) + y * np.sin(angle)
            across = y * np.cos(angle) - x * np.sin(angle)
            width = 0.5 * wavelength
            window = np.exp(-(along**2 + (0.6 * across) ** 2) / (2 * width**2))
            wave = np.cos(2 * np.pi * along / wavelength)
            kernel = window * (wave - (window * wave).sum() / window.sum())
            kernels.append(kernel / np.linalg.norm(kernel))
    return np.stack(kernels)[:, None].astype(np.float32)


def edge_kernels() -> dict[str, Array]:
    """The classic 3 × 3 edge detectors, each ``(directions, 1, 3, 3)``."""
    ramp = np.array([-1.0, 0.0, 1.0])
    smooth = {"prewitt": [1, 1, 1], "sobel": [1, 2, 1], "scharr": [3, 10, 3]}
    kernels = {name: np.stack([np.outer(row, ramp), np.outer(ramp, row)]) for name, row in smooth.items()}
    kernels["laplace"] = np.array([[[0, 1, 0], [1, -4, 1], [0, 1, 0]], [[1, 1, 1], [1, -8, 1], [1, 1, 1]]])
    return {f"{name}.weight": kernel[:, None].astype(np.float32) for name, kernel in kernels.items()}
