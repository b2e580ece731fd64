"""All photos judged, and their figures brought together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import distributed
from tqdm import tqdm

from colorfuse.colorizers import Colorizer
from colorfuse.data.sampling import Shard
from colorfuse.data.sources import Source
from colorfuse.errors import DataError
from colorfuse.evaluation.accumulator import Accumulator
from colorfuse.evaluation.figures import DEFAULT, OF_A_PHOTO, OF_ALL, check_figures
from colorfuse.evaluation.ground_truth import GroundTruth, find_ground_truth, find_outputs
from colorfuse.evaluation.protocols import find_protocol
from colorfuse.evaluation.result import Evaluation
from colorfuse.evaluation.scoring import (
    MIN_CHROMA,
    Constant,
    Criteria,
    Predict,
    colorizer_predictions,
    file_predictions,
    score_photos,
)
from colorfuse.options import NotNegative, check_value

MEAN_COLOR = (2.41, 9.04)
"""The mean ab of some 14,000 photos of all kinds: the constant colour where the photos trained on are not known."""


def evaluate(
    colors: Colorizer | str | Path,
    photos: Source,
    protocol: str = "center256",
    *,
    saturation: float = 1.0,
    constant: Constant | None = None,
    figures: Sequence[str] = DEFAULT,
    min_chroma: float = MIN_CHROMA,
) -> Evaluation:
    """Judge the colours of a colorizer, or of any other program's files, on photos whose true colours are known.

    Beside them stand what gray and one constant colour score on the same photos. Photos are read one after another,
    so any number of them takes the same memory but for their figures. Under `torchrun` each process takes its share
    of the photos, and all return the same.

    Args:
        colors: A colorizer; or a folder of outputs, each called like its original and as large, whatever its format.
        photos: A folder, a list of files and folders, RGB bytes `(N, H, W, 3)`, or a dataset of (L, ab). Gray ones,
            unreadable ones and those without output are left out, and named in the result.
        protocol: What of a photo is judged: "center256", the short side resized to 256 and the centre cut out;
            "square256", all of it resized to 256 x 256; or "native", all of it as it is. Outputs are treated alike.
        saturation: A factor of the colorizer's ab.
        constant: ab of the constant colour; by default the mean colour of the photos that the colorizer has learnt
            from, or (2.41, 9.04), that of some 14,000 photos of all kinds, where these are not known.
        figures: Which ones, of `squared_error` (of ab / 127.5), `raw_accuracy` (AuC), `class_balanced_accuracy`,
            `psnr`, `psnr_ab`, `ssim`, `ciede2000`, `colorfulness`, `absolute_colorfulness`,
            `colorfulness_difference` from the truth, `chroma_ratio`; with the extra `metrics` also `lpips` and `fid`.
        min_chroma: Photos with a lower mean chroma, in CIELAB units, are gray.

    Raises:
        ValueError: The protocol or a figure is unknown, the saturation is below 0 or given for files, or `constant`
            is not two numbers.
        TypeError: The photos are none of these.
        NotFittedError: The colorizer has no network yet.
        FileNotFoundError: A path does not exist.
        DataError: There are no photos, or all are left out.
        ImportError: What a figure needs is not installed.
        WeightsError: The published weights of a network that judges cannot be had.

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
    )
    shard = _shard()
    accumulator = Accumulator([name for name in figures if name in OF_ALL], shard.world_size)
    mine = originals[shard.rank :: shard.world_size]
    # A bar where there is a terminal, and in one of the processes.
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
) -> tuple[list[GroundTruth], Predict, Criteria, dict[str, str]]:
    """The photos, what gives the colours to judge, how to judge, and what cannot be judged, with the reason.

    The arguments and errors are those of `evaluate`.
    """
    check_figures(figures)
    check_value(saturation, NotNegative, "saturation", "an evaluation")
    originals = find_ground_truth(photos)
    constant = _mean_color(colors) if constant is None else constant
    if len(constant) != 2:
        raise ValueError(f"constant must be a and b of one colour, not {constant}")
    constant = float(constant[0]), float(constant[1])
    criteria = Criteria(
        find_protocol(protocol), constant, min_chroma, [name for name in figures if name in OF_A_PHOTO]
    )
    if isinstance(colors, Colorizer):
        return originals, colorizer_predictions(colors, saturation), criteria, {}
    if saturation != 1:
        raise ValueError(f"saturation={saturation} is for a colorizer; the colours of files are judged as they are")
    outputs, others = find_outputs(Path(colors), originals)
    left_out = dict.fromkeys(others, "it is no output of one of the photos, or one of several")
    return originals, file_predictions(outputs, criteria.protocol), criteria, left_out


def _mean_color(colors: Any) -> Constant:
    """The mean colour of the photos that a colorizer has learnt from in its last epoch, if it is known."""
    last = (getattr(colors, "history_", None) or [{}])[-1]
    return last.get("train_mean_a", MEAN_COLOR[0]), last.get("train_mean_b", MEAN_COLOR[1])


def _shard() -> Shard:
    """Which of the photos this process judges."""
    if not distributed.is_available() or not (distributed.is_initialized() or distributed.is_torchelastic_launched()):
        return Shard(0, 1)
    from accelerate import PartialState  # takes seconds to import

    state = PartialState()
    return Shard(state.process_index, state.num_processes)
