"""What `evaluate` returns."""

from pathlib import Path

from colorfuse.evaluation.report import write_report
from colorfuse.evaluation.table import FigureTable


class Evaluation(FigureTable):
    """What `evaluate` found."""

    def report(self, path: str | Path) -> None:
        """Write one web page, with nothing beside it: table, distributions, best and worst photos, loss curve.

        Raises:
            ImportError: matplotlib is not installed, which the extra `plots` brings.
        """
        write_report(self, Path(path))
