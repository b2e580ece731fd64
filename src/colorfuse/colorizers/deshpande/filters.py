"""Filters: those that describe gray photos, and those whose answers to their colours are predicted."""

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

_SUPPORT = 49
_ORIENTATIONS = 6
_ELONGATION = 3
_HALF_WIDTH = 5
"""Of the filters of colour, in pixels."""
LEVELS = 2
"""How many of the filters of colour, the first ones, have a mean above 0."""
_BARS = (0, 60, 120)
"""The orientations of the bars, in degrees."""


@cache
def leung_malik() -> Tensor:
    """The filters of Leung and Malik 2001, *Representing and recognizing the visual appearance of materials*.

    Returns:
        `(48, 49, 49)`: first and second derivatives of elongated Gaussians at three scales and six orientations,
        eight Laplacians of Gaussians, and four Gaussians. Absolute values sum to 1; all but the Gaussians have a mean
        of 0.
    """
    scales = [2 ** (step / 2) for step in range(1, 5)]
    angles = [math.pi * step / _ORIENTATIONS for step in range(_ORIENTATIONS)]
    derived = [_derived(scale, angle, order) for order in (1, 2) for scale in scales[:3] for angle in angles]
    laplacians = [_laplacian(_SUPPORT, factor * scale) for factor in (1, 3) for scale in scales]
    balanced = [one - one.mean() for one in (*derived, *laplacians)]
    return _unit([*balanced, *(_gaussian(_SUPPORT, scale) for scale in scales)])


@cache
def color_filters() -> Tensor:
    """The filters that are applied to a and to b.

    Deshpande et al. have them at half widths of 1, 3 and 5 pixels, beside local principal components; these are those
    of 5, and the identity.

    Returns:
        `(6, 11, 11)`: the identity, a Gaussian, a Laplacian of a Gaussian, and bars, odd Gabor filters, in three
        orientations. Absolute values sum to 1.
    """
    side = 2 * _HALF_WIDTH + 1
    down, right = _grid(side)
    identity = ((down == 0) & (right == 0)).double()
    bars = []
    for degrees in _BARS:
        across = right * math.cos(math.radians(degrees)) + down * math.sin(math.radians(degrees))
        bars.append(torch.sin(2 * math.pi * across / side) * _gaussian(side, side / 4))
    return _unit(
        [identity, _gaussian(side, side / 4), _laplacian(side, side / 8), *(bar - bar.mean() for bar in bars)]
    )


def _derived(deviation: float, angle: float, order: int) -> Tensor:
    """A Gaussian, elongated along `angle`, and derived across it once or twice."""
    down, right = _grid(_SUPPORT)
    along = right * math.cos(angle) - down * math.sin(angle)
    across = right * math.sin(angle) + down * math.cos(angle)
    factor = -across if order == 1 else across**2 / deviation**2 - 1
    return factor * torch.exp(-(along**2) / (2 * (_ELONGATION * deviation) ** 2) - across**2 / (2 * deviation**2))


def _gaussian(side: int, deviation: float) -> Tensor:
    down, right = _grid(side)
    return torch.exp(-(down**2 + right**2) / (2 * deviation**2))


def _laplacian(side: int, deviation: float) -> Tensor:
    """A Laplacian of a Gaussian, of mean 0."""
    down, right = _grid(side)
    laplacian = _gaussian(side, deviation) * ((down**2 + right**2) / deviation**2 - 2)
    return laplacian - laplacian.mean()


def _grid(side: int) -> tuple[Tensor, Tensor]:
    steps = torch.arange(side, dtype=torch.double) - side // 2
    return steps[:, None], steps[None]


def _unit(filters: list[Tensor]) -> Tensor:
    bank = torch.stack(filters)
    return (bank / bank.abs().sum(dim=(1, 2), keepdim=True)).float()


def filtered(planes: Tensor, bank: Tensor) -> Tensor:
    """Correlate planes `(c, h, w)` with each filter `(n, k, k)` of odd side, by FFT; edges are mirrored.

    Returns:
        `(c, n, h, w)`.
    """
    height, width = planes.shape[-2:]
    padded = _mirrored(planes, bank.shape[-1] // 2)
    size = padded.shape[-2:]
    spectrum = torch.fft.rfft2(padded)[:, None] * torch.fft.rfft2(bank.to(planes), s=size).conj()
    found: Tensor = torch.fft.irfft2(spectrum, s=size)[..., :height, :width]
    return found


def transposed(apply: Callable[[Tensor], Tensor], like: Tensor) -> Callable[[Tensor], Tensor]:
    """The transpose of a linear map of tensors shaped like `like`, from its derivative."""
    back = torch.func.vjp(apply, torch.zeros_like(like))[1]

    def transpose(answers: Tensor) -> Tensor:
        (found,) = back(answers)
        return torch.as_tensor(found)

    return transpose


def _mirrored(planes: Tensor, reach: int) -> Tensor:
    """Pad by mirroring, several times where a photo is smaller than `reach`."""
    for axis in (-2, -1):
        side = planes.shape[axis]
        steps = torch.arange(-reach, side + reach, device=planes.device) % (2 * side)
        planes = planes.index_select(axis, torch.minimum(steps, 2 * side - 1 - steps))
    return planes
