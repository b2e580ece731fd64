"""Figures by networks that judge like people; they need the extra `metrics` (torchmetrics), and published weights."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from colorfuse.errors import WeightsError, first_line
from colorfuse.metrics.pairs import check_pair, in_unit_range


def lpips(predicted: Tensor, true: Tensor) -> Tensor:
    """Learned perceptual image patch similarity, by AlexNet: 0 for equal photos, more for such as look unlike.

    Zhang, Isola, Efros, Shechtman and Wang 2018, *The unreasonable effectiveness of deep features as a perceptual
    metric*, as torchmetrics computes it.

    Args:
        predicted: sRGB `(*, 3, H, W)`, as bytes in 0 to 255 or as floats in 0 to 1; sides of at least 32 pixels.
        true: Likewise.

    Returns:
        A float for each photo, `(*)`.

    Raises:
        ValueError: The shapes are others.
        ImportError: torchmetrics is not installed.
        WeightsError: The published weights cannot be had.
    """
    check_pair(predicted, true, 3)
    network = create_lpips()
    pair = (in_unit_range(rgb.cpu(), torch.float32).reshape(-1, *rgb.shape[-3:]) for rgb in (predicted, true))
    with torch.no_grad():
        figures: Tensor = network(*pair, normalize=True)
    return figures.double().reshape(true.shape[:-3])


def fid(predicted: Tensor, true: Tensor) -> Tensor:
    """Fréchet inception distance: how far predicted photos as a whole are from the true ones, by Inception v3.

    Heusel et al. 2017, *GANs trained by a two time-scale update rule converge to a local Nash equilibrium*, as
    torchmetrics computes it. It falls with the number of photos: compare it between sets of the same size alone.

    Args:
        predicted: sRGB `(N, 3, H, W)`, as bytes in 0 to 255 or as floats in 0 to 1, of at least two photos.
        true: Likewise.

    Returns:
        One float for all photos together.

    Raises:
        ValueError: The shapes are others.
        ImportError: torchmetrics is not installed.
        WeightsError: The published weights cannot be had.
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
    """The network of `lpips`, read once.

    Raises:
        ImportError: torchmetrics is not installed.
        WeightsError: The published weights cannot be had.
    """
    try:
        from torchmetrics.image import LearnedPerceptualImagePatchSimilarity
    except ImportError as error:
        raise _not_installed("lpips") from error
    return _with_weights("lpips", LearnedPerceptualImagePatchSimilarity, net_type="alex").net


def create_fid() -> Any:
    """A metric of torchmetrics for `fid`, to which photos are given one after another.

    Raises:
        ImportError: torchmetrics is not installed.
        WeightsError: The published weights cannot be had.
    """
    try:
        import torch_fidelity  # noqa: F401  # which has the network
        from torchmetrics.image.fid import FrechetInceptionDistance
    except ImportError as error:
        raise _not_installed("fid") from error
    return _with_weights("fid", FrechetInceptionDistance, sync_on_compute=False)


def _not_installed(name: str) -> ImportError:
    return ImportError(f"{name} needs torchmetrics and torch-fidelity: pip install 'colorfuse[metrics]'")


def _with_weights(name: str, create: Callable[..., Any], **options: Any) -> Any:
    try:
        return create(**options)
    except (OSError, RuntimeError) as error:  # RuntimeError where a download is not what it should be
        raise WeightsError(
            f"the published weights for {name} cannot be had ({first_line(error)}); be online once, which keeps them "
            f"in {torch.hub.get_dir()}, or leave {name} out"
        ) from error
