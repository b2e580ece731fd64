import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torchvision.transforms import v2

import colorfuse as cf
from colorfuse.data.transforms import center_crop, random_crop_flip
from colorfuse.evaluation.ground_truth import find_ground_truth
from colorfuse.images.finding import _photos_below, find_photos


def test_samples_are_lightness_and_ab_in_physical_units(photos: NDArray[np.uint8]) -> None:
    lightness, ab = cf.PhotoArray(photos, image_size=48, transform=lambda image: image)[0]
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


@pytest.mark.parametrize(
    "array", [np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 3)), np.zeros((0, 8, 8, 3), "u1")]
)
def test_arrays_of_another_shape_or_dtype_are_refused(array: Any) -> None:
    with pytest.raises(cf.DataError, match=r"uint8 of shape \(N, H, W, 3\), not "):
        cf.PhotoArray(array)


def test_no_photos(tmp_path: Path) -> None:
    with pytest.raises(cf.DataError, match=f"no photos in {tmp_path}; they are files that end in .*.jpg"):
        cf.PhotoFolder(tmp_path)
    with pytest.raises(cf.DataError, match="empty list"):
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
    lightness, _ = cf.PhotoFolder(tmp_path, image_size=32, min_chroma=0)[0]
    torch.testing.assert_close(lightness, cf.read_photo(deep).lightness()[:, :32, :32], atol=0.3, rtol=0)


@pytest.fixture
def mixed(photo_folder: Path, photos: NDArray[np.uint8], tmp_path: Path) -> Path:
    """Colour photos beside two that are gray in fact and two that cannot be read."""
    root = tmp_path / "mixed"
    shutil.copytree(photo_folder, root)
    Image.fromarray(photos[0][..., 0]).save(root / "gray.png")
    Image.fromarray(np.repeat(photos[1][..., :1], 3, axis=-1)).save(root / "gray_in_rgb.jpg")
    (root / "notes.jpg").write_text("no image")
    (root / "cut.png").write_bytes((photo_folder / "part0" / "00.png").read_bytes()[:-900])
    return root


def test_gray_and_unreadable_photos_are_left_out_and_named(mixed: Path) -> None:
    with pytest.warns(
        UserWarning, match="of 16 photos, left out 2 gray and 2 unreadable photos; .*cut.png is damaged"
    ):
        folder = cf.PhotoFolder(mixed, image_size=32)
    assert len(folder) == 12
    assert {path.name for path in folder.left_out.gray} == {"gray.png", "gray_in_rgb.jpg"}
    assert {path.name for path in folder.left_out.unreadable} == {"cut.png", "notes.jpg"}


def test_all_photos_may_be_taken(mixed: Path) -> None:
    folder = cf.PhotoFolder(mixed, image_size=32, min_chroma=0, unreadable="raise")
    assert len(folder) == 16
    with pytest.raises(cf.PhotoError, match=r"notes\.jpg is no image"):
        folder[folder.paths.index(mixed / "notes.jpg")]
    with pytest.raises(ValueError, match='unreadable must be "skip" or "raise", not False'):
        cf.PhotoFolder(mixed, unreadable=False)  # type: ignore[arg-type]


def test_a_folder_without_colour(tmp_path: Path, photos: NDArray[np.uint8]) -> None:
    Image.fromarray(photos[0][..., 0]).save(tmp_path / "gray.png")
    with pytest.raises(cf.DataError, match="no colour photos among 1: left out 1 gray.*min_chroma=2"):
        cf.PhotoFolder(tmp_path)


def test_a_folder_of_folders_without_photos(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(cf.DataError, match=f"no photos in {tmp_path}"):
        cf.PhotoFolder(tmp_path)


def test_weights_by_pattern(photo_folder: Path) -> None:
    folder = cf.PhotoFolder(photo_folder, weights={"00.png": 5, "part0": 2, "part1/0?.png": 0.5})
    assert folder.sample_weights is not None
    assert folder.sample_weights.tolist() == [5, 2, 2, 2, 2, 2, 0.5, 0.5, 0.5, 0.5, 0.5, 1]
    with pytest.raises(ValueError, match="no photo matches the pattern 'part7'"):
        cf.PhotoFolder(photo_folder, weights={"part7": 2})
    with pytest.raises(ValueError, match="weight of 'part0' must be a number from 0 on, not -1"):
        cf.PhotoFolder(photo_folder, weights={"part0": -1})


def test_labels_are_the_sub_folders(photo_folder: Path, tmp_path: Path) -> None:
    folder = cf.PhotoFolder(photo_folder, image_size=32, labels=True)
    assert folder.classes == ["part0", "part1"]
    assert [folder[index][2] for index in (0, 11)] == [0, 1]
    with pytest.raises(ValueError, match=r"00\.png lies in no sub-folder"):
        cf.PhotoFolder([photo_folder / "part0" / "00.png"], labels=True)


def test_any_transform_of_torchvision(photo_folder: Path) -> None:
    transform = v2.Compose([v2.RandomRotation(30), v2.Resize((20, 28)), v2.ToImage(), v2.ToDtype(torch.uint8)])
    lightness, ab = cf.PhotoFolder(photo_folder, transform=transform)[0]
    assert lightness.shape == (1, 20, 28)
    assert ab.shape == (2, 20, 28)


def test_a_transform_of_ones_own_sees_the_whole_photo(tmp_path: Path) -> None:
    Image.effect_noise((1200, 900), 90).convert("RGB").save(tmp_path / "large.jpg")
    seen = []

    def transform(image: Image.Image) -> Image.Image:
        seen.append(image.size)
        return image.resize((8, 8))

    folder = cf.PhotoFolder(tmp_path, transform=transform, min_chroma=0)
    folder[0]
    folder.with_transform(folder.transform, 100)[0]
    assert seen == [(1200, 900), (300, 225)]


def test_linked_folders_are_gone_into_once(photo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(photo_folder)
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(cf.PhotoFolder(tmp_path)) == 12
    assert len(cf.PhotoFolder([photo_folder / "part0", photo_folder / "part0" / "00.png"])) == 6


def test_settings_that_cannot_be(photo_folder: Path) -> None:
    for settings in ({"image_size": 0}, {"min_chroma": float("nan")}, {"min_chroma": -1}):
        with pytest.raises(ValueError, match="must be at least"):
            cf.PhotoFolder(photo_folder, **settings)


def test_folders_within_one_another_give_each_photo_once(photo_folder: Path) -> None:
    twice = cf.PhotoFolder([photo_folder, photo_folder / "part1", photo_folder / "part0" / "00.png"])
    assert twice.paths == cf.PhotoFolder(photo_folder).paths
    assert len(find_ground_truth([photo_folder, photo_folder / "part1"])) == 12


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="gone cannot be looked into and is passed over: No such file"):
        assert not _photos_below(tmp_path / "gone")


@pytest.mark.parametrize(
    ("black", "white", "middle"),
    [("#1e120a", "#fff4dc", "#a08060"), ("#061a3a", "#f4faff", "#5a86a8"), ("#201018", "#f8f0f4", None)],
    ids=["sepia", "cyanotype", "selenium"],
)
@pytest.mark.parametrize("quality", [75, 95])
def test_toned_photos_are_left_out_like_gray_ones(
    tmp_path: Path, black: str, white: str, middle: str | None, quality: int
) -> None:
    from skimage import data

    photos = {"cat": data.chelsea(), "coffee": data.coffee(), "woman": data.astronaut(), "rocket": data.rocket()}
    for name, photo in photos.items():
        gray = ImageOps.grayscale(Image.fromarray(photo))
        ImageOps.colorize(gray, black, white, middle).save(tmp_path / f"{name}-toned.jpg", quality=quality)
        Image.fromarray(photo).save(tmp_path / f"{name}.jpg", quality=quality)
    with pytest.warns(UserWarning, match="of 8 photos, left out 0 gray, 4 toned and 0 unreadable photos"):
        folder = cf.PhotoFolder(tmp_path)
    assert [path.name for path in folder.left_out.toned] == sorted(f"{name}-toned.jpg" for name in photos)
    assert len(cf.PhotoFolder(tmp_path, min_chroma=0, unreadable="raise")) == 8
    result = cf.evaluate(cf.FusionColorizer.from_pretrained(), tmp_path, figures=["psnr"])
    assert list(result.photos) == sorted(f"{name}.jpg" for name in photos)
    assert set(result.left_out.values()) == {"it is toned: its colours are one function of its lightness"}


def test_pictures_that_are_passed_over_are_counted_and_named(photo_folder: Path, tmp_path: Path) -> None:
    photo = next(photo_folder.rglob("*.png")).read_bytes()
    for name in ("a.png", "nothing", "b.jpe", "notes.txt", ".hidden.heic"):
        (tmp_path / name).write_bytes(photo)
    for name in ("c.heic", "d.jxl", "e.dng", "notes"):
        (tmp_path / name).write_bytes(b"something else")
    (tmp_path / "f.jpg").symlink_to(tmp_path / "gone.jpg")
    with pytest.warns(UserWarning, match="5 files of .* are passed over: ") as caught:
        assert [path.name for path in find_photos(tmp_path)] == ["a.png", "b.jpe"]
    said_of = (
        "c.heic (install pillow-heif and register it)",
        "e.dng (convert",
        "f.jpg (a broken link)",
        "nothing (no su",
    )
    for said in said_of:
        assert said in str(caught[0].message)


def test_formats_of_plug_ins_are_read_where_they_are_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(tmp_path / "photo.heic", "PNG")
    Image.init()
    monkeypatch.setitem(Image.EXTENSION, ".heic", "HEIF")
    monkeypatch.setitem(Image.OPEN, "HEIF", Image.OPEN["PNG"])
    assert [path.name for path in find_photos(tmp_path)] == ["photo.heic"]
