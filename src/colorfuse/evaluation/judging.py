"""One photo after another, judged."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch

from colorfuse.ahead import ahead
from colorfuse.colorizer import FusionColorizer
from colorfuse.errors import PhotoError
from colorfuse.evaluation.figures import OF_A_PHOTO, OF_THE_TRUTH, Colors
from colorfuse.evaluation.originals import Original
from colorfuse.evaluation.protocols import Protocol
from colorfuse.images import open_rgb

Constant: TypeAlias = tuple[float, float]

MIN_CHROMA = 2.0
"""The mean chroma below which a photo is gray in fact."""

_THREADS = 8


class Asked(NamedTuple):
    """What is to be judged, and how.

    Attributes:
        protocol: What of a photo is judged.
        constant: ab of the constant colour.
        min_chroma: Photos with a lower mean chroma are gray.
        figures: Names of figures of a photo.
    """

    protocol: Protocol
    constant: Constant
    min_chroma: float
    figures: Sequence[str]


class Opened(NamedTuple):
    """A photo that was read.

    Attributes:
        name: What it is called.
        size: Its width and height before the protocol.
        truth: Its colours, after it.
    """

    name: str
    size: tuple[int, int]
    truth: Colors


class Judged(NamedTuple):
    """A photo with its figures, by row: "gray", "constant", "predicted" and "truth".

    Attributes:
        name: What it is called.
        colors: Its colours in each row.
        figures: Its figures in each row.
    """

    name: str
    colors: dict[str, Colors]
    figures: dict[str, dict[str, float]]


class NotJudged(NamedTuple):
    """A photo that cannot be judged, and why."""

    name: str
    reason: str


Predict: TypeAlias = Callable[[Opened], Colors]
"""From a photo to the colours that are judged; raises `PhotoError` where there are none."""


def by_colorizer(colorizer: FusionColorizer, saturation: float) -> Predict:
    """The colours that a colorizer predicts."""

    def predict(photo: Opened) -> Colors:
        return photo.truth.with_ab(saturation * colorizer.predict_ab(photo.truth.lab[None, :1])[0])

    return predict


def by_outputs(outputs: dict[str, Path], protocol: Protocol) -> Predict:
    """The colours of files, by the names of the photos that they are for."""

    def predict(photo: Opened) -> Colors:
        if photo.name not in outputs:
            raise PhotoError("there is no output for it")
        image = open_rgb(outputs[photo.name])
        if image.size != photo.size:
            raise PhotoError(f"its output has {_times(image.size)} pixels, and it has {_times(photo.size)}")
        return Colors.of_image(protocol(image))

    return predict


def judge(originals: Iterable[Original], predict: Predict, asked: Asked) -> Iterator[Judged | NotJudged]:
    """Judge photos in their order; a few of them are read and measured while others are predicted."""
    threads = min(_THREADS, torch.get_num_threads())
    with ThreadPoolExecutor(threads) as executor:
        opened = ahead(executor, partial(_open, asked=asked), originals, depth=threads)
        predicted = (photo if isinstance(photo, NotJudged) else _predict(photo, predict) for photo in opened)
        yield from ahead(executor, partial(_measure, asked=asked), predicted, depth=threads)


def _open(original: Original, asked: Asked) -> Opened | NotJudged:
    try:
        image = original.open()
    except (PhotoError, MemoryError, OSError) as error:
        return NotJudged(original.name, str(error))
    seen = asked.protocol(image)
    least = max((OF_A_PHOTO[name].least_side for name in asked.figures), default=1)
    if min(seen.size) < least:
        return NotJudged(original.name, f"{_times(seen.size)} pixels are too few; {least} a side are the least")
    truth = Colors.of_image(seen)
    chroma = truth.chroma
    if chroma < asked.min_chroma:
        return NotJudged(original.name, f"it is gray: its mean chroma is {chroma:.2f}")
    return Opened(original.name, image.size, truth)


def _predict(photo: Opened, predict: Predict) -> tuple[Opened, Colors] | NotJudged:
    try:
        return photo, predict(photo)
    except (PhotoError, OSError) as error:
        return NotJudged(photo.name, str(error))


def _measure(given: tuple[Opened, Colors] | NotJudged, asked: Asked) -> Judged | NotJudged:
    if isinstance(given, NotJudged):
        return given
    (name, _, truth), predicted = given
    rows = {
        "gray": truth.with_ab(torch.zeros(2, 1, 1)),
        "constant": truth.with_ab(torch.tensor(asked.constant).reshape(2, 1, 1)),
        "predicted": predicted,
    }
    figures = {
        row: {figure: OF_A_PHOTO[figure].of(its, truth) for figure in asked.figures} for row, its in rows.items()
    }
    figures["truth"] = {name: OF_A_PHOTO[name].of(truth, truth) for name in asked.figures if name in OF_THE_TRUTH}
    return Judged(name, rows | {"truth": truth}, figures)


def _times(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
