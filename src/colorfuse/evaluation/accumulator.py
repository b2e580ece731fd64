"""Collects the results of photos while they are evaluated."""

from itertools import chain
from typing import Any

import torch
from torch import Tensor, distributed

from colorfuse.evaluation.examples import Example, example_of
from colorfuse.evaluation.figures import OVERALL, FiguresByRow
from colorfuse.evaluation.scoring import ScoredPhoto, SkippedPhoto

_EXAMPLES = 4


class Accumulator:
    """Collects the metrics of each photo, the best and worst photos, and the metrics of all photos together.

    Args:
        figures: Names of metrics that exist only for all photos together.
        rows: Names of the rows that have them.
        processes: The number of processes that share the photos.
    """

    def __init__(self, figures: list[str], rows: list[str], processes: int) -> None:
        self._processes = processes
        self._photos: list[tuple[int, str, FiguresByRow]] = []
        self._left_out: list[tuple[int, SkippedPhoto]] = []
        self._ranked: list[tuple[float, Example]] = []
        self._running = {row: {name: OVERALL[name]() for name in figures} for row in rows}

    def add(self, index: int, judged: ScoredPhoto | SkippedPhoto) -> None:
        """Add the result of a photo, with its index among all photos."""
        if isinstance(judged, SkippedPhoto):
            self._left_out.append((index, judged))
            return
        self._photos.append((index, judged.name, judged.figures))
        example = example_of(judged)
        if example.has_truth and "squared_error" in judged.figures["gray"]:
            its, gray = (judged.figures[row]["squared_error"] for row in ("predicted", "gray"))
            self._rank([*self._ranked, (its / gray, example)])
        for row, figures in self._running.items():
            for figure in figures.values():
                figure.add(judged.colors[row], judged.colors["truth"])

    def gather(self) -> None:
        """Gather the results of all processes."""
        self._photos = sorted(self._of_all_processes(self._photos), key=lambda photo: photo[0])
        self._left_out = sorted(self._of_all_processes(self._left_out))
        self._rank(self._of_all_processes(self._ranked))

    def photos(self) -> dict[str, FiguresByRow]:
        """Metrics by photo and row, in the order of the photos."""
        return {name: rows for _, name, rows in self._photos}

    def left_out(self) -> dict[str, str]:
        """The reason why each skipped photo could not be evaluated, by its name."""
        return {photo.name: photo.reason for _, photo in self._left_out}

    def examples(self) -> tuple[list[Example], list[Example]]:
        """The photos with the smallest and those with the largest squared error relative to gray."""
        ranked = [example for _, example in self._ranked]
        return ranked[:_EXAMPLES], ranked[_EXAMPLES:][::-1]

    def overall(self) -> FiguresByRow:
        """Metrics of all photos together, by row."""
        if not self._photos:
            return {}
        return {
            row: {name: figure.compute(self._add_up) for name, figure in figures.items()}
            for row, figures in self._running.items()
        }

    def _rank(self, examples: list[tuple[float, Example]]) -> None:
        ranked = sorted(examples, key=lambda pair: pair[0])
        self._ranked = ranked[:_EXAMPLES] + ranked[max(_EXAMPLES, len(ranked) - _EXAMPLES) :]

    def _of_all_processes(self, mine: list[Any]) -> list[Any]:
        if self._processes == 1:
            return mine
        theirs: list[Any] = [None] * self._processes
        distributed.all_gather_object(theirs, mine)
        return list(chain.from_iterable(theirs))

    def _add_up(self, sums: Tensor) -> Tensor:
        return torch.stack(self._of_all_processes([sums])).sum(dim=0)
