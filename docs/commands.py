"""The options of the shell's commands, as a page."""

from pathlib import Path

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from colorfuse.cli.main import app


def write_commands(file: Path) -> None:
    """Write what `colorfuse COMMAND --help` says of each command, in Markdown."""
    command = get_command(app)
    context = typer.Context(command, info_name="colorfuse")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(get_docs_for_click(obj=command, ctx=context, name="colorfuse"), "utf-8")
