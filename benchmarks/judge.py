"""Judge saved colorizers on a folder of colour photos, beside gray and one constant colour.

    python benchmarks/judge.py ../shared/photos/eval runs/paper [runs/other ...]

Protocol `center256`: each photo's short side is resized to 256 with Lanczos and its centre of 256 x 256 cut out; the
truth is scikit-image's CIELAB in float64; predicted colours are put on the photo's own lightness, converted by
scikit-image, clipped and rounded to bytes. `constant` is the mean colour of the training photos.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import color
from tqdm import tqdm

import colorfuse as cf
from colorfuse.data.finding import find_photos

SIDE = 256
CONSTANT = (2.41, 9.04)
Array: TypeAlias = NDArray[Any]


def main(photos: str, *runs: str) -> None:
    """Print a Markdown table with a row for each colorizer."""
    methods: dict[str, Callable[[Array], Array]] = {
        "gray": lambda lightness: np.zeros((SIDE, SIDE, 2)),
        "constant": lambda lightness: np.broadcast_to(np.array(CONSTANT), (SIDE, SIDE, 2)),
        **{run: predictor(cf.FusionColorizer.load(run)) for run in runs},
    }
    rows: dict[str, list[list[float]]] = {name: [] for name in [*methods, "truth"]}
    for path in tqdm(find_photos(photos), unit="photo", disable=None):
        rgb = center_crop(path)
        lab = color.rgb2lab(rgb)
        for name, method in methods.items():
            rows[name].append(figures(lab, method(lab[..., 0]), rgb))
        rows["truth"].append(figures(lab, lab[..., 1:], rgb))
    print("| row | squared error, ab / 127.5 | of constant | AuC | PSNR RGB, dB | colourfulness, signed |")
    print("|---|---|---|---|---|---|")
    constant = np.mean(rows["constant"], axis=0)[0]
    for name, values in rows.items():
        error, auc, psnr, colorfulness = np.mean(values, axis=0)
        print(f"| {name} | {error:.5f} | {error / constant:.3f} | {auc:.4f} | {psnr:.2f} | {colorfulness:.2f} |")


def predictor(colorizer: cf.FusionColorizer) -> Callable[[Array], Array]:
    """From lightness `(H, W)` to ab `(H, W, 2)` by a colorizer."""

    def predict(lightness: Array) -> Array:
        ab: Array = colorizer.predict_ab(torch.from_numpy(lightness).float()[None, None])[0].movedim(0, -1).numpy()
        return ab

    return predict


def center_crop(path: Path) -> Array:
    """The photo as bytes of `SIDE` x `SIDE`."""
    image = Image.open(path).convert("RGB")
    scale = SIDE / min(image.size)
    width, height = (max(SIDE, round(side * scale)) for side in image.size)
    left, top = (width - SIDE) // 2, (height - SIDE) // 2
    resized = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(resized.crop((left, top, left + SIDE, top + SIDE)))


def figures(lab: Array, ab: Array, rgb: Array) -> list[float]:
    """Squared error, AuC, PSNR and colourfulness of one photo whose true colours are `lab` and `rgb`."""
    difference = ab - lab[..., 1:]
    distance = np.hypot(difference[..., 0], difference[..., 1])
    auc = np.mean([np.mean(distance <= threshold) for threshold in range(151)])
    colored = np.rint(color.lab2rgb(np.dstack([lab[..., :1], ab])).clip(0, 1) * 255)
    error = np.square(colored - rgb).mean()
    psnr = 10 * np.log10(255**2 / error) if error else np.inf
    return [np.square(difference / 127.5).mean(), float(auc), psnr, colorfulness(colored)]


def colorfulness(rgb: Array) -> float:
    """Hasler and Suesstrunk 2003, *Measuring colourfulness in natural images*, on bytes."""
    red, green, blue = np.moveaxis(rgb.astype(float), -1, 0)
    first, second = red - green, (red + green) / 2 - blue
    return float(np.hypot(first.std(), second.std()) + 0.3 * np.hypot(first.mean(), second.mean()))


if __name__ == "__main__":
    import warnings

    # scikit-image warns of colours beyond sRGB, which the protocol clips.
    warnings.filterwarnings("ignore", message="Conversion from CIE-LAB")
    main(*sys.argv[1:])
