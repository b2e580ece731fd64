"""Colorizers: one face over all systems, `predict` of photos, and `fit` where they learn."""

from colorfuse.colorizers.base import Colorizer
from colorfuse.colorizers.fusion import FusionColorizer
from colorfuse.colorizers.registry import create_colorizer, list_colorizers, register_colorizer

__all__ = ["Colorizer", "FusionColorizer", "create_colorizer", "list_colorizers", "register_colorizer"]
