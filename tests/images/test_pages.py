"""TIFFs and others with several pages, previews, and tags of odd types."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import data

import colorfuse as cf
from colorfuse.images import open_rgb

GRAY = np.ascontiguousarray(data.camera()[::8, ::6])
SMALL = GRAY[::4, ::4]
RGB = np.ascontiguousarray(data.astronaut()[::8, ::6])


def test_a_palette_of_bytes_is_taken_for_what_it_is(tmp_path: Path) -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint16)[None], 3, 0)
    for scale in (1, 257):
        tifffile.imwrite(tmp_path / "p.tif", GRAY, photometric="palette", colormap=ramp * np.uint16(scale))
        np.testing.assert_array_equal(cf.read_photo(tmp_path / "p.tif").pixels[..., 0], GRAY)
        np.testing.assert_array_equal(np.asarray(open_rgb(tmp_path / "p.tif"))[..., 1], GRAY)
        with Image.open(tmp_path / "p.tif") as image:
            np.testing.assert_array_equal(cf.read_photo(image).pixels[..., 0], GRAY)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (32, 32)}])
@pytest.mark.parametrize("photo", [GRAY, RGB], ids=["gray", "rgb"])
def test_the_photo_below_a_preview_is_read(tmp_path: Path, photo: Any, options: dict[str, Any], dtype: Any) -> None:
    photo = photo.astype(dtype) * dtype(1 if dtype == np.uint8 else 257)
    kind = "minisblack" if photo.ndim == 2 else "rgb"
    with tifffile.TiffWriter(tmp_path / "photo.tif") as tiff:
        tiff.write(SMALL, photometric="minisblack", subfiletype=1, subifds=1)
        tiff.write(photo, photometric=kind, **options)
    read = cf.read_photo(tmp_path / "photo.tif")
    np.testing.assert_array_equal(read.pixels.squeeze(), photo)
    assert open_rgb(tmp_path / "photo.tif").size == GRAY.shape[::-1]


def test_a_preview_of_raw_data_is_not_taken_for_the_photo(tmp_path: Path) -> None:
    pattern: Any = [(33421, "H", 2, (2, 2)), (33422, "B", 4, b"\0\1\1\2")]
    with tifffile.TiffWriter(tmp_path / "camera.dng") as tiff:
        tiff.write(SMALL, photometric="minisblack", subfiletype=1, subifds=1)
        tiff.write(
            GRAY.astype(np.uint16),
            photometric="cfa",
            extratags=pattern,
        )
    (tmp_path / "camera.cr2").write_bytes(b"II*\0\x10\0\0\0CR\2\0" + bytes(100))
    for name in ("camera.dng", "camera.cr2"):
        with pytest.raises(
            cf.PhotoError, match=rf"{name} holds the raw data of a camera's sensor.* develop it to TIFF"
        ):
            cf.read_photo(tmp_path / name)


@pytest.mark.parametrize("kind", [1, 3, 4, 6, 8, 9, 11, 12])
@pytest.mark.parametrize("tag", [254, 274, 277, 284, 296])
@pytest.mark.parametrize("deep", [False, True])
def test_tags_of_any_type_are_read(tmp_path: Path, kind: int, tag: int, deep: bool) -> None:
    value = {254: 0, 274: 6, 277: 1, 284: 1, 296: 2}[tag]
    path = tmp_path / "photo.tif"
    photo = GRAY.astype(np.uint16) * 257 if deep else GRAY
    photo = np.stack([photo, photo[::-1], photo[:, ::-1]], axis=-1) if tag == 284 else photo  # said of colours alone
    extra: Any = [(274, "H", 1, 6)] if tag == 274 else []
    options: Any = {"photometric": "rgb" if tag == 284 else "minisblack", "subfiletype": 0, "extratags": extra}
    tifffile.imwrite(path, photo, resolution=(72, 72), metadata=None, **options)
    path.write_bytes(with_type(path.read_bytes(), tag, kind, value))
    expected = np.rot90(photo, -1) if tag == 274 else photo
    np.testing.assert_array_equal(cf.read_photo(path).pixels.squeeze(), expected)


def with_type(content: bytes, tag: int, kind: int, value: int) -> bytes:
    """A little-endian TIFF with the value of a tag in another type, at the end of the file where it is a long one."""
    data = bytearray(content)
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    code = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d"}[kind]
    found = 0
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, entry)[0] == tag:
            found += 1
            struct.pack_into("<HI4x", data, entry + 2, kind, 1)
            if code == "d":
                struct.pack_into("<I", data, entry + 8, len(data))
                data += struct.pack("<d", value)
            else:
                struct.pack_into(f"<{code}", data, entry + 8, value)
    assert found == 1, f"the file has no tag {tag}"
    return bytes(data)


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".webp", ".png"])
def test_any_page_or_all_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"album{suffix}"
    pages = [Image.fromarray(np.full((20, 30), value, np.uint8)) for value in (40, 120, 200)]
    lossless: Any = {"lossless": True} if suffix == ".webp" else {}
    pages[0].save(path, save_all=True, append_images=pages[1:], **lossless)
    for number, value in enumerate((40, 120, 200)):
        assert (cf.read_photo(path, page=number).pixels == value).all()
    assert [photo.pixels.flat[0] for photo in cf.read_pages(path)] == [40, 120, 200]
    assert {photo.name for photo in cf.read_pages(path)} == {str(path)}
    assert {photo.name for photo in cf.read_pages(io.BytesIO(path.read_bytes()))} == {"file"}
    with path.open("rb") as file:
        assert len(list(cf.read_pages(file))) == 3
    with pytest.warns(UserWarning, match=r"has 3 pages, of which page 0 is taken; page= takes another"):
        assert (cf.read_photo(path).pixels == 40).all()
    for number in (-1, 3):
        with pytest.raises(cf.PhotoError, match=f"has no page {number}, only 0 to 2"):
            cf.read_photo(path, page=number)


def test_pages_of_16_bits_and_thumbnails_between(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "album.tif") as tiff:
        for value in (1000, 2000):
            tiff.write(np.full((9, 9), value // 100, np.uint8), photometric="minisblack", subfiletype=1)
            tiff.write(np.full((20, 30), value, np.uint16), photometric="minisblack")
    assert [photo.pixels.flat[0] for photo in cf.read_pages(tmp_path / "album.tif")] == [1000, 2000]
    assert cf.read_photo(tmp_path / "album.tif", page=3).pixels.flat[0] == 2000
    with pytest.warns(UserWarning, match="has 4 pages, of which page 1 is taken"):
        assert cf.read_photo(tmp_path / "album.tif").pixels.flat[0] == 1000


def test_one_photo_has_one_page(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "one.jpg")
    assert len(list(cf.read_pages(tmp_path / "one.jpg"))) == 1
    assert cf.read_photo(tmp_path / "one.jpg", page=0).pixels.shape == RGB.shape
    with pytest.raises(cf.PhotoError, match="has no page 1, only 0 to 0"):
        cf.read_photo(tmp_path / "one.jpg", page=1)


def test_pages_of_what_cannot_be_sought_in(tmp_path: Path) -> None:
    class Pipe:
        def __init__(self, content: bytes) -> None:
            self.read = io.BytesIO(content).read

    tifffile.imwrite(tmp_path / "album.tif", np.stack([GRAY, GRAY]), photometric="minisblack")
    assert len(list(cf.read_pages(Pipe((tmp_path / "album.tif").read_bytes())))) == 2  # type: ignore[arg-type]
