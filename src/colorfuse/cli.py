"""The shell command `colorfuse`."""

import logging
import os
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image
from torch import distributed
from tqdm import tqdm

from colorfuse.backbones import list_backbones
from colorfuse.colorizer import FusionColorizer
from colorfuse.errors import TrainingError
from colorfuse.evaluation import evaluate as judge
from colorfuse.evaluation.figures import DEFAULT
from colorfuse.evaluation.protocols import PROTOCOLS
from colorfuse.files import remove_partial
from colorfuse.folders import Task, can_write, colorize_files, not_itself, tasks_below
from colorfuse.images import SUFFIXES, Photo, Pixels, read_photo, write_photo
from colorfuse.runs import run_settings
from colorfuse.upsampling import UPSAMPLINGS

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def colorize(
    photos: Annotated[Path, typer.Argument(help="A photo, or a folder of photos.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder, or a file for one photo.")],
    model: Annotated[
        str | None, typer.Option(help="A saved colorizer, or one's name on the hub; by default that of the package.")
    ] = None,
    saturation: Annotated[float, typer.Option(help="0 keeps gray, 1 is as predicted, more is stronger.")] = 1.0,
    upsample: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(UPSAMPLINGS)}; by default the colorizer's own.")
    ] = None,
    render_size: Annotated[
        int | None, typer.Option(help="The network sees this number squared pixels of a photo; by default its own.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Colour photos of a folder again whose outputs are there.")
    ] = False,
) -> None:
    """Colour a photo, or all photos of a folder, each with its size, bit depth, alpha, EXIF and resolution.

    Photos of a folder whose outputs are there already are passed over, so that what was interrupted goes on.
    Processes that torchrun starts share them.
    """
    options: dict[str, Any] = {"saturation": saturation, "upsample": upsample, "render_size": render_size}
    if photos.is_file():
        photo = read_photo(photos)
        target = output if _is_file_name(output) else output / photos.name
        target = not_itself(photos, target if can_write(target) else target.with_name(f"{target.name}.png"))
        write_photo(target, FusionColorizer.from_pretrained(model).predict(photo, **options), like=photo)
        return
    rank, processes = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    tasks = tasks_below(photos, output)[rank::processes]
    to_do = [task for task in tasks if overwrite or not task.target.exists()]
    if len(to_do) < len(tasks):
        typer.echo(f"colorfuse: {len(tasks) - len(to_do)} of {len(tasks)} are there already", err=True)
    if processes == 1:  # of several, others may be writing
        folders = {task.target.parent for task in to_do if task.target.parent.is_dir()}
        remove_partial(path for folder in folders for path in folder.iterdir())
    if not to_do:
        return
    paint = partial(FusionColorizer.from_pretrained(model).predict, **options)
    if failed := _colorize_files(paint, to_do, silent=rank > 0):
        typer.echo(f"colorfuse: {len(failed)} of {len(to_do)} photos could not be coloured:", err=True)
        for error in failed:
            typer.echo(f"colorfuse: {error}", err=True)
        raise typer.Exit(1)


def _colorize_files(paint: Callable[[Photo], Pixels], tasks: list[Task], silent: bool) -> list[str]:
    """Colour files, with a bar that shows how fast unless silent, and tell why some could not be."""
    failed, pixels, start = [], 0, time.perf_counter()
    with tqdm(total=len(tasks), unit="photo", disable=silent or None) as bar:
        for colored in colorize_files(paint, tasks):
            pixels += colored.pixels
            bar.set_postfix_str(f"{pixels / 1e6 / (time.perf_counter() - start):.1f} MP/s", refresh=False)
            bar.update()
            if colored.error:
                failed.append(colored.error)
    return failed


def _is_file_name(output: Path) -> bool:
    """Whether a single photo is to be written there, and not below it."""
    suffix = output.suffix.lower()
    if output.is_dir() or suffix not in Image.registered_extensions():
        return False
    if suffix not in SUFFIXES:
        raise ValueError(f"{output} cannot be written; use one of {', '.join(SUFFIXES)}")
    return True


@app.command()
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
) -> None:
    """Train a colorizer on colour photos."""
    fine_tune = fine_tune or model is not None
    if recipe and fine_tune:
        raise ValueError(f"give --recipe {recipe}, or weights to start from, which have a recipe of their own")
    given = {
        "epochs": epochs,
        "image_size": image_size,
        "learning_rate": learning_rate,
        "pretrained": False if no_pretrained else None,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    settings = run_settings(output) if resume and not recipe else None
    if settings is not None:
        colorizer = FusionColorizer().set_params(**settings | changes)
    elif fine_tune:
        colorizer = FusionColorizer.from_pretrained(model).set_params(**changes)
    else:
        colorizer = FusionColorizer.from_recipe(recipe or "mobile", **changes)
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


@app.command()
def evaluate(
    photos: Annotated[Path, typer.Argument(help="A folder of colour photos.")],
    model: Annotated[
        str | None, typer.Option(help="A saved colorizer, or one's name on the hub; by default that of the package.")
    ] = None,
    outputs: Annotated[
        Path | None, typer.Option(help="Judge these files instead, each called like its photo and as large.")
    ] = None,
    protocol: Annotated[str, typer.Option(help=f"One of {', '.join(PROTOCOLS)}.")] = "center256",
    saturation: Annotated[float, typer.Option(help="0 keeps gray, 1 is as predicted, more is stronger.")] = 1.0,
    constant: Annotated[
        tuple[float, float] | None,
        typer.Option(help="a and b of the constant colour; by default the mean of the photos learnt from."),
    ] = None,
    figure: Annotated[
        list[str] | None,
        typer.Option(help="Only this figure, such as psnr, lpips or fid; may be given several times."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a web page, such as out.html.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the figures of each photo.")] = None,
) -> None:
    """Judge colours on photos whose true colours are known, beside gray and one constant colour."""
    if model and outputs:
        raise ValueError(f"give --model {model} or --outputs {outputs}, not both")
    judged = outputs or FusionColorizer.from_pretrained(model)
    result = judge(judged, photos, protocol, saturation=saturation, constant=constant, figures=figure or DEFAULT)
    # Of several processes that torchrun started, all have the result.
    if distributed.is_initialized() and distributed.get_rank():
        return
    typer.echo(result)
    if result.left_out:
        typer.echo(f"colorfuse: {result.reasons()}", err=True)
    if csv:
        result.to_csv(csv)
    if report:
        result.report(report)


@app.command()
def backbones(
    pattern: Annotated[str, typer.Argument(help='Such as "mobilenet*", in quotes for the shell.')] = "*",
) -> None:
    """List the names of backbones, those of timm, torchvision and installed plug-ins."""
    names = list_backbones(pattern)
    if not names:
        raise ValueError(f"no backbone's name matches {pattern!r}")
    typer.echo("\n".join(names))


def main() -> None:
    """Run the command; what the user can mend is one line and exit status 2."""
    warnings.formatwarning = lambda message, *_, **__: f"colorfuse: {message}\n"
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # which logs what it raises
    try:
        app()
    except (ValueError, OSError, ImportError, MemoryError, TrainingError) as error:
        typer.echo(f"colorfuse: {error}", err=True)
        sys.exit(2)
