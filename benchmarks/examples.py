"""Measure colours taken from reference photos.

    python benchmarks/examples.py PHOTOS TRAIN [--only PATTERN] [--count N] [--model MODEL] [--nearest N] [--every K]
        [--systems NAME ...]

PHOTOS is a folder of colour photos, of which the first N that match PATTERN are judged, squashed to 256 x 256; TRAIN
is one with photos to take references from, of which every K'th is looked at, up to N. The references are (a) the
photo itself, mirrored, cropped to 80 % and of less contrast; (b) the photo of TRAIN that is nearest in the
features of MODEL's backbone; (c) one of these at random. For each system: the mean error of ab and its spread over
the photos, dB of PSNR over gray with the standard error, and seconds for a photo of 256 x 256.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import color
from torch.nn import functional

import colorfuse as cf

SIDE = 256
SYSTEMS = ("welsh2002", "irony2005", "charpiat2008")


def squashed(path: Path) -> NDArray[np.uint8]:
    """A photo at 256 x 256."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def twin(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A photo mirrored, cropped to 80 % and of less contrast."""
    edge = SIDE // 10
    small = photo[edge:-edge, edge:-edge][:, ::-1].astype(float) / 255
    return (255 * (0.1 + 0.75 * small**1.2)).astype(np.uint8)


def described(colorizer: cf.FusionColorizer, photos: list[NDArray[np.uint8]]) -> torch.Tensor:
    """The means of the backbone's coarsest maps `(N, channels)`, of unit length."""
    means = []
    for photo in photos:
        lightness = cf.rgb_to_lab(torch.from_numpy(photo.copy()).movedim(-1, 0))[None, :1]
        small = functional.interpolate(lightness, (128, 128), mode="bilinear", antialias=True)
        with torch.no_grad():
            means.append(colorizer.network_.features(small)[-1].mean(dim=(2, 3))[0])
    return functional.normalize(torch.stack(means))


def errors(colored: NDArray[Any], truth: NDArray[np.uint8]) -> tuple[float, float]:
    """The mean error of ab, and the PSNR in dB."""
    apart = color.rgb2lab(colored)[..., 1:] - color.rgb2lab(truth)[..., 1:]
    squared = np.square(colored.astype(float) / 255 - truth / 255.0).mean()
    return float(np.linalg.norm(apart, axis=-1).mean()), float(-10 * np.log10(squared))


def main(options: argparse.Namespace) -> None:
    """Print a table for each kind of reference."""
    photos = [squashed(path) for path in sorted(options.photos.glob(options.only))[: options.count]]
    pool = [squashed(path) for path in sorted(options.train.glob("*"))[:: options.every][: options.nearest]]
    fusion = cf.FusionColorizer.from_pretrained(options.model)
    alike = described(fusion, photos) @ described(fusion, pool).T
    rng = np.random.default_rng(0)
    references: dict[str, list[Any]] = {
        "the photo mirrored, cropped, darkened": [twin(photo) for photo in photos],
        "the nearest of others": [pool[index] for index in alike.argmax(dim=1).tolist()],
        "another at random": [pool[index] for index in rng.integers(0, len(pool), len(photos))],
    }
    systems: dict[str, Any] = {name: cf.create_colorizer(name, render_size=256) for name in options.systems}
    systems["ours"] = fusion
    grays = [np.repeat(np.asarray(gray_of(photo))[..., None], 3, axis=2) for photo in photos]
    base = np.array([errors(gray, photo) for gray, photo in zip(grays, photos, strict=True)])
    plain = [errors(fusion.predict(gray[..., 0]), photo) for gray, photo in zip(grays, photos, strict=True)]
    print(f"{len(photos)} photos; error of ab {base[:, 0].mean():.2f} for gray")
    row("ours, without a reference", np.array(plain), base)
    for kind, its in references.items():
        print(kind)
        for name, system in systems.items():
            found, started = [], time.perf_counter()
            for gray, photo, reference in zip(grays, photos, its, strict=True):
                found.append(errors(system.predict(gray[..., 0], reference=reference), photo))
            seconds = (time.perf_counter() - started) / len(photos)
            row(name, np.array(found), base, f"{seconds:.2f} s a photo")


def gray_of(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The gray photo of the same lightness."""
    lightness = cf.rgb_to_lab(torch.from_numpy(photo.copy()).movedim(-1, 0))[:1]
    lab = torch.cat([lightness, torch.zeros(2, *lightness.shape[1:])])
    gray: NDArray[np.uint8] = cf.lab_to_rgb(lab, dtype=torch.uint8)[1].numpy()
    return gray


def row(name: str, found: NDArray[Any], base: NDArray[Any], more: str = "") -> None:
    """Print the figures of a system."""
    over = found[:, 1] - base[:, 1]
    print(
        f"  {name:28} error of ab {found[:, 0].mean():6.2f} (spread {found[:, 0].std():5.2f}), "
        f"{over.mean():+6.2f} ± {over.std() / len(over) ** 0.5:.2f} dB over gray  {more}",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("train", type=Path)
    parser.add_argument("--only", default="*")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--model", default="interactive")
    parser.add_argument("--nearest", type=int, default=2000)
    parser.add_argument("--every", type=int, default=7)
    parser.add_argument("--systems", nargs="*", default=SYSTEMS)
    main(parser.parse_args())
