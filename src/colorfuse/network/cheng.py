"""The encoder of Cheng, Yang and Sheng 2015, *Deep colorization*: hand-crafted features of each pixel."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from colorfuse.backbones.maps import MapInfo, Maps
from colorfuse.network.encoders import encoders

_PATCH = 7
_RADIUS = 15
_RINGS = {"radius": _RADIUS, "rings": 1, "histograms": 3, "orientations": 8}


@encoders.register("cheng2015")
class Cheng2015Encoder(nn.Module):
    """For each pixel, the lightness of the 7 x 7 patch around it and a DAISY descriptor of 32 values.

    These are the low-level and mid-level features of section 3.2. DAISY (Tola et al. 2010) describes the pixel and
    three places around it in eight orientations; scikit-image computes it, on the CPU. The encoder returns one map of
    81 channels, as large as the input, and has no parameters.
    """

    maps: Maps = (MapInfo(_PATCH**2 + 32, 1),)

    @torch.no_grad()
    def forward(self, lightness: Tensor) -> list[Tensor]:
        """The map of `lightness` `(N, 1, H, W)` in 0 to 1."""
        around = functional.pad(lightness, (_PATCH // 2,) * 4, mode="replicate")
        patches = functional.unfold(around, _PATCH).unflatten(-1, lightness.shape[-2:])
        return [torch.cat([patches, _daisy(lightness)], dim=1)]


def _daisy(lightness: Tensor) -> Tensor:
    """The DAISY descriptors `(N, 32, H, W)` of all pixels; photos are padded by replicating their border."""
    from skimage.feature import daisy

    photos = functional.pad(lightness, (_RADIUS,) * 4, mode="replicate").squeeze(1).float().cpu().numpy()
    described = np.stack([daisy(photo, step=1, **_RINGS) for photo in photos])
    return torch.from_numpy(described).movedim(-1, 1).to(lightness)
