"""`colorfuse train`."""

from pathlib import Path
from typing import Annotated

import typer

from colorfuse.cli.options import DeviceOption
from colorfuse.colorizers import FusionColorizer
from colorfuse.training import run_settings


def train(
    photos: Annotated[Path, typer.Argument(help="A folder of colour photos.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder.")],
    recipe: Annotated[str | None, typer.Option(help="A recipe; by default that of the run, or mobile.")] = None,
    epochs: Annotated[int | None, typer.Option(help="How often the photos are gone through.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Side of the training squares in pixels.")] = None,
    no_pretrained: Annotated[bool, typer.Option("--no-pretrained", help="Start from random weights.")] = False,
    validation: Annotated[float, typer.Option(help="Share of the photos held out to validate on; 0 for none.")] = 0.1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run, or begin it.")] = False,
    fine_tune: Annotated[
        bool, typer.Option("--fine-tune", help="Start from the weights inside the package, or from those of --model.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="A saved colorizer to start from, or one's name.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The peak rate.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Photos a step; small ones suit few photos. By default the recipe's.")
    ] = None,
    start_size: Annotated[
        int | None, typer.Option(help="Side of the squares in the first epoch; by default the recipe's.")
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Train a colorizer on colour photos."""
    fine_tune = fine_tune or model is not None
    if recipe and fine_tune:
        raise ValueError(f"give --recipe {recipe}, or weights to start from, which have a recipe of their own")
    given = {
        "epochs": epochs,
        "image_size": image_size,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "start_size": start_size,
        "pretrained": False if no_pretrained else None,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    settings = run_settings(output) if resume and not recipe else None
    if settings is not None:
        colorizer = FusionColorizer().set_params(**settings | changes).to(device)
    elif fine_tune:
        colorizer = FusionColorizer.from_pretrained(model, device=device).set_params(**changes)
    else:
        colorizer = FusionColorizer.from_recipe(recipe or "mobile", **changes).to(device)
    if start_size is None and colorizer.start_size and colorizer.start_size > colorizer.image_size:
        colorizer.set_params(start_size=None)  # the recipe's or weights' value was for larger images
    try:
        colorizer.fit(
            photos,
            validation or None,
            warm_start=fine_tune and settings is None,
            run=None if resume else output,
            resume=output if resume else None,
        )
    except KeyboardInterrupt:
        typer.echo(f"colorfuse: stopped; --resume goes on from the last checkpoint in {output}", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"saved in {output}")
