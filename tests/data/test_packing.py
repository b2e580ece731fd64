import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faults import at_most_bytes_a_file
from numpy.typing import NDArray
from torch.utils.data import Subset, TensorDataset
from torchvision.transforms import v2

import colorfuse as cf


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_any_dataset_is_packed(photo_folder: Path, tmp_path: Path) -> None:
    folder = cf.PhotoFolder(photo_folder, image_size=32)
    packed = cf.pack(folder, tmp_path / "new" / "packed", rows_a_file=5)
    assert names(packed.root / "ab") == ["ab1.npy", "ab2.npy", "ab3.npy"]
    assert [np.load(packed.root / "ab" / f"ab{number}.npy").shape[0] for number in (1, 2, 3)] == [5, 5, 2]
    for index in range(12):
        for packed_part, part, step in zip(packed[index], folder[index], (100 / 255, 1), strict=True):
            torch.testing.assert_close(packed_part, part, atol=0.5001 * step, rtol=0)
    about = json.loads((packed.root / "pack.json").read_text())
    assert about["count"] == 12
    assert about["size"] == [32, 32]
    assert str(photo_folder) in about["source"]
    assert names(tmp_path / "new") == ["packed"]


def test_the_same_is_not_packed_again(photos: NDArray[np.uint8], tmp_path: Path) -> None:
    packed = cf.pack(cf.PhotoArray(photos, 32), tmp_path / "packed")
    written = (packed.root / "l" / "gray_scale.npy").stat().st_mtime_ns
    cf.pack(cf.PhotoArray(photos, 32), tmp_path / "packed")
    assert (packed.root / "l" / "gray_scale.npy").stat().st_mtime_ns == written
    with pytest.raises(FileExistsError, match="packed holds something else than this dataset"):
        cf.pack(cf.PhotoArray(photos, 40), tmp_path / "packed")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").touch()
    with pytest.raises(FileExistsError, match="other holds something else"):
        cf.pack(cf.PhotoArray(photos, 32), tmp_path / "other")


def test_what_0_1_packed_is_known(photos: NDArray[np.uint8], tmp_path: Path) -> None:
    note = cf.pack(cf.PhotoArray(photos, 32), tmp_path / "packed").root / "pack.json"
    note.write_text(
        json.dumps({name: value for name, value in json.loads(note.read_text()).items() if name != "first"})
    )
    assert len(cf.pack(cf.PhotoArray(photos, 32), tmp_path / "packed")) == len(photos)


def test_photos_that_were_moved_are_the_same(photo_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(photo_folder, tmp_path / "one")
    cf.pack(cf.PhotoFolder(tmp_path / "one", 32), tmp_path / "packed")
    (tmp_path / "one").rename(tmp_path / "other")
    assert len(cf.pack(cf.PhotoFolder(tmp_path / "other", 32), tmp_path / "packed"))


def test_another_transform_is_packed_anew(photo_folder: Path, tmp_path: Path) -> None:
    cf.pack(cf.PhotoFolder(photo_folder, 32), tmp_path / "packed")
    with pytest.raises(FileExistsError, match="packed holds something else than this dataset"):
        cf.pack(cf.PhotoFolder(photo_folder, 32, transform=v2.Resize((32, 32))), tmp_path / "packed")


def test_that_labels_and_weights_are_not_packed_is_said(photo_folder: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="labels and weights are not packed, only L and ab"):
        cf.pack(cf.PhotoFolder(photo_folder, 32, labels=True), tmp_path / "packed")


def test_samples_of_several_sizes_are_refused(tmp_path: Path) -> None:
    class Mixed(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return 5

        def __getitem__(self, index: int) -> Any:
            side = 16 + (index == 3)
            return torch.zeros(1, side, 16), torch.zeros(2, side, 16)

    with pytest.raises(cf.DataError, match=r"sample 3 has L and ab of .*17, 16.*first one is of \(16, 16\)"):
        cf.pack(Mixed(), tmp_path / "packed")
    with pytest.raises(cf.DataError, match="empty"):
        cf.pack(TensorDataset(torch.zeros(0, 1, 4, 4), torch.zeros(0, 2, 4, 4)), tmp_path / "packed")


@pytest.mark.parametrize("index", [0, 70, 99])
def test_values_that_are_none_are_refused(tmp_path: Path, index: int) -> None:
    lightness, ab = torch.zeros(100, 1, 4, 4), torch.zeros(100, 2, 4, 4)
    ab[index, 0, 2, 2] = float("nan")
    with pytest.raises(cf.DataError, match=f"sample {index} has values that are not finite"):
        cf.pack(TensorDataset(lightness, ab), tmp_path / "packed", num_workers=0)


def test_another_content_is_another_dataset(photos: NDArray[np.uint8], tmp_path: Path) -> None:
    whole = cf.PhotoArray(photos, 32)
    cf.pack(Subset(whole, range(6)), tmp_path / "packed")
    for other in (Subset(whole, range(6, 12)), cf.PhotoArray(255 - photos, 32)):
        with pytest.raises(FileExistsError, match="holds something else than this dataset"):
            cf.pack(other, tmp_path / "packed")
    with pytest.raises(FileExistsError, match="holds something else"):
        cf.pack(Subset(whole, range(6)), tmp_path / "packed", rows_a_file=5)


def test_rows_a_file_cannot_change_on_the_way(photos: NDArray[np.uint8], tmp_path: Path) -> None:
    many = cf.PhotoArray(np.tile(photos, (20, 1, 1, 1)), 32)
    with at_most_bytes_a_file(150_000), pytest.raises(OSError, match="make room"):
        cf.pack(many, tmp_path / "packed", rows_a_file=100, num_workers=0)
    with at_most_bytes_a_file(0), pytest.raises(OSError, match="make room"):
        cf.pack(many, tmp_path / "packed", rows_a_file=100, num_workers=0)
    with pytest.raises(FileExistsError, match="begun from another dataset"):
        cf.pack(many, tmp_path / "packed", rows_a_file=50)
    assert len(cf.pack(many, tmp_path / "packed", rows_a_file=100)) == 240
    with pytest.raises(ValueError, match="rows_a_file must be at least 1, not 0"):
        cf.pack(many, tmp_path / "other", rows_a_file=0)


def test_a_full_disk_is_an_error_and_nothing_is_lost(photos: NDArray[np.uint8], tmp_path: Path) -> None:
    many = cf.PhotoArray(np.tile(photos, (20, 1, 1, 1)), 32)
    with (
        at_most_bytes_a_file(150_000),
        pytest.raises(OSError, match="make room for more than 64 photos, and pack again"),
    ):
        cf.pack(many, tmp_path / "packed", num_workers=0)
    assert not (tmp_path / "packed").exists()
    assert sum(path.stat().st_size for path in (tmp_path / ".packed.partial").rglob("*.npy")) > 100_000
    with pytest.raises(FileNotFoundError, match="packed"):
        cf.LabArrays(tmp_path / "packed")
    with pytest.raises((cf.DataError, FileNotFoundError)):
        cf.LabArrays(tmp_path / ".packed.partial")
    packed = cf.pack(many, tmp_path / "packed")
    reference = cf.pack(many, tmp_path / "reference")
    assert contents(packed.root) == contents(reference.root)


def test_what_was_begun_from_another_dataset_is_not_gone_on_with(photos: NDArray[np.uint8], tmp_path: Path) -> None:
    with at_most_bytes_a_file(2000), pytest.raises(OSError, match="make room"):
        cf.pack(cf.PhotoArray(photos, 32), tmp_path / "packed", num_workers=0)
    with pytest.raises(FileExistsError, match="begun from another dataset; remove it"):
        cf.pack(cf.PhotoArray(photos[:5], 32), tmp_path / "packed")


def test_a_photo_that_vanishes_is_named(photo_folder: Path, tmp_path: Path) -> None:
    photos = shutil.copytree(photo_folder, tmp_path / "photos")
    folder = cf.PhotoFolder(photos, 32)
    (photos / "part1" / "05.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"part1/05\.png"):
        cf.pack(folder, tmp_path / "packed")


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.npy")}


PACKER = """
import sys, numpy as np, colorfuse as cf
photos = np.random.default_rng(0).integers(0, 256, (2000, 32, 32, 3), np.uint8)
cf.pack(cf.PhotoArray(photos, 32), sys.argv[1], rows_a_file=700, num_workers=int(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_killed_packing_goes_on_where_it_stopped(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    subprocess.run([sys.executable, "-c", PACKER, str(tmp_path / "whole"), "1"], check=True)
    command = [sys.executable, "-c", PACKER, str(tmp_path / "killed")]
    begun = tmp_path / ".killed.partial" / "l" / "gray_scale.npy"
    sizes = [0]
    for attempt in range(4):
        with subprocess.Popen([*command, str(attempt % 2)]) as packer:
            while packer.poll() is None and not (begun.exists() and begun.stat().st_size > sizes[-1]):
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.1))
            packer.send_signal(signal.SIGKILL)
        if not begun.exists():
            break
        sizes.append(begun.stat().st_size)
    assert len(sizes) > 2
    assert sizes == sorted(sizes)
    subprocess.run([*command, "0"], check=True)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_dark_and_vivid_photos_are_packed(tmp_path: Path) -> None:
    dark = np.random.default_rng(0).integers(0, 60, (40, 16, 16, 3), np.uint8)
    vivid = np.zeros((1, 16, 16, 3), np.uint8)
    vivid[..., 2] = 255
    packed = cf.pack(
        cf.PhotoArray(np.concatenate([dark, vivid]), 16), tmp_path / "packed", rows_a_file=40, num_workers=0
    )
    assert len(cf.LabArrays(packed.root)) == 41
