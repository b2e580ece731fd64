"""Fits a colorizer: makes datasets of photos, opens the run folder, trains, and saves each epoch."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from colorfuse.data import as_datasets
from colorfuse.data.seeding import seeded
from colorfuse.data.sources import Source
from colorfuse.objectives import create_terms
from colorfuse.options import plain
from colorfuse.training.history import History, best_epoch
from colorfuse.training.loop import train
from colorfuse.training.runs import RunFolder, opened_run
from colorfuse.training.settings import Settings
from colorfuse.training.tracking import tracked
from colorfuse.training.trainable import Trainable

if TYPE_CHECKING:
    from accelerate import Accelerator


@torch.inference_mode(False)
@torch.enable_grad()
def fit_colorizer(
    colorizer: Trainable,
    photos: Source,
    validation: Source | float | None,
    *,
    warm_start: bool,
    run: str | Path | None,
    resume: str | Path | None,
    callbacks: Sequence[Callable[[Any], bool | None]],
    checkpoint_minutes: float,
    num_workers: int | None,
    accelerator: "Accelerator | None",
    on_cpu: bool,
) -> None:
    """Train a colorizer; its `fit` documents the arguments and errors.

    After an interruption or an error, the colorizer can still predict and be saved. `on_cpu` ignores any GPU.
    """
    from accelerate import Accelerator  # takes seconds to import, and only training needs it

    params: dict[str, Any] = plain(colorizer.get_params())
    settings = Settings(**{field.name: params[field.name] for field in dataclasses.fields(Settings)})
    accelerator = Accelerator(cpu=on_cpu) if accelerator is None else accelerator
    with opened_run(run, resume, params, writes=accelerator.is_main_process) as checkpoints:
        with seeded(settings.seed):
            terms = create_terms(params["objective"])
        train_data, validation_data = as_datasets(
            photos,
            validation,
            image_size=settings.image_size,
            augmentation=params["augmentation"],
            seed=settings.seed,
            labels=any(term.needs_labels for term in terms),
        )
        if checkpoints and checkpoints.exist():
            colorizer.initialize(pretrained=False)
        else:
            colorizer.initialize(warm_start=warm_start)
        if checkpoints:
            checkpoints.prepare()
        colorizer.history_ = []
        folder = RunFolder(checkpoints.run if checkpoints else None, validation_data, accelerator.is_main_process)

        def after_epoch(history: History) -> bool:
            colorizer.history_ = history
            folder.save_epoch(colorizer, keep_best=settings.patience is not None)
            answers = [callback(colorizer) for callback in callbacks]
            return any(answers)

        device = accelerator.device
        forked = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
        with forked, tracked(accelerator, params):
            train(
                colorizer.network_,
                colorizer.objective_,
                terms,
                train_data,
                validation_data,
                settings,
                accelerator=accelerator,
                checkpoints=checkpoints,
                checkpoint_minutes=checkpoint_minutes,
                about=params,
                after_epoch=after_epoch,
                num_workers=num_workers,
            )
        if settings.patience and best_epoch(colorizer.history_) not in (None, len(colorizer.history_)):
            folder.restore_best(colorizer)
        accelerator.wait_for_everyone()  # for the files that the main process writes
