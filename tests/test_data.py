from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import TensorDataset

import colorfuse as cf
from colorfuse.data import as_datasets
from colorfuse.data.crops import center_crop, random_crop_flip


def sizes(data: Any, validation: Any = None, **changes: Any) -> tuple[int, int | None]:
    options: dict[str, Any] = {"image_size": 32, "augmentation": "none", "seed": 0} | changes
    train, held_out = as_datasets(data, validation, **options)
    return len(train), None if held_out is None else len(held_out)  # type: ignore[arg-type]


def test_samples_are_lightness_and_ab_in_physical_units(photos: NDArray[np.uint8]) -> None:
    lightness, ab = cf.PhotoArray(photos, image_size=48, crop=lambda image: image)[0]
    lab = cf.rgb_to_lab(torch.from_numpy(photos[0]).movedim(-1, 0))
    assert torch.equal(torch.cat([lightness, ab]), lab)
    assert 0 <= lightness.min() < lightness.max() <= 100


def test_a_folder_gives_its_photos_in_order(photo_folder: Path, photos: NDArray[np.uint8]) -> None:
    folder = cf.PhotoFolder(photo_folder, image_size=32)
    assert [path.stem for path in folder.paths] == [f"{i:02}" for i in (*range(0, 12, 2), *range(1, 12, 2))]
    assert torch.equal(folder[0][0], cf.PhotoArray(photos, image_size=32)[0][0])


def test_a_list_of_files_and_folders(photo_folder: Path) -> None:
    folder = cf.PhotoFolder([photo_folder / "part1", photo_folder / "part0" / "00.png"], image_size=32)
    assert len(folder) == 7


def test_large_jpegs_are_decoded_small_and_crop_alike(tmp_path: Path) -> None:
    gradient = np.stack(np.broadcast_arrays(*np.ogrid[0:256:1, 0:256:1], 128), axis=-1).astype(np.uint8)
    Image.fromarray(gradient).resize((1024, 1024)).save(tmp_path / "large.jpg", quality=95)
    decoded = cf.PhotoFolder(tmp_path, image_size=32)[0][1]
    whole = cf.PhotoArray(np.asarray(Image.open(tmp_path / "large.jpg"))[None], image_size=32)[0][1]
    torch.testing.assert_close(decoded, whole, atol=2, rtol=0)


@pytest.mark.parametrize("size", [(40, 200), (200, 40), (7, 9)])
def test_crops_are_squares(size: tuple[int, int]) -> None:
    for crop in (center_crop(24), random_crop_flip(24)):
        assert crop(Image.new("RGB", size)).size == (24, 24)


def test_a_share_is_held_out(photo_folder: Path, photos: NDArray[np.uint8]) -> None:
    assert sizes(photo_folder, 0.25) == (9, 3)
    assert sizes(str(photo_folder), 0.25) == (9, 3)
    assert sizes(photos) == (12, None)
    assert sizes(photos, photo_folder) == (12, 12)
    assert sizes(TensorDataset(torch.zeros(5, 1, 32, 32), torch.zeros(5, 2, 32, 32)), 0.2) == (4, 1)


def test_what_is_held_out_is_not_trained_on(photos: NDArray[np.uint8]) -> None:
    train, held_out = as_datasets(photos, 0.25, image_size=32, augmentation="crop_flip", seed=3)
    assert sorted([*train.indices, *held_out.indices]) == list(range(12))  # type: ignore[attr-defined, union-attr]


@pytest.mark.parametrize("share", [0.001, 1.0, -0.5])
def test_a_share_that_leaves_a_side_empty_is_refused(photos: NDArray[np.uint8], share: float) -> None:
    with pytest.raises(ValueError, match=f"validation={share} of 12 photos leaves one side empty"):
        sizes(photos, share)


@pytest.mark.parametrize(
    "array", [np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 3)), np.zeros((0, 8, 8, 3), "u1")]
)
def test_arrays_of_another_shape_or_dtype_are_refused(array: Any) -> None:
    with pytest.raises(cf.PhotoError, match=r"uint8 of shape \(N, H, W, 3\), not "):
        sizes(array)


def test_no_photos(tmp_path: Path) -> None:
    with pytest.raises(cf.PhotoError, match=f"no photos in {tmp_path}; they are files that end in .*.jpg"):
        cf.PhotoFolder(tmp_path)
    with pytest.raises(cf.PhotoError, match="empty list"):
        cf.PhotoFolder([])
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        cf.PhotoFolder(tmp_path / "nowhere")


def test_what_is_no_photo_by_name_is_left_out(photo_folder: Path, tmp_path: Path) -> None:
    photo = (photo_folder / "part0" / "00.png").read_bytes()
    for name in ("a.png", "B.JPG", ".hidden.png", ".thumbnails/c.png", "notes.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(photo)
    (tmp_path / "folder.jpg").mkdir()
    assert [path.name for path in cf.PhotoFolder(tmp_path).paths] == ["B.JPG", "a.png"]


def test_deep_gray_photos_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    deep = np.full((40, 40), 30000, np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    lightness, _ = cf.PhotoFolder(tmp_path, image_size=32)[0]
    torch.testing.assert_close(lightness, cf.read_photo(deep).lightness()[:, :32, :32], atol=0.3, rtol=0)


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError, match="not int"):
        sizes(3)
    with pytest.raises(ValueError, match="no augmentation is called 'flop'"):
        sizes(np.zeros((2, 8, 8, 3), np.uint8), augmentation="flop")
