"""The training loop, and the checkpoints from which it goes on."""

from colorfuse.training.checkpoint import Checkpoints
from colorfuse.training.history import History, best_epoch
from colorfuse.training.loop import train
from colorfuse.training.settings import Settings
from colorfuse.training.tracking import tracked

__all__ = ["Checkpoints", "History", "Settings", "best_epoch", "tracked", "train"]
