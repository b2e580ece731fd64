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
from colorfuse.training.saving import CheckpointSaver
from colorfuse.training.settings import Settings
from colorfuse.training.training import Training

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
    checkpoints: Checkpoints | None,
    checkpoint_minutes: float,
    about: dict[str, Any],
    after_epoch: Callable[[History], bool],
    num_workers: int | None,
) -> None:
    """Train `network` in place.

    Args:
        network: The network to train. With `ema_decay`, a copy is trained, and this one holds the averaged weights.
        objective: The loss, and the conversion of output planes to ab.
        terms: Extra terms of the loss.
        train_data: The training photos, as (L, ab).
        validation_data: The photos to validate on after each epoch.
        settings: The training settings, such as epochs, learning rate and seed.
        accelerator: The devices, precision and experiment trackers.
        checkpoints: Resume from the last one, if any, and write one after each epoch.
        checkpoint_minutes: Minutes after the last checkpoint until another one is written within an epoch.
        about: The colorizer's settings, which are stored in each checkpoint.
        after_epoch: Called with the history, one dict of metrics per epoch, after each epoch and on resuming from the
            end of one. Returns whether to stop.
        num_workers: Worker processes that read photos. The default is half of the cores, at most 8, where processes
            are forked, and 0 elsewhere.

    Raises:
        ValueError: The checkpoint to resume from was made with another number of photos, or has more epochs than the
            settings.
        PhotoError: A photo cannot be read.
        DataError: There are no photos, or several processes cannot share them.
        TrainingError: The loss or the gradients are not finite, a batch is too small for batch norms, memory runs
            out, or the data yields another number of batches than its length says.
        WeightsError: All checkpoints are damaged, or the checkpoint belongs to another network.
        OSError: A checkpoint cannot be written.
    """
    training = Training(network, objective, terms, train_data, settings, accelerator, num_workers)
    saver = CheckpointSaver(training, checkpoints, checkpoint_minutes, about)
    try:
        judged = None if validation_data is None else training.make_loader(validation_data, num_workers)
        if not saver.load():
            training.observe(train_data, num_workers)
        history, is_main = training.progress.history, accelerator.is_main_process
        # The run may have been stopped after the checkpoint of an epoch but before `after_epoch`.
        is_between = bool(history) and not training.progress.batches
        stopped = is_between and training.any_process(after_epoch(history))
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
            stopped = training.any_process(after_epoch(history))
    except TrainingError:  # the weights are still those of the last complete step
        if training.progress.history or training.progress.batches:
            saver.save()
        raise
    finally:
        training.close()


def _show(row: dict[str, float]) -> None:
    tqdm.write("  ".join(f"{name} {value:.5g}" for name, value in row.items()), file=sys.stderr)


def _advise(history: History, brown: bool) -> None:
    if said := advice(history, brown):
        warnings.warn(said, stacklevel=4)
