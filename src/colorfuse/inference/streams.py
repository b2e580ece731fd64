"""Iterators over coloured photos, as returned by `predict` and `predict_each`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from colorfuse.images import PhotoSource, Pixels
from colorfuse.inference.predictor import Outcome


class PredictionStream(Iterator[Pixels]):
    """Iterator over coloured photos.

    If a photo fails, its error is raised in its place; the next call to `next` gives the next photo.
    """

    def __init__(self, outcomes: Iterator[Outcome]) -> None:
        self._outcomes = outcomes

    def __next__(self) -> Pixels:
        result = next(self._outcomes).result
        if isinstance(result, Exception):
            raise result
        return result


class Prediction(NamedTuple):
    """A coloured photo and its source.

    Attributes:
        source: The photo as it was given; its path if a folder was given.
        pixels: The coloured photo, as `predict` returns it.
    """

    source: Any
    pixels: Pixels


class Predictions(Iterator[Prediction]):
    """Iterator over coloured photos and their sources that skips photos that fail.

    Attributes:
        errors: A pair (photo as it was given, error) for each photo that has failed so far.
    """

    def __init__(self, outcomes: Iterator[Outcome]) -> None:
        self._outcomes = outcomes
        self.errors: list[tuple[PhotoSource | Path, Exception]] = []

    def __next__(self) -> Prediction:
        for source, result in self._outcomes:
            if not isinstance(result, Exception):
                return Prediction(source, result)
            self.errors.append((source, result))
        raise StopIteration
