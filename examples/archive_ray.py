"""Colour an archive on many machines
==================================

An archive that one machine would take weeks for is shared by the workers of a Ray cluster. Each worker holds one
colorizer and is handed paths, some at a time. If a worker dies, another is started in its place and goes on with what
it was handed; what is done already is passed over, so that the same command also goes on after all was stopped. Here,
two workers on this machine and, if no archive is given, a small one that this script writes.

    pip install "ray[data]"
    python examples/archive_ray.py [ARCHIVE COLORED]
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch
from PIL import Image
from skimage import data

import colorfuse as cf
from colorfuse.inference.files import list_tasks

WORKERS, AT_ONCE = 2, 50


class Colorize:
    """What each worker does; the colorizer is loaded once, where the worker runs."""

    def __init__(self) -> None:
        self.colorizer = cf.FusionColorizer.from_pretrained().optimized(torch.float32)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Colour photos from files into files; says of each what went wrong, if anything did."""
        errors = [self.colorize(*map(Path, paths)) for paths in zip(batch["source"], batch["target"], strict=True)]
        return {"source": batch["source"], "error": np.array(errors)}

    def colorize(self, source: Path, target: Path) -> str:
        """Why a photo could not be coloured; nothing if it could."""
        if target.exists():  # by a worker that died before it could say so
            return ""
        try:
            photo = cf.read_photo(source)
            cf.write_photo(target, self.colorizer.predict(photo), like=photo)
        except (cf.PhotoError, MemoryError) as error:
            return str(error)
        return ""


def main(archive: Path, output: Path) -> None:
    """Colour what is missing, and say what failed."""
    to_do = [task for task in list_tasks(archive, output) if not task.target.exists()]

    # On a cluster, `ray.init()` finds it, and the folders are ones that all machines see. One processor more than
    # the workers take is left to what hands out the paths.
    ray.init(num_cpus=WORKERS + 1, include_dashboard=False)
    photos = ray.data.from_items([{"source": str(task.source), "target": str(task.target)} for task in to_do])
    done = (
        photos.repartition(max(WORKERS, len(to_do) // AT_ONCE))
        .map_batches(Colorize, batch_size=AT_ONCE, compute=ray.data.ActorPoolStrategy(size=WORKERS))
        .take_all()
    )
    ray.shutdown()

    for row in done:
        if row["error"]:
            print(row["error"])
    print(f"{sum(task.target.exists() for task in to_do)} of {len(to_do)} photos are coloured")


def write_archive(folder: Path) -> None:
    """Cut gray photos from scikit-image's, and one file that is none."""
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        (folder / name).mkdir(parents=True)
        photo = Image.fromarray(getattr(data, name)()).convert("L")
        for left in (0, 60, 120):
            photo.crop((left, 0, left + 240, 240)).save(folder / name / f"{left}.jpg")
    (folder / "damaged.jpg").write_bytes(b"no photo")


if sys.argv[1:]:
    main(*map(Path, sys.argv[1:]))
else:
    with tempfile.TemporaryDirectory() as folder:
        write_archive(Path(folder, "archive"))
        main(Path(folder, "archive"), Path(folder, "colored"))
