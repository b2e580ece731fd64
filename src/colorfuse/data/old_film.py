"""The lightness that old film would have given a photo: for training."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from colorfuse.color.formulas import lightness_from_linear, linear_from_lab
from colorfuse.color.precision import full_precision
from colorfuse.options import NotNegative, Share

_DEVIATIONS = 3
"""How far a blur's kernel reaches."""


@dataclass(frozen=True, kw_only=True)
class OldFilm:
    """How the lightness of training photos is made like that of old film; their colours stay what they were.

    A camera's gray is a fixed mix of red, green and blue. That of film is not: plates until about 1905 saw blue
    alone, orthochromatic film is blind to red, panchromatic film sees all. A network that has only seen a camera's
    gray takes the dark lips, pale skies and dark brick of old photographs for something else. So a photo's
    lightness is computed anew from a random mix of its linear red, green and blue, and then is given the tones,
    softness and grain of film and its prints.

    Args:
        share: Share of the photos that are changed.
        tones: Standard deviation of the logarithm of the exponent that lightness is raised to.
        contrast: Standard deviation of the logarithm of the contrast around the mean lightness.
        fading: How far black and white may be from 0 and from 100, in L; at most 50, where both meet.
        blur: The largest standard deviation of the blur, in pixels.
        grain: The largest standard deviation of the grain, in L.

    Example:
        >>> lightness, ab = torch.full((1, 1, 32, 32), 53.2), torch.tensor([80.1, 67.2]).view(1, 2, 1, 1)
        >>> film = OldFilm(share=1, tones=0, contrast=0, fading=0, blur=0, grain=0)
        >>> seen = film.expose(lightness, ab.expand(1, 2, 32, 32), torch.tensor([[0.0, 0.4, 0.6]]))
        >>> seen.mean().item() < 1  # red is black to orthochromatic film
        True
    """

    share: Share = 0.5
    tones: NotNegative = 0.25
    contrast: NotNegative = 0.15
    fading: Annotated[float, Field(ge=0, le=50)] = 12.0
    blur: NotNegative = 0.8
    grain: NotNegative = 3.0

    def draw(self, lightness: Tensor, ab: Tensor) -> Tensor:
        """Draw the lightness of photos on film, from torch's generator of the CPU.

        Args:
            lightness: L `(N, 1, H, W)`, in 0 to 100.
            ab: `(N, 2, H, W)`, in CIELAB units.

        Returns:
            L `(N, 1, H, W)`, in 0 to 100; that of the photos that are not changed is `lightness`.
        """
        count = len(lightness)
        chosen = (torch.rand(count) < self.share).nonzero()[:, 0].to(lightness.device)
        if not len(chosen):
            return lightness
        some = len(chosen)

        def each(values: Tensor) -> Tensor:
            """One value for each photo."""
            return values.to(lightness).reshape(-1, 1, 1, 1)

        sensitivity = torch.empty(some, 3).exponential_()  # each mix is as likely as any other
        with full_precision(lightness.device.type):
            film = self.expose(lightness[chosen].float(), ab[chosen].float(), sensitivity)
            film = 100 * (film / 100) ** each(torch.exp(self.tones * torch.randn(some)))
            mean = film.mean(dim=(2, 3), keepdim=True)
            film = mean + (film - mean) * each(torch.exp(self.contrast * torch.randn(some)))
            film = blurred(film, self.blur * torch.rand(some))
            film = film + each(self.grain * torch.rand(some)) * torch.randn(film.shape).to(film)
            black, white = (each(self.fading * torch.rand(some)) for _ in range(2))
            film = black + film.clamp(0, 100) * (100 - black - white) / 100
        return lightness.index_copy(0, chosen, film.to(lightness.dtype))

    @staticmethod
    def expose(lightness: Tensor, ab: Tensor, sensitivity: Tensor) -> Tensor:
        """The lightness of photos on film that sees linear red, green and blue by these weights `(N, 3)`."""
        linear = linear_from_lab(torch.cat([lightness, ab], dim=1).flatten(2)).clamp(0, 1)
        weights = (sensitivity / sensitivity.sum(dim=1, keepdim=True)).to(linear)
        return lightness_from_linear(weights[:, None] @ linear).view_as(lightness)


def blurred(planes: Tensor, deviations: Tensor) -> Tensor:
    """Blur each plane `(N, 1, H, W)` by a Gaussian of its own standard deviation `(N)`, in pixels."""
    reach = math.ceil(_DEVIATIONS * float(deviations.max()))
    if not reach:
        return planes
    steps = torch.arange(-reach, reach + 1)
    kernels = torch.exp(-0.5 * (steps / deviations.clamp(min=1e-3)[:, None]) ** 2)
    kernels = (kernels / kernels.sum(dim=1, keepdim=True)).to(planes)[:, None]
    count = len(planes)
    across: list[Callable[[Tensor], Tensor]] = [lambda kernel: kernel[..., None, :], lambda kernel: kernel[..., None]]
    rows = functional.pad(planes.transpose(0, 1), [reach] * 4, mode="replicate")
    for turned in across:
        rows = functional.conv2d(rows, turned(kernels), groups=count)
    return rows.transpose(0, 1)
