"""Whatever happens to a file, it is a photo or a `PhotoError`."""

import io
import warnings
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, example, given, settings
from PIL import Image
from skimage import data
from strategies import damaged

import colorfuse as cf

COLORS = Image.fromarray(data.chelsea()).resize((60, 40))
DEEP = np.asarray(COLORS).astype(np.uint16) * 256 + 77


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff(values: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def originals() -> list[bytes]:
    """Real files of every kind, none of which is damaged."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a cat"
    exif.get_ifd(0x8769)[0x9003] = "2001:01:01 00:00:00"
    marked = {"exif": exif, "icc_profile": imagecodecs.cms_profile("adobergb"), "dpi": (300, 300)}
    gray = COLORS.convert("L")
    return [
        saved(COLORS, "JPEG", **marked),
        saved(COLORS, "JPEG", progressive=True),
        saved(COLORS.convert("CMYK"), "JPEG"),
        saved(gray, "JPEG"),
        saved(COLORS, "PNG", **marked),
        saved(COLORS.quantize(16), "PNG", transparency=3),
        saved(COLORS.convert("1"), "PNG"),
        bytes(imagecodecs.png_encode(DEEP)),
        bytes(imagecodecs.png_encode(DEEP[..., 0].copy())),
        saved(COLORS, "TIFF", **marked),
        saved(COLORS, "TIFF", compression="tiff_lzw"),
        saved(COLORS, "TIFF", compression="jpeg"),
        saved(gray, "TIFF", compression="packbits"),
        tiff(DEEP, photometric="rgb", compression="lzw", predictor=True),
        tiff(DEEP, photometric="rgb", compression="zlib", tile=(16, 16)),
        tiff(DEEP[..., 0], photometric="minisblack", bigtiff=True),
        tiff(DEEP.astype(np.float32) / 65535, photometric="rgb"),
        tiff(np.moveaxis(DEEP, -1, 0), photometric="rgb", planarconfig="separate"),
        saved(COLORS, "WEBP", **marked),
        saved(COLORS.convert("RGBA"), "WEBP", lossless=True),
        saved(COLORS, "GIF"),
        saved(COLORS, "BMP"),
        saved(COLORS, "PPM"),
    ]


ORIGINALS = originals()


@pytest.mark.parametrize("content", ORIGINALS)
def test_none_is_damaged_before(content: bytes) -> None:
    photo = cf.read_photo(io.BytesIO(content))
    assert set(photo.pixels.shape[:2]) == {40, 60}
    assert photo.lightness().std() > 5


def test_tiles_too_large_to_be_had() -> None:
    whole = tiff(DEEP, photometric="rgb", compression="zlib", tile=(16, 16))
    width = b"\x42\x01\x04\0\1\0\0\0\x10\0\0"
    assert whole.count(width + b"\0") == 1
    with pytest.raises(cf.PhotoError, match=r"is damaged: its \(40, 60, 3\) values lie in tiles of \(16, 2684"):
        cf.read_photo(io.BytesIO(whole.replace(width + b"\0", width + b"\x10")))


@pytest.mark.slow
@settings(max_examples=2000, database=None, suppress_health_check=list(HealthCheck))
@given(damaged(ORIGINALS))
@example(b"")
def test_damaged_files_are_photos_or_photo_errors(content: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is passed over: damaged EXIF, profiles, padding
        try:
            photo = cf.read_photo(io.BytesIO(content))
        except cf.PhotoError as error:
            assert str(error).startswith("file ")  # noqa: PT017
        else:
            assert photo.lightness().isfinite().all()
