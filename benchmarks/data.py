"""Measure how fast datasets yield samples, how much memory they take, and how long a training waits for them.

    python benchmarks/data.py [FOLDER_FOR_25000_ROWS]

All rates are of one run, with the number of worker processes that is the default for the dataset, as ratios to bare
decoding and resizing with Pillow.
Photos are scikit-image's, scaled to 640 x 480 and saved as JPEG. The arrays have the size of the paper's: 25,000 rows
of 224 x 224, 3.8 GB, which are written to a temporary folder unless one is given.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from skimage import data
from torch.utils.data import DataLoader, Dataset, Subset

import colorfuse as cf
from colorfuse.data.loading import Loader, default_workers
from colorfuse.data.transforms import center_crop

SIZE, BATCH, PHOTOS, ROUNDS = 224, 32, 640, 3
ROWS, AB_FILES = 25_000, (10_000, 10_000, 5_000)


def main(folder: str | None = None) -> None:
    """Print a table a question."""
    with tempfile.TemporaryDirectory() as temporary:
        photos = write_photos(Path(temporary, "photos"))
        arrays = Path(folder or Path(temporary, "arrays"))
        write_arrays(arrays)
        rates(photos, cf.LabArrays(arrays))
        memory(cf.LabArrays(arrays))
        waiting(photos, cf.LabArrays(arrays))


def write_photos(folder: Path) -> Path:
    """As many JPEGs, each a little different."""
    folder.mkdir()
    scenes = [
        Image.fromarray(scene).resize((720, 540)) for scene in (data.astronaut(), data.coffee(), data.chelsea())
    ]
    for index in range(PHOTOS):
        left, top = index % 80, index // 80 * 7
        scenes[index % 3].crop((left, top, left + 640, top + 480)).save(folder / f"{index:04}.jpg", quality=90)
    return folder


def write_arrays(root: Path) -> None:
    """The paper's layout in its full size, of noise."""
    if (root / "l").exists():
        return
    rng = np.random.default_rng(0)
    noise = rng.integers(96, 160, (1000, SIZE, SIZE, 2), np.uint8)
    for name, shape in [("l/gray_scale", (ROWS, SIZE, SIZE))] + [
        (f"ab/ab{number}", (count, SIZE, SIZE, 2)) for number, count in enumerate(AB_FILES, start=1)
    ]:
        path = root / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for start in range(0, shape[0], 1000):
                file.write(noise.reshape(-1, *shape[1:])[: min(1000, shape[0] - start)].tobytes())


class Bare(Dataset[Any]):
    """Nothing but decoding, as small as serves, and cutting out the centre at the right size."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths
        self.crop = center_crop(SIZE)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self.paths[index]) as image:
            image.draft("RGB", (2 * SIZE, 2 * SIZE))
            return torch.from_numpy(np.array(self.crop(image.convert("RGB"))))


def rates(photos: Path, arrays: cf.LabArrays) -> None:
    """Print samples a second, after the first batch, the best of several interleaved rounds."""
    folder = cf.PhotoFolder(photos, SIZE)
    workers = default_workers(folder)
    loaders: dict[str, Loader | DataLoader[Any]] = {
        "bare decoding and resizing": DataLoader(Bare(folder.paths), BATCH, num_workers=workers),
        "PhotoFolder": Loader(folder, BATCH, workers),
        "LabArrays": Loader(Subset(arrays, range(8 * PHOTOS)), BATCH),
    }
    best = dict.fromkeys(loaders, 0.0)
    for _ in range(ROUNDS):
        for name, loader in loaders.items():
            best[name] = max(best[name], rate(loader))
    print(f"\n| {SIZE} x {SIZE} | worker processes | photos a second | of bare |\n|---|---|---|---|")
    for name, value in best.items():
        share = value / best["bare decoding and resizing"]
        print(f"| {name} | {0 if name == 'LabArrays' else workers} | {value:.0f} | {share:.2f} |")
    print(f"\nLabArrays is {best['LabArrays'] / best['PhotoFolder']:.1f} times as fast as PhotoFolder.")


def rate(loader: Loader | DataLoader[Any]) -> float:
    """Samples a second of a loader whose workers have started."""
    iterator = loader.epoch() if isinstance(loader, Loader) else iter(loader)
    next(iterator)
    started = time.perf_counter()
    return sum(1 for _ in iterator) * BATCH / (time.perf_counter() - started)


def memory(arrays: cf.LabArrays) -> None:
    """Walk all rows in shuffled batches and print by how much the process grew, without mapped files."""
    before = most = own_megabytes()
    for number, _ in enumerate(Loader(arrays, BATCH, 0, seed=0).epoch()):
        if number % 20 == 0:
            most = max(most, own_megabytes())
    print(f"\nwalking {len(arrays)} rows in shuffled batches of {BATCH}: {most - before:.0f} MB more than before")


def own_megabytes() -> float:
    """Resident memory that is not the page cache's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem"))) / 1024


def waiting(photos: Path, arrays: cf.LabArrays) -> None:
    """Print which share of the time of a training of the default network passes between two steps."""
    print("\n| training with | waiting for data |\n|---|---|")
    sources: dict[str, Dataset[Any]] = {
        "PhotoFolder": cf.PhotoFolder(photos, SIZE),
        "LabArrays": Subset(arrays, range(PHOTOS)),
    }
    for name, source in sources.items():
        print(f"| {name} | {share_of_waiting(source):.1%} |")


def share_of_waiting(source: Dataset[Any], steps: Sequence[int] = range(8)) -> float:
    """Of some steps of the default network on batches as `fit` makes them."""
    colorizer = cf.FusionColorizer(pretrained=False).initialize()
    network, objective = colorizer.network_.train(), colorizer.objective_
    optimizer = torch.optim.AdamW(network.parameters())
    train, _ = cf.data.as_datasets(
        source, None, image_size=colorizer.image_size, augmentation=colorizer.augmentation, seed=0
    )
    iterator, waited, started = Loader(train, colorizer.batch_size, seed=0).epoch(), 0.0, 0.0
    for step in (-1, *steps):
        asked = time.perf_counter()
        lightness, ab, *_ = next(iterator)
        if step < 0:  # while the workers start
            started = time.perf_counter()
        else:
            waited += time.perf_counter() - asked
        objective(network(lightness), ab).backward()
        optimizer.step()
        optimizer.zero_grad()
    return waited / (time.perf_counter() - started)


if __name__ == "__main__":
    main(*sys.argv[1:])
