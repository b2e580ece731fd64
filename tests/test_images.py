import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import colorfuse as cf

RAMP = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10


def save(tmp_path: Path, image: Image.Image, name: str = "photo.png", **options: Any) -> Path:
    path = tmp_path / name
    image.save(path, **options)
    return path


def test_gray_bytes(tmp_path: Path) -> None:
    photo = cf.read_photo(save(tmp_path, Image.fromarray(RAMP)))
    np.testing.assert_array_equal(photo.pixels[..., 0], RAMP)
    assert photo.alpha is None


def test_gray_of_16_bit_keeps_its_depth(tmp_path: Path) -> None:
    deep = RAMP.astype(np.uint16) * 257
    for name in ("photo.png", "photo.tif"):
        photo = cf.read_photo(save(tmp_path, Image.fromarray(deep), name))
        assert photo.pixels.dtype == np.uint16
        np.testing.assert_array_equal(photo.pixels[..., 0], deep)


def test_float_tiff(tmp_path: Path) -> None:
    values = RAMP.astype(np.float32) / 255
    photo = cf.read_photo(save(tmp_path, Image.fromarray(values), "photo.tif"))
    np.testing.assert_array_equal(photo.pixels[..., 0], values)


def test_alpha_is_kept(tmp_path: Path) -> None:
    gray_alpha = Image.merge("LA", [Image.fromarray(RAMP), Image.fromarray(255 - RAMP)])
    photo = cf.read_photo(save(tmp_path, gray_alpha))
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.pixels[..., 0], RAMP)
    np.testing.assert_array_equal(photo.alpha[..., 0], 255 - RAMP)
    assert photo.with_ab(torch.zeros(2, 4, 6)).shape == (4, 6, 4)


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK", "1", "RGBA"])
def test_other_modes_are_read(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]], axis=-1)).convert(mode)
    photo = cf.read_photo(save(tmp_path, image, "photo.tif"))
    assert photo.pixels.shape == (4, 6, 1 if mode == "1" else 3)
    assert photo.pixels.dtype == np.uint8
    assert (photo.alpha is not None) == (mode == "RGBA")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :8] = 255
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = Image.fromarray(upright)
    if orientation in undo:
        stored = stored.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = cf.read_photo(save(tmp_path, stored, "photo.jpg", exif=exif, quality=100))
    np.testing.assert_allclose(photo.pixels[..., 0].astype(int), upright, atol=8)


def test_files_images_and_paths_read_alike(tmp_path: Path) -> None:
    path = save(tmp_path, Image.fromarray(RAMP))
    for source in (str(path), io.BytesIO(path.read_bytes()), Image.open(path), torch.from_numpy(RAMP)[None]):
        np.testing.assert_array_equal(cf.read_photo(source).pixels[..., 0], RAMP)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(5, np.uint8), r"shape \(5,\)"),
        (np.zeros((4, 4, 2), np.uint8), r"shape \(4, 4, 2\)"),
        (np.zeros((0, 4), np.uint8), r"shape \(0, 4, 1\)"),
        (np.zeros((4, 4), np.int64), "dtype int64"),
        (np.full((4, 4), 255.0), "floats from 255 to 255"),
        (np.full((4, 4), np.nan), "floats from nan to nan"),
        (np.array([[0.0, np.inf]]), "inf"),
        (np.zeros((4, 4), bool), "dtype bool"),
    ],
)
def test_arrays_that_are_no_photos_are_refused(values: Any, message: str) -> None:
    with pytest.raises(cf.PhotoError, match=message):
        cf.read_photo(values)


def test_gray_with_a_transparent_value(tmp_path: Path) -> None:
    photo = cf.read_photo(save(tmp_path, Image.fromarray(RAMP), transparency=50))
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.alpha[..., 0] == 0, RAMP == 50)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_tensors(dtype: torch.dtype) -> None:
    assert cf.read_photo(torch.rand(3, 4, 5).to(dtype)).pixels.dtype == np.float32


def test_a_tensor_without_channels_is_refused() -> None:
    with pytest.raises(cf.PhotoError, match=r"\(4, 5\); a photo is \(1 \| 3 \| 4, H, W\)"):
        cf.read_photo(torch.rand(4, 5))


def test_files_that_are_no_photos_are_named(tmp_path: Path) -> None:
    notes, empty, cut = (tmp_path / name for name in ("notes.png", "empty.jpg", "cut.png"))
    notes.write_text("no image")
    empty.touch()
    whole = save(tmp_path, Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)))
    cut.write_bytes(whole.read_bytes()[:-1000])
    for path, message in ((notes, "no image"), (empty, "no image"), (cut, "damaged")):
        with pytest.raises(cf.PhotoError, match=f"{path.name} is {message}"):
            cf.read_photo(path)


def test_a_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, Image.fromarray(RAMP))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(cf.PhotoError, match="too large"):
        cf.read_photo(path)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere.png"):
        cf.read_photo(tmp_path / "nowhere.png")


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(TypeError, match="not int"):
        cf.read_photo(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
def test_written_photos_read_back(tmp_path: Path, suffix: str) -> None:
    pixels = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    path = tmp_path / "new" / f"photo{suffix}"
    cf.write_photo(path, pixels)
    np.testing.assert_allclose(cf.read_photo(path).pixels.astype(int), pixels, atol=3)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 1), (6, 5, 3), (6, 5, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_every_array_can_be_written(tmp_path: Path, suffix: str, shape: tuple[int, ...], dtype: Any) -> None:
    full = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    cf.write_photo(tmp_path / f"photo{suffix}", np.full(shape, full, dtype))
    photo = cf.read_photo(tmp_path / f"photo{suffix}")
    assert (photo.pixels == 255).all()
    assert (photo.alpha is not None) == (suffix == ".png" and shape[2:] == (4,))


def test_values_out_of_range_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(cf.PhotoError, match="floats from 1.2 to 1.2"):
        cf.write_photo(tmp_path / "photo.png", np.full((4, 4, 3), 1.2))


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "photo.png"
    cf.write_photo(path, np.zeros((4, 4, 3), np.uint8))
    before = path.read_bytes()

    def half(self: Image.Image, target: Path, **_: Any) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises(OSError, match="No space"):
        cf.write_photo(path, np.ones((4, 4, 3), np.uint8))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="suffix"):
        cf.write_photo(tmp_path / "photo.xyz", np.zeros((4, 4, 3), np.uint8))
