"""The shell command `colorfuse`, a file for each of its commands."""

from colorfuse.cli.main import main

__all__ = ["main"]
