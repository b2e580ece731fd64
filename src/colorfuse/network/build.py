"""Build a network from the specs of its parts, each of which is built to fit the outputs of those before it."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from colorfuse.backbones import create_backbone
from colorfuse.backbones.maps import MapInfo
from colorfuse.errors import first_line
from colorfuse.network.decoders import decoders
from colorfuse.network.encoders import encoders
from colorfuse.network.fusion_network import FusionNetwork
from colorfuse.network.fusions import fusions
from colorfuse.network.hooks import captured_outputs, eval_mode
from colorfuse.registry import Spec

_SIDE = 64


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
    """Build a network from the specs of its four parts.

    Args:
        encoder: Spec of the encoder.
        backbone: Spec of the backbone.
        fusion: Spec of the fusion.
        decoder: Spec of the decoder.
        planes: Number of output planes.
        activation: Module applied to the planes last.
        pretrained: Start the backbone from its published weights.

    Raises:
        ValueError: A name is unknown, or the parts do not work together.
        WeightsError: The backbone's weights cannot be obtained.
    """
    branch = encoders.create(encoder)
    features = create_backbone(backbone, pretrained=pretrained)
    _check_has(branch, "maps", "encoder", encoder)
    joint = fusions.create(fusion, branch.maps, features.maps)
    _check_has(joint, "map", "fusion", fusion)
    head = decoders.create(decoder, joint.map, branch.maps, features.maps, planes, activation)
    network = FusionNetwork(branch, features, joint, head)
    _try(network, planes, {"encoder": encoder, "backbone": backbone, "fusion": fusion, "decoder": decoder})
    return network


def _check_has(part: nn.Module, attribute: str, kind: str, spec: Spec) -> None:
    if not hasattr(part, attribute):
        raise ValueError(
            f"the {kind} {spec!r} has no attribute {attribute!r}, which tells the next part what it gives"
        )
    told = getattr(part, attribute)
    infos = told if attribute == "maps" and isinstance(told, list | tuple) else [told]
    if not all(isinstance(info, MapInfo) for info in infos) or (attribute == "maps" and infos is not told):
        a_map = "MapInfo(channels, reduction)"
        wanted = f"a {a_map}" if attribute == "map" else f"a tuple of {a_map}, one for each map"
        raise ValueError(f"{attribute!r} of the {kind} {spec!r} must be {wanted}, not {told!r}")


def _try(network: FusionNetwork, planes: int, parts: Mapping[str, Spec]) -> None:
    """Run the network once on a small input, so that parts that do not fit are detected when it is built."""
    outputs: dict[str, Any] = {}
    try:
        with eval_mode(network), captured_outputs(network, ("encoder", "fusion")) as outputs:
            given = network(torch.full((1, 1, _SIDE, _SIDE), 50.0))
    except Exception as error:  # a user's part may raise anything
        reason = _false_channels(network, outputs) or first_line(error)
        raise ValueError(f"the parts {dict(parts)} do not work together: {reason}") from error
    if given.shape != (1, planes, _SIDE, _SIDE):
        raise ValueError(f"the parts {dict(parts)} give {tuple(given.shape)} where {planes} planes are to be")


def _false_channels(network: FusionNetwork, outputs: Mapping[str, Any]) -> str:
    """What the encoder or the fusion gives that is not what it announces, or nothing if both keep to it."""
    encoder: Any = network.encoder
    fusion: Any = network.fusion
    announced = {"encoder": list(encoder.maps), "fusion": [fusion.map]}
    for part, infos in announced.items():
        told, maps = [info.channels for info in infos], outputs.get(part)
        if part == "encoder" and isinstance(maps, torch.Tensor):
            return "the encoder gives a tensor, and must give a list of maps"
        tensors: Sequence[Any] = maps if isinstance(maps, list | tuple) else [maps]
        if all(isinstance(each, torch.Tensor) and each.ndim == 4 for each in tensors):
            given = [each.shape[1] for each in tensors]
            if given != told:
                attribute = "map" if part == "fusion" else "maps"
                return f"the {part} gives {given} channels, but its {attribute!r} tells of {told}"
    return ""
