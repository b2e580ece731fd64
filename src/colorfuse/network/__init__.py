"""The network: encoder and backbone in parallel, a fusion that joins them, and a decoder that predicts the planes."""

from colorfuse.network import cheng, iizuka, zhang  # noqa: F401, imported to register their parts
from colorfuse.network.build import build_network
from colorfuse.network.decoders import list_decoders, register_decoder
from colorfuse.network.encoders import list_encoders, register_encoder
from colorfuse.network.fusion_network import FusionNetwork
from colorfuse.network.fusions import list_fusions, register_fusion
from colorfuse.network.summary import Summary, summarize

__all__ = [
    "FusionNetwork",
    "Summary",
    "build_network",
    "list_decoders",
    "list_encoders",
    "list_fusions",
    "register_decoder",
    "register_encoder",
    "register_fusion",
    "summarize",
]
