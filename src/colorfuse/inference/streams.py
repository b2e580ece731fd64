"""Many photos coloured, as `predict` gives them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from colorfuse.images import PhotoSource, Pixels
from colorfuse.inference.predictor import Outcome


class PredictionStream(Iterator[Pixels]):
    """Photos in colour, one after another.

    The error of a photo is raised in its place, and the next call gives the next photo.
    """

    def __init__(self, outcomes: Iterator[Outcome]) -> None:
        self._outcomes = outcomes

    def __next__(self) -> Pixels:
        result = next(self._outcomes).result
        if isinstance(result, Exception):
            raise result
        return result


class Prediction(NamedTuple):
    """A photo in colour.

    Attributes:
        source: The photo as it was given: of a folder, its path.
        pixels: What `predict` gives for it.
    """

    source: Any
    pixels: Pixels


class Predictions(Iterator[Prediction]):
    """Photos in colour, each with what it was made of; those that fail are passed over.

    Attributes:
        errors: Pairs of a photo, as it was given, and its error, of those that failed so far.
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
