"""What the paper's fusion gives: the encoder alone, the backbone alone, and both, each trained within one budget.

    python benchmarks/ablation.py RUNS FILE PHOTOS [PHOTOS ...]

FILE holds the ImageNet weights of the backbone `tf_efficientnet_lite0`, which timm publishes. Each row is the recipe
`mobile` with other parts; it sees the same 3,200 photos of 64 x 64 for five epochs, cropped and mirrored at random,
and is judged on 400 others. Rows of the main comparison are trained from three seeds, of which the mean is shown with
the standard deviation. What is done is kept in RUNS, also in the middle of a training: start the same command again
to go on.
"""

import json
import sys
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from torch.utils.data import Subset

import colorfuse as cf

PHOTOS, HELD_OUT, SIDE = 3200, 400, 64
BUDGET: dict[str, Any] = {"image_size": SIDE, "epochs": 5, "ema_decay": 0.99, "clip_norm": 5.0}
BACKBONE = "tf_efficientnet_lite0"
CLASSIFIED = {"objective": {"name": "classification", "rebalance": 1.0, "temperature": 1.0}}
ROWS: list[tuple[str, dict[str, Any], bool, int]] = [
    ("encoder alone", {"backbone": "none", "fusion": "none"}, False, 3),
    ("backbone alone, pretrained", {"encoder": "none", "fusion": "none"}, True, 3),
    ("both, pretrained", {}, True, 3),
    ("both, pretrained, classification", CLASSIFIED, True, 3),
    ("backbone alone, random", {"encoder": "none", "fusion": "none"}, False, 1),
    ("both, random", {}, False, 1),
    ("both, random, classification", CLASSIFIED, False, 1),
]
"""What each is called, its parts, whether its backbone is pretrained, and from how many seeds it is trained."""


def main(folder: str, weights: str, *photos: str) -> None:
    """Train what is not yet trained, and print the table."""
    runs = Path(folder)
    pool = cf.PhotoFolder(list(photos), SIDE)
    order = np.random.default_rng(0).permutation(len(pool)).tolist()
    train, held_out = Subset(pool, order[:PHOTOS]), Subset(pool, order[PHOTOS : PHOTOS + HELD_OUT])
    figures: dict[str, list[dict[str, float]]] = {name: [] for name, *_ in ROWS}
    for seed in range(max(seeds for *_, seeds in ROWS)):
        for name, parts, pretrained, seeds in ROWS:
            if seed < seeds:
                backbone = {"name": BACKBONE, "weights": weights} if pretrained else BACKBONE
                colorizer = cf.FusionColorizer(**{"backbone": backbone} | BUDGET | parts, pretrained=False, seed=seed)
                run = runs / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
                figures[name].append(trained(colorizer, run, train, held_out))
    columns = {
        "parameters": "millions of parameters",
        "error": "error, relative to constant",
        "accuracy": "AuC above gray, points",
        "colorfulness": "colourfulness, relative to truth",
    }
    print(f"| | seeds | {' | '.join(columns.values())} |\n|{'---|' * (len(columns) + 2)}")
    for name, rows in figures.items():
        cells = [spread([row[column] for row in rows]) for column in columns]
        print(f"| {name} | {len(rows)} | {' | '.join(cells)} |")


def trained(colorizer: cf.FusionColorizer, run: Path, train: Any, held_out: Any) -> dict[str, float]:
    """The figures of a colorizer, after its training if that is not done."""
    done = run / "figures.json"
    if not done.exists():
        colorizer.fit(train, resume=run)
        judged = cf.evaluate(
            colorizer, held_out, "native", figures=["squared_error", "raw_accuracy", "colorfulness"], min_chroma=0
        )
        figures = {
            "parameters": colorizer.summary().parameters / 1e6,
            "error": judged.mean("predicted", "squared_error") / judged.mean("constant", "squared_error"),
            "accuracy": 100 * (judged.mean("predicted", "raw_accuracy") - judged.mean("gray", "raw_accuracy")),
            "colorfulness": judged.mean("predicted", "colorfulness") / judged.mean("truth", "colorfulness"),
        }
        done.write_text(json.dumps(figures))
    row: dict[str, float] = json.loads(done.read_text())
    return row


def spread(values: list[float]) -> str:
    """The mean, with the standard deviation if there are several."""
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(set(values)) > 1 else "")


if __name__ == "__main__":
    main(*sys.argv[1:])
