"""Texture of drawings by Gabor wavelets.

Manjunath and Ma 1996, *Texture features for browsing and retrieval of image data*: 4 scales and 6 orientations, and
the mean and the standard deviation of each wavelet's magnitude in a window.
"""

import math

import numpy as np
import scipy
from numpy.typing import NDArray

SCALES = 4
ORIENTATIONS = 6
_LOWEST, _HIGHEST = 0.05, 0.4
"""Centre frequencies of the coarsest and the finest scale, in cycles a pixel."""
_PADDING = 32


def gabor_features(gray: NDArray[np.float64], window: int) -> NDArray[np.float32]:
    """Describe the texture around each pixel.

    Args:
        gray: `(h, w)` in 0 to 1.
        window: The side of the window around each pixel, which should cover a period of the pattern.

    Returns:
        `(48, h, w)`: for each of 24 wavelets, the mean and the standard deviation of its magnitude in the window,
        each divided by its standard deviation over the drawing, so that no wavelet rules the others.

    Example:
        >>> gabor_features(np.zeros((40, 50)), 9).shape
        (48, 40, 50)
    """
    padded = np.pad(gray, _PADDING, mode="symmetric")
    spectrum = scipy.fft.fft2(padded, workers=-1)
    down, right = scipy.fft.fftfreq(padded.shape[0])[:, None], scipy.fft.fftfreq(padded.shape[1])
    # Half a cycle a pixel has no direction, and would count for one of two mirrored wavelets alone.
    spectrum[np.abs(down[:, 0]) == 0.5] = spectrum[:, np.abs(right) == 0.5] = 0
    features = np.empty((2 * SCALES * ORIENTATIONS, *gray.shape), np.float32)
    for scale in range(SCALES):
        for orientation in range(ORIENTATIONS):
            response = scipy.fft.ifft2(spectrum * _wavelet(down, right, scale, orientation), workers=-1)
            magnitude = np.abs(response[_PADDING:-_PADDING, _PADDING:-_PADDING])
            mean = scipy.ndimage.uniform_filter(magnitude, window)
            deviation = np.sqrt((scipy.ndimage.uniform_filter(magnitude**2, window) - mean**2).clip(min=0))
            place = 2 * (ORIENTATIONS * scale + orientation)
            for feature, values in zip(features[place : place + 2], (mean, deviation), strict=True):
                feature[:] = values / (values.std() or 1)
    return features


def _wavelet(
    down: NDArray[np.float64], right: NDArray[np.float64], scale: int, orientation: int
) -> NDArray[np.float64]:
    """A wavelet's transfer function: a Gaussian around its frequency, whose half-heights touch its neighbours'."""
    ratio = (_HIGHEST / _LOWEST) ** (1 / (SCALES - 1))
    frequency = _LOWEST * ratio**scale
    wide = (ratio - 1) * frequency / ((ratio + 1) * math.sqrt(2 * math.log(2)))
    around = math.tan(math.pi / (2 * ORIENTATIONS)) * math.sqrt(frequency**2 / (2 * math.log(2)) - wide**2)
    angle = math.pi * orientation / ORIENTATIONS
    along = right * math.cos(angle) + down * math.sin(angle)
    beside = down * math.cos(angle) - right * math.sin(angle)
    transfer: NDArray[np.float64] = np.exp(-((along - frequency) ** 2) / (2 * wide**2) - beside**2 / (2 * around**2))
    transfer[0, 0] = 0  # so that the brightness itself is no texture
    return transfer
