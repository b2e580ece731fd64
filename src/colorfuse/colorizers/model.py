"""Builds the network and the objective from a colorizer's settings."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from colorfuse.backbones import without_pretrained
from colorfuse.data.seeding import seeded
from colorfuse.inference.upsampling import find_upsampling
from colorfuse.network import FusionNetwork, build_network
from colorfuse.objectives import Objective, create_objective
from colorfuse.options import Side, check_value
from colorfuse.registry import Spec, parse_spec

PARTS = ("backbone", "encoder", "fusion", "decoder", "objective")
"""The settings that name parts."""


def build_model(settings: Mapping[str, Any], *, from_weights: bool) -> tuple[FusionNetwork, Objective]:
    """Build the network, in evaluation mode, and the objective.

    Args:
        settings: The settings of a colorizer.
        from_weights: Load the backbone weights that the settings name; False if other weights are loaded next.

    Raises:
        ValueError: A part is unknown, cannot work with the others or cannot be saved, or a setting is out of range.
        TypeError: A part is given by neither a name nor a mapping with a name.
        WeightsError: The backbone's weights are not available.
    """
    check_value(settings["image_size"], Side, "image_size", "a colorizer")
    find_upsampling(settings["upsample"])
    for name in PARTS:
        parse_spec(settings[name], name)
        try:
            json.dumps(settings[name])
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{name} must be made of strings, numbers, lists and dicts, not {settings[name]}"
            ) from error
    backbone = settings["backbone"]
    # Ignore the caller's default device and dtype: on the CPU in float32, a seed always gives the same weights.
    with seeded(settings["seed"]), torch.device("cpu"):
        objective = create_objective(settings["objective"])
        _check_objective(settings["objective"], objective)
        network = build_network(
            encoder=settings["encoder"],
            backbone=backbone if from_weights else without_pretrained(backbone),
            fusion=settings["fusion"],
            decoder=settings["decoder"],
            planes=objective.planes,
            activation=objective.activation,
            pretrained=from_weights and settings["pretrained"],
        ).eval()
    return network.float(), objective.float()


@torch.no_grad()
def _check_objective(spec: Spec, objective: Any) -> None:
    """Check that an objective, which may be a plug-in, is one that can be trained with and read."""
    name = parse_spec(spec, "objective")[0]
    if not isinstance(objective, Objective):
        raise TypeError(f"the objective {name!r} must be an Objective, not {type(objective).__name__}")
    planes = getattr(objective, "planes", None)
    if not isinstance(planes, int) or planes < 1:
        raise ValueError(f"the objective {name!r} must say in `planes` how many a network predicts, not {planes!r}")
    ab: Any = objective.read(torch.zeros(1, planes, 4, 4))
    if not isinstance(ab, Tensor) or ab.shape != (1, 2, 4, 4):
        shape = tuple(ab.shape) if isinstance(ab, Tensor) else type(ab).__name__
        raise ValueError(f"`read` of the objective {name!r} must give ab (N, 2, h, w), not {shape}")
