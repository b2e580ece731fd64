"""`colorfuse backbones`."""

from typing import Annotated

import typer

from colorfuse.backbones import list_backbones


def backbones(
    pattern: Annotated[str, typer.Argument(help='Such as "mobilenet*", in quotes for the shell.')] = "*",
) -> None:
    """List the names of backbones from timm, torchvision and installed plug-ins."""
    names = list_backbones(pattern)
    if not names:
        raise ValueError(f"no backbone's name matches {pattern!r}")
    typer.echo("\n".join(names))
