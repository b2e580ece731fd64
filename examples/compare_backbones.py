"""Compare backbones
=================

Train the same recipe with one backbone after another on the same photos, evaluate each on photos held out, and write
a table and a plot of their sizes, speeds and errors:

    python examples/compare_backbones.py PHOTOS --backbones mobilenetv1_100 convnext_atto --epochs 10 --pretrained

Without PHOTOS, it uses crops of scikit-image's sample photos, which are too few to say which backbone is best.
It needs ``pip install 'colorfuse[plots]'``.
"""

import argparse
import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from skimage import data

import colorfuse as cf

parser = argparse.ArgumentParser(description="Train the same recipe with one backbone after another.")
parser.add_argument("photos", nargs="?", type=Path, help="a folder of colour photos")
parser.add_argument("--backbones", nargs="+", default=["mobilenetv1_100", "mobilenetv3_small_050", "resnet10t"])
parser.add_argument("--recipe", default="mobile")
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--batch-size", type=int, default=8)
parser.add_argument("--image-size", type=int, default=64)
parser.add_argument("--pretrained", action="store_true", help="start from published weights")
parser.add_argument("--output", type=Path, default=Path("backbones"), help="name of the table and of the plot")


def crops() -> np.ndarray:
    """Cut 96 small photos from scikit-image's."""
    photos = (data.astronaut(), data.coffee(), data.chelsea(), data.rocket())
    corners = [(top, left) for top in (0, 60, 120, 170) for left in range(0, 300, 50)]
    return np.stack([photo[top : top + 128, left : left + 128] for photo in photos for top, left in corners])


def milliseconds_a_photo(colorizer: cf.FusionColorizer) -> float:
    """Measure the median time of ten predictions, one photo at a time."""
    lightness = torch.full((1, 1, colorizer.image_size, colorizer.image_size), 50.0)
    times = []
    for _ in range(11):
        started = time.perf_counter()
        colorizer.predict_ab(lightness)
        times.append(time.perf_counter() - started)
    return 1000 * sorted(times[1:])[5]


options = parser.parse_args()
photos = cf.PhotoFolder(options.photos, options.image_size) if options.photos else cf.PhotoArray(crops())
train, held_out = cf.split(photos, (0.8, 0.2), seed=0)

for backbone in options.backbones:
    cf.create_backbone(backbone, pretrained=False)  # so that an unknown name raises before any training

rows: list[dict[str, Any]] = []
for backbone in options.backbones:
    colorizer = cf.FusionColorizer.from_recipe(
        options.recipe,
        backbone=backbone,
        pretrained=options.pretrained,
        epochs=options.epochs,
        batch_size=options.batch_size,
        image_size=options.image_size,
    )
    colorizer.fit(train, validation=held_out)
    summary = colorizer.summary()
    judged = cf.evaluate(colorizer, held_out, "native", figures=["squared_error", "colorfulness"])
    rows.append(
        {
            "backbone": backbone,
            "parameters": summary.parameters,
            "multiply_adds": summary.multiply_adds,
            "milliseconds": round(milliseconds_a_photo(colorizer), 2),
            "error": round(judged.mean("predicted", "squared_error"), 6),
            "gray_error": round(judged.mean("gray", "squared_error"), 6),
            "constant_error": round(judged.mean("constant", "squared_error"), 6),
            "colorfulness": round(judged.mean("predicted", "colorfulness"), 2),
        }
    )

table = options.output.with_suffix(".csv")
with table.open("w", newline="") as file:
    writer = csv.DictWriter(file, rows[0])
    writer.writeheader()
    writer.writerows(rows)

figure = Figure(figsize=(7, 4.5), layout="constrained")
axes = figure.add_subplot(xlabel="milliseconds a photo", ylabel="mean squared error of ab / 127.5, photos held out")
for row in rows:
    axes.scatter(row["milliseconds"], row["error"], s=row["parameters"] / 50_000, alpha=0.6)
    place = (row["milliseconds"], row["error"])
    axes.annotate(row["backbone"], place, (0, 8), textcoords="offset points", ha="center")
axes.axhline(rows[0]["gray_error"], color="gray", linestyle="--", label="gray")
axes.axhline(rows[0]["constant_error"], color="tab:brown", linestyle="--", label="constant colour")
axes.legend()
axes.margins(0.3)
figure.savefig(options.output.with_suffix(".png"))

print(table.read_text())
print(f"written to {table} and {options.output.with_suffix('.png')}")
