"""Feature extractors that run beside the encoder on the same lightness."""

from colorfuse.backbones.contract import Backbone
from colorfuse.backbones.registered import create_backbone, list_backbones, register_backbone

__all__ = ["Backbone", "create_backbone", "list_backbones", "register_backbone"]
