"""The shell command `colorfuse`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from colorfuse.colorizer import FusionColorizer
from colorfuse.data.photos import find_photos
from colorfuse.errors import PhotoError, TrainingError
from colorfuse.images import write_photo

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def colorize(
    photos: Annotated[Path, typer.Argument(help="A photo, or a folder of photos.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder, or a file for one photo.")],
    model: Annotated[
        Path | None, typer.Option(help="A saved colorizer; without it, the weights inside the package.")
    ] = None,
) -> None:
    """Colour a photo, or all photos of a folder."""
    paths = find_photos(photos)
    colorizer = FusionColorizer.load(model) if model else FusionColorizer.from_pretrained()
    if photos.is_file() and output.suffix and not output.is_dir():
        write_photo(output, colorizer.predict(photos))
        return
    root = photos if photos.is_dir() else photos.parent
    failed = 0
    for path in tqdm(paths, unit="photo", disable=None):
        try:
            write_photo(output / path.relative_to(root), colorizer.predict(path))
        except PhotoError as error:
            if photos.is_file():
                raise
            failed += 1
            tqdm.write(f"colorfuse: {error}", file=sys.stderr)
    if failed:
        tqdm.write(f"colorfuse: {failed} of {len(paths)} photos could not be read", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def train(
    photos: Annotated[Path, typer.Argument(help="A folder of colour photos.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run's folder.")],
    recipe: Annotated[str, typer.Option(help="Name of a recipe.")] = "mobile",
    epochs: Annotated[int | None, typer.Option(help="How often each photo is seen.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Side of the training squares in pixels.")] = None,
    no_pretrained: Annotated[bool, typer.Option("--no-pretrained", help="Start from random weights.")] = False,
    validation: Annotated[float, typer.Option(help="Share of the photos held out to validate on.")] = 0.1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's checkpoint.")] = False,
) -> None:
    """Train a colorizer on colour photos."""
    changes = {"epochs": epochs, "image_size": image_size, "pretrained": False if no_pretrained else None}
    colorizer = FusionColorizer.from_recipe(
        recipe, **{name: value for name, value in changes.items() if value is not None}
    )
    colorizer.fit(str(photos), validation or None, run=output, resume=resume)
    typer.echo(f"saved in {output}")


def main() -> None:
    """Run the command; what the user can mend is one line and exit status 2."""
    try:
        app()
    except (ValueError, OSError, TrainingError) as error:
        typer.echo(f"colorfuse: {error}", err=True)
        sys.exit(2)
