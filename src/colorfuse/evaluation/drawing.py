"""Plots drawn with matplotlib."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from colorfuse.evaluation.examples import Example
from colorfuse.evaluation.figures import PER_PHOTO, REFERENCE_FREE
from colorfuse.evaluation.hint_curves import SIGGRAPH17, hint_points
from colorfuse.evaluation.table import MetricTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from colorfuse.training import History

CAPTION = ("squared_error", "raw_accuracy", "colorfulness")
"""The metrics shown under each photo."""

_TILE = 2.6
"""The side of a photo on a sheet, in inches."""


def loss_curve(history: "History") -> "Figure":
    """Plot the losses over epochs, and the validation error beside those of gray and of a constant colour.

    Losses are those of the objective, and errors are squared errors of ab / 127.5. Where the two are the same, as for
    the objective `mse`, they are drawn as one.

    Args:
        history: A colorizer's `history_`.

    Raises:
        ValueError: The history is empty.
        ImportError: matplotlib is not installed.

    Example:
        >>> figure = loss_curve([{"epoch": 1, "train_loss": 0.02}, {"epoch": 2, "train_loss": 0.01}])
        >>> figure.axes[0].get_xlabel()
        'epoch'
    """
    if not history:
        raise ValueError("the history is empty; call fit first")
    figure = _figure(7, 4.5)
    axes = figure.add_subplot(xlabel="epoch", ylabel="loss, error")
    lines = {
        "train_loss": {"label": "training", "color": "tab:blue"},
        "validation_loss": {"label": "validation", "color": "tab:orange"},
        "validation_error": {"label": "validation error", "color": "tab:green", "linestyle": ":"},
        "validation_gray_error": {"label": "error of gray", "color": "gray", "linestyle": "--"},
        "validation_constant_error": {
            "label": "error of a constant colour",
            "color": "tab:brown",
            "linestyle": "--",
        },
    }
    pairs = [(row.get("validation_loss", 0.0), row.get("validation_error", 0.0)) for row in history]
    if all(math.isclose(loss, error, rel_tol=1e-6) for loss, error in pairs):
        del lines["validation_error"]
    for name, style in lines.items():
        rows = [row for row in history if name in row]
        if rows:
            axes.plot([row["epoch"] for row in rows], [row[name] for row in rows], **style)  # type: ignore[arg-type]  # mixed types
    axes.legend()
    axes.grid(alpha=0.3)
    return figure


def draw(examples: Sequence[Example]) -> "Figure":
    """Draw a sheet of photos that have been evaluated.

    Args:
        examples: At least one example, such as those in `Evaluation.best` or `Evaluation.worst`.

    Raises:
        ValueError: There are no examples.
        ImportError: matplotlib is not installed.
    """
    titles = ("gray", "predicted", "truth")[: 3 if any(example.has_truth for example in examples) else 2]
    figure = _figure(len(titles) * _TILE, len(examples) * (_TILE + 0.6))
    grid = figure.subplots(len(examples), len(titles), squeeze=False)
    for place, title in zip(grid[0], titles, strict=True):
        place.set_title(title)
    for axes, example in zip(grid, examples, strict=True):
        under = CAPTION if example.has_truth else REFERENCE_FREE
        for place, row in zip(axes, titles, strict=True):
            place.set(xticks=[], yticks=[])
            place.spines[:].set_visible(False)
            if row == "truth" and not example.has_truth:
                continue
            place.imshow(example.pictures[row])
            place.set_xlabel(_caption(example.figures[row], under), fontsize=8)
        axes[0].set_ylabel(example.name, fontsize=7, parse_math=False)
    return figure


def histogram(evaluation: MetricTable, figure: str) -> "Figure":
    """Plot the distribution of a metric over the photos, for each row of an evaluation but those with hints.

    Args:
        evaluation: The result of `evaluate`.
        figure: The name of a per-photo metric, such as `squared_error`.

    Raises:
        ValueError: The photos have no such metric.
        ImportError: matplotlib is not installed.
    """
    styles: dict[str, dict[str, Any]] = {
        "gray": {"color": "gray"},
        "constant": {"color": "tab:brown"},
        "predicted": {"color": "tab:blue", "linewidth": 2},
        "truth": {"color": "black", "linestyle": "--"},
    }
    evaluation.values("predicted", figure)  # raises if there is no such metric
    values = {
        row: evaluation.values(row, figure) for row in styles if figure in next(iter(evaluation.photos.values()))[row]
    }
    drawn = _figure(5, 3.2)
    axes = drawn.add_subplot(xlabel=PER_PHOTO[figure].title, ylabel="photos")
    finite = np.concatenate(list(values.values()))
    edges = np.histogram_bin_edges(finite[np.isfinite(finite)], bins=30)
    for row, of_photos in values.items():
        axes.hist(of_photos, bins=edges.tolist(), histtype="step", label=row, **styles[row])
    axes.legend()
    return drawn


def hint_curve(evaluation: MetricTable) -> "Figure":
    """Plot PSNR over gray against the number of hints, with standard errors, beside published figures.

    The published ones are those of Zhang et al. 2017 on 1,000 photos of ImageNet, in the protocols "square256" and
    "zhang2017".

    Args:
        evaluation: The result of `evaluate` with `hints` and the metric `psnr`.

    Raises:
        ValueError: There are no rows with hints, or no PSNR.
        ImportError: matplotlib is not installed.
    """
    points = hint_points(evaluation)
    figure = _figure(6, 4.2)
    axes = figure.add_subplot(xlabel="hints", ylabel="PSNR over gray, dB")
    axes.set_xscale("symlog", linthresh=1)
    counts, means, errors = zip(*points, strict=True)
    axes.errorbar(counts, means, yerr=errors, marker="o", capsize=3, color="tab:blue", label="predicted")
    axes.plot(*zip(*SIGGRAPH17, strict=True), linestyle="--", color="gray", label="Zhang et al. 2017, published")
    ticks = sorted({*counts, 0, 1, 10, 100})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def _caption(figures: dict[str, float], names: Sequence[str]) -> str:
    shown = [name for name in names if name in figures]
    return "\n".join(f"{PER_PHOTO[name].title} {figures[name]:.{PER_PHOTO[name].digits}f}" for name in shown)


def check_drawing() -> None:
    """Check that figures can be drawn.

    Raises:
        ImportError: matplotlib is not installed.
    """
    _figure(1, 1)


def _figure(width: float, height: float) -> "Figure":
    """An empty matplotlib figure, with its size in inches.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install 'colorfuse[plots]'") from error
    return Figure(figsize=(width, height), layout="constrained")
