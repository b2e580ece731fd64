"""Objectives: what a network learns, and how its planes are read as colour."""

from colorfuse.objectives.contract import Objective, objectives
from colorfuse.objectives.regression import AB_SCALE, MeanSquaredError

__all__ = ["AB_SCALE", "MeanSquaredError", "Objective", "objectives"]
