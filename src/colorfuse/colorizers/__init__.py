"""Colorizers: a common interface to all systems, with `predict`, and `fit` for those that learn."""

from colorfuse.colorizers.base import Colorizer
from colorfuse.colorizers.fusion import FusionColorizer
from colorfuse.colorizers.levin import Levin2004
from colorfuse.colorizers.registry import create_colorizer, list_colorizers, register_colorizer

__all__ = ["Colorizer", "FusionColorizer", "Levin2004", "create_colorizer", "list_colorizers", "register_colorizer"]
