"""Twenty photos of all kinds, made anew each time, always the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from PIL import Image
from skimage import data

from colorfuse.images.profiles import srgb_profile


def photos_of_all_kinds(folder: Path) -> dict[str, Any]:
    """Photos by name, some of them files written to a folder, as `predict` takes them."""
    camera = data.camera()[60:156, 100:220]
    astronaut = data.astronaut()[:90, 180:300]
    wide = camera.astype(np.uint16) * 257
    alpha = np.linspace(0, 255, camera.size).reshape(camera.shape).astype(np.uint8)
    made: dict[str, Callable[[Path], Any]] = {
        "gray.png": lambda path: Image.fromarray(camera).save(path),
        "gray.jpg": lambda path: Image.fromarray(camera).save(path, quality=90),
        "rgb.jpg": lambda path: Image.fromarray(astronaut).save(path, quality=90),
        "turned.jpg": lambda path: Image.fromarray(astronaut).save(path, quality=90, exif=_turned(6)),
        "mirrored.png": lambda path: Image.fromarray(camera).save(path, exif=_turned(2)),
        "cmyk.jpg": lambda path: Image.fromarray(astronaut).convert("CMYK").save(path, quality=90),
        "palette.gif": lambda path: Image.fromarray(astronaut).quantize(64).save(path),
        "alpha.png": lambda path: Image.merge("LA", [*map(Image.fromarray, (camera, alpha))]).save(path),
        "sixteen.png": lambda path: Image.fromarray(wide).save(path),
        "sixteen.tif": lambda path: tifffile.imwrite(path, wide, photometric="minisblack"),
        "rgba.tif": lambda path: tifffile.imwrite(
            path, np.dstack([astronaut, alpha[:90]]).astype(np.uint16) * 257, photometric="rgb", extrasamples=[2]
        ),
        "white_is_zero.tif": lambda path: tifffile.imwrite(path, 65535 - wide, photometric="miniswhite"),
        "profiled.jpg": lambda path: Image.fromarray(astronaut).save(path, icc_profile=srgb_profile()),
        "photo.webp": lambda path: Image.fromarray(astronaut).save(path, lossless=True),
    }
    photos: dict[str, Any] = {}
    for name, write in made.items():
        write(folder / name)
        photos[name] = folder / name
    return photos | {
        "array": camera,
        "floats": camera.astype(np.float64) / 255,
        "uint16": wide,
        "tensor": torch.from_numpy(astronaut).movedim(-1, 0),
        "one pixel": camera[:1, :1],
        "line": np.concatenate([camera[:1]] * 9, axis=1),
    }


def _turned(orientation: int) -> Any:
    exif = Image.Exif()
    exif[274] = orientation
    return exif
