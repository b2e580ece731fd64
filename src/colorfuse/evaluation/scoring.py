"""Predicts and scores photos, one after another."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch

from colorfuse.colorizers import Colorizer
from colorfuse.data.monochrome import find_monochrome
from colorfuse.errors import PhotoError
from colorfuse.evaluation.figures import PER_PHOTO, REFERENCE_FREE, Colors
from colorfuse.evaluation.ground_truth import GroundTruth
from colorfuse.evaluation.hinting import draw_points, row_name
from colorfuse.evaluation.protocols import Protocol
from colorfuse.images import open_rgb
from colorfuse.inference.prefetching import prefetch

Constant: TypeAlias = tuple[float, float]

_THREADS = 8


class Criteria(NamedTuple):
    """How photos are evaluated.

    Attributes:
        protocol: Resizes and crops each photo.
        constant: ab of the constant colour.
        min_chroma: Photos with a lower mean chroma, in CIELAB units, count as gray.
        figures: Names of per-photo metrics.
    """

    protocol: Protocol
    constant: Constant
    min_chroma: float
    figures: Sequence[str]


class LoadedPhoto(NamedTuple):
    """A photo that has been read.

    Attributes:
        name: The name of the photo.
        size: Its width and height before the protocol.
        truth: Its true colours after the protocol.
    """

    name: str
    size: tuple[int, int]
    truth: Colors


class ScoredPhoto(NamedTuple):
    """A photo with its metrics, by row: "gray", "constant", "predicted", those with hints, and "truth".

    Attributes:
        name: The name of the photo.
        colors: Its colours in each row.
        figures: Its metrics in each row.
    """

    name: str
    colors: dict[str, Colors]
    figures: dict[str, dict[str, float]]


class SkippedPhoto(NamedTuple):
    """A photo that cannot be evaluated, and why."""

    name: str
    reason: str


Predict: TypeAlias = Callable[[LoadedPhoto], dict[str, Colors]]
"""Returns the colours to evaluate for a photo by row; raises `PhotoError` if there are none."""


def colorizer_predictions(
    colorizer_of: Callable[[str], Colorizer],
    saturation: float,
    hints: Sequence[int] = (),
    hint_protocol: str = "zhang2017",
) -> Predict:
    """Return a function that predicts the colours of a photo, for each number of hints.

    `colorizer_of` maps the name of a photo to the colorizer for it.
    """

    def predict(photo: LoadedPhoto) -> dict[str, Colors]:
        truth = photo.truth
        lightness, its = truth.lab[None, :1], colorizer_of(photo.name)
        rows = {"predicted": truth.with_ab(saturation * its.predict_ab(lightness)[0])}
        counts = [count for count in hints if count]
        for count, drawn in (draw_points(truth.ab, counts, hint_protocol, photo.name) if counts else {}).items():
            ab = saturation * its.predict_ab(lightness, drawn)
            rows[row_name(count)] = truth.with_ab(torch.where(drawn[:, 2:] > 0, drawn[:, :2], ab)[0])
        return rows

    return predict


def file_predictions(outputs: dict[str, Path], protocol: Protocol) -> Predict:
    """Return a function that reads the colours of a photo from its output file. `outputs` maps names to paths."""

    def predict(photo: LoadedPhoto) -> dict[str, Colors]:
        if photo.name not in outputs:
            raise PhotoError("there is no output for it")
        image = open_rgb(outputs[photo.name])
        if image.size != photo.size:
            raise PhotoError(f"its output has {_times(image.size)} pixels, and it has {_times(photo.size)}")
        return {"predicted": Colors.from_image(protocol(image))}

    return predict


def score_photos(
    originals: Iterable[GroundTruth], predict: Predict, criteria: Criteria
) -> Iterator[ScoredPhoto | SkippedPhoto]:
    """Score photos in order; threads read and measure some of them while others are predicted."""
    threads = min(_THREADS, torch.get_num_threads())
    with ThreadPoolExecutor(threads) as executor:
        opened = prefetch(executor, partial(_open, criteria=criteria), originals, depth=threads)
        predicted = (photo if isinstance(photo, SkippedPhoto) else _predict(photo, predict) for photo in opened)
        yield from prefetch(executor, partial(_measure, criteria=criteria), predicted, depth=threads)


def _open(original: GroundTruth, criteria: Criteria) -> LoadedPhoto | SkippedPhoto:
    try:
        image = original.open()
    except (PhotoError, MemoryError, OSError) as error:
        return SkippedPhoto(original.name, str(error))
    seen = criteria.protocol(image)
    least = max((PER_PHOTO[name].least_side for name in criteria.figures), default=1)
    if min(seen.size) < least:
        return SkippedPhoto(original.name, f"{_times(seen.size)} pixels are too few; {least} a side are the least")
    truth = Colors.from_image(seen)
    chroma = truth.chroma
    if chroma >= criteria.min_chroma and find_monochrome(image, criteria.min_chroma) == "toned":
        return SkippedPhoto(original.name, "it is toned: its colours are one function of its lightness")
    if chroma < criteria.min_chroma:
        return SkippedPhoto(original.name, f"it is gray: its mean chroma is {chroma:.2f}")
    return LoadedPhoto(original.name, image.size, truth)


def _predict(photo: LoadedPhoto, predict: Predict) -> tuple[LoadedPhoto, dict[str, Colors]] | SkippedPhoto:
    try:
        return photo, predict(photo)
    except (PhotoError, OSError) as error:
        return SkippedPhoto(photo.name, str(error))


def _measure(
    given: tuple[LoadedPhoto, dict[str, Colors]] | SkippedPhoto, criteria: Criteria
) -> ScoredPhoto | SkippedPhoto:
    if isinstance(given, SkippedPhoto):
        return given
    (name, _, truth), predicted = given
    rows = {
        "gray": truth.with_ab(torch.zeros(2, 1, 1)),
        "constant": truth.with_ab(torch.tensor(criteria.constant).reshape(2, 1, 1)),
        **predicted,
    }
    figures = {
        row: {figure: PER_PHOTO[figure].of(its, truth) for figure in criteria.figures} for row, its in rows.items()
    }
    figures["truth"] = {name: PER_PHOTO[name].of(truth, truth) for name in criteria.figures if name in REFERENCE_FREE}
    return ScoredPhoto(name, rows | {"truth": truth}, figures)


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
