"""Measure how hints raise PSNR over gray, and how soon a click shows.

    python benchmarks/hints.py PHOTOS [MODEL ...] [--only PATTERN] [--render-size N] [--averaged OTHER]
        [--share SHARE]

PHOTOS is a folder of colour photos, of which those that match PATTERN are judged, by the protocols of Zhang et al.
2017: squashed to 256 x 256, patches of 6 x 6 pixels at normally distributed places. Each MODEL is a saved colorizer
that takes hints; so is its mean with OTHER, which has SHARE of the weight. In the same run: the filter that spreads
hints, alone; `levin2004`; and the figures that Zhang et al. published, on 1,000 photos of ImageNet. A click is a
further point on a photo of 512 x 512, from the hints to the new pixels.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from skimage import data
from torch import Tensor

import colorfuse as cf
from colorfuse.colorizers import Levin2004
from colorfuse.evaluation.hint_curves import SIGGRAPH17, HintPoint, hint_points
from colorfuse.network.spreading import spread_hints

COUNTS = (1, 2, 5, 10, 20, 50, 100)
CLICKS = 50


class SpreadHints(cf.Colorizer):
    """The filter alone: photos are gray but for their hints, spread along edges."""

    takes_hints = True

    def render_ab(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """The spread hints."""
        return (
            torch.zeros_like(lightness.expand(-1, 2, -1, -1)) if hints is None else spread_hints(lightness, hints)[0]
        )


def main(
    photos: Path, models: list[str], only: str, render_size: int | None, averaged: str | None, share: float
) -> None:
    """Print a table of dB over gray by number of points, and the times of clicks."""
    files = sorted(photos.glob(only))
    rows: dict[str, list[HintPoint]] = {
        "the filter alone": curve(SpreadHints(), files),
        "levin2004": curve(Levin2004(render_size=256), files),
    }
    other = cf.FusionColorizer.from_pretrained(averaged) if averaged else None
    for model in models:
        colorizer = cf.FusionColorizer.from_pretrained(model)
        rows[str(model)] = curve(colorizer.set_params(image_size=render_size or colorizer.image_size), files)
        if other:
            rows[f"{model} and {averaged}"] = curve(colorizer.averaged_with(other, share), files)
    print(f"{len(files)} photos, dB of PSNR over gray by number of points")
    print(*["points".ljust(28), *(f"{count:>12}" for count in (0, *COUNTS))])
    for name, points in rows.items():
        cells = [f"{its.psnr_over_gray:6.2f} ± {its.standard_error:.2f}" for its in points]
        print(name[-28:].ljust(28), *cells)
    published = dict(SIGGRAPH17)
    print(*["siggraph17, published".ljust(28), *(f"{published[count]:6.2f}      " for count in (0, *COUNTS))])
    for model in models:
        colorizer = cf.FusionColorizer.from_pretrained(model)
        milliseconds = click(colorizer.set_params(image_size=render_size or colorizer.image_size))
        print(f"{model}: a click shows after {milliseconds:.0f} ms at the 95th percentile")


def curve(colorizer: cf.Colorizer, files: list[Path]) -> list[HintPoint]:
    """PSNR over gray by number of points."""
    return hint_points(cf.evaluate(colorizer, files, "square256", hints=COUNTS, figures=["psnr"]))


def click(colorizer: cf.FusionColorizer) -> float:
    """Milliseconds from a further hint to the pixels of a photo of 512 x 512, at the 95th percentile."""
    photo, hints, times = colorizer.optimized(torch.float32).prepare(data.camera()), [], []
    places = np.random.default_rng(0).integers(0, 512, (CLICKS + 2, 2))
    for row, column in places.tolist():
        hints.append((row, column, "olive"))
        started = time.perf_counter()
        photo.predict(hints)
        times.append(time.perf_counter() - started)
    return float(np.percentile(times[2:], 95)) * 1000


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--only", default="*")
    parser.add_argument("--render-size", type=int)
    parser.add_argument("--averaged", metavar="OTHER")
    parser.add_argument("--share", type=float, default=0.5)
    main(**vars(parser.parse_args()))
