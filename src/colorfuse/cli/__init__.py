"""The command line `colorfuse`, with one module per subcommand."""

from colorfuse.cli.main import main

__all__ = ["main"]
