"""Compose a network from the specs of its parts, each built from what the one before it gives."""

from torch import nn

from colorfuse.backbones import create_backbone
from colorfuse.network.decoders import decoders
from colorfuse.network.encoders import encoders
from colorfuse.network.fusion_network import FusionNetwork
from colorfuse.network.fusions import fusions
from colorfuse.registry import Spec


def build_network(
    *,
    encoder: Spec,
    backbone: Spec,
    fusion: Spec,
    decoder: Spec,
    planes: int,
    activation: nn.Module,
    pretrained: bool,
) -> FusionNetwork:
    """Build the network of these parts.

    Args:
        encoder: Spec of the encoder.
        backbone: Spec of the backbone.
        fusion: Spec of the fusion.
        decoder: Spec of the decoder.
        planes: Number of output planes.
        activation: What the planes go through last.
        pretrained: Start the backbone from its published weights.

    Raises:
        ValueError: A name is unknown, or a part cannot work with the others.
        WeightsError: The backbone's weights cannot be had.
    """
    branch = encoders.create(encoder)
    features = create_backbone(backbone, pretrained=pretrained)
    joint = fusions.create(fusion, branch.maps, features.maps)
    head = decoders.create(decoder, joint.map, branch.maps, features.maps, planes, activation)
    return FusionNetwork(branch, features, joint, head)
