"""What is kept of judged photos while more are judged."""

from itertools import chain
from typing import Any

import torch
from torch import Tensor, distributed

from colorfuse.evaluation.figures import OF_ALL
from colorfuse.evaluation.judging import Constant, Judged, LeftOut, beside_baselines
from colorfuse.evaluation.result import Rows

_EXAMPLES = 4


class Tally:
    """The figures of photos, those judged best and worst, and what all of them together amount to.

    Args:
        constant: ab of the constant colour.
        figures: Names of figures that only all photos together have.
        processes: How many processes judge photos, each some of them.
    """

    def __init__(self, constant: Constant, figures: list[str], processes: int) -> None:
        self._constant = constant
        self._processes = processes
        self._photos: list[tuple[int, str, Rows]] = []
        self._left_out: list[tuple[int, LeftOut]] = []
        self._ranked: list[Judged] = []
        self._running = {row: {name: OF_ALL[name]() for name in figures} for row in ("gray", "constant", "predicted")}

    def add(self, index: int, judged: Judged | LeftOut) -> None:
        """Take in a photo, the one of all that has this index."""
        if isinstance(judged, LeftOut):
            self._left_out.append((index, judged))
            return
        self._photos.append((index, judged.name, judged.figures))
        self._rank([judged])
        for row, colors in beside_baselines(judged.predicted, judged.truth, self._constant).items():
            for figure in self._running[row].values():
                figure.add(colors, judged.truth)

    def gather(self) -> None:
        """Bring together what each process has."""
        self._photos = sorted(chain.from_iterable(self._of_all_processes(self._photos)), key=lambda photo: photo[0])
        self._left_out = sorted(chain.from_iterable(self._of_all_processes(self._left_out)))
        ranked = chain.from_iterable(self._of_all_processes(self._ranked))
        self._ranked = []
        self._rank(list(ranked))

    def photos(self) -> dict[str, Rows]:
        """Figures by photo and row, in the order of the photos."""
        return {name: rows for _, name, rows in self._photos}

    def left_out(self) -> dict[str, str]:
        """Why photos could not be judged, by their names."""
        return {photo.name: photo.reason for _, photo in self._left_out}

    def examples(self) -> tuple[list[Judged], list[Judged]]:
        """The photos whose squared error is the smallest part of what gray has, and those with the largest."""
        return self._ranked[:_EXAMPLES], self._ranked[_EXAMPLES:][::-1]

    def overall(self) -> Rows:
        """Figures of all photos together, by row."""
        if not self._photos:
            return {}
        return {
            row: {name: figure.compute(self._add_up) for name, figure in figures.items()}
            for row, figures in self._running.items()
        }

    def _rank(self, judged: list[Judged]) -> None:
        parts = [(_of_gray(photo), photo) for photo in [*self._ranked, *judged]]
        ranked = [photo for part, photo in sorted(parts, key=lambda pair: pair[0] or 0) if part is not None]
        self._ranked = ranked[:_EXAMPLES] + ranked[max(_EXAMPLES, len(ranked) - _EXAMPLES) :]

    def _of_all_processes(self, mine: Any) -> list[Any]:
        if self._processes == 1:
            return [mine]
        theirs: list[Any] = [None] * self._processes
        distributed.all_gather_object(theirs, mine)
        return theirs

    def _add_up(self, sums: Tensor) -> Tensor:
        return torch.stack(self._of_all_processes(sums)).sum(dim=0)


def _of_gray(judged: Judged) -> float | None:
    """The squared error of a photo, of what gray has; None where it is not among the figures."""
    its, gray = (judged.figures[row].get("squared_error") for row in ("predicted", "gray"))
    return None if its is None or gray is None else its / gray
