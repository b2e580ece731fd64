"""Train the weights inside the package.

    ACCELERATE_MIXED_PRECISION=bf16 python benchmarks/inside.py RUNS PHOTOS [PHOTOS ...] [--weights FILE]

The backbone starts from its ImageNet weights, which timm publishes, or which FILE holds. Photos grow from 64 to 128
px over the first half of ten epochs; the training is stopped after the seventh, and goes on where it was stopped when
the same command is started again. What is then in RUNS/inside, in half precision, is what
`FusionColorizer.from_pretrained()` loads.
"""

import argparse
from pathlib import Path
from typing import Any

import torch

import colorfuse as cf

BACKBONE = "tf_efficientnet_lite0"
SOURCES = {
    "bsds500-*": 3,
    "imagenet_sample-*": 3,
    "dn_CUrban100-*": 3,
    "weather-*": 2.5,
    "voc2007*": 2,
    "imagenette-*": 2,
    "pixabay*": 2,
    "natures*": 2,
    "intel-*": 1.6,
    "sports-*": 1.5,
    "flickr8k-*": 1.5,
    "houses-*": 0.7,
    "dogs_cats-*": 0.5,
    "flower_photos-*": 0.5,
    "clothing_small-*": 0.5,
}
"""How often photos are drawn, by what their names begin with: outdoor and varied ones more often."""
HELD_OUT = 0.03
OBJECTIVE: dict[str, Any] = {"name": "classification", "rebalance": 1.0, "temperature": 1.0}
SATURATION = 1.2
"""What the mean of the predicted colours, which is pale, is read with."""
SETTINGS: dict[str, Any] = {
    "objective": OBJECTIVE,
    "image_size": 128,
    "start_size": 64,
    "epochs": 10,
    "ema_decay": 0.999,
    "clip_norm": 5.0,
    "backbone_rate": 0.3,
}
STOPPED_AFTER = 7


def main(runs: Path, photos: list[Path], weights: Path | None) -> None:
    """Train, or go on, and save what goes into the package."""
    train, held_out = cf.split(cf.PhotoFolder(photos, weights=SOURCES), (1 - HELD_OUT, HELD_OUT), seed=0)
    backbone = {"name": BACKBONE, "weights": str(weights)} if weights else BACKBONE
    colorizer = cf.FusionColorizer(backbone=backbone, **SETTINGS)
    stop = [lambda trained: len(trained.history_) >= STOPPED_AFTER]
    colorizer.fit(train, validation=held_out, resume=runs / "training", callbacks=stop)
    colorizer.set_params(backbone=BACKBONE, objective=OBJECTIVE | {"saturation": SATURATION})
    colorizer.initialize(warm_start=True).save(runs / "inside", torch.float16)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    main(options.runs, options.photos, options.weights)
