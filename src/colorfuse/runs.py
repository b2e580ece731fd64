"""A run's folder: a saved colorizer with the checkpoint of its training beside it."""

import json
from pathlib import Path
from typing import Any

from colorfuse.storage import read_settings
from colorfuse.training.checkpoint import has_checkpoint

_MAY_CHANGE = ("epochs", "pretrained", "upsample")


def goes_on(run: Path, settings: dict[str, Any], resume: bool) -> bool:
    """Whether a training with these settings goes on from the checkpoint in `run`.

    Raises:
        ValueError: Nothing is to be resumed but `run` holds a run, or it was made with other settings.
    """
    saved = read_settings(run) if (run / "config.json").exists() else None
    if not resume and (saved is not None or has_checkpoint(run)):
        raise ValueError(f"{run} holds a run already; resume it, or choose another folder")
    if saved is not None:
        now = json.loads(json.dumps(settings))
        changed = [name for name in now if name not in _MAY_CHANGE and saved.get(name) != now[name]]
        if changed:
            listed = ", ".join(f"{name}={saved.get(name)!r}, not {now[name]!r}" for name in changed)
            raise ValueError(f"the run in {run} has {listed}; resume it with its own settings")
    return has_checkpoint(run)
