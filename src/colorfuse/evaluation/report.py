"""Writes an evaluation as a single web page."""

import base64
import io
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from colorfuse.evaluation.drawing import draw, hint_curve, histogram, loss_curve
from colorfuse.evaluation.figures import COLUMNS
from colorfuse.evaluation.hint_curves import hint_rows
from colorfuse.evaluation.table import MetricTable
from colorfuse.files import atomic_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DISTRIBUTIONS = ("squared_error", "raw_accuracy", "colorfulness", "ciede2000")


def write_report(evaluation: MetricTable, path: Path) -> None:
    """Write the page atomically.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import jinja2  # only reports need it

    template = jinja2.Environment(
        loader=jinja2.PackageLoader("colorfuse", "evaluation"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template("report.html")
    page = template.render(
        evaluation=evaluation,
        version=metadata.version("colorfuse"),
        titles=[COLUMNS[name].title for name in evaluation.figures],
        cells={row: [evaluation.cell(row, name) for name in evaluation.figures] for row in evaluation.rows},
        histograms={
            COLUMNS[name].title: _svg(histogram(evaluation, name))
            for name in _DISTRIBUTIONS
            if name in evaluation.figures
        },
        sheets={
            title: _png(draw(photos))
            for title, photos in (("Best", evaluation.best), ("Worst", evaluation.worst))
            if photos
        },
        hint_curve=_svg(hint_curve(evaluation)) if _has_hints(evaluation) else None,
        curve=_svg(loss_curve(evaluation.history)) if evaluation.history else None,
    )
    with atomic_file(path) as partial:
        partial.write_text(page, "utf-8", errors="replace")


def _has_hints(evaluation: MetricTable) -> bool:
    return "psnr" in evaluation.figures and bool(hint_rows(evaluation))


def _svg(figure: "Figure") -> str:
    return _embedded(figure, "svg", "svg+xml")


def _png(figure: "Figure") -> str:
    return _embedded(figure, "png", "png")


def _embedded(figure: "Figure", kind: str, media: str) -> str:
    """A picture as a data URL."""
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=110)
    return f"data:image/{media};base64,{base64.b64encode(file.getvalue()).decode()}"
