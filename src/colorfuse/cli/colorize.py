"""`colorfuse colorize`."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image
from tqdm import tqdm

from colorfuse.cli.options import DeviceOption, MethodOption, ModelOption, SaturationOption, create
from colorfuse.files import remove_partial
from colorfuse.images import SUFFIXES, Photo, Pixels, read_photo, write_photo
from colorfuse.inference.files import Task, can_write, colorize_files, list_tasks, not_itself
from colorfuse.inference.upsampling import UPSAMPLINGS


def colorize(
    photos: Annotated[list[Path], typer.Argument(help="Photos, and folders of photos.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder, or a file for one photo.")],
    model: ModelOption = None,
    method: MethodOption = "fusion",
    saturation: SaturationOption = 1.0,
    upsample: Annotated[
        str | None, typer.Option(help=f"One of {', '.join(UPSAMPLINGS)}; by default the colorizer's own.")
    ] = None,
    render_size: Annotated[
        int | None,
        typer.Option(help="Work on this number squared pixels; by default the colorizer's own."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Colour photos again whose outputs are in the folder.")
    ] = False,
    device: DeviceOption = "auto",
) -> None:
    """Colour photos, each with its size, bit depth, alpha, EXIF and resolution.

    Photos whose outputs are in the folder already are passed over, so that what was interrupted goes on.
    Processes that torchrun starts share the work.
    """
    options: dict[str, Any] = {"saturation": saturation, "upsample": upsample, "render_size": render_size}
    if len(photos) == 1 and photos[0].is_file():
        photo = read_photo(photos[0])
        target = output if _is_file_name(output) else output / photos[0].name
        target = not_itself(photos[0], target if can_write(target) else target.with_name(f"{target.name}.png"))
        write_photo(target, create(method, model, device).predict(photo, **options), like=photo)
        return
    rank, processes = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    tasks = list_tasks(photos, output)[rank::processes]
    to_do = [task for task in tasks if overwrite or not task.target.exists()]
    if len(to_do) < len(tasks):
        typer.echo(f"colorfuse: {len(tasks) - len(to_do)} of {len(tasks)} are there already", err=True)
    if processes == 1:  # of several, others may be writing
        folders = {task.target.parent for task in to_do if task.target.parent.is_dir()}
        remove_partial(path for folder in folders for path in folder.iterdir())
    if not to_do:
        return
    predict = partial(create(method, model, device).predict, **options)
    if failed := _colorize_files(predict, to_do, silent=rank > 0):
        typer.echo(f"colorfuse: {len(failed)} of {len(to_do)} photos could not be coloured:", err=True)
        for error in failed:
            typer.echo(f"colorfuse: {error}", err=True)
        raise typer.Exit(1)


def _colorize_files(predict: Callable[[Photo], Pixels], tasks: list[Task], silent: bool) -> list[str]:
    """Colour files, with a bar that shows how fast unless silent, and return why some could not be."""
    failed, pixels, start = [], 0, time.perf_counter()
    with tqdm(total=len(tasks), unit="photo", disable=silent or None) as bar:
        for result in colorize_files(predict, tasks):
            pixels += result.pixels
            bar.set_postfix_str(f"{pixels / 1e6 / (time.perf_counter() - start):.1f} MP/s", refresh=False)
            bar.update()
            if result.error:
                failed.append(result.error)
    return failed


def _is_file_name(output: Path) -> bool:
    """Whether a single photo is to be written there, and not below it."""
    suffix = output.suffix.lower()
    if output.is_dir() or suffix not in Image.registered_extensions():
        return False
    if suffix not in SUFFIXES:
        raise ValueError(f"{output} cannot be written; use one of {', '.join(SUFFIXES)}")
    return True
