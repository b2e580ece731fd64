import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from faults import at_most_bytes_a_file
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin

import colorfuse as cf
from colorfuse.images import SUFFIXES, Photo
from colorfuse.images.metadata import Metadata
from colorfuse.images.profiles import srgb_profile

NOISE = np.random.default_rng(0).integers(0, 65536, (70, 90, 4), np.uint16)
FULL = {np.uint8: 255, np.uint16: 65535, np.float32: 1.0, np.float64: 1.0}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_written_photos_read_back(tmp_path: Path, suffix: str) -> None:
    pixels = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    path = tmp_path / "new" / f"photo{suffix}"
    cf.write_photo(path, pixels)
    np.testing.assert_allclose(cf.read_photo(path).pixels.astype(int), pixels, atol=3)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".jpg"])
@pytest.mark.parametrize("channels", [None, 1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_every_array_can_be_written(tmp_path: Path, suffix: str, channels: int | None, dtype: Any) -> None:
    path = tmp_path / f"photo{suffix}"
    shape = (70, 90) if channels is None else (70, 90, channels)
    values: NDArray[Any] = (NOISE[..., : channels or 1] / 65535 * FULL[dtype]).reshape(shape).astype(dtype)
    cf.write_photo(path, values)
    photo = cf.read_photo(path)
    deep = dtype != np.uint8 and suffix != ".jpg"
    assert photo.pixels.dtype == (np.uint16 if deep else np.uint8)
    assert (photo.alpha is not None) == (suffix != ".jpg" and channels == 4)
    if suffix == ".jpg":
        assert photo.pixels.shape == (70, 90, 1 if channels in (None, 1) else 3)
        return
    full = 65535 if deep else 255
    planes: list[NDArray[Any]] = [photo.pixels] if photo.alpha is None else [photo.pixels, photo.alpha]
    written = np.concatenate(planes, axis=-1).reshape(shape) / full
    np.testing.assert_allclose(written, values / FULL[dtype], atol=0.500001 / full)


def test_tiff_is_one_to_other_readers_too(tmp_path: Path) -> None:
    cf.write_photo(tmp_path / "photo.tif", NOISE)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "photo.tif"), NOISE)
    with Image.open(tmp_path / "photo.tif") as image:
        np.testing.assert_array_equal(np.asarray(image), NOISE >> 8)


def exif() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "a mill"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "1936:05:01 12:00:00"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = 65535
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 30.0, 1.5)
    return exif.tobytes()


@pytest.mark.parametrize("source", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("target", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exif_and_resolution_are_kept(tmp_path: Path, source: str, target: str, dtype: Any) -> None:
    original = tmp_path / f"original{source}"
    Image.fromarray(NOISE[..., :3].astype(np.uint8)).save(original, exif=exif(), dpi=(300, 400))
    photo = cf.read_photo(original)
    cf.write_photo(tmp_path / f"copy{target}", np.zeros((*photo.pixels.shape[:2], 3), dtype), like=photo)
    with Image.open(tmp_path / f"copy{target}") as image:
        kept = image.getexif()
        assert kept[ExifTags.Base.ImageDescription] == "a mill"
        assert kept.get(ExifTags.Base.Orientation, 1) == 1
        details = kept.get_ifd(ExifTags.IFD.Exif)
        assert details[ExifTags.Base.DateTimeOriginal] == "1936:05:01 12:00:00"
        assert details[ExifTags.Base.ColorSpace] == 1
        assert kept.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (52.0, 30.0, 1.5)
        assert image.info["icc_profile"] == srgb_profile()
        assert image.size == photo.pixels.shape[1::-1]
        if source != ".webp" and target != ".webp":  # which has no resolution
            np.testing.assert_allclose([float(dots) for dots in image.info["dpi"]], (400, 300), rtol=1e-3)


def test_sizes_in_exif_are_not_those_before_a_turn(tmp_path: Path) -> None:
    said = Image.Exif()
    said[ExifTags.Base.Orientation] = 6
    details = said.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight] = 64, 48
    for suffix in (".jpg", ".tif"):
        Image.new("L", (64, 48)).save(tmp_path / f"turned{suffix}", exif=said.tobytes())
        photo = cf.read_photo(tmp_path / f"turned{suffix}")
        cf.write_photo(tmp_path / f"upright{suffix}", photo.pixels, like=photo)
        with Image.open(tmp_path / f"upright{suffix}") as image:
            assert image.size == (48, 64)
            kept = image.getexif().get_ifd(ExifTags.IFD.Exif)
            assert kept.get(ExifTags.Base.ExifImageWidth, 48) == 48
            assert kept.get(ExifTags.Base.ExifImageHeight, 64) == 64


CAPTION = b"\x1c\x02\x78\x00\x0cA mill, 1936"
"""IPTC with a caption."""


@pytest.mark.parametrize("target", [".jpg", ".tif"])
def test_iptc_is_kept(tmp_path: Path, target: str) -> None:
    resource = b"8BIM\x04\x04\0\0" + len(CAPTION).to_bytes(4, "big") + CAPTION
    content = b"Photoshop 3.0\0" + resource
    segment = b"\xff\xed" + (len(content) + 2).to_bytes(2, "big") + content
    Image.new("L", (9, 8)).save(tmp_path / "a.jpg", extra=segment)
    photo = cf.read_photo(tmp_path / "a.jpg")
    cf.write_photo(tmp_path / f"b{target}", photo.pixels, like=photo)
    image: Any
    with Image.open(tmp_path / f"b{target}") as image:
        found = image.info["photoshop"][0x0404] if target == ".jpg" else image.tag_v2[33723]
    assert bytes(found) == CAPTION
    if target == ".tif":
        again = cf.read_photo(tmp_path / "b.tif")
        cf.write_photo(tmp_path / "c.tif", again.pixels, like=again)
        with Image.open(tmp_path / "c.tif") as image:
            assert bytes(image.tag_v2[33723]) == CAPTION


def test_texts_of_png_are_kept(tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "A mill")
    texts.add_text("Comment", "FSA/8b32000")
    texts.add_itxt("Author", "Čapek", "cs", "Autor")
    Image.new("L", (9, 8)).save(tmp_path / "a.png", pnginfo=texts)
    photo = cf.read_photo(tmp_path / "a.png")
    for suffix in (".png", ".jpg"):
        cf.write_photo(tmp_path / f"b{suffix}", photo.pixels, like=photo)
    with Image.open(tmp_path / "b.png") as image:
        assert image.info | {"Title": "A mill", "Comment": "FSA/8b32000", "Author": "Čapek"} == image.info
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.info["comment"] == b"FSA/8b32000"


def test_a_comment_in_any_script_is_kept(tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("Comment", "Čapek's mill")
    Image.new("L", (9, 8)).save(tmp_path / "a.png", pnginfo=texts)
    photo = cf.read_photo(tmp_path / "a.png")
    cf.write_photo(tmp_path / "b.png", photo.pixels, like=photo)
    with Image.open(tmp_path / "b.png") as image:
        assert image.info["Comment"] == "Čapek's mill"


def test_a_tiff_names_no_directory_that_it_lacks(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.FNumber: 2.8, ExifTags.IFD.Interop: {1: "R98"}}
    Image.new("L", (9, 8)).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as image:
        assert ExifTags.IFD.Interop in image.getexif().get_ifd(ExifTags.IFD.Exif)
    photo = cf.read_photo(tmp_path / "a.jpg")
    cf.write_photo(tmp_path / "b.tif", photo.pixels, like=photo)
    with Image.open(tmp_path / "b.tif") as image:
        details = image.getexif().get_ifd(ExifTags.IFD.Exif)
    assert details[ExifTags.Base.FNumber] == pytest.approx(2.8)
    assert ExifTags.IFD.Interop not in details


def test_what_is_too_large_for_tiff_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("colorfuse.images.writing._MOST_OF_A_TIFF", 1000)  # a real one has 4 GiB
    with pytest.raises(cf.PhotoError, match="a photo of 90 x 70 pixels is too large for TIFF, .*; use .png"):
        cf.write_photo(tmp_path / "a.tif", NOISE)
    assert not list(tmp_path.iterdir())


def test_what_is_no_photo_to_be_like_is_said(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="like must be a Photo, as read_photo gives, not str"):
        cf.write_photo(tmp_path / "a.png", NOISE[..., 0], like="scan.tif")  # type: ignore[arg-type]
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.png"):
        cf.write_photo(tmp_path / "folder.png", NOISE[..., 0])


def test_exif_too_long_for_jpeg_is_left_out_with_a_warning(tmp_path: Path) -> None:
    photo = Photo(np.zeros((4, 4, 3), np.uint8), metadata=Metadata(exif=b"Exif\0\0" + bytes(70_000)))
    with pytest.warns(UserWarning, match="exif of 70006 bytes is left out"):
        cf.write_photo(tmp_path / "photo.jpg", photo.pixels, like=photo)
    assert cf.read_photo(tmp_path / "photo.jpg").metadata.exif == b""


def test_gray_is_not_marked_as_rgb(tmp_path: Path) -> None:
    for suffix in (".png", ".tif", ".jpg"):
        cf.write_photo(tmp_path / f"gray{suffix}", NOISE[..., 0])
        with Image.open(tmp_path / f"gray{suffix}") as image:
            assert "icc_profile" not in image.info


def test_the_same_photo_gives_the_same_bytes(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        for name in ("one", "two"):
            cf.write_photo(tmp_path / f"{name}{suffix}", NOISE)
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_values_out_of_range_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(cf.PhotoError, match="floats from 1.2 to 1.2"):
        cf.write_photo(tmp_path / "photo.png", np.full((4, 4, 3), 1.2))


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="suffix"):
        cf.write_photo(tmp_path / "photo.xyz", np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failed_write_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo{suffix}"
    cf.write_photo(path, np.zeros((4, 4, 3), np.uint8))
    before = path.read_bytes()
    with at_most_bytes_a_file(1000), pytest.raises(OSError, match="File too large|encoder error"):
        cf.write_photo(path, NOISE)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


WRITER = """
import sys, numpy as np, colorfuse as cf
noise = np.random.default_rng(0).integers(0, 65536, (600, 800, 3), np.uint16)
cf.write_photo(f"{sys.argv[1]}/first.{sys.argv[2]}", noise)
print("ready", flush=True)
for number in range(1000):
    cf.write_photo(f"{sys.argv[1]}/{number}.{sys.argv[2]}", noise)
"""


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
def test_a_killed_writer_leaves_no_half_file(tmp_path: Path, suffix: str) -> None:
    rng, found = np.random.default_rng(0), 0
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        command = [sys.executable, "-c", WRITER, str(folder), suffix]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            while not any(folder.glob("[0-9]*")):
                assert writer.poll() is None
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 0.5))
            writer.send_signal(signal.SIGKILL)
        for path in folder.glob("[0-9]*"):
            assert cf.read_photo(path).pixels.shape == (600, 800, 3)
            found += 1
    assert found >= 3


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_order_in_memory_can_be_written(tmp_path: Path, suffix: str) -> None:
    for index, values in enumerate((NOISE.swapaxes(0, 1), np.asfortranarray(NOISE), NOISE[::-1, ::2])):
        path = tmp_path / f"{index}{suffix}"
        cf.write_photo(path, values)
        assert cf.read_photo(path).pixels.shape[:2] == values.shape[:2]


def raw_exif(order: str) -> bytes:
    """EXIF as a camera writes it: text beyond ASCII, notes of its own, a thumbnail, orientation 6, 90 x 70 pixels."""
    text, notes = "Zürich ©".encode(), b"own notes"
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    end = 8 + 2 + 3 * 12 + 4
    main = struct.pack(order + "H", 3) + b"".join(
        [
            struct.pack(order + "HHII", 0x010E, 2, len(text), end),
            struct.pack(order + "HHIHH", 0x0112, 3, 1, 6, 0),
            struct.pack(order + "HHII", 0x8769, 4, 1, end + len(text)),
        ]
    )
    place = end + len(text) + 2 + 4 * 12 + 4
    details = struct.pack(order + "H", 4) + b"".join(
        [
            struct.pack(order + "HHII", 0x927C, 7, len(notes), place),
            struct.pack(order + "HHIHH", 0xA001, 3, 1, 65535, 0),
            struct.pack(order + "HHII", 0xA002, 4, 1, 90),
            struct.pack(order + "HHIHH", 0xA003, 3, 1, 70, 0),
        ]
    )
    thumbnail = struct.pack(order + "I", place + len(notes))
    return b"Exif\0\0" + head + main + thumbnail + text + details + bytes(4) + notes + bytes(2)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_exif_is_kept_to_the_byte_but_for_what_is_no_longer_true(tmp_path: Path, suffix: str, order: str) -> None:
    original = raw_exif(order)
    Image.fromarray(NOISE[..., :3].astype(np.uint8)).save(tmp_path / "original.jpg", exif=original)
    photo = cf.read_photo(tmp_path / "original.jpg")
    cf.write_photo(tmp_path / f"copy{suffix}", photo.pixels, like=photo)
    with Image.open(tmp_path / f"copy{suffix}") as image:
        kept = image.info["exif"]
        exif = image.getexif()
    if not kept.startswith(b"Exif"):
        kept = b"Exif\0\0" + kept
    assert len(kept) == len(original)
    assert sum(one != other for one, other in zip(kept, original, strict=True)) <= 10
    assert "Zürich ©".encode() in kept
    details = exif.get_ifd(ExifTags.IFD.Exif)
    assert exif[0x0112] == 1
    assert (details[0xA001], details[0xA002], details[0xA003]) == (1, 70, 90)
    assert not exif.get_ifd(ExifTags.IFD.IFD1)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_xmp_and_comments_are_kept(tmp_path: Path, suffix: str) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF tiff:Orientation="6">a mill</rdf:RDF></x:xmpmeta>'
    Image.fromarray(NOISE[..., 0].astype(np.uint8)).save(
        tmp_path / "original.jpg", xmp=xmp, comment=b"FSA/8b32000, Library of Congress"
    )
    photo = cf.read_photo(tmp_path / "original.jpg")
    assert photo.metadata.dpi is None
    cf.write_photo(tmp_path / f"copy{suffix}", photo.pixels, like=photo)
    written = (tmp_path / f"copy{suffix}").read_bytes()
    assert xmp.replace(b'"6"', b'"1"') in written
    assert (b"FSA/8b32000" in written) == (suffix != ".webp")  # which has no place for it
    assert cf.read_photo(tmp_path / f"copy{suffix}").metadata.xmp == xmp.replace(b'"6"', b'"1"')


def test_metadata_that_a_format_cannot_hold_do_not_lose_the_photo(tmp_path: Path) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHLfL", 1, 700, 11, 1, 0.5, 0)
    photo = Photo(NOISE[..., :3], metadata=Metadata(exif=exif))
    with pytest.warns(UserWarning, match="metadata that TIFF cannot hold are left out"):
        cf.write_photo(tmp_path / "photo.tif", photo.pixels, like=photo)
    np.testing.assert_array_equal(cf.read_photo(tmp_path / "photo.tif").pixels, NOISE[..., :3])


def test_absurd_resolutions_are_left_out(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "scan.tif", NOISE[..., 0], resolution=(4e9, 4e9), resolutionunit=2)
    photo = cf.read_photo(tmp_path / "scan.tif")
    assert photo.metadata.dpi is None
    cf.write_photo(tmp_path / "copy.png", photo.pixels, like=photo)


def test_what_is_no_array_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="must be an array .* not list"):
        cf.write_photo(tmp_path / "photo.png", [[0]])  # type: ignore[arg-type]
