"""Feature extractors that run in parallel with the encoder, on the same lightness."""

from colorfuse.backbones.backbone import Backbone
from colorfuse.backbones.factory import (
    backbone_factory,
    create_backbone,
    list_backbones,
    register_backbone,
    without_pretrained,
)
from colorfuse.backbones.maps import MapInfo

__all__ = [
    "Backbone",
    "MapInfo",
    "backbone_factory",
    "create_backbone",
    "list_backbones",
    "register_backbone",
    "without_pretrained",
]
