import os
import tempfile

# One thread a process where several run side by side, read when torch is first imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Read when torch is first imported: what is tested is what a machine without a GPU does.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

# Read when huggingface_hub is first imported: no test may reach a hub, or what was fetched from one before.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_CACHE"] = tempfile.mkdtemp()

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import register_random, settings
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import colorfuse as cf

collect_ignore = ["plug_in"]  # a package that a test installs

settings.register_profile("colorfuse", deadline=None, max_examples=50, print_blob=True)
settings.load_profile("colorfuse")


class TorchRandom:
    """torch's generator, for hypothesis to seed before each example."""

    seed = staticmethod(torch.manual_seed)
    getstate = staticmethod(torch.get_rng_state)
    setstate = staticmethod(torch.set_rng_state)


TORCH_RANDOM = TorchRandom()
register_random(TORCH_RANDOM)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def photos() -> NDArray[np.uint8]:
    """Twelve colour photos of 48 x 64, cut from scikit-image's own."""
    crops = [
        np.asarray(Image.fromarray(photo).resize((128, 96)))[y : y + 48, x : x + 64]
        for photo in (data.astronaut(), data.coffee(), data.chelsea())
        for y in (0, 48)
        for x in (0, 64)
    ]
    return np.stack(crops)


@pytest.fixture(scope="session")
def photo_folder(photos: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same photos as PNG files, in two sub-folders, beside a file that is no photo."""
    root = tmp_path_factory.mktemp("photos")
    for index, photo in enumerate(photos):
        folder = root / f"part{index % 2}"
        folder.mkdir(exist_ok=True)
        Image.fromarray(photo).save(folder / f"{index:02}.png")
    (root / "notes.txt").write_text("not a photo")
    return root


@pytest.fixture
def tiny() -> Callable[..., cf.FusionColorizer]:
    """Makes a colorizer that is small enough to train in a test."""

    def make(**changes: object) -> cf.FusionColorizer:
        options: dict[str, object] = {
            "backbone": "test_efficientnet",
            "pretrained": False,
            "image_size": 32,
            "epochs": 2,
            "batch_size": 4,
        }
        return cf.FusionColorizer(**options | changes)  # type: ignore[arg-type]

    return make
