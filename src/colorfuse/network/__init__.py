"""The network: an encoder beside a backbone, a fusion that joins them, a decoder that predicts the planes."""

from colorfuse.network.build import build_network
from colorfuse.network.fusion_network import FusionNetwork

__all__ = ["FusionNetwork", "build_network"]
