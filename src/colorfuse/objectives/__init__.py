"""Objectives: what a network learns, and how its planes are read as colour."""

from colorfuse.objectives.build import create_objective, create_terms
from colorfuse.objectives.classification import ColorClassification
from colorfuse.objectives.contract import Objective, objectives
from colorfuse.objectives.histogram import HueChromaHistograms
from colorfuse.objectives.regression import HuberError, MeanAbsoluteError, MeanSquaredError
from colorfuse.objectives.terms import Term, terms

__all__ = [
    "ColorClassification",
    "HuberError",
    "HueChromaHistograms",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Objective",
    "Term",
    "create_objective",
    "create_terms",
    "objectives",
    "terms",
]
