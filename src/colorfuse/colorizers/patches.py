"""What surrounds each pixel: statistics and frequencies of windows."""

from typing import Any

import numpy as np
import scipy
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_ROWS_AT_ONCE = 32


def window_deviation(lightness: NDArray[Any], window: int) -> NDArray[Any]:
    """Standard deviation in the window around each pixel; windows are reflected at borders."""
    values = lightness.astype(np.float64)
    mean = scipy.ndimage.uniform_filter(values, window, mode="mirror")
    squares = scipy.ndimage.uniform_filter(values**2, window, mode="mirror")
    deviation: NDArray[Any] = np.sqrt((squares - mean**2).clip(min=0))
    return deviation


def windows_at(lightness: NDArray[Any], places: NDArray[np.intp], window: int) -> NDArray[np.float32]:
    """The windows around places `(n, 2)`, row by row, `(n, window ** 2)`; reflected at borders."""
    patches = _windows(lightness, window)[places[:, 0], places[:, 1]]
    return patches.reshape(len(places), -1).astype(np.float32)


def cosine_transform(lightness: NDArray[Any], window: int, projection: NDArray[Any] | None = None) -> NDArray[Any]:
    """The coefficients of the orthonormal DCT-II of the window around each pixel, `(h * w, window ** 2)`.

    Args:
        lightness: `(h, w)`.
        window: Side of the windows, which are reflected at borders.
        projection: `(window ** 2, d)`: a matrix to multiply the coefficients with, which gives `(h * w, d)`.
    """
    basis = scipy.fft.dct(np.eye(window), norm="ortho", axis=0)
    transform = np.kron(basis, basis).T.astype(np.float32)
    if projection is not None:
        transform = (transform.astype(np.float64) @ projection).astype(np.float32)
    patches = _windows(lightness.astype(np.float32), window)
    height, width = lightness.shape
    coefficients = np.empty((height * width, transform.shape[1]), np.float32)
    for top in range(0, height, _ROWS_AT_ONCE):
        rows = patches[top : top + _ROWS_AT_ONCE].reshape(-1, window**2)
        coefficients[top * width : top * width + len(rows)] = rows @ transform
    return coefficients


def _windows(lightness: NDArray[Any], window: int) -> NDArray[Any]:
    """The window around each pixel `(h, w, window, window)`; one of an even side reaches further back."""
    before = window // 2
    padded = np.pad(lightness, (before, window - 1 - before), mode="reflect")
    return sliding_window_view(padded, (window, window))
