"""Options shared by several commands."""

from typing import Annotated, TypeAlias

import typer

from colorfuse.colorizers import Colorizer, LearntColorizer, create_colorizer

ModelOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="A saved colorizer, or its name on the hub; or interactive, for the one inside the package that takes "
        "hints; by default mobile, the other one inside.",
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


def create(method: str, model: str | None, device: str) -> Colorizer:
    """Create the colorizer that the options name.

    Raises:
        ValueError: The method or the device is unknown, or a method has no saved model.
    """
    if method == "fusion":
        return LearntColorizer.from_pretrained(model, device=device)
    if model is not None:
        raise ValueError(f"give --model {model} or --method {method}, not both")
    return create_colorizer(method, device=device)
