"""Evaluates a colorizer, or output files, on a set of photos."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import distributed
from tqdm import tqdm

from colorfuse.colorizers import Colorizer
from colorfuse.data.monochrome import MIN_CHROMA
from colorfuse.data.sampling import Shard
from colorfuse.data.sources import Source
from colorfuse.errors import DataError
from colorfuse.evaluation.accumulator import Accumulator
from colorfuse.evaluation.figures import DEFAULT, OVERALL, PER_PHOTO, check_figures
from colorfuse.evaluation.ground_truth import GroundTruth, find_ground_truth, find_outputs
from colorfuse.evaluation.hinting import check_counts, find_hint_protocol, row_name
from colorfuse.evaluation.protocols import find_protocol
from colorfuse.evaluation.references import referred
from colorfuse.evaluation.result import Evaluation
from colorfuse.evaluation.scoring import (
    Constant,
    Criteria,
    Predict,
    colorizer_predictions,
    file_predictions,
    score_photos,
)
from colorfuse.options import NotNegative, check_value

MEAN_COLOR = (2.41, 9.04)
"""The mean ab of some 14,000 photos of all kinds: the constant colour if the training photos are not known."""


def evaluate(
    colors: Colorizer | str | Path,
    photos: Source,
    protocol: str = "center256",
    *,
    saturation: float = 1.0,
    constant: Constant | None = None,
    figures: Sequence[str] = DEFAULT,
    min_chroma: float = MIN_CHROMA,
    hints: Sequence[int] = (),
    hint_protocol: str = "zhang2017",
    reference: Any = None,
) -> Evaluation:
    """Evaluate a colorizer, or the output files of any other program, on photos whose true colours are known.

    The result also has the metrics of gray and of one constant colour on the same photos. Photos are read one after
    another, so that memory grows only by the metrics of each. Under `torchrun`, each process evaluates its share of
    the photos, and all return the same result.

    Args:
        colors: A colorizer, or a folder of output files. Each output has the name and the size of its original, in
            any image format.
        photos: A folder, a list of files and folders, RGB bytes `(N, H, W, 3)`, or a dataset of (L, ab). Photos that
            are gray, unreadable or without an output are left out, and the result names them.
        protocol: How photos and outputs are resized and cropped. "center256" resizes the short side to 256 and crops
            the centre; "square256" and "square224" resize the whole photo to a square; "native" leaves it as it is.
        saturation: A factor applied to the colorizer's ab.
        constant: ab of the constant colour. The default is the mean of the colorizer's training photos or, if these
            are not known, (2.41, 9.04), the mean of some 14,000 photos of all kinds.
        figures: Names of the metrics: `squared_error` (of ab / 127.5), `raw_accuracy` (AuC),
            `class_balanced_accuracy`, `psnr`, `psnr_ab`, `ssim`, `ciede2000`, `colorfulness`,
            `absolute_colorfulness`, `colorfulness_difference` from the truth, `chroma_ratio`; with the extra
            `metrics` also `lpips` and `fid`.
        min_chroma: Photos with a lower mean chroma, in CIELAB units, count as gray.
        hints: Numbers of points that reveal true colours, such as (1, 10, 100), each of which adds a row. A larger
            number includes all points of a smaller one. A photo's name decides their places.
        hint_protocol: How points are drawn. "zhang2017": patches of 6 x 6 pixels, normally distributed around the
            centre (Zhang et al. 2017, who used `protocol="square256"`); "icolorit": patches of 2 x 2 pixels anywhere
            (Yun et al. 2023, *iColoriT*, who used "square224"). Each reveals its mean colour.
        reference: For a colorizer that takes references: one for all photos, as `predict` takes it; a folder, in
            which each photo's reference has its name, whatever the suffix; or a function from a photo's name to its
            reference. Photos without one are left out.

    Raises:
        ValueError: The protocol or a metric is unknown, the saturation is below 0 or given for output files, or
            `constant` is not two numbers; or there are hints or a reference, and the colorizer takes none.
        TypeError: The photos have another type.
        NotFittedError: The colorizer has no network yet.
        FileNotFoundError: A path does not exist.
        DataError: There are no photos, or all are left out.
        ImportError: A package that a metric needs is not installed.
        WeightsError: The published weights that a metric needs cannot be downloaded.

    Example:
        >>> from skimage import data
        >>> from colorfuse import FusionColorizer
        >>> colorizer = FusionColorizer.from_pretrained()
        >>> result = evaluate(colorizer, data.astronaut()[None], figures=["squared_error", "colorfulness"])
        >>> result.mean("predicted", "squared_error") < result.mean("gray", "squared_error")
        True
    """
    originals, predict, criteria, left_out = prepare_evaluation(
        colors,
        photos,
        protocol,
        saturation=saturation,
        constant=constant,
        figures=figures,
        min_chroma=min_chroma,
        hints=hints,
        hint_protocol=hint_protocol,
        reference=reference,
    )
    shard = _shard()
    rows = ["gray", "constant", "predicted", *(row_name(count) for count in hints if count)]
    accumulator = Accumulator([name for name in figures if name in OVERALL], rows, shard.world_size)
    mine = originals[shard.rank :: shard.world_size]
    # Only rank 0 shows a bar; None hides it where there is no terminal.
    hidden = True if shard.rank else None
    bar = tqdm(score_photos(mine, predict, criteria), "judging", len(mine), unit="photo", leave=False, disable=hidden)
    for number, judged in enumerate(bar):
        accumulator.add(shard.rank + number * shard.world_size, judged)
    accumulator.gather()
    best, worst = accumulator.examples()
    result = Evaluation(
        protocol,
        criteria.constant,
        accumulator.photos(),
        accumulator.overall(),
        accumulator.left_out() | left_out,
        best,
        worst,
        getattr(colors, "history_", []),
    )
    if not result.photos:
        raise DataError(f"none of {len(originals)} photos can be judged; {result.reasons()}")
    return result


def prepare_evaluation(
    colors: Colorizer | str | Path,
    photos: Source,
    protocol: str,
    *,
    saturation: float,
    constant: Constant | None,
    figures: Sequence[str],
    min_chroma: float,
    hints: Sequence[int] = (),
    hint_protocol: str = "zhang2017",
    reference: Any = None,
) -> tuple[list[GroundTruth], Predict, Criteria, dict[str, str]]:
    """Check the arguments of `evaluate`, and prepare what it needs.

    The arguments and errors are those of `evaluate`.

    Returns:
        The photos, the function that gives the colours to evaluate, the criteria, and the outputs that match no
        photo, with the reason.
    """
    check_figures(figures)
    check_value(saturation, NotNegative, "saturation", "an evaluation")
    check_counts(hints)
    find_hint_protocol(hint_protocol)
    originals = find_ground_truth(photos)
    check_value(min_chroma, NotNegative, "min_chroma", "an evaluation")
    constant = _mean_color(colors) if constant is None else constant
    check_value(constant, tuple[float, float], "constant", "an evaluation")
    constant = float(constant[0]), float(constant[1])
    criteria = Criteria(
        find_protocol(protocol), constant, min_chroma, [name for name in figures if name in PER_PHOTO]
    )
    if isinstance(colors, Colorizer):
        if any(hints):
            colors.check_takes(hints)
        predict = colorizer_predictions(referred(colors, reference, originals), saturation, hints, hint_protocol)
        return originals, predict, criteria, {}
    if any(hints):
        raise ValueError(f"hints={tuple(hints)} are for a colorizer; the colours of files are judged as they are")
    if reference is not None:
        raise ValueError(f"reference={reference} is for a colorizer; the colours of files are judged as they are")
    if saturation != 1:
        raise ValueError(f"saturation={saturation} is for a colorizer; the colours of files are judged as they are")
    if not isinstance(colors, str | Path):
        raise TypeError(f"what is judged must be a colorizer, or a folder of outputs, not {type(colors).__name__}")
    outputs, others = find_outputs(Path(colors), originals)
    left_out = dict.fromkeys(others, "it is no output of one of the photos, or one of several")
    return originals, file_predictions(outputs, criteria.protocol), criteria, left_out


def _mean_color(colors: Any) -> Constant:
    """The mean ab of a colorizer's training photos in its last epoch, or `MEAN_COLOR` if it is not known."""
    last = (getattr(colors, "history_", None) or [{}])[-1]
    return last.get("train_mean_a", MEAN_COLOR[0]), last.get("train_mean_b", MEAN_COLOR[1])


def _shard() -> Shard:
    """The share of the photos that this process evaluates."""
    if not distributed.is_available() or not (distributed.is_initialized() or distributed.is_torchelastic_launched()):
        return Shard(0, 1)
    from accelerate import PartialState  # takes seconds to import

    state = PartialState()
    return Shard(state.process_index, state.num_processes)
