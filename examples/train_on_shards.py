"""Train on tar shards
===================

Data that does not fit on one machine is often kept in tar files, from which photos are streamed in order. WebDataset
reads such files from disk or from any URL; here it reads a few that this script writes.

    pip install webdataset
    python examples/train_on_shards.py
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
import webdataset
from PIL import Image
from skimage import data

import colorfuse as cf

PHOTOS, SIZE = 48, 64


def write_shards(folder: Path) -> list[str]:
    """Write crops of scikit-image's photos, 16 to a tar file."""
    with webdataset.ShardWriter(f"{folder}/photos-%03d.tar", maxcount=16, verbose=0) as shards:
        scenes = [Image.fromarray(scene) for scene in (data.astronaut(), data.coffee(), data.chelsea())]
        for index in range(PHOTOS):
            left, top = index % 8 * 20, index // 8 * 20
            shards.write(
                {"__key__": f"{index:04}", "jpg": scenes[index % 3].crop((left, top, left + 128, top + 128))}
            )
    return sorted(map(str, folder.glob("*.tar")))


def to_sample(image: Image.Image) -> tuple[torch.Tensor, torch.Tensor]:
    """Convert a photo to L and ab."""
    lab = cf.rgb_to_lab(torch.from_numpy(np.array(image.convert("RGB"))).movedim(-1, 0))
    return lab[:1], lab[1:]


with tempfile.TemporaryDirectory() as folder:
    shards = write_shards(Path(folder))
    print(f"{PHOTOS} photos in {len(shards)} shards")

    # Shards come in another order in each epoch, and photos are shuffled within a buffer. The learning-rate schedule
    # depends on the number of photos in an epoch, which the stream does not know: `with_length` sets it.
    stream = (
        webdataset.WebDataset(shards, shardshuffle=len(shards), seed=0)
        .shuffle(100)
        .decode("pil")
        .to_tuple("jpg")
        .map_tuple(to_sample)
        .map(lambda sample: sample[0])
        .with_length(PHOTOS)
    )

    colorizer = cf.FusionColorizer(pretrained=False, image_size=SIZE, epochs=2, batch_size=8)
    colorizer.fit(stream)

for row in colorizer.history_:
    print(f"epoch {row['epoch']}: loss {row['train_loss']:.4f}")
