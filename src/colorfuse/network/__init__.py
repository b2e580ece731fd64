"""The network: an encoder beside a backbone, a fusion that joins them, a decoder that predicts the planes."""

from colorfuse.network.build import build_network
from colorfuse.network.decoders import decoders
from colorfuse.network.encoders import encoders
from colorfuse.network.fusion_network import FusionNetwork
from colorfuse.network.fusions import fusions

__all__ = ["FusionNetwork", "build_network", "decoders", "encoders", "fusions"]
