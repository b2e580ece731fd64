"""A training as a launcher starts it: `launched.py PHOTOS.npz OUTPUT SETTINGS`, with the settings as JSON."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from torch.utils.data import TensorDataset

import colorfuse as cf


def main(photos: str, output: str, settings: str) -> None:
    """Train on the arrays `train` and `validation` of L and ab, and keep weights and history of each process."""
    arrays = np.load(photos)
    train, validation = (
        TensorDataset(*torch.from_numpy(arrays[name]).split((1, 2), dim=1)) for name in ("train", "validation")
    )
    changes = json.loads(settings)
    places = {name: changes.pop(name) for name in ("run", "resume") if name in changes}
    last = changes.pop("stop_first_after", None)
    colorizer = cf.FusionColorizer(pretrained=False, image_size=32, augmentation="none", **changes)
    place = int(os.environ.get("RANK", "0"))

    def stop_first(colorizer: cf.FusionColorizer) -> bool:
        return bool(place == 0 and len(colorizer.history_) == last)

    colorizer.fit(train, validation, num_workers=0, callbacks=[stop_first], **places)
    folder = Path(output, str(place))
    colorizer.save(folder)
    PartialState().destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
