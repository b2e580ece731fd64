"""`colorfuse studio`."""

from pathlib import Path
from typing import Annotated

import typer

from colorfuse.cli.options import DeviceOption


def studio(
    source: Annotated[
        Path | None, typer.Argument(metavar="[PHOTO_OR_FOLDER]", help="What to begin with.", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Of 127.0.0.1; by default 8742, or the next that is free.")
    ] = None,
    model: Annotated[str, typer.Option(help="A saved colorizer that takes hints, or its name.")] = "interactive",
    device: DeviceOption = "auto",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
) -> None:
    """Colour photos on a local web page: click a place, choose a colour, see the photo."""
    try:
        from colorfuse.studio.server import serve
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise ImportError(f"the studio needs {error.name}: pip install 'colorfuse[studio]'") from error
    serve(source, port=port, model=model, device=device, browser=browser)
