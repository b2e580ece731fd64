"""The command line `colorfuse`, with one module per subcommand."""

import gc

# What is imported makes a million objects that stay; to look for garbage among them again and again takes a second.
gc.set_threshold(200_000, 20, 20)

from colorfuse.cli.main import main  # noqa: E402

__all__ = ["main"]
