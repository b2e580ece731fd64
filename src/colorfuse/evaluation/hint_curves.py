"""How PSNR grows with the number of hints."""

import math
import re
from typing import NamedTuple

import numpy as np

from colorfuse.evaluation.table import MetricTable

SIGGRAPH17: tuple[tuple[int, float], ...] = (
    (0, 1.61),
    (1, 2.55),
    (2, 3.38),
    (3, 3.87),
    (5, 4.57),
    (10, 5.60),
    (20, 6.52),
    (50, 7.60),
    (100, 8.31),
    (200, 8.88),
)
"""PSNR over gray in dB by number of hints, of the weights that Zhang et al. 2017 published.

They measured it on 1,000 photos of ImageNet; the 22.82 dB of gray are subtracted.
"""


class HintPoint(NamedTuple):
    """PSNR over gray with a number of hints, in dB: the mean over the photos, and its standard error."""

    hints: int
    psnr_over_gray: float
    standard_error: float


def hint_rows(evaluation: MetricTable) -> dict[int, str]:
    """The rows of an evaluation that have hints, by their number."""
    return {int(match[1]): row for row in evaluation.rows if (match := re.fullmatch(r"(\d+) hints?", row))}


def hint_points(evaluation: MetricTable) -> list[HintPoint]:
    """The curve of an evaluation, by rising numbers of hints.

    Raises:
        ValueError: It has no hints, or no PSNR.
    """
    gray = evaluation.values("gray", "psnr")
    counts = hint_rows(evaluation)
    if not counts:
        raise ValueError("this evaluation has no hints; give evaluate(..., hints=(1, 10, 100))")
    points = []
    for count, row in [(0, "predicted"), *sorted(counts.items())]:
        over = evaluation.values(row, "psnr") - gray
        over = over[np.isfinite(over)]
        error = float(over.std(ddof=1)) / math.sqrt(len(over)) if len(over) > 1 else math.nan
        points.append(HintPoint(count, float(over.mean()), error))
    return points
