"""Feature extractors that run beside the encoder on the same lightness."""

from colorfuse.backbones.adapted import Backbone
from colorfuse.backbones.registered import (
    backbone_factory,
    create_backbone,
    list_backbones,
    register_backbone,
    without_pretrained,
)

__all__ = [
    "Backbone",
    "backbone_factory",
    "create_backbone",
    "list_backbones",
    "register_backbone",
    "without_pretrained",
]
