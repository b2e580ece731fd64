"""Every kind of photo, stored in every orientation, is read, coloured with a small model, written and read again."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin
from skimage import data

import colorfuse as cf

Array = NDArray[Any]

TINY = cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, image_size=32).initialize()
SCENE = np.asarray(Image.fromarray(data.coffee()).resize((48, 32)))
OPACITY = np.tile(np.linspace(0, 255, 48).astype(np.uint8), (32, 1))

FORMATS_OF_8_BITS = {
    "1": (".png", ".tif"),
    "L": (".png", ".tif", ".jpg", ".webp"),
    "LA": (".png", ".tif"),
    "P": (".png", ".tif"),
    "RGB": (".png", ".tif", ".jpg", ".webp"),
    "RGBA": (".png", ".tif", ".webp"),
    "CMYK": (".tif", ".jpg"),
    "F": (".tif",),
}
FORMATS_OF_16_BITS = {
    "L": (".png", ".tif"),
    "LA": (".png", ".tif"),
    "RGB": (".png", ".tif"),
    "RGBA": (".png", ".tif"),
    "CMYK": (".tif",),
}


def scene(mode: str) -> Image.Image:
    """The scene in a mode of Pillow."""
    if mode == "F":
        return Image.fromarray(SCENE[..., 1].astype(np.float32) / 255)
    image = Image.fromarray(SCENE).convert(mode.removesuffix("A"))
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(OPACITY))
    return image


def as_stored(values: Array, orientation: int) -> Array:
    """What a viewer turns to `values` after this orientation."""
    turned = {
        2: values[:, ::-1],
        3: values[::-1, ::-1],
        4: values[::-1],
        5: values.swapaxes(0, 1),
        6: np.rot90(values, 1),
        7: values[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(values, -1),
    }
    return np.ascontiguousarray(turned.get(orientation, values))


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


def check(original: Path, expected: Array, alpha: Array | None, dtype: Any) -> None:
    """Read, colour, write, read: upright, in its depth, its alpha kept, its lightness kept."""
    lossless = original.suffix in (".png", ".tif")
    photo = cf.read_photo(original)
    assert photo.pixels.dtype == dtype
    assert photo.pixels.shape == expected.shape
    if lossless:
        np.testing.assert_allclose(photo.pixels, expected, atol=1 if expected.dtype == np.uint8 else 0)
    else:
        assert np.abs(photo.pixels.astype(int) - expected.astype(int)).mean() < 12

    copy = original.with_name(f"coloured{original.suffix}")
    is_black_and_white = lossless and set(np.unique(expected)) == {0, 255}
    with pytest.warns(UserWarning, match="all of it is black or white") if is_black_and_white else nullcontext():
        colored = TINY.predict(original)
    assert colored.dtype == dtype
    cf.write_photo(copy, colored, like=photo)
    again = cf.read_photo(copy)
    assert again.pixels.shape == (32, 48, 3)
    assert again.pixels.dtype == (np.uint16 if dtype == np.float32 else dtype)
    assert (again.alpha is None) == (alpha is None)
    if alpha is not None and lossless:
        np.testing.assert_array_equal(again.alpha[..., 0], alpha)  # type: ignore[index]
    difference = (again.lightness() - photo.lightness()).abs()
    if lossless:
        assert difference.max() <= (0.5 if dtype == np.uint8 else 0.01)
    else:
        assert difference.mean() < 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("mode", "suffix"), [(m, suffix) for m, all_of in FORMATS_OF_8_BITS.items() for suffix in all_of]
)
def test_photos_of_8_bits_and_of_floats(tmp_path: Path, mode: str, suffix: str, orientation: int) -> None:
    image = scene(mode)
    stored = Image.fromarray(as_stored(np.asarray(image), orientation))
    if mode == "P":
        stored.putpalette(image.getpalette())  # type: ignore[arg-type]
    if mode == "CMYK":
        stored = Image.frombytes("CMYK", stored.size, stored.tobytes())
    stored.save(tmp_path / f"photo{suffix}", exif=exif_of(orientation))
    colors = {"P": "RGB", "CMYK": "RGB", "1": "L", "LA": "L", "RGBA": "RGB"}.get(mode, mode)
    expected = np.asarray(image.convert(colors))
    if suffix == ".webp" and mode == "L":  # which has colours only
        expected = np.stack([expected] * 3, axis=-1)
    check(
        tmp_path / f"photo{suffix}",
        expected if expected.ndim == 3 else expected[..., None],
        OPACITY if mode.endswith("A") else None,
        np.float32 if mode == "F" else np.uint8,
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("mode", "suffix"), [(m, suffix) for m, all_of in FORMATS_OF_16_BITS.items() for suffix in all_of]
)
def test_photos_of_16_bits(tmp_path: Path, mode: str, suffix: str, orientation: int) -> None:
    # The lower bits are no repetition of the upper ones.
    values = np.asarray(scene(mode)).reshape(32, 48, -1).astype(np.uint16) * 256 + 77
    path = tmp_path / f"photo{suffix}"
    write_deep(path, as_stored(values, orientation), mode, orientation)
    colors = values[..., : {"L": 1, "LA": 1, "CMYK": 4}.get(mode, 3)]
    if mode == "CMYK":
        light = 1 - colors / 65535
        colors = np.rint(light[..., :3] * light[..., 3:] * 65535)
    check(path, colors, values[..., -1] if mode.endswith("A") else None, np.uint16)


def write_deep(path: Path, values: Array, mode: str, orientation: int) -> None:
    if path.suffix == ".tif":
        photometric: Any = {"L": "minisblack", "RGB": "rgb", "CMYK": "separated"}[mode.removesuffix("A")]
        alpha: Any = {"extrasamples": ["unassalpha"]} if mode.endswith("A") else {}
        tags: Any = [(274, "H", 1, orientation)]
        tifffile.imwrite(path, values.squeeze(), photometric=photometric, extratags=tags, metadata=None, **alpha)
        return
    encoded = imagecodecs.png_encode(values.squeeze())
    with path.open("wb") as file:
        file.write(encoded[:33])
        PngImagePlugin.putchunk(file, b"eXIf", exif_of(orientation).tobytes().removeprefix(b"Exif\0\0"))
        file.write(encoded[33:])
