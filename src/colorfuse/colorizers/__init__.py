"""Colorizers: a common interface to all systems, with `predict`, and `fit` for those that learn."""

from colorfuse.colorizers.base import Colorizer
from colorfuse.colorizers.charpiat import Charpiat2008
from colorfuse.colorizers.deshpande.colorizer import Deshpande2015
from colorfuse.colorizers.fusion import FusionColorizer
from colorfuse.colorizers.irony import Irony2005
from colorfuse.colorizers.learnt import LearntColorizer
from colorfuse.colorizers.levin import Levin2004
from colorfuse.colorizers.qu import Qu2006
from colorfuse.colorizers.registry import create_colorizer, list_colorizers, register_colorizer
from colorfuse.colorizers.sykora import Sykora2009
from colorfuse.colorizers.welsh import Welsh2002

__all__ = [
    "Charpiat2008",
    "Colorizer",
    "Deshpande2015",
    "FusionColorizer",
    "Irony2005",
    "LearntColorizer",
    "Levin2004",
    "Qu2006",
    "Sykora2009",
    "Welsh2002",
    "create_colorizer",
    "list_colorizers",
    "register_colorizer",
]
