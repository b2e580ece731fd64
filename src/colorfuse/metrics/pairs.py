"""Helpers for metrics that compare two images."""

import torch
from torch import Tensor


def check_pair(predicted: Tensor, true: Tensor, channels: int) -> None:
    """Check that two tensors have the same shape `(*, channels, H, W)` and are not empty.

    Raises:
        ValueError: They do not.
    """
    if predicted.shape != true.shape or true.ndim < 3 or true.shape[-3] != channels or 0 in true.shape[-2:]:
        raise ValueError(
            f"predicted and true must have one shape (*, {channels}, H, W), "
            f"not {tuple(predicted.shape)} and {tuple(true.shape)}"
        )


def in_unit_range(rgb: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """Convert RGB to floats in 0 to 1, from bytes or from floats in that range."""
    return rgb.to(dtype) / (1 if rgb.is_floating_point() else 255)


def length(ab: Tensor) -> Tensor:
    """The length `(*, H, W)` of ab `(*, 2, H, W)`; torch's norms are a hundred times slower for two values."""
    return torch.hypot(*ab.unbind(-3))
