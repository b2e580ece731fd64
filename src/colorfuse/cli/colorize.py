"""`colorfuse colorize`."""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from tqdm import tqdm

from colorfuse.cli.film import colorize_film, is_film
from colorfuse.cli.options import DeviceOption, MethodOption, ModelOption, SaturationOption, create
from colorfuse.cli.processes import find_rank, run_workers, wait_for_all
from colorfuse.colorizers import Colorizer
from colorfuse.colorizers.network import NetworkColorizer
from colorfuse.files import check_folder, remove_partial, write_errors
from colorfuse.hints import match_hints
from colorfuse.images import SUFFIXES, Photo, read_photo, write_photo
from colorfuse.images.finding import image_suffixes
from colorfuse.inference.files import Result, Task, can_write, colorize_files, is_there, list_tasks, not_itself
from colorfuse.inference.upsampling import UPSAMPLINGS

_BATCH = 4
"""Photos that a network colours together; it takes half as long for each."""


def colorize(
    photos: Annotated[list[Path], typer.Argument(help="Photos, and folders of photos; or a film.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A folder, or a file for one photo or film.")],
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
    workers: Annotated[
        int, typer.Option(min=1, help="Processes to share several photos; as many as cores are best for small ones.")
    ] = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Of several photos, colour those again whose outputs are there.")
    ] = False,
    hints: Annotated[
        Path | None,
        typer.Option(
            help="Colours for places: a transparent layer or a .json file; for several photos, a folder; for a film, "
            "a .json file with hints, or files of them, by times."
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            help="A colour photo to take colours from, or a folder of them; for a film also a .json file by times."
        ),
    ] = None,
    device: DeviceOption = "auto",
    page: Annotated[
        int | None, typer.Option(help="Of files with several pages or frames, the one to colour, from 0 on.")
    ] = None,
    max_pixels: Annotated[
        int | None, typer.Option(help="Refuse files with more pixels; by default memory alone decides.")
    ] = None,
    steadiness: Annotated[
        float | None,
        typer.Option(help="Of a film: 0 colours each frame by itself, 0.9 (the default) carries colours on."),
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Of a film: FFmpeg's name of the video encoder; by default libx264.")
    ] = None,
    encoder_option: Annotated[
        list[str] | None, typer.Option(help="Of a film: an option of the encoder, as in crf=20; may be repeated.")
    ] = None,
) -> None:
    """Colour photos, and keep their size, bit depth, alpha, EXIF and resolution; or a film, with its sound.

    Of a folder or several photos, those whose outputs exist already are skipped, so the same command resumes an
    interrupted run.
    Processes started by --workers or torchrun share the work.
    """
    options: dict[str, Any] = {"saturation": saturation, "upsample": upsample, "render_size": render_size}
    read = partial(read_photo, page=page, max_pixels=max_pixels)
    _check_output(photos, output)
    for path in photos:
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist")
    of_film = {"steadiness": steadiness, "encoder": encoder}
    given = {name: value for name, value in of_film.items() if value is not None}
    if films := [path for path in photos if is_film(path)]:
        if len(photos) > 1:
            raise ValueError(f"{films[0]} is a film; films are coloured one by one")
        of_photos = {"page": page, "max-pixels": max_pixels, "overwrite": overwrite or None}
        if unfit := [name for name, value in of_photos.items() if value is not None]:
            raise ValueError(f"--{unfit[0]} is for photos; {films[0]} is a film")
        colorizer = create(method, model, device)
        options |= {"hints": hints, "reference": reference} | given
        colorize_film(colorizer, films[0], output, encoder_option or [], **options)
        return
    if given or encoder_option:
        raise ValueError(f"--{next(iter(given), 'encoder-option')} is for films; {photos[0]} is none")
    if len(photos) == 1 and photos[0].is_file():
        photo = read(photos[0])
        target = output if _is_file_name(output) else output / photos[0].name
        target = not_itself(photos[0], target if can_write(target) else target.with_name(f"{target.name}.png"))
        check_folder(target.parent)
        if hints and hints.is_dir():
            hints = match_hints([(photos[0], Path(photos[0].name))], hints)[0][1]
        colorizer = _colorizer(method, model, device, reference, render_size)
        colored = colorizer.predict(photo, hints=hints, **options)
        with write_errors(target.parent, "make room"):
            write_photo(target, colored, like=photo)
        return
    if hints and not hints.is_dir():
        raise ValueError(
            f"--hints {hints} is no folder; hints for several photos are a folder of files named like them"
        )
    if workers > 1 and find_rank() == (0, 1):
        raise typer.Exit(run_workers(workers))
    create_it = partial(_colorizer, method, model, device, reference, render_size)
    tasks = list_tasks(photos, output, hints)
    try:
        failed = _color_all(tasks, output, create_it, hints, read=read, overwrite=overwrite, **options)
    except KeyboardInterrupt:
        typer.echo("colorfuse: stopped; the same command goes on", err=True)
        raise
    wait_for_all()
    if failed:
        raise typer.Exit(1)


def _check_output(photos: Sequence[Path], output: Path) -> None:
    """Check that an output is not named like something else than what is made.

    Raises:
        ValueError: It is a photo for several photos or for a film, or a film for a photo.
    """
    is_photo = output.suffix.lower() in SUFFIXES and not output.is_dir()
    if len(photos) > 1 or photos[0].is_dir():
        if output.is_file() or is_photo:
            raise ValueError(f"{output} is no folder; give one for several photos")
    elif is_photo if is_film(photos[0]) else is_film(output):
        raise ValueError(f"{photos[0]} cannot be written as {output}; a film makes a film, and a photo a photo")


def _color_all(
    tasks: Sequence[Task],
    output: Path,
    create_it: Callable[[], Colorizer],
    hints: Path | None,
    read: Callable[[Path], Photo],
    overwrite: bool,
    **options: Any,
) -> list[str]:
    """Colour this process's share of the photos, tell of it, and return the errors."""
    rank, processes = find_rank()
    tasks = tasks[rank::processes]
    to_do = [task for task in tasks if overwrite or not is_there(task.target)]
    if len(to_do) < len(tasks):
        typer.echo(f"colorfuse: {len(tasks) - len(to_do)} of {len(tasks)} are there already", err=True)
    if not to_do:
        return []
    colorizer = create_it()
    colorizer.check_takes(hints)
    if isinstance(colorizer, NetworkColorizer):
        predictor = colorizer.optimized(torch.float32).predictor(**options).with_batches(_BATCH)
    else:
        predictor = colorizer.predictor(**options)
    check_folder(output)
    folders = {task.target.parent for task in to_do if task.target.parent.is_dir()}
    remove_partial(path for folder in folders for path in folder.iterdir())
    results = colorize_files(predictor.outcomes, to_do, overwrite=overwrite, read=read)
    failed, by_another = _count(results, len(to_do), silent=rank > 0)
    if by_another:
        typer.echo(f"colorfuse: {by_another} of {len(to_do)} are coloured by another process", err=True)
    if failed:
        typer.echo(f"colorfuse: {len(failed)} of {len(to_do)} photos could not be coloured:", err=True)
        for error in failed:
            typer.echo(f"colorfuse: {error}", err=True)
    return failed


def _colorizer(
    method: str, model: Sequence[str] | None, device: str, reference: Path | None, render_size: int | None
) -> Colorizer:
    colorizer = create(method, model, device)
    return colorizer.with_reference(reference, render_size=render_size) if reference else colorizer


def _count(results: Iterable[Result], total: int, silent: bool) -> tuple[list[str], int]:
    """Collect the errors and count the photos left to other processes, with a progress bar unless silent."""
    failed, by_another, pixels, start = [], 0, 0, time.perf_counter()
    with tqdm(total=total, unit="photo", disable=silent or None) as bar:
        for result in results:
            pixels += result.pixels
            by_another += result.by_another
            bar.set_postfix_str(f"{pixels / 1e6 / (time.perf_counter() - start):.1f} MP/s", refresh=False)
            bar.update()
            if result.error:
                failed.append(result.error)
    return failed, by_another


def _is_file_name(output: Path) -> bool:
    """Whether the output of a single photo names a file, rather than a folder."""
    suffix = output.suffix.lower()
    if output.is_dir() or suffix not in image_suffixes():
        return False
    if suffix not in SUFFIXES:
        raise ValueError(f"{output} cannot be written; use one of {', '.join(SUFFIXES)}")
    return True
