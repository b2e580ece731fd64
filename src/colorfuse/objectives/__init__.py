"""Objectives: the losses of a network, and how its planes are converted to colour."""

from colorfuse.objectives.base import Distribution, Objective, list_objectives, objectives, register_objective
from colorfuse.objectives.build import create_objective, create_terms
from colorfuse.objectives.classification import ColorClassification
from colorfuse.objectives.histogram import HueChromaHistograms
from colorfuse.objectives.regression import HuberError, MeanAbsoluteError, MeanSquaredError
from colorfuse.objectives.terms import Term, list_terms, register_term, terms

__all__ = [
    "ColorClassification",
    "Distribution",
    "HuberError",
    "HueChromaHistograms",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Objective",
    "Term",
    "create_objective",
    "create_terms",
    "list_objectives",
    "list_terms",
    "objectives",
    "register_objective",
    "register_term",
    "terms",
]
