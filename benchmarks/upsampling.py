"""How near to the true colours each way to upsample comes at edges, for the same network.

    python benchmarks/upsampling.py ../shared/photos/eval [RUN]

Photos at their full size, coloured by the weights inside the package or those of RUN: CIEDE2000 within 3 pixels of
strong edges, where lightness changes by 8 or more a pixel, CIEDE2000 of all pixels, and their chroma. Photos with
such edges near less than 1 % of their pixels are left out.
"""

import sys
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage import color
from skimage.morphology import dilation, disk
from torch.nn import functional

import colorfuse as cf
from colorfuse.images import open_rgb
from colorfuse.images.finding import find_photos
from colorfuse.inference.upsampling import UPSAMPLINGS

STRONG, NEAR, SHARE = 8.0, 3, 0.01


def main(photos: str, run: str | None = None) -> None:
    """Print a row a way."""
    colorizer = cf.FusionColorizer.load(run) if run else cf.FusionColorizer.from_pretrained()
    rows: dict[str, list[list[float]]] = {name: [] for name in ("gray", *UPSAMPLINGS)}
    for path in find_photos(photos):
        rgb = torch.from_numpy(np.asarray(open_rgb(path)).copy()).movedim(-1, 0)
        lab = cf.rgb_to_lab(rgb)
        near = near_edges(lab[0])
        if near.mean() < SHARE:
            continue
        rows["gray"].append(judged(torch.zeros_like(lab[1:]), lab, near))
        for name in UPSAMPLINGS:
            ab = colorizer.set_params(upsample=name).predict_ab(lab[None, :1])[0]
            rows[name].append(judged(ab, lab, near))
    print(f"{len(rows['gray'])} photos\n\n| | CIEDE2000 near edges | CIEDE2000 | chroma |\n|---|---|---|---|")
    for name, each in rows.items():
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in np.mean(each, axis=0)) + " |")


def near_edges(lightness: torch.Tensor) -> NDArray[np.bool_]:
    """Which pixels of L `(H, W)` lie near strong edges."""
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    padded = functional.pad(lightness[None, None], (1, 1, 1, 1), mode="replicate")
    slopes = functional.conv2d(padded, torch.stack([sobel, sobel.T])[:, None])[0]
    near: NDArray[np.bool_] = dilation(torch.hypot(*slopes).numpy() >= STRONG, disk(NEAR))
    return near


def judged(ab: torch.Tensor, lab: torch.Tensor, near: NDArray[Any]) -> list[float]:
    """CIEDE2000 near edges and of all pixels, and chroma."""
    predicted = torch.cat([lab[:1], ab]).numpy()
    differences = color.deltaE_ciede2000(predicted, lab.numpy(), channel_axis=0)
    return [differences[near].mean(), differences.mean(), float(np.hypot(*predicted[1:]).mean())]


if __name__ == "__main__":
    main(*sys.argv[1:])
