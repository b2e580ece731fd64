import io
import struct
import subprocess
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, TiffImagePlugin

import colorfuse as cf
from colorfuse.images import open_rgb
from colorfuse.images.pixels import as_bytes

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


@pytest.mark.parametrize("suffix", [".png", ".tif", ".gif", ".webp", ".jpg"])
def test_memory_and_not_pillow_decides_what_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = save(tmp_path, Image.fromarray(RAMP), f"photo{suffix}")
    expected = cf.read_photo(path).pixels
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    np.testing.assert_array_equal(cf.read_photo(path).pixels, expected)
    assert open_rgb(path).size == (6, 4)
    assert Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_who_reads_files_of_strangers_sets_a_limit(tmp_path: Path, dtype: Any, suffix: str) -> None:
    cf.write_photo(tmp_path / f"photo{suffix}", RAMP.astype(dtype))
    assert cf.read_photo(tmp_path / f"photo{suffix}", max_pixels=24).pixels.shape == (4, 6, 1)
    with pytest.raises(cf.PhotoError, match=rf"photo{suffix} has 6 x 4 pixels, more than max_pixels=23"):
        cf.read_photo(tmp_path / f"photo{suffix}", max_pixels=23)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere.png"):
        cf.read_photo(tmp_path / "nowhere.png")


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(TypeError, match="not int"):
        cf.read_photo(3)  # type: ignore[arg-type]


def test_a_photo_is_read_as_itself() -> None:
    photo = cf.read_photo(RAMP)
    assert cf.read_photo(photo) is photo


def test_a_stream_that_cannot_be_sought_in(tmp_path: Path) -> None:
    path = save(tmp_path, Image.fromarray(RAMP))
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        np.testing.assert_array_equal(cf.read_photo(cat.stdout).pixels[..., 0], RAMP)


def test_bytes_in_an_array_of_16_bits_are_refused() -> None:
    with pytest.raises(cf.PhotoError, match="uint16 but has no value above 230; make it uint8"):
        cf.read_photo(RAMP.astype(np.uint16))


def test_channels_first_are_pointed_out() -> None:
    with pytest.raises(cf.PhotoError, match=r"shape \(3, 40, 60\).*move its channels last"):
        cf.read_photo(np.zeros((3, 40, 60), np.uint8))


def test_gray_in_rgb_has_the_lightness_of_gray() -> None:
    rgb = cf.read_photo(np.stack([RAMP] * 3, axis=-1)).lightness()
    torch.testing.assert_close(rgb, cf.read_photo(RAMP).lightness(), atol=1e-4, rtol=0)


def test_tiff_of_12_bits(tmp_path: Path) -> None:
    values = np.array([[0, 1, 2048, 4095] * 4] * 8, np.uint16)
    bits = np.unpackbits(values.astype(">u2").view(np.uint8).reshape(-1, 2), axis=1)[:, 4:]
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in {
        256: 16,
        257: 8,
        258: 12,
        259: 1,
        262: 1,
        273: 0,
        277: 1,
        278: 8,
        279: 8 * 16 * 12 // 8,
    }.items():
        directory[tag] = value
    with (tmp_path / "scan.tif").open("wb") as file:
        directory.save(file)
        file.write(np.packbits(bits).tobytes())
    pixels = cf.read_photo(tmp_path / "scan.tif").pixels[..., 0]
    np.testing.assert_array_equal(pixels, np.rint(values * (65535 / 4095)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiff_whose_zero_is_white(tmp_path: Path, dtype: Any) -> None:
    full = 1 if dtype == np.float32 else np.iinfo(dtype).max
    values = (RAMP / 255 * full).astype(dtype)
    tifffile.imwrite(tmp_path / "scan.tif", values, photometric="miniswhite")
    np.testing.assert_allclose(cf.read_photo(tmp_path / "scan.tif").pixels[..., 0], full - values)


def test_tiff_with_premultiplied_alpha(tmp_path: Path) -> None:
    colors = np.full((4, 4, 4), 40_000, np.uint16)
    colors[..., 3] = 32_768
    premultiplied = colors.copy()
    premultiplied[..., :3] = 20_000
    tifffile.imwrite(tmp_path / "scan.tif", premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    photo = cf.read_photo(tmp_path / "scan.tif")
    assert photo.alpha is not None
    np.testing.assert_allclose(photo.pixels, 39_999, atol=1)
    np.testing.assert_array_equal(photo.alpha, 32_768)


def test_tiff_of_planes_and_of_floats(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (3, 20, 30), np.uint16)
    tifffile.imwrite(tmp_path / "planes.tif", values, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(cf.read_photo(tmp_path / "planes.tif").pixels, np.moveaxis(values, 0, -1))
    floats = (values / 65535).astype(np.float32).transpose(1, 2, 0)
    tifffile.imwrite(tmp_path / "floats.tif", floats, photometric="rgb")
    np.testing.assert_array_equal(cf.read_photo(tmp_path / "floats.tif").pixels, floats)


def test_tiff_of_other_colours_is_named(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "scan.tif", np.zeros((4, 4, 3), np.uint16), photometric="cielab")
    with pytest.raises(cf.PhotoError, match=r"scan\.tif is a TIFF of .*CIELAB.*save it as RGB or gray"):
        cf.read_photo(tmp_path / "scan.tif")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_further_pages_are_not_passed_over_in_silence(tmp_path: Path, dtype: Any) -> None:
    values = np.zeros((3, 8, 8), dtype)
    tifffile.imwrite(tmp_path / "pages.tif", values, photometric="minisblack")
    with pytest.warns(UserWarning, match="pages.tif has 3 pages, of which page 0 is taken; page= takes another"):
        assert cf.read_photo(tmp_path / "pages.tif").pixels.shape == (8, 8, 1)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's own
def test_damaged_exif_is_left_out_with_a_warning(tmp_path: Path) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHLL", 1, 0x8769, 4, 1, 9999)  # a place beyond the end
    path = save(tmp_path, Image.fromarray(RAMP), "photo.jpg", exif=exif)
    with pytest.warns(UserWarning, match=r"photo\.jpg has damaged EXIF, which is left out"):
        assert cf.read_photo(path).pixels.shape == (4, 6, 1)


def test_the_users_own_image_is_not_changed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(save(tmp_path, Image.fromarray(RAMP), "photo.jpg", exif=exif)) as image:
        assert cf.read_photo(image).pixels.shape == (6, 4, 1)
        assert image.size == (6, 4)
        assert image.getexif()[0x0112] == 6


def test_a_file_that_points_beyond_any_end(tmp_path: Path) -> None:
    (tmp_path / "scan.tif").write_bytes(b"II+\0\x08\0\0\0" + struct.pack("<Q", 0x00FFFFFFFFFFFFFF) + bytes(64))
    with pytest.raises(cf.PhotoError, match=r"scan\.tif is"):
        cf.read_photo(tmp_path / "scan.tif")


def test_a_damaged_second_page_does_not_spoil_the_first(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "scan.tif", np.stack([RAMP, RAMP]), photometric="minisblack")
    content = (tmp_path / "scan.tif").read_bytes()
    with tifffile.TiffFile(tmp_path / "scan.tif") as tiff:
        pages = [page.offset for page in tiff.pages]
    damaged = bytearray(content)
    damaged[pages[1] : pages[1] + 40] = bytes(40)
    (tmp_path / "scan.tif").write_bytes(damaged)
    np.testing.assert_array_equal(cf.read_photo(tmp_path / "scan.tif").pixels[..., 0], RAMP)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_thumbnails_are_skipped(tmp_path: Path, dtype: Any) -> None:
    with tifffile.TiffWriter(tmp_path / "scan.tif") as tiff:
        tiff.write(np.zeros((4, 5), dtype), photometric="minisblack", subfiletype=1)
        tiff.write(np.zeros((40, 50), dtype), photometric="minisblack")
    assert cf.read_photo(tmp_path / "scan.tif").pixels.shape == (40, 50, 1)


def test_what_a_tiff_says_that_pillow_cannot_open(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "scan.tif",
        np.full((6, 8, 2), 40_000, np.uint16),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
        description="a mill",
        resolution=(300, 400),
        resolutionunit=2,
        metadata=None,
    )
    metadata = cf.read_photo(tmp_path / "scan.tif").metadata
    assert metadata.dpi == (300.0, 400.0)
    assert b"a mill" in metadata.exif


def test_signed_integers_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "scan.tif", RAMP.astype(np.int16), photometric="minisblack")
    with pytest.raises(cf.PhotoError, match=r"scan\.tif has dtype int16"):
        cf.read_photo(tmp_path / "scan.tif")
    with pytest.raises(cf.PhotoError, match='mode "I" has no value above 230; convert it to "L"'):
        cf.read_photo(Image.fromarray(RAMP).convert("I"))
    tifffile.imwrite(tmp_path / "deep.tif", RAMP.astype(np.int32) * 257, photometric="minisblack")
    np.testing.assert_array_equal(cf.read_photo(tmp_path / "deep.tif").pixels[..., 0], RAMP * np.uint16(257))


def test_integers_of_32_bits_are_scaled_where_they_need_them(tmp_path: Path) -> None:
    for values, expected in ((RAMP.astype(np.uint32) << 24, 256), (RAMP.astype(np.uint32) << 8, 256)):
        tifffile.imwrite(tmp_path / "scan.tif", values, photometric="minisblack")
        np.testing.assert_array_equal(cf.read_photo(tmp_path / "scan.tif").pixels[..., 0], RAMP * np.uint16(expected))


@pytest.mark.parametrize("chunk", [b"gAMA" + (100_000).to_bytes(4, "big"), b"zTXt" + b"k\0\0" + b"no zlib"])
def test_chunks_of_png_that_are_no_pixels_change_none(tmp_path: Path, chunk: bytes) -> None:
    """As in libvips, gAMA counts for nothing: what writes one seldom means it."""
    content = save(tmp_path, Image.fromarray(RAMP)).read_bytes()
    packed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "photo.png").write_bytes(content[:33] + packed + content[33:])
    np.testing.assert_array_equal(cf.read_photo(tmp_path / "photo.png").pixels[..., 0], RAMP)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_turned_avif(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    wide = Image.fromarray(np.repeat(np.repeat(RAMP, 8, 0), 8, 1))
    wide.convert("RGB").save(tmp_path / "photo.avif", exif=exif, quality=100, subsampling="4:4:4")
    upright = np.rot90(np.asarray(wide), {1: 0, 3: 2, 6: -1, 8: 1}[orientation])
    read = cf.read_photo(tmp_path / "photo.avif")
    assert read.pixels.shape[:2] == upright.shape
    np.testing.assert_allclose(read.pixels[..., 0].astype(int), upright, atol=12)


def test_an_orientation_of_xmp_alone_turns_nothing(tmp_path: Path) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    Image.fromarray(RAMP).save(tmp_path / "photo.jpg", xmp=xmp, quality=100)
    assert cf.read_photo(tmp_path / "photo.jpg").pixels.shape == (4, 6, 1)


def test_a_format_that_takes_a_plug_in_says_which(tmp_path: Path) -> None:
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    with pytest.raises(cf.PhotoError, match=r"photo\.heic is no image that can be read; install pillow-heif and reg"):
        cf.read_photo(tmp_path / "photo.heic")


def test_rounded_floats_are_clipped() -> None:
    assert cf.read_photo(np.array([[-1e-7, 1 + 1e-6]])).pixels.ravel().tolist() == [0, 1]


def test_files_of_text_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, Image.fromarray(RAMP))
    with path.open() as file, pytest.raises(TypeError, match="binary file.*not TextIOWrapper"):
        cf.read_photo(file)  # type: ignore[arg-type]


def test_training_and_judging_see_what_is_coloured(tmp_path: Path) -> None:
    """Whatever kind of TIFF it is, and a JPEG with broken EXIF."""
    rgb = np.random.default_rng(0).integers(0, 65536, (40, 50, 3), np.uint16)
    tifffile.imwrite(tmp_path / "planes.tif", rgb.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
    tifffile.imwrite(tmp_path / "floats.tif", (rgb / 65535).astype(np.float32), photometric="rgb")
    tifffile.imwrite(
        tmp_path / "alpha.tif",
        rgb[..., :2],
        photometric="minisblack",
        extrasamples=["unassalpha"],
        planarconfig="contig",
    )
    with tifffile.TiffWriter(tmp_path / "thumbnail.tif") as tiff:
        tiff.write((rgb[::8, ::8] // 256).astype(np.uint8), photometric="rgb", subfiletype=1)
        tiff.write((rgb // 256).astype(np.uint8), photometric="rgb")
    exif = b"Exif\0\0broken"
    Image.fromarray((rgb // 256).astype(np.uint8)).save(tmp_path / "exif.jpg", dpi=(300, 300), exif=exif)
    for path in sorted(tmp_path.iterdir()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, seen = as_bytes(cf.read_photo(path).pixels), np.asarray(open_rgb(path))
        np.testing.assert_array_equal(seen, np.broadcast_to(expected, (40, 50, 3)), err_msg=path.name)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_what_is_transparent_becomes_white(dtype: type) -> None:
    full = 1 if dtype == np.float32 else np.iinfo(dtype).max
    rng = np.random.default_rng(0)
    pixels: Any = (rng.random((600, 500, 4)) * full).astype(dtype)
    on_white = cf.read_photo(pixels).on_white()
    opacity = pixels[..., 3:] / full
    expected = full * (1 - opacity) + opacity * pixels[..., :3].astype(float)
    assert on_white.alpha is None
    np.testing.assert_allclose(on_white.pixels, expected, atol=1e-6 if full == 1 else 0.51)
