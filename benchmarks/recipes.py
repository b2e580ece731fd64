"""Train every recipe within one budget on the same photos, and judge each on the same photos held out.

    python benchmarks/recipes.py ../shared/photos/train runs/recipes [RECIPE ...]

Each starts from random weights and sees 2,000 photos of 64 x 64 for ten epochs, cropped and mirrored at random, in
batches of 16, with AdamW and a one-cycle schedule that peaks at 0.0005 (0.001 for what has at most ten million
parameters); 300 other photos are judged. Nothing else of a recipe is changed; the classes of `iizuka2016` are what
the names of files begin with. What is done is kept, also in the middle of a training: start the same command again to
go on. The times are of one photo of 256 x 256 on the CPU, the median of nine, as ratios to `mobile`.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import colorfuse as cf

PHOTOS, HELD_OUT = 2000, 300
BUDGET: dict[str, Any] = {
    "image_size": 64,
    "start_size": None,
    "augmentation": "crop_flip",
    "epochs": 10,
    "batch_size": 16,
    "optimizer": "adamw",
    "schedule": "one_cycle",
}
SIDE = 256
SEED = 0


def main(photos: str, folder: str, *recipes: str) -> None:
    """Train what is not yet trained, and print the table."""
    pool = cf.PhotoFolder(photos, BUDGET["image_size"])
    sources = [path.name.partition("-")[0] for path in pool.paths]
    pool.labels = [sorted(set(sources)).index(source) for source in sources]
    order = np.random.default_rng(SEED).permutation(len(pool))
    train = torch.utils.data.Subset(pool, order[:PHOTOS].tolist())
    held_out = torch.utils.data.Subset(pool, order[PHOTOS : PHOTOS + HELD_OUT].tolist())
    rows = [row_of(recipe, Path(folder, recipe), train, held_out) for recipe in recipes or cf.list_recipes()]
    reference = milliseconds_a_photo("mobile")
    print(
        "| recipe | parameters, millions | time, relative to `mobile` | training loss, first and last epoch "
        "| error, relative to constant | error, relative to gray | colourfulness, relative to truth |\n"
        "|---|---|---|---|---|---|---|"
    )
    for row in rows:
        print(
            f"| `{row['recipe']}` | {row['parameters'] / 1e6:.2f} "
            f"| {milliseconds_a_photo(row['recipe']) / reference:.1f} "
            f"| {row['first_loss']:.4g}, {row['last_loss']:.4g} "
            f"| {row['error'] / row['constant_error']:.3f} | {row['error'] / row['gray_error']:.3f} "
            f"| {row['colorfulness'] / row['true_colorfulness']:.2f} |"
        )


def row_of(recipe: str, run: Path, train: Any, held_out: Any) -> dict[str, Any]:
    """The figures of a recipe, after its training if that is not done."""
    done = run / "figures.json"
    if done.exists():
        row: dict[str, Any] = json.loads(done.read_text())
        return row
    colorizer = cf.FusionColorizer.from_recipe(recipe, pretrained=False, **BUDGET)
    parameters = colorizer.initialize().summary().parameters
    colorizer.set_params(learning_rate=1e-3 if parameters <= 1e7 else 5e-4)
    colorizer.fit(train, validation=held_out, resume=run)
    first, last = colorizer.history_[0], colorizer.history_[-1]
    judged = cf.evaluate(colorizer, held_out, "native", figures=["colorfulness"], min_chroma=0)
    row = {
        "recipe": recipe,
        "parameters": parameters,
        "first_loss": first["train_loss"],
        "last_loss": last["train_loss"],
        "error": last["validation_error"],
        "gray_error": last["validation_gray_error"],
        "constant_error": last["validation_constant_error"],
        "colorfulness": judged.mean("predicted", "colorfulness"),
        "true_colorfulness": judged.mean("truth", "colorfulness"),
    }
    done.write_text(json.dumps(row, indent=1))
    return row


def milliseconds_a_photo(recipe: str) -> float:
    """The median time of nine predictions of ab by a network that was not trained."""
    colorizer = cf.FusionColorizer.from_recipe(recipe, pretrained=False).initialize()
    lightness = torch.full((1, 1, SIDE, SIDE), 50.0)
    network, objective = colorizer.network_, colorizer.objective_
    times = []
    with torch.inference_mode():
        for _ in range(10):
            started = time.perf_counter()
            objective.read(network(lightness, objective.stride))
            times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times[1:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
