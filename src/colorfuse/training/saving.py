"""Saving a training run to checkpoints, and restoring it."""

import time
from dataclasses import asdict
from typing import Any

from colorfuse.errors import WeightsError, first_line
from colorfuse.training.checkpoint import Checkpoints, load_optimizer_state, optimizer_state
from colorfuse.training.progress import Progress
from colorfuse.training.training import Training


class CheckpointSaver:
    """Saves a training run to checkpoints, and restores it.

    Args:
        training: The training run.
        checkpoints: Where to save; None saves nothing.
        minutes: Minutes after the last checkpoint until the next one is due.
        about: The colorizer's settings, which are stored in each checkpoint.
    """

    def __init__(
        self, training: Training, checkpoints: Checkpoints | None, minutes: float, about: dict[str, Any]
    ) -> None:
        self.training = training
        self.checkpoints = checkpoints
        self.minutes = minutes
        self.about = about
        self._saved_at = time.monotonic()

    def save(self) -> None:
        """Write a checkpoint, from the main process only."""
        if self.checkpoints is None or not self.training.accelerator.is_main_process:
            return
        training = self.training
        tensors = {"learner": training.learner.state_dict(), "optimizer": optimizer_state(training.optimizer)}
        if training.average:
            tensors["average"] = training.network.state_dict()
        state: dict[str, Any] = {
            "about": self.about,
            "photos": training.loader.count,
            "progress": asdict(training.progress),
        }
        if training.accelerator.scaler is not None:
            state["scaler"] = training.accelerator.scaler.state_dict()
        self.checkpoints.save(tensors, state)
        self._saved_at = time.monotonic()

    def save_when_due(self) -> None:
        """Write a checkpoint if the last one is at least `minutes` old."""
        if time.monotonic() - self._saved_at >= 60 * self.minutes:
            self.save()

    def load(self) -> bool:
        """Restore the training from its last checkpoint; return False if there is none.

        Raises:
            ValueError: The checkpoint was made with another number of photos, or has more epochs than the settings.
            WeightsError: All checkpoints are damaged, or the checkpoint belongs to another network.
        """
        state = self.checkpoints.state() if self.checkpoints else None
        if self.checkpoints is None or state is None:
            return False
        training, progress = self.training, Progress(**state["progress"])
        if state["photos"] != training.loader.count:
            raise ValueError(
                f"{self.checkpoints} were made with {state['photos']} photos to train on, not with "
                f"{training.loader.count}; resume with the photos of their run, and as many held out"
            )
        done, epochs = len(progress.history) + bool(progress.batches), training.settings.epochs
        if done > epochs:
            raise ValueError(f"{self.checkpoints} are of {done} epochs, more than epochs={epochs}")
        tensors = self.checkpoints.tensors()
        try:
            training.learner.load_state_dict(tensors["learner"])
            load_optimizer_state(training.optimizer, tensors["optimizer"])
            if training.average:
                training.network.load_state_dict(tensors["average"])
            if training.accelerator.scaler is not None and "scaler" in state:
                training.accelerator.scaler.load_state_dict(state["scaler"])
        except (KeyError, ValueError, RuntimeError) as error:
            raise WeightsError(f"{self.checkpoints} cannot be used: {first_line(error)}") from error
        training.progress = progress
        return True
