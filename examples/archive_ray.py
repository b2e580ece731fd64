"""Colour an archive on many machines
==================================

An archive that one machine would take weeks for is shared by the workers of a Ray cluster. Each worker holds one
colorizer and is handed paths, a few at a time; what is done already is passed over, so that the same command goes on
after it was stopped. Here, two workers on this machine and a small archive that this script writes.

    pip install "ray[data]"
    python examples/archive_ray.py
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import ray
from PIL import Image
from skimage import data

import colorfuse as cf
from colorfuse.inference.files import list_tasks

WORKERS = 2


class Colorize:
    """What each worker does; the colorizer is loaded once, where the worker runs."""

    def __init__(self) -> None:
        self.colorizer = cf.FusionColorizer.from_pretrained()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Colour photos from files into files; says of each what went wrong, if anything did."""
        errors = [self.colorize(*paths) for paths in zip(batch["source"], batch["target"], strict=True)]
        return {"source": batch["source"], "error": np.array(errors)}

    def colorize(self, source: str, target: str) -> str:
        """Why a photo could not be coloured; nothing if it could."""
        try:
            photo = cf.read_photo(source)
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            cf.write_photo(target, self.colorizer.predict(photo), like=photo)
        except (cf.PhotoError, MemoryError) as error:
            return str(error)
        return ""


def write_archive(folder: Path) -> None:
    """Cut gray photos from scikit-image's, and one file that is none."""
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        (folder / name).mkdir(parents=True)
        photo = Image.fromarray(getattr(data, name)()).convert("L")
        for left in (0, 60, 120):
            photo.crop((left, 0, left + 240, 240)).save(folder / name / f"{left}.jpg")
    (folder / "damaged.jpg").write_bytes(b"no photo")


with tempfile.TemporaryDirectory() as folder:
    archive, output = Path(folder, "archive"), Path(folder, "colored")
    write_archive(archive)
    to_do = [task for task in list_tasks(archive, output) if not task.target.exists()]

    # On a cluster, `ray.init()` finds it, and the folders are ones that all machines see. One processor more than
    # the workers take is left to what hands out the paths.
    ray.init(num_cpus=WORKERS + 1, include_dashboard=False)
    photos = ray.data.from_items([{"source": str(task.source), "target": str(task.target)} for task in to_do])
    done = (
        photos.repartition(2 * WORKERS)
        .map_batches(Colorize, compute=ray.data.ActorPoolStrategy(size=WORKERS))
        .take_all()
    )
    ray.shutdown()

    for row in done:
        if row["error"]:
            print(row["error"])
    print(f"{len(list(output.rglob('*.jpg')))} of {len(to_do)} photos are coloured")
