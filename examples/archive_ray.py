"""Colour an archive on many machines
==================================

The workers of a Ray cluster share an archive that would take one machine weeks. Each worker holds one colorizer and
gets paths in batches. If a worker dies, another is started in its place and continues its batch. Photos that are
already coloured are skipped, so the same command also resumes an interrupted run. This script starts two workers on
this machine. If no archive is given, it writes a small one.

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
    """A worker: it loads the colorizer once, and then colours one batch after another."""

    def __init__(self) -> None:
        self.colorizer = cf.FusionColorizer.from_pretrained().optimized(torch.float32)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Colour photos from files into files; the result says for each what went wrong, if anything did."""
        errors = [self.colorize(*map(Path, paths)) for paths in zip(batch["source"], batch["target"], strict=True)]
        return {"source": batch["source"], "error": np.array(errors)}

    def colorize(self, source: Path, target: Path) -> str:
        """Colour a photo; return why it could not be coloured, or an empty text if it was."""
        if target.exists():  # written by a worker that died before it could report it
            return ""
        try:
            photo = cf.read_photo(source)
            cf.write_photo(target, self.colorizer.predict(photo), like=photo)
        except (cf.PhotoError, MemoryError) as error:
            return str(error)
        return ""


def main(archive: Path, output: Path) -> None:
    """Colour the photos whose outputs are missing, and print what failed."""
    to_do = [task for task in list_tasks(archive, output) if not task.target.exists()]

    # On a cluster, call `ray.init()`, which finds it, and use folders that all machines share. One processor more
    # than the workers use is for the tasks that hand out the paths.
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
    """Write gray crops of scikit-image's photos, and one file that is not a photo."""
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
