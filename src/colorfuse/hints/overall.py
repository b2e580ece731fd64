"""Global hints: the colours of a whole photo, wherever they are."""

import torch
from torch import Tensor
from torch.nn import functional

from colorfuse.color import lab_to_rgb
from colorfuse.color.plane import gamut_bins

GLOBAL_VALUES = 316
"""A histogram of 313 bins and its indicator, and the mean saturation and its indicator."""

_POOLED = 4


def global_hints(lightness: Tensor, ab: Tensor) -> Tensor:
    """Describe the colours of photos by a histogram and their mean saturation.

    The global hints of Zhang et al. 2017, *Real-time user-guided image colorization with learned deep priors*,
    section 3.3: the shares of 313 bins of the ab plane, each pixel of the photo at a quarter of its size counting for
    its nearest bin; and the mean saturation of HSV. An indicator of 1 after each says that it is given.

    Args:
        lightness: L `(N, 1, H, W)` in 0 to 100.
        ab: `(N, 2, H, W)` in CIELAB units.

    Returns:
        `(N, 316)`: the histogram, 1, the saturation in 0 to 1, and 1.

    Example:
        >>> values = global_hints(torch.full((1, 1, 8, 8), 50.0), torch.zeros(1, 2, 8, 8))
        >>> values.shape, values[0, :313].sum().item(), values[0, 313:].round().tolist()
        (torch.Size([1, 316]), 1.0, [1.0, 0.0, 1.0])
    """
    bins = gamut_bins().to(ab)
    pooled = functional.avg_pool2d(ab, _POOLED, ceil_mode=True, count_include_pad=False).flatten(2).mT
    nearest = torch.cdist(pooled, bins.expand(len(ab), -1, -1), compute_mode="donot_use_mm_for_euclid_dist").argmin(2)
    histogram = ab.new_zeros(len(ab), len(bins)).scatter_add_(1, nearest, torch.ones_like(nearest, dtype=ab.dtype))
    histogram = histogram / nearest.shape[1]
    rgb = lab_to_rgb(torch.cat([lightness, ab], dim=1)).clamp(0, 1)
    most, least = rgb.amax(dim=1), rgb.amin(dim=1)
    saturation = ((most - least) / most.clamp(min=1e-6)).mean(dim=(1, 2))
    given = torch.ones_like(saturation)
    return torch.cat([histogram, torch.stack([given, saturation, given], dim=1)], dim=1)
