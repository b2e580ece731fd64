"""The metrics of evaluated photos, as a table in several formats."""

import csv
import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np

from colorfuse.evaluation.examples import Example
from colorfuse.evaluation.figures import COLUMNS, FiguresByRow
from colorfuse.files import atomic_file
from colorfuse.registry import unknown_name

_NAMED = 10


@dataclasses.dataclass(frozen=True, eq=False)
class MetricTable:
    """The metrics of evaluated photos.

    Attributes:
        protocol: The protocol by which photos were resized and cropped.
        constant: ab of the constant colour.
        photos: Metrics by photo and row, in the order of the photos. The rows are "gray", "constant", "predicted"
            (the colours that were evaluated), "1 hint", "2 hints" and so on, if hints were asked for, and "truth"
            (which only has metrics that need no comparison).
        overall: Metrics that exist only for all photos together, by row.
        left_out: Photos that could not be evaluated, with the reason.
        best: The photos with the smallest squared error relative to gray, best first.
        worst: The photos with the largest squared error relative to gray, worst first.
        history: The training history of the colorizer that was evaluated; empty for output files.
    """

    protocol: str
    constant: tuple[float, float]
    photos: dict[str, FiguresByRow]
    overall: FiguresByRow
    left_out: dict[str, str]
    best: list[Example]
    worst: list[Example]
    history: list[dict[str, float]]

    @property
    def rows(self) -> list[str]:
        """The rows of the table."""
        return list(next(iter(self.photos.values())))

    @property
    def figures(self) -> list[str]:
        """The columns of the table."""
        return [*next(iter(self.photos.values()))["predicted"], *self.overall["predicted"]]

    def values(self, row: str, figure: str) -> np.ndarray:
        """The values of a metric for each photo, `(N,)`.

        Raises:
            ValueError: There is no such row, or the row has no such per-photo metric.
        """
        rows = next(iter(self.photos.values()))
        if row not in rows:
            raise unknown_name("row", row, rows)
        if figure not in rows[row]:
            raise unknown_name(f"figure of each photo in the row {row!r}", figure, rows[row])
        return np.array([photo[row][figure] for photo in self.photos.values()])

    def mean(self, row: str, figure: str) -> float:
        """The mean of a metric over the photos, or its value if it exists only for all photos together.

        Raises:
            ValueError: There is no such row or metric.
        """
        if figure in self.overall.get(row, {}):
            return self.overall[row][figure]
        return float(self.values(row, figure).mean())

    def standard_error(self, row: str, figure: str) -> float:
        """The standard error of the mean; NaN for a single photo or a metric of all photos together.

        Raises:
            ValueError: There is no such row or metric.
        """
        if figure in self.overall.get(row, {}) or len(self.photos) < 2:
            return math.nan
        values = self.values(row, figure)
        with np.errstate(invalid="ignore"):  # a metric may be infinite
            return float(values.std(ddof=1) / math.sqrt(len(values)))

    def to_dict(self) -> dict[str, Any]:
        """The table as a dict for JSON, with means and standard errors; NaN and infinity become None."""
        return {
            "protocol": self.protocol,
            "photos": len(self.photos),
            "constant": list(self.constant),
            "left_out": self.left_out,
            "rows": {
                row: {
                    figure: {
                        "mean": _finite(self.mean(row, figure)),
                        "standard_error": _finite(self.standard_error(row, figure)),
                    }
                    for figure in self._figures_of(row)
                }
                for row in self.rows
            },
        }

    def to_csv(self, path: str | Path) -> None:
        """Write the metrics of each photo and row to a CSV file."""
        columns = list(next(iter(self.photos.values()))["predicted"])
        with (
            atomic_file(Path(path)) as partial,
            partial.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
        ):
            table = csv.DictWriter(file, ["photo", "row", *columns])
            table.writeheader()
            for name, rows in self.photos.items():
                table.writerows({"photo": name, "row": row} | figures for row, figures in rows.items())

    def to_markdown(self) -> str:
        """The table in Markdown, with the standard error after each mean."""
        titles = {name: COLUMNS[name].title for name in self.figures}
        lines = [["", *titles.values()], ["---"] * (1 + len(titles))]
        lines += [[row, *(self.cell(row, figure) for figure in titles)] for row in self.rows]
        return "\n".join([self.heading(), "", *(f"| {' | '.join(line)} |" for line in lines)])

    def __str__(self) -> str:
        """The heading and the table, transposed to fit a terminal: one line per metric."""
        lines = [["", *self.rows]]
        lines += [[COLUMNS[figure].title, *(self.cell(row, figure) for row in self.rows)] for figure in self.figures]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = [
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines
        ]
        return "\n".join([self.heading(), *table])

    def heading(self) -> str:
        """One line that says how many photos were evaluated, and how."""
        a, b = self.constant
        left_out = f"; left out {len(self.left_out)}" * bool(self.left_out)
        return f"{len(self.photos)} photos by {self.protocol}; constant is a = {a:.2f}, b = {b:.2f}{left_out}"

    def cell(self, row: str, figure: str) -> str:
        """A mean with its standard error, to the metric's decimals; empty if the row lacks the metric."""
        if figure not in self._figures_of(row):
            return ""
        digits = COLUMNS[figure].digits
        error = self.standard_error(row, figure)
        spread = f" ± {error:.{digits}f}" if math.isfinite(error) else ""
        return f"{self.mean(row, figure):.{digits}f}{spread}"

    def reasons(self) -> str:
        """One line with the number of photos left out, and the names of some with the reason."""
        named = [f"{name}: {reason}" for name, reason in self.left_out.items()]
        more = "; ..." if len(named) > _NAMED else ""
        return f"left out {len(named)}: {'; '.join(named[:_NAMED])}{more}"

    def _figures_of(self, row: str) -> list[str]:
        return [*next(iter(self.photos.values()))[row], *self.overall.get(row, {})]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
