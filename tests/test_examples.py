import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(example: str, folder: Path) -> str:
    """What an example prints that runs in a folder."""
    result = subprocess.run(
        [sys.executable, EXAMPLES / example],
        cwd=folder, env=os.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return result.stdout


@pytest.mark.slow
def test_quickstart_writes_a_sheet_and_prints_where(tmp_path: Path) -> None:
    printed = run("quickstart.py", tmp_path)
    sheet = tmp_path / "quickstart.png"
    assert str(sheet) in printed
    gray, colored, truth = np.split(np.asarray(Image.open(sheet).convert("HSV"))[..., 1].astype(float), 3, axis=1)
    assert gray.max() == 0 < colored.mean() < truth.mean() * 2


@pytest.mark.slow
def test_a_point_in_one_frame_colours_its_shot(tmp_path: Path) -> None:
    assert "48 frames in 2 shots, 2.0 s" in run("steer_film.py", tmp_path)
    sheet = np.asarray(Image.open(tmp_path / "film.png").convert("HSV"))[..., 1].astype(float)
    gray, automatic, steered = np.split(sheet, 3)
    assert gray.mean() < 3
    np.testing.assert_array_equal(steered[:, :640], automatic[:, :640])
    assert all(
        steered[:, left : left + 320].mean() > automatic[:, left : left + 320].mean() + 20
        for left in range(960, 1920, 320)
    )


def test_train_on_shards(tmp_path: Path) -> None:
    pytest.importorskip("webdataset")
    printed = run("train_on_shards.py", tmp_path)
    assert "48 photos in 3 shards" in printed
    assert "epoch 2: loss" in printed


@pytest.mark.slow
def test_archive_ray(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    printed = run("archive_ray.py", tmp_path)
    assert "damaged.jpg is no image that can be read" in printed
    assert "12 of 13 photos are coloured" in printed


@pytest.mark.slow
def test_custom_backbone(tmp_path: Path) -> None:
    printed = run("custom_backbone.py", tmp_path)
    assert "MapInfo(channels=64, reduction=8)" in printed
    assert "coloured a photo of 512 x 512" in printed


@pytest.mark.slow
def test_compare_backbones(tmp_path: Path) -> None:
    run("compare_backbones.py", tmp_path)
    with (tmp_path / "backbones.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["backbone"] for row in rows] == ["mobilenetv1_100", "mobilenetv3_small_050", "resnet10t"]
    for row in rows:
        assert 0 < float(row["error"]) < float(row["constant_error"]) < float(row["gray_error"])
        assert float(row["milliseconds"]) > 0 < float(row["colorfulness"])
    assert int(rows[0]["parameters"]) == 4_060_786
    assert np.asarray(Image.open(tmp_path / "backbones.png")).shape[:2] == (450, 700)
