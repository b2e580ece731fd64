"""Plots of training histories and of evaluated photos; they need the extra `plots` (matplotlib)."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from colorfuse.colorizers import Colorizer
from colorfuse.data.sources import Source
from colorfuse.errors import DataError, first_few
from colorfuse.evaluation.drawing import CAPTION, draw, hint_curve, histogram, loss_curve
from colorfuse.evaluation.evaluate import prepare_evaluation
from colorfuse.evaluation.examples import example_of
from colorfuse.evaluation.scoring import ScoredPhoto, score_photos

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = 10

__all__ = ["draw", "hint_curve", "histogram", "loss_curve", "sheet"]


def sheet(
    colors: "Colorizer | str | Path", photos: Source, protocol: str = "center256", *, saturation: float = 1.0
) -> "Figure":
    """Draw one row per photo: gray, predicted and true, each with its squared error, AuC and colourfulness.

    A gray photo has no true colours to draw or to compare with.

    Args:
        colors: A colorizer, or a folder of outputs, as in `evaluate`.
        photos: A folder, a list of files and folders, RGB bytes `(N, H, W, 3)`, or a dataset of (L, ab).
        protocol: How each photo is resized and cropped, as in `evaluate`.
        saturation: A factor applied to the colorizer's ab.

    Raises:
        ValueError: The protocol is unknown, or the saturation is below 0 or given for a folder of outputs.
        NotFittedError: The colorizer has no network yet.
        FileNotFoundError: A path does not exist.
        DataError: None of the photos can be read.
        TypeError: The photos have another type.
        ImportError: matplotlib is not installed.

    Example:
        >>> from skimage import data
        >>> import colorfuse
        >>> figure = sheet(colorfuse.FusionColorizer.from_pretrained(), data.astronaut()[None])
        >>> [axes.get_title() for axes in figure.axes]
        ['gray', 'predicted', 'truth']
    """
    originals, predict, criteria, _ = prepare_evaluation(
        colors, photos, protocol, saturation=saturation, constant=None, figures=CAPTION, min_chroma=0
    )
    scored = [*score_photos(originals, predict, criteria)]
    left_out = [f"{each.name} ({each.reason})" for each in scored if not isinstance(each, ScoredPhoto)]
    if len(left_out) == len(scored):
        raise DataError(f"none of {len(scored)} photos can be read")
    if left_out:
        few = first_few(left_out, _NAMED)
        warnings.warn(f"{len(left_out)} of {len(scored)} photos are left out: {few}", stacklevel=2)
    return draw([example_of(each) for each in scored if isinstance(each, ScoredPhoto)])
