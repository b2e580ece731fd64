import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_quickstart_writes_a_sheet_and_prints_where(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, EXAMPLES / "quickstart.py"],
        cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    sheet = tmp_path / "quickstart.png"
    assert str(sheet) in result.stdout
    gray, colored, truth = np.split(np.asarray(Image.open(sheet).convert("HSV"))[..., 1].astype(float), 3, axis=1)
    assert gray.max() == 0 < colored.mean() < truth.mean() * 2


def test_train_on_shards(tmp_path: Path) -> None:
    pytest.importorskip("webdataset")
    result = subprocess.run(
        [sys.executable, EXAMPLES / "train_on_shards.py"],
        cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "48 photos in 3 shards" in result.stdout
    assert "epoch 2: loss" in result.stdout


def test_custom_backbone(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, EXAMPLES / "custom_backbone.py"],
        cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "MapInfo(channels=64, reduction=8)" in result.stdout
    assert "coloured a photo of 512 x 512" in result.stdout
