"""Hints: colours that a user gives for places of a photo, or that are drawn at random from true colours."""

from colorfuse.hints.hints import Hints, HintSource
from colorfuse.hints.marks import Layer, Mark, Point, Stroke
from colorfuse.hints.pairing import match_hints, pair_hints
from colorfuse.hints.reading import read_hints
from colorfuse.hints.simulated import SimulatedHints

__all__ = [
    "HintSource",
    "Hints",
    "Layer",
    "Mark",
    "Point",
    "SimulatedHints",
    "Stroke",
    "match_hints",
    "pair_hints",
    "read_hints",
]
