"""Reading of reference photos, whose colours are wanted."""

import numpy as np
import torch
from torch import Tensor

from colorfuse.color import rgb_to_lab
from colorfuse.errors import PhotoError
from colorfuse.images.photo import FULL_SCALE
from colorfuse.images.reading import PhotoSource, read_photo


def read_reference(source: PhotoSource) -> Tensor:
    """Read a colour photo as Lab `(1, 3, H, W)` in CIELAB units.

    Raises:
        PhotoError: It cannot be read, or is gray.
    """
    photo = read_photo(source)
    if photo.pixels.shape[-1] == 1:
        raise PhotoError(f"{photo.name} is gray; a reference must have the colours that are wanted")
    values = photo.pixels.astype(np.float32) / np.float32(FULL_SCALE[photo.pixels.dtype])
    lab: Tensor = rgb_to_lab(torch.from_numpy(values).movedim(-1, 0)[None])
    return lab
