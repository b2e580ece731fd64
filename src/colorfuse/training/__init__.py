"""The training loop, and the checkpoints from which it goes on."""

from colorfuse.training.loop import train

__all__ = ["train"]
