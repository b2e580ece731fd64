"""Evaluation: metrics of predicted colours, beside those of gray and of one constant colour."""

from colorfuse.evaluation.comparison import Difference, compare
from colorfuse.evaluation.evaluate import evaluate
from colorfuse.evaluation.result import Evaluation

__all__ = ["Difference", "Evaluation", "compare", "evaluate"]
