"""Run folders: the saved colorizer, the best one so far, and the training checkpoints."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.data import Dataset

from colorfuse.data.loading import Loader
from colorfuse.files import Claim, remove_partial, write_errors
from colorfuse.images import write_photo
from colorfuse.persistence.folder import is_saved, read_tensors
from colorfuse.training.checkpoint import Checkpoints
from colorfuse.training.contact_sheet import contact_sheet
from colorfuse.training.history import best_epoch
from colorfuse.training.trainable import Trainable

_BEST = "best"
"""The sub-folder of a run for the colorizer of the best epoch."""

_PHOTOS_ON_A_SHEET = 4

_MAY_CHANGE = ("clip_norm", "epochs", "learning_rate", "patience", "pretrained", "upsample")
"""Settings that may change on resuming: the weights still fit, and a change may fix a failed run."""


def run_settings(run: Path) -> dict[str, Any] | None:
    """The settings stored in a run's last checkpoint; None if it has no checkpoint.

    Raises:
        WeightsError: All checkpoints are damaged.
    """
    state = Checkpoints(run).state()
    return state and dict(state["about"])


def _begin(run: Path) -> Checkpoints:
    """The checkpoints of a new run in a folder.

    Raises:
        ValueError: The folder already holds a run or a saved colorizer.
    """
    checkpoints = Checkpoints(run)
    if is_saved(run) or checkpoints.exist():
        raise ValueError(f"{run} holds a run already; resume it, or choose another folder")
    return checkpoints


def _resume(run: Path, settings: dict[str, Any]) -> Checkpoints:
    """The checkpoints of a run to resume, of which there may be none yet.

    Raises:
        ValueError: The run has other settings, or the folder holds a colorizer without checkpoints.
        WeightsError: All checkpoints are damaged.
    """
    checkpoints = Checkpoints(run)
    state = checkpoints.state()
    if state is None:
        if is_saved(run):
            raise ValueError(f"{run} holds a colorizer and no checkpoint to go on from; choose another folder")
        return checkpoints
    saved, now = state["about"], json.loads(json.dumps(settings))
    # A setting that the run lacks was added by a later version, and had no effect before.
    changed = [name for name in now if name not in _MAY_CHANGE and saved.get(name, now[name]) != now[name]]
    if changed:
        listed = ", ".join(f"{name}={saved[name]!r}, not {now[name]!r}" for name in changed)
        raise ValueError(f"the run in {run} has {listed}; resume it with its own settings")
    return checkpoints


@contextlib.contextmanager
def opened_run(
    run: str | Path | None, resume: str | Path | None, settings: dict[str, Any], *, writes: bool
) -> Iterator[Checkpoints | None]:
    """A block with the checkpoints of a new run in `run`, or of the one to resume in `resume`; None for neither.

    If this process `writes` to the folder, no other one can train in it during the block.

    Raises:
        ValueError: Both are given, or the folder cannot be used, or another process trains in it.
        WeightsError: All checkpoints are damaged.
    """
    if run is not None and resume is not None:
        raise ValueError(
            f"give run={str(run)!r} to begin a run or resume={str(resume)!r} to go on with one, not both"
        )
    folder = run if resume is None else resume
    if folder is None:
        yield None
        return
    with _claimed(Path(folder)) if writes else contextlib.nullcontext():
        yield _begin(Path(folder)) if resume is None else _resume(Path(folder), settings)


@contextlib.contextmanager
def _claimed(run: Path) -> Iterator[None]:
    with write_errors(run.parent, "make room, and resume the run to go on"):
        claim = Claim(run.resolve())
    if not claim.is_mine:
        raise ValueError(f"{run} is being trained by {claim.held_by}; wait for it, or choose another folder")
    try:
        yield
    finally:
        claim.release()


class RunFolder:
    """Saves a colorizer after each epoch: the latest, and the best so far.

    Args:
        run: The run folder. None saves nothing, but can keep the best weights in memory.
        photos: The dataset whose first photos are drawn on a contact sheet after each epoch.
        writes: Whether this process writes to the folder.
    """

    def __init__(self, run: Path | None, photos: Dataset[Any] | None, writes: bool) -> None:
        self.run = run
        self.writes = writes
        self.photos = None if photos is None or run is None else next(Loader(photos, _PHOTOS_ON_A_SHEET, 0).epoch())
        if run and writes:
            remove_partial(run.rglob("*"))
        self._best: dict[str, Tensor] | None = None

    def save_epoch(self, colorizer: Trainable, *, keep_best: bool) -> None:
        """Save a colorizer after the last epoch in its `history_`.

        Args:
            colorizer: The colorizer to save.
            keep_best: Without a folder, keep the weights in memory if this is the best epoch so far.
        """
        epoch = len(colorizer.history_)
        is_best = best_epoch(colorizer.history_) == epoch
        if self.run is None:
            if is_best and keep_best:
                self._best = {name: tensor.clone() for name, tensor in colorizer.network_.state_dict().items()}
            return
        if not self.writes:
            return
        with write_errors(self.run, "make room, and resume the run to go on"):
            colorizer.save(self.run)
            if is_best:
                colorizer.save(self.run / _BEST)
        if self.photos:
            lightness, ab = self.photos[:2]
            page = contact_sheet(lightness, colorizer.predict_ab(lightness), ab)
            with write_errors(self.run, "make room, and resume the run to go on"):
                write_photo(self.run / "sheets" / f"{epoch:04}.jpg", page)

    def restore_best(self, colorizer: Trainable) -> None:
        """Restore the weights of the best epoch."""
        if self.run is not None:
            read_tensors(self.run / _BEST, colorizer.network_.load_state_dict)
            if self.writes:
                colorizer.save(self.run)
        elif self._best is not None:
            colorizer.network_.load_state_dict(self._best)
