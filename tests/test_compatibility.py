"""What version 0.1 saved, and what it predicted: `fixtures/0.1` was written with it."""

import json
import shutil
from pathlib import Path

import numpy as np
import photo_kinds
import pytest
from numpy.typing import NDArray

import colorfuse as cf

FIXTURES = Path(__file__).parent / "fixtures" / "0.1"


@pytest.mark.parametrize("saved", ["inside", "colorizer", "run"])
def test_photos_of_all_kinds_get_the_same_bytes(saved: str, tmp_path: Path) -> None:
    colorizer = cf.FusionColorizer.from_pretrained(None if saved == "inside" else FIXTURES / saved, device="cpu")
    expected = np.load(FIXTURES / "predictions.npz")
    for name, photo in photo_kinds.photos_of_all_kinds(tmp_path).items():
        colored, before = colorizer.predict(photo), expected[f"{saved}/{name}"]
        assert (colored.dtype, colored.shape) == (before.dtype, before.shape)
        # Processors add up in different orders, so that a rare value may be rounded to its neighbour.
        unit = 5e-5 if colored.dtype == np.float32 else 1
        apart = np.abs(colored.astype(np.float64) - before.astype(np.float64))
        assert apart.max() <= (unit if colored.dtype != np.uint16 else 3), name
        assert (apart > 0).mean() < {"uint8": 0.001, "uint16": 0.1, "float32": 1}[colored.dtype.name], name


def test_a_run_goes_on_from_its_checkpoint(photos: NDArray[np.uint8], tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(FIXTURES / "run", run)
    settings = cf.FusionColorizer.load(run).get_params() | {"epochs": 3}
    resumed = cf.FusionColorizer(**settings).fit(photos, 0.25, resume=run, num_workers=0)
    expected = json.loads((FIXTURES / "resumed_history.json").read_text())
    for row, before in zip(resumed.history_, expected, strict=True):
        assert row == pytest.approx(before, rel=1e-3)
