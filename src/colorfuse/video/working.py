"""Frames at the working size of a system."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.images import Photo
from colorfuse.inference.predictor import Predictor


def at_working_size(photo: Photo, predictor: Predictor) -> Tensor:
    """L of a photo `(1, 1, h, w)`, at the size that the predictor's system works on."""
    return predictor.shrink(photo, predictor.render_size)


def gray_bytes(small: Tensor) -> NDArray[np.uint8]:
    """L `(1, 1, h, w)` as bytes `(h, w)`, 255 being 100."""
    gray: NDArray[np.uint8] = (small[0, 0] * 2.55).round().to(torch.uint8).numpy()
    return gray
