"""Training: the loop, the checkpoints it resumes from, and the run folder."""

from colorfuse.training.fitting import fit_colorizer
from colorfuse.training.history import History, best_epoch
from colorfuse.training.runs import run_settings
from colorfuse.training.settings import Settings

__all__ = ["History", "Settings", "best_epoch", "fit_colorizer", "run_settings"]
