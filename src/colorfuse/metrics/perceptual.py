"""Perceptual metrics by pretrained networks; they need the extra `metrics` (torchmetrics) and published weights."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from colorfuse.errors import WeightsError, first_line
from colorfuse.metrics.pairs import check_pair, in_unit_range


def lpips(predicted: Tensor, true: Tensor) -> Tensor:
    """Learned perceptual image patch similarity, by AlexNet: 0 for equal photos, higher the more they differ.

    Zhang, Isola, Efros, Shechtman and Wang 2018, *The unreasonable effectiveness of deep features as a perceptual
    metric*, as torchmetrics computes it.

    Args:
        predicted: Predicted sRGB `(*, 3, H, W)`, as bytes in 0 to 255 or floats in 0 to 1, with sides of at
            least 32 pixels.
        true: True sRGB of the same shape, as bytes or floats.

    Returns:
        A float for each photo, `(*)`.

    Raises:
        ValueError: The shapes differ or are not `(*, 3, H, W)`.
        ImportError: torchmetrics is not installed.
        WeightsError: The published weights cannot be obtained.
    """
    check_pair(predicted, true, 3)
    network = create_lpips()
    pair = (in_unit_range(rgb.cpu(), torch.float32).reshape(-1, *rgb.shape[-3:]) for rgb in (predicted, true))
    with torch.no_grad():
        figures: Tensor = network(*pair, normalize=True)
    return figures.double().reshape(true.shape[:-3])


def fid(predicted: Tensor, true: Tensor) -> Tensor:
    """Fréchet inception distance between the sets of predicted and true photos, by Inception v3.

    Heusel et al. 2017, *GANs trained by a two time-scale update rule converge to a local Nash equilibrium*, as
    torchmetrics computes it. It falls as the number of photos grows, so compare only sets of the same size.

    Args:
        predicted: Predicted sRGB `(N, 3, H, W)`, as bytes in 0 to 255 or floats in 0 to 1, of at least two photos.
        true: True sRGB of the same shape, as bytes or floats.

    Returns:
        One float for all photos together.

    Raises:
        ValueError: The shapes differ or are not `(N, 3, H, W)`, or there are fewer than two photos.
        ImportError: torchmetrics is not installed.
        WeightsError: The published weights cannot be obtained.
    """
    check_pair(predicted, true, 3)
    if true.ndim != 4 or len(true) < 2:
        raise ValueError(f"the distance of two sets needs photos (N, 3, H, W), at least two, not {tuple(true.shape)}")
    distance = create_fid()
    for rgb, real in ((predicted, False), (true, True)):
        distance.update((in_unit_range(rgb.cpu()) * 255).round().to(torch.uint8), real=real)
    figure: Tensor = distance.compute()
    return figure.double()


@functools.cache
def create_lpips() -> Any:
    """Load the network of `lpips`, once per process.

    Raises:
        ImportError: torchmetrics is not installed.
        WeightsError: The published weights cannot be obtained.
    """
    try:
        from torchmetrics.image import LearnedPerceptualImagePatchSimilarity
    except ImportError as error:
        raise _not_installed("lpips") from error
    return _with_weights("lpips", LearnedPerceptualImagePatchSimilarity, net_type="alex").net


def create_fid() -> Any:
    """Create the torchmetrics metric of `fid`, which accumulates photos over several updates.

    Raises:
        ImportError: torchmetrics is not installed.
        WeightsError: The published weights cannot be obtained.
    """
    try:
        import torch_fidelity  # noqa: F401  # provides the network
        from torchmetrics.image.fid import FrechetInceptionDistance
    except ImportError as error:
        raise _not_installed("fid") from error
    return _with_weights("fid", FrechetInceptionDistance, sync_on_compute=False)


def _not_installed(name: str) -> ImportError:
    return ImportError(f"{name} needs torchmetrics and torch-fidelity: pip install 'colorfuse[metrics]'")


def _with_weights(name: str, create: Callable[..., Any], **options: Any) -> Any:
    try:
        return create(**options)
    except (OSError, RuntimeError) as error:  # RuntimeError for a corrupt download
        raise WeightsError(
            f"the published weights for {name} cannot be had ({first_line(error)}); be online once, which keeps them "
            f"in {torch.hub.get_dir()}, or leave {name} out"
        ) from error
