"""The network: an encoder beside a backbone, a fusion that joins them, a decoder that predicts the planes."""

from colorfuse.network import cheng, iizuka, zhang  # noqa: F401, for the parts that they register
from colorfuse.network.build import build_network
from colorfuse.network.fusion_network import FusionNetwork
from colorfuse.network.summary import Summary, summarize

__all__ = ["FusionNetwork", "Summary", "build_network", "summarize"]
