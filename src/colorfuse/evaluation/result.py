"""The result of `evaluate`."""

from pathlib import Path

from colorfuse.evaluation.report import write_report
from colorfuse.evaluation.table import MetricTable


class Evaluation(MetricTable):
    """The result of `evaluate`."""

    def report(self, path: str | Path) -> None:
        """Write a self-contained web page: table, distributions, best and worst photos, loss curve.

        Raises:
            ImportError: matplotlib, which the extra `plots` brings, is not installed.
        """
        write_report(self, Path(path))
