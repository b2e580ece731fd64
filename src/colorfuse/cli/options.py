"""Options shared by several commands."""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from colorfuse.colorizers import Colorizer, LearntColorizer, create_colorizer
from colorfuse.colorizers.network import NetworkColorizer

ModelOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help="A saved colorizer, or its name on the hub; or interactive, for the one inside the package that takes "
        "hints; by default mobile, the other one inside. If given several times, their predictions are averaged.",
    ),
]
MethodOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--method",
        help="The colorizer: fusion; levin2004, qu2006 or sykora2009, with --hints; welsh2002, irony2005 or "
        "charpiat2008, with --reference; or a plug-in's.",
    ),
]
SaturationOption: TypeAlias = Annotated[
    float, typer.Option("--saturation", help="0 keeps gray, 1 is as predicted, more is stronger.")
]
DeviceOption: TypeAlias = Annotated[
    str, typer.Option("--device", help="auto for the GPU if there is one; or cpu, cuda, mps.")
]


def create(method: str, models: Sequence[str] | None, device: str) -> Colorizer:
    """Create the colorizer that the options name.

    Raises:
        ValueError: The method or the device is unknown, a method has no saved model, or models cannot be averaged.
    """
    if method != "fusion":
        if models:
            raise ValueError(f"give --model {models[0]} or --method {method}, not both")
        return create_colorizer(method, device=device)
    first, *others = (LearntColorizer.from_pretrained(model, device=device) for model in models or (None,))
    for count, other in enumerate(others, 2):
        if not isinstance(first, NetworkColorizer) or not isinstance(other, NetworkColorizer):
            raise ValueError(f"of --model {', '.join(models or ())}, one has no network to average; give each alone")
        first = first.averaged_with(other, share=1 / count)
    return first
