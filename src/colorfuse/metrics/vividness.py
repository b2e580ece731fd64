"""Metrics of how colourful photos are."""

import torch
from torch import Tensor

from colorfuse.metrics.pairs import check_pair, in_unit_range, length


def colorfulness(rgb: Tensor) -> Tensor:
    """How colourful photos look: 0 for gray photos, about 40 for ordinary ones, over 80 for garish ones.

    Hasler and Suesstrunk 2003, *Measuring colourfulness in natural images*, section 4: it is computed from red
    minus green and yellow minus blue, with their signs.

    Args:
        rgb: sRGB `(*, 3, H, W)`, as bytes in 0 to 255 or as floats in 0 to 1.

    Returns:
        A float for each photo, `(*)`.

    Raises:
        ValueError: The shape is not `(*, 3, H, W)`.

    Example:
        >>> colorfulness(torch.tensor([[[255]], [[0]], [[0]]], dtype=torch.uint8)).item()
        85.5...
    """
    return _spread(_opponents(rgb))


def absolute_colorfulness(rgb: Tensor) -> Tensor:
    """`colorfulness` of the absolute values of red minus green and yellow minus blue.

    The form in the code of recent colorizers, such as Kang et al. 2023, *DDColor*. It is lower than the published
    form for photos with opposite colours.

    Args:
        rgb: sRGB `(*, 3, H, W)`, as bytes in 0 to 255 or as floats in 0 to 1.

    Returns:
        A float for each photo, `(*)`.

    Raises:
        ValueError: The shape is not `(*, 3, H, W)`.

    Example:
        >>> red_and_cyan = torch.tensor([[[255, 0]], [[0, 255]], [[0, 255]]], dtype=torch.uint8)
        >>> colorfulness(red_and_cyan).item() > absolute_colorfulness(red_and_cyan).item()
        True
    """
    return _spread(_opponents(rgb).abs())


def colorfulness_difference(predicted: Tensor, true: Tensor) -> Tensor:
    """Absolute difference between the `colorfulness` of predicted photos and that of the true ones.

    Args:
        predicted: Predicted sRGB `(*, 3, H, W)`, as bytes in 0 to 255 or floats in 0 to 1.
        true: True sRGB of the same shape, as bytes or floats.

    Returns:
        A non-negative float for each photo, `(*)`.

    Raises:
        ValueError: The shapes differ or are not `(*, 3, H, W)`.

    Example:
        >>> gray, red = torch.zeros(3, 1, 1), torch.tensor([1.0, 0, 0]).reshape(3, 1, 1)
        >>> colorfulness_difference(gray, red) == colorfulness(red)
        tensor(True)
    """
    check_pair(predicted, true, 3)
    return (colorfulness(predicted) - colorfulness(true)).abs()


def chroma_ratio(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean chroma of predicted colours divided by that of the true ones; below 1 for pale predictions.

    Args:
        predicted: Predicted ab `(*, 2, H, W)` in CIELAB units.
        true: True ab of the same shape.

    Returns:
        A float for each photo, `(*)`; infinite where only the true colours are gray.

    Raises:
        ValueError: The shapes differ or are not `(*, 2, H, W)`.

    Example:
        >>> chroma_ratio(torch.full((2, 4, 4), 5.0), torch.full((2, 4, 4), 10.0)).item()
        0.5
    """
    check_pair(predicted, true, 2)
    chroma, true_chroma = (length(ab).mean(dim=(-2, -1), dtype=torch.float64) for ab in (predicted, true))
    return chroma / true_chroma


def _opponents(rgb: Tensor) -> Tensor:
    if rgb.ndim < 3 or rgb.shape[-3] != 3 or 0 in rgb.shape[-2:]:
        raise ValueError(f"rgb must have shape (*, 3, H, W), not {tuple(rgb.shape)}")
    red, green, blue = (in_unit_range(rgb) * 255).unbind(-3)
    return torch.stack([red - green, (red + green) / 2 - blue]).flatten(-2)


def _spread(opponents: Tensor) -> Tensor:
    deviation, mean = torch.std_mean(opponents, dim=-1, correction=0)
    figure: Tensor = torch.linalg.vector_norm(deviation, dim=0) + 0.3 * torch.linalg.vector_norm(mean, dim=0)
    return figure
