"""`colorfuse colorize` of a film."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from tqdm import tqdm

from colorfuse.colorizers import Colorizer
from colorfuse.colorizers.network import NetworkColorizer
from colorfuse.images.finding import FILM_SUFFIXES
from colorfuse.video.joining import FORMATS

if TYPE_CHECKING:
    from colorfuse.video.options import Progress


def is_film(path: Path) -> bool:
    """Whether a path names a film, rather than a photo or a folder of photos."""
    return path.suffix.lower() in FILM_SUFFIXES and not path.is_dir()


def colorize_film(
    colorizer: Colorizer, film: Path, output: Path, encoder_options: Sequence[str], **options: Any
) -> None:
    """Colour a film, with a progress bar in frames and in times of playing.

    Args:
        colorizer: The colorizer.
        film: The film.
        output: The film to write, or a folder for it.
        encoder_options: `name=value`.
        options: Others of `Colorizer.predict_video`.

    Raises:
        ValueError: An option of the encoder has no value.
        Exit: It was interrupted.
    """
    if isinstance(colorizer, NetworkColorizer):
        colorizer = colorizer.optimized()
    written = film.suffix if film.suffix.lower() in FORMATS else ".mkv"
    target = output if is_film(output) else output / f"{film.stem}{written}"
    if wrong := [each for each in encoder_options if "=" not in each]:
        raise ValueError(f"--encoder-option {wrong[0]} must be name=value, as in crf=20")
    pairs = dict(each.split("=", 1) for each in encoder_options)
    with _Bar() as bar:
        try:
            report = colorizer.predict_video(
                film, target, encoder_options=pairs or None, progress=bar.show, **options
            )
        except KeyboardInterrupt:
            typer.echo(f"colorfuse: stopped; the same command goes on with what is in {target}.segments", err=True)
            raise typer.Exit(130) from None
    if report.damaged:
        typer.echo(
            f"colorfuse: {report.damaged} damaged frames of {film} were concealed, or left out where nothing of them "
            "was left",
            err=True,
        )


class _Bar:
    """A progress bar for each stage."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._stage = ""
        self._first, self._start = 0, 0.0

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, progress: "Progress") -> None:
        """Show how far the film is."""
        if progress.stage != self._stage or self._bar is None:
            self.__exit__()
            self._stage = progress.stage
            self._first, self._start = progress.frames, time.perf_counter()
            self._bar = tqdm(desc=progress.stage, unit="frame", initial=progress.frames, disable=None)
        self._bar.total = progress.total
        seconds = time.perf_counter() - self._start
        if seconds > 0 and progress.stage == "colours":
            speed = (progress.frames - self._first) / progress.rate / seconds
            self._bar.set_postfix_str(f"{speed:.2f} x playing", refresh=False)
        self._bar.update(progress.frames - self._bar.n)
