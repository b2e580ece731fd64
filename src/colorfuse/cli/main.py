"""Entry point of the command line, and its error messages."""

import contextlib
import gc
import os
import sys
import warnings
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from colorfuse.cli.backbones import backbones
from colorfuse.cli.colorize import colorize
from colorfuse.cli.evaluate import evaluate
from colorfuse.cli.studio import studio
from colorfuse.cli.train import train
from colorfuse.errors import TrainingError, message_of

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
for command in (colorize, studio, train, evaluate, backbones):
    app.command()(command)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"colorfuse {metadata.version('colorfuse')}")
        raise typer.Exit


@app.callback()
def colorfuse(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Colour gray photographs."""


def _silence_libraries() -> None:
    """Hide what C libraries print about damaged files; colorfuse reports these itself."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # there may be no stderr
        ours = os.dup(sys.stderr.fileno())
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stderr.fileno())
        sys.stderr = os.fdopen(ours, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")


def main() -> None:
    """Run the command; an error that the user can fix is reported in one line, with exit status 2."""
    warnings.formatwarning = lambda message, *_, **__: f"colorfuse: {message}\n"
    _silence_libraries()
    try:
        app()
    except (ValueError, OSError, ImportError, MemoryError, TrainingError) as error:
        typer.echo(f"colorfuse: {message_of(error)}", err=True)
        sys.exit(2)
    finally:
        gc.freeze()  # or Python would search all objects for garbage before it ends, which takes most of a second
