"""Train the weights inside the package, with the recipe `interactive`.

    python benchmarks/inside.py RUN PHOTOS [PHOTOS ...] [--start COLORIZER] [--weights FILE] [--epochs N] [--side N]
        [--rate RATE] [--share SHARE] [--seed SEED]

The backbone starts from its ImageNet weights, which timm publishes, or which FILE holds; or the whole network starts
from COLORIZER, a saved one of the same recipe, such as the weights inside. SHARE of the photos are trained on. The
same command goes on where it was stopped. What is then in RUN/inside, in half precision, is what
`FusionColorizer.from_pretrained("interactive")` loads.
"""

import argparse
from pathlib import Path
from typing import Any

import torch

import colorfuse as cf

SOURCES = {
    "bsds500-*": 3,
    "imagenet*": 3,
    "dn_CUrban100-*": 3,
    "weather*": 2,
    "mirflickr-*": 2,
    "coco_val2017-*": 2,
    "unsplash-*": 2,
    "poem_flickr-*": 1.5,
    "flickr*": 1.5,
    "voc2007*": 2,
    "ava-*": 2,
    "travel*": 2,
    "wildlife-*": 1.5,
    "pixabay*": 2,
    "natures*": 2,
    "houses-*": 0.7,
    "dogs_cats*": 0.5,
    "flower_photos-*": 0.5,
    "clothing_small-*": 0.5,
    "selfies-*": 0.5,
    "cars*": 0.3,
    "architecture-*": 0.3,
    "food_mnist-*": 0.5,
    "imagewoof-*": 0.5,
}
"""How often photos are drawn, by what their names begin with: varied and outdoor ones more often."""
HELD_OUT = 0.02
SATURATION = 1.0
"""What the mean of the predicted colours, which is pale, is read with."""


def main(options: argparse.Namespace) -> None:
    """Train, or go on, and save what goes into the package."""
    found = {path.name for folder in options.photos for path in folder.iterdir()}
    sources = {pattern: weight for pattern, weight in SOURCES.items() if any(Path(n).match(pattern) for n in found)}
    photos = cf.PhotoFolder(options.photos, weights=sources)
    shares = [HELD_OUT, options.share * (1 - HELD_OUT), (1 - options.share) * (1 - HELD_OUT)]
    held_out, train, *_ = cf.split(photos, [share for share in shares if share], seed=0)
    backbone: Any = "tf_efficientnet_lite2"
    if options.weights:
        backbone = {"name": backbone, "weights": str(options.weights)}
    changes: dict[str, Any] = {
        "epochs": options.epochs,
        "image_size": options.side,
        "start_size": None,
        "seed": options.seed,
    }
    if options.rate:
        changes["learning_rate"] = options.rate
    if options.start:
        colorizer = cf.FusionColorizer.from_pretrained(options.start)
        colorizer.set_params(**cf.FusionColorizer.from_recipe("interactive", **changes).get_params())
        colorizer.initialize(warm_start=True)
    else:
        colorizer = cf.FusionColorizer.from_recipe("interactive", backbone=backbone, **changes)
    run = options.run / "training"
    colorizer.fit(train, validation=held_out, resume=run, warm_start=bool(options.start))
    recipe = cf.FusionColorizer.from_recipe("interactive")
    objective: Any = recipe.objective
    colorizer.set_params(backbone=recipe.backbone, objective=objective | {"saturation": SATURATION})
    colorizer.initialize(warm_start=True).save(options.run / "inside", torch.float16)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--start", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--side", type=int, default=112)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--share", type=float, default=1.0, help="of the photos, to train on")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn in training")
    main(parser.parse_args())
