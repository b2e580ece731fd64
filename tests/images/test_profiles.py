from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

import colorfuse as cf
from colorfuse.images import open_rgb
from colorfuse.images.profiles import srgb_profile

RAMP = np.arange(0, 256, dtype=np.uint8).reshape(16, 16)
D50 = [0.9642, 1.0, 0.8249]


def srgb_of_linear(linear: Any) -> Any:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
@pytest.mark.parametrize("deep", [False, True])
def test_gray_profiles(tmp_path: Path, gamma: float, deep: bool) -> None:
    profile = imagecodecs.cms_profile("gray", whitepoint=D50, gamma=gamma)
    path = tmp_path / "scan.tif"
    values = RAMP.astype(np.uint16) * 257 if deep else RAMP
    Image.fromarray(values).save(path, icc_profile=profile)
    photo = cf.read_photo(path)
    assert photo.pixels.dtype == values.dtype
    assert photo.pixels.shape == (16, 16, 1)
    full = 65535 if deep else 255
    expected = srgb_of_linear((RAMP / 255) ** gamma)
    np.testing.assert_allclose(photo.pixels[..., 0] / full, expected, atol=1e-4 if deep else 0.6 / 255)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colour_profiles(tmp_path: Path, dtype: Any) -> None:
    """Linear light with the primaries of sRGB has a closed form."""
    primaries = [0.64, 0.33, 1.0, 0.30, 0.60, 1.0, 0.15, 0.06, 1.0]
    profile = imagecodecs.cms_profile("rgb", whitepoint=[0.3127, 0.3290, 1.0], primaries=primaries, gamma=1.0)
    full = np.iinfo(dtype).max
    linear = (np.random.default_rng(0).uniform(0, 1, (20, 20, 3)) * full).astype(dtype)
    path = tmp_path / "photo.tif"
    tifffile.imwrite(path, linear, photometric="rgb", iccprofile=profile)
    expected = srgb_of_linear(linear / full)
    np.testing.assert_allclose(
        cf.read_photo(path).pixels / full, expected, atol=1e-4 if dtype == np.uint16 else 0.6 / 255
    )


def test_wide_colours_of_16_bits(tmp_path: Path) -> None:
    """Adobe RGB has a closed form as well: other primaries of the same white, gamma 563/256."""
    to_xyz = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]])
    to_srgb = np.linalg.inv([[0.41239, 0.35758, 0.18048], [0.21264, 0.71517, 0.07219], [0.01933, 0.11919, 0.95053]])
    values = np.random.default_rng(0).integers(5000, 65536, (30, 30, 3), np.uint16)
    linear = (values / 65535) ** (563 / 256) @ (to_srgb @ to_xyz).T
    inside = (linear >= 0).all(-1) & (linear <= 1).all(-1)
    tifffile.imwrite(
        tmp_path / "photo.tif", values, photometric="rgb", iccprofile=imagecodecs.cms_profile("adobergb")
    )
    pixels = cf.read_photo(tmp_path / "photo.tif").pixels / 65535
    np.testing.assert_allclose(pixels[inside], srgb_of_linear(linear[inside]), atol=0.002)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_with_a_profile(tmp_path: Path, dtype: Any) -> None:
    values = np.random.default_rng(0).random((8, 8, 3)).astype(dtype)
    tifffile.imwrite(
        tmp_path / "photo.tif", values, photometric="rgb", iccprofile=imagecodecs.cms_profile("adobergb")
    )
    photo = cf.read_photo(tmp_path / "photo.tif")
    assert photo.pixels.dtype == np.float32
    assert np.abs(photo.pixels - values).max() > 0.02
    words = np.rint(values.astype(np.float64) * 65535).astype(np.uint16)
    tifffile.imwrite(tmp_path / "words.tif", words, photometric="rgb", iccprofile=imagecodecs.cms_profile("adobergb"))
    expected = cf.read_photo(tmp_path / "words.tif").pixels / 65535
    np.testing.assert_allclose(photo.pixels, expected, atol=0.002)


def test_cmyk_without_a_profile_agrees_with_pillow(tmp_path: Path) -> None:
    inks = np.random.default_rng(0).integers(0, 256, (8, 8, 4), np.uint8)
    image = Image.frombytes("CMYK", (8, 8), inks.tobytes())
    image.save(tmp_path / "inks.tif")
    expected = np.asarray(image.convert("RGB")).astype(int)
    np.testing.assert_allclose(cf.read_photo(tmp_path / "inks.tif").pixels.astype(int), expected, atol=1)


def test_the_profile_of_srgb_changes_nothing(tmp_path: Path) -> None:
    colors = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    pillows = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (pillows, srgb_profile()):
        Image.fromarray(colors).save(tmp_path / "photo.png", icc_profile=profile)
        np.testing.assert_array_equal(cf.read_photo(tmp_path / "photo.png").pixels, colors)


def test_a_profile_of_another_colour_space_is_passed_over(tmp_path: Path) -> None:
    Image.fromarray(RAMP).convert("RGB").save(
        tmp_path / "scan.png", icc_profile=imagecodecs.cms_profile("gray", whitepoint=D50, gamma=1.8)
    )
    with pytest.warns(UserWarning, match="scan.png is rgb and has a colour profile of b'GRAY'"):
        photo = cf.read_photo(tmp_path / "scan.png")
    np.testing.assert_array_equal(photo.pixels[..., 0], RAMP)


def test_gray_with_a_profile_of_rgb(tmp_path: Path) -> None:
    for values in (RAMP, RAMP.astype(np.uint16) * 257):
        Image.fromarray(values).save(tmp_path / "scan.png", icc_profile=imagecodecs.cms_profile("adobergb"))
        pixels = cf.read_photo(tmp_path / "scan.png").pixels[..., 0]
        full = np.iinfo(values.dtype).max
        expected = srgb_of_linear((values / full) ** (563 / 256))
        np.testing.assert_allclose(pixels / full, expected, atol=1e-4 if full > 255 else 0.6 / 255)


def test_a_damaged_profile_is_passed_over_with_a_warning(tmp_path: Path) -> None:
    profile = imagecodecs.cms_profile("gray", whitepoint=D50, gamma=1.8)[:200]
    Image.fromarray(RAMP).save(tmp_path / "scan.png", icc_profile=profile)
    with pytest.warns(UserWarning, match="scan.png has a damaged colour profile"):
        photo = cf.read_photo(tmp_path / "scan.png")
    np.testing.assert_array_equal(photo.pixels[..., 0], RAMP)


def test_training_sees_the_same_colours(tmp_path: Path) -> None:
    colors = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(colors).save(tmp_path / "photo.png", icc_profile=imagecodecs.cms_profile("adobergb"))
    photo = cf.read_photo(tmp_path / "photo.png")
    assert np.abs(photo.pixels.astype(int) - colors).max() > 10
    np.testing.assert_array_equal(np.asarray(open_rgb(tmp_path / "photo.png", at_least=64)), photo.pixels)
