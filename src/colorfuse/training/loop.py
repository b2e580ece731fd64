"""The training loop."""

import sys
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch.utils.data import Dataset
from tqdm import tqdm

from colorfuse.errors import TrainingError
from colorfuse.network import FusionNetwork
from colorfuse.objectives import Objective, Term
from colorfuse.objectives.regression import Regression
from colorfuse.training.checkpoint import Checkpoints
from colorfuse.training.history import History, advice, has_stalled
from colorfuse.training.progress import Training
from colorfuse.training.saving import CheckpointSaver
from colorfuse.training.settings import Settings

if TYPE_CHECKING:
    from accelerate import Accelerator


def train(
    network: FusionNetwork,
    objective: Objective,
    terms: list[Term],
    train_data: Dataset[Any],
    validation_data: Dataset[Any] | None,
    settings: Settings,
    *,
    accelerator: "Accelerator",
    checkpoints: Checkpoints | None = None,
    checkpoint_minutes: float = 10,
    about: dict[str, Any] | None = None,
    after_epoch: Callable[[History], bool] = lambda history: False,
    num_workers: int | None = None,
) -> History:
    """Train `network` in place and return one dict of figures an epoch.

    Args:
        network: What is trained, or takes the average of the weights that are.
        objective: The loss, and the reading of planes as ab.
        terms: What is added to the loss.
        train_data: Photos to learn from, as (L, ab).
        validation_data: Photos to judge by after each epoch.
        settings: How long, how fast and from which seed.
        accelerator: On which devices, in which precision, with which trackers.
        checkpoints: Where to go on from, if there are any, and where to write them after each epoch.
        checkpoint_minutes: How long after the last a checkpoint is written within an epoch.
        about: What is kept in the checkpoints beside the training's state.
        after_epoch: Called with the history so far, also with that of a checkpoint to go on from; says whether to
            stop.
        num_workers: Processes that read photos; by default half of the cores, at most 8, where processes are forked,
            and none elsewhere.

    Raises:
        ValueError: The checkpoint to go on from was made with another number of photos, or with more epochs.
        PhotoError: A photo cannot be read.
        DataError: There are no photos, or several processes cannot share them.
        TrainingError: A loss is not finite, or the memory does not suffice.
        WeightsError: No checkpoint can be used.
        OSError: A checkpoint cannot be written.
    """
    training = Training(network, objective, terms, train_data, settings, accelerator, num_workers)
    saver = CheckpointSaver(training, checkpoints, checkpoint_minutes, about or {})
    try:
        judged = None if validation_data is None else training.load(validation_data, num_workers)
        if not saver.load():
            training.observe(train_data, num_workers)
        history, is_main = training.progress.history, accelerator.is_main_process
        # The training may have been cut between the checkpoint of an epoch and what is done after it.
        is_between = bool(history) and not training.progress.batches
        stopped = is_between and training.agree(after_epoch(history))
        for epoch in range(len(history) + 1, settings.epochs + 1):
            if stopped or has_stalled(history, settings.patience):
                break
            started = time.perf_counter()
            with tqdm(
                training.steps(epoch),
                f"epoch {epoch}/{settings.epochs}",
                len(training.loader),
                initial=training.progress.batches,
                unit="batch",
                leave=False,
                disable=None if is_main else True,
            ) as bar:
                for figures in bar:
                    bar.set_postfix(loss=f"{figures.loss:.5f}")
                    saver.save_when_due()
            row = training.end_epoch(epoch, judged)
            saver.save()
            accelerator.log(row, step=epoch)
            if is_main:
                _show(row | {"seconds": time.perf_counter() - started})
                _advise(history, brown=isinstance(objective, Regression))
            stopped = training.agree(after_epoch(history))
    except TrainingError:  # before which the last step was whole
        if training.progress.history or training.progress.batches:
            saver.save()
        raise
    finally:
        training.close()
    return history


def _show(row: dict[str, float]) -> None:
    tqdm.write("  ".join(f"{name} {value:.5g}" for name, value in row.items()), file=sys.stderr)


def _advise(history: History, brown: bool) -> None:
    if said := advice(history, brown):
        warnings.warn(said, stacklevel=4)
