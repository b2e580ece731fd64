"""Compare the system of Deshpande et al. 2015 with its own regressors, and with a network of the same time.

    python benchmarks/learch.py PHOTOS TRAIN [--counts N ...] [--weights FILE] [--network]

TRAIN is a folder of colour photos, of which every K'th is learnt from, N in all; PHOTOS is one to judge on. Scenes
are compared by `tf_efficientnet_lite2`, with its published weights or those in FILE. Printed are the figures of
`evaluate`, seconds, and the most memory that the process took. With --network, the recipe `mobile` is trained from
random weights on the same photos, for about as long.
"""

import argparse
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import colorfuse as cf
from colorfuse.colorizers import Deshpande2015
from colorfuse.images.finding import find_photos

BACKBONE = "tf_efficientnet_lite2"
FIGURES = ("squared_error", "raw_accuracy", "psnr", "colorfulness")


class Regressed(cf.Colorizer):
    """The colours that the regressors of a system predict, without the linear system."""

    def __init__(self, system: Deshpande2015) -> None:
        self.system = system
        self.render_size = system.render_size

    def render_ab(self, lightness: Tensor) -> Tensor:
        """The answers to the identity."""
        return 100 * torch.stack([self.system.predict_answers(each).answers[:, 0] for each in lightness])


def main(options: argparse.Namespace) -> None:
    """Print the figures for each number of photos."""
    paths = find_photos(options.train)
    backbone: Any = {"name": BACKBONE, "weights": str(options.weights)} if options.weights else BACKBONE
    for count in options.counts:
        photos = paths[:: max(1, len(paths) // count)][:count]
        system = Deshpande2015(backbone=backbone)
        started = time.perf_counter()
        system.fit(photos)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{len(photos)} photos: learnt in {seconds:.0f} s, with at most {peak:.2f} GiB", flush=True)
        row("the system", system, options.photos, others=True)
        row("its regressors", Regressed(system), options.photos)
        system.histogram = "scene"
        row("with the scene's histogram", system, options.photos)
        system.histogram = None
        for side in (128, 256):
            gray = np.random.default_rng(0).integers(0, 256, (256, 256), np.uint8)
            started = time.perf_counter()
            system.predict(gray, render_size=side)
            print(f"256 x 256 at render_size {side}: {time.perf_counter() - started:.2f} s")
        if options.network:
            row("mobile, as long", trained(photos, seconds), options.photos)


def trained(photos: list[Path], seconds: float) -> cf.FusionColorizer:
    """A network trained from random weights for about as long."""
    settings: dict[str, Any] = {"backbone": BACKBONE, "pretrained": False}
    settings |= {"image_size": 128, "start_size": None, "warmup_steps": 20}
    started = time.perf_counter()
    cf.FusionColorizer.from_recipe("mobile", **settings, epochs=1).fit(photos)
    epochs = max(1, round(seconds / (time.perf_counter() - started)))
    print(f"mobile: {epochs} epochs")
    return cf.FusionColorizer.from_recipe("mobile", **settings, epochs=epochs).fit(photos)


def row(name: str, colorizer: Any, photos: Path, others: bool = False) -> None:
    """Print the figures of a colorizer, and of gray and the constant colour."""
    found = cf.evaluate(colorizer, photos, constant=(2.41, 9.04), figures=FIGURES)
    for which in ("gray", "constant", "predicted") if others else ("predicted",):
        error, accuracy, psnr, colorful = (found.mean(which, figure) for figure in FIGURES)
        print(
            f"  {name if which == 'predicted' else which:28}"
            f"squared error {error / found.mean('constant', 'squared_error'):.3f} of constant, "
            f"AuC {100 * (accuracy - found.mean('gray', 'raw_accuracy')):+.2f} points over gray, PSNR {psnr:.2f} dB, "
            f"colourfulness {colorful / found.mean('truth', 'colorfulness'):.2f} of the truth",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 4000])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--network", action="store_true")
    main(parser.parse_args())
