"""Files and arrays that other programs' users reported trouble with."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from skimage import data

import colorfuse as cf
from colorfuse.images import open_rgb

GRAY = np.tile(np.arange(96, dtype=np.uint8) * 2, (64, 1))
DEEP = GRAY.astype(np.uint16) * 257


def entry(tag: int, kind: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, 1, value)


def directory(*entries: bytes) -> bytes:
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


def jpeg_with(exif: bytes) -> bytes:
    file = io.BytesIO()
    Image.fromarray(GRAY).save(file, "JPEG")
    content = file.getvalue()
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]


def png_with(values: Any, kind: bytes, content: bytes, late: bool = False) -> bytes:
    png = imagecodecs.png_encode(values)
    chunk = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    place = len(png) - 12 if late else 33
    return bytes(png[:place] + chunk + png[place:])


def turned_exif() -> bytes:
    exif = Image.Exif()
    exif[274] = 6
    return exif.tobytes()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_of_white_is_zero_is_not_inverted(tmp_path: Path, dtype: Any) -> None:
    full = np.iinfo(dtype).max
    values = np.dstack([full - GRAY.astype(dtype), np.full_like(GRAY, full, dtype)])
    tifffile.imwrite(
        tmp_path / "a.tif", values, photometric="miniswhite", planarconfig="contig", extrasamples=["unassalpha"]
    )
    photo = cf.read_photo(tmp_path / "a.tif")
    assert photo.alpha is not None
    assert (photo.alpha == full).all()
    np.testing.assert_array_equal(photo.pixels[..., 0], GRAY)


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0" + directory(entry(274, 3, 6), entry(0x8769, 4, 99_999)),
        b"Exif\0\0" + directory(entry(274, 3, 6), entry(0x8769, 4, 0)),
        b"Exif\0\0Exif\0\0" + directory(entry(274, 3, 6)),
    ],
    ids=["beyond the end", "nowhere", "twice"],
)
@pytest.mark.filterwarnings("ignore:.*has damaged EXIF")
def test_photos_are_turned_also_where_other_exif_is_damaged(tmp_path: Path, exif: bytes) -> None:
    (tmp_path / "photo.jpg").write_bytes(jpeg_with(exif))
    assert cf.read_photo(tmp_path / "photo.jpg").pixels.shape == (96, 64, 1)
    assert open_rgb(tmp_path / "photo.jpg").size == (64, 96)


@pytest.mark.parametrize("values", [GRAY, DEEP], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("kind", ["eXIf", "eXIf late", "ImageMagick's"])
def test_exif_of_png_is_read_wherever_it_stands(tmp_path: Path, values: Any, kind: str) -> None:
    exif = turned_exif()
    path = tmp_path / "photo.png"
    if kind == "ImageMagick's":
        text = b"\nexif\n%8d\n" % len(exif) + exif.hex().encode() + b"\n"
        path.write_bytes(png_with(values, b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)))
    else:
        path.write_bytes(png_with(values, b"eXIf", exif.removeprefix(b"Exif\0\0"), late="late" in kind))
    assert cf.read_photo(path).pixels.shape == (96, 64, 1)
    assert open_rgb(path).size == (64, 96)


@pytest.mark.parametrize("values", [GRAY, DEEP], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("late", [False, True])
def test_xmp_of_png_is_kept_and_turns_nothing(tmp_path: Path, values: Any, late: bool) -> None:
    xmp = b'<r tiff:Orientation="6"/>'
    path = tmp_path / "photo.png"
    path.write_bytes(png_with(values, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp, late))
    photo = cf.read_photo(path)
    assert photo.pixels.shape == (64, 96, 1)
    assert photo.metadata.xmp == xmp.replace(b"6", b"1")
    assert open_rgb(path).size == (96, 64)


def test_signed_bytes_are_refused_and_not_wrapped(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "i8.tif", (GRAY.astype(np.int16) - 128).astype(np.int8), photometric="minisblack")
    with pytest.raises(cf.PhotoError, match="dtype int8"):
        cf.read_photo(tmp_path / "i8.tif")


@pytest.mark.parametrize("name", ["photo.jpg", "photo.eps"])
def test_programs_are_not_run(tmp_path: Path, name: str) -> None:
    program = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 96 64\n%%EndComments\n0.5 setgray showpage\n"
    (tmp_path / name).write_bytes(program)
    with pytest.raises(cf.PhotoError, match="is no image that can be read"):
        cf.read_photo(tmp_path / name)


@pytest.mark.parametrize("bits", [(2, 3, 1), (4, 4, 4), (8, 8, 8), (10, 10, 10)])
def test_bmp_with_masks_of_any_bits(tmp_path: Path, bits: tuple[int, int, int]) -> None:
    depth = 16 if sum(bits) <= 16 else 32
    shifts = (bits[1] + bits[2], bits[2], 0)
    masks = [((1 << count) - 1) << shift for count, shift in zip(bits, shifts, strict=True)]
    levels = [np.arange(1 << min(count, 4)).repeat(2)[:8] * (1 << max(0, count - 4)) for count in bits]
    padded = [np.pad(level, (0, 8 - len(level))) for level in levels]
    pixels = sum(level.astype(np.uint32) << shift for level, shift in zip(padded, shifts, strict=True))
    rows = np.stack([pixels] * 4).astype(np.uint16 if depth == 16 else np.uint32).tobytes()
    header = struct.pack("<IiiHHIIiiII", 108, 8, 4, 1, depth, 3, len(rows), 0, 0, 0, 0) + struct.pack(
        "<IIII", *masks, 0
    )
    header += bytes(108 - len(header))
    content = b"BM" + struct.pack("<IHHI", 14 + len(header) + len(rows), 0, 0, 14 + len(header)) + header + rows
    (tmp_path / "photo.bmp").write_bytes(content)
    if max(bits) > 8:
        with pytest.raises(cf.PhotoError, match="photo.bmp is damaged|no image"):
            cf.read_photo(tmp_path / "photo.bmp")
        return
    expected = [np.rint(level / ((1 << count) - 1) * 255) for level, count in zip(padded, bits, strict=True)]
    np.testing.assert_allclose(cf.read_photo(tmp_path / "photo.bmp").pixels[0], np.stack(expected, axis=-1), atol=1)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_lossless_jpeg_of_any_depth(tmp_path: Path, bits: int) -> None:
    values = np.linspace(0, 2**bits - 1, GRAY.size).astype(np.uint16).reshape(GRAY.shape)
    (tmp_path / "deep.jpg").write_bytes(imagecodecs.ljpeg_encode(values, bitspersample=bits))
    found = cf.read_photo(tmp_path / "deep.jpg").pixels[..., 0]
    np.testing.assert_allclose(found, values * (65535 / (2**bits - 1)), atol=1)


def test_jpeg_of_12_bits(tmp_path: Path) -> None:
    (tmp_path / "deep.jpg").write_bytes(
        imagecodecs.jpeg_encode(GRAY.astype(np.uint16) * 16, level=100, bitspersample=12)
    )
    photo = cf.read_photo(tmp_path / "deep.jpg")
    assert photo.pixels.dtype == np.uint16
    np.testing.assert_allclose(photo.pixels[..., 0] / 65535, GRAY * (16.0 / 4095), atol=0.01)


def test_fill_bytes_between_the_segments_of_jpeg(tmp_path: Path) -> None:
    content = imagecodecs.ljpeg_encode(GRAY.astype(np.uint16) * 16, bitspersample=12)
    (tmp_path / "deep.jpg").write_bytes(content)
    (tmp_path / "filled.jpg").write_bytes(content[:2] + b"\xff\xff\xff" + content[2:])
    found, expected = (cf.read_photo(tmp_path / name).pixels for name in ("filled.jpg", "deep.jpg"))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("name", "longest"), [("a.jpg", 65_500), ("a.webp", 16_383)])
def test_a_photo_too_large_for_its_format_says_so(tmp_path: Path, name: str, longest: int) -> None:
    with pytest.raises(cf.PhotoError, match=f"too large for its format, which holds {longest} along a side"):
        cf.write_photo(tmp_path / name, np.zeros((longest + 1, 2), np.uint8))
    assert not list(tmp_path.iterdir())


def test_tensors_without_values_are_refused() -> None:
    for tensor in (torch.empty(1, 4, 4, device="meta"), torch.eye(4)[None].to_sparse()):
        with pytest.raises(TypeError, match="a tensor must hold plain values to be a photo"):
            cf.read_photo(tensor)


@pytest.mark.parametrize(("resolution", "dpi"), [((300, 400), (400, 300)), ((4e9, 4e9), None)])
def test_resolutions_of_tiffs_that_pillow_cannot_open(tmp_path: Path, resolution: Any, dpi: Any) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.dstack([DEEP, np.full_like(DEEP, 65535)]),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unassalpha"],
        resolution=resolution,
        resolutionunit="INCH",
        extratags=[(274, 3, 1, 6, True)],
    )
    photo = cf.read_photo(tmp_path / "a.tif")
    assert photo.metadata.dpi == dpi
    cf.write_photo(tmp_path / "b.png", photo.pixels, like=photo)


def test_names_in_the_exif_of_a_tiff_are_kept(tmp_path: Path) -> None:
    name, details = "Jürgen\0".encode("latin-1"), 8 + 2 + 12 * 9 + 4
    tags = (256, 3, 2), (257, 3, 1), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 3, 1), (279, 4, 2)
    of_camera = struct.pack("<HHHII", 1, 0xA430, 2, len(name), details + 18) + bytes(4) + name
    (tmp_path / "a.tif").write_bytes(directory(*(entry(*tag) for tag in (*tags, (0x8769, 4, details)))) + of_camera)
    photo = cf.read_photo(tmp_path / "a.tif")
    for suffix in (".jpg", ".tif"):
        cf.write_photo(tmp_path / f"b{suffix}", photo.pixels, like=photo)
        assert name[:-1] in (tmp_path / f"b{suffix}").read_bytes()


def test_colours_of_four_bits_reach_white(tmp_path: Path) -> None:
    tags = (256, 3, 4), (257, 3, 2), (258, 3, 4), (262, 3, 2), (273, 4, 8 + 2 + 12 * 9 + 4), (277, 3, 3)
    entries = [entry(*tag) for tag in (*tags, (278, 3, 2), (279, 4, 12), (259, 3, 1))]
    (tmp_path / "a.tif").write_bytes(directory(*sorted(entries)) + bytes([0xF0, 0x8F] * 6))
    pixels = cf.read_photo(tmp_path / "a.tif").pixels
    assert pixels.dtype == np.uint8
    assert set(np.unique(pixels)) == {0, 136, 255}


def test_texts_behind_deep_pixels_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_with(DEEP, b"tEXt", b"Title\0A mill", late=True))
    assert cf.read_photo(tmp_path / "a.png").metadata.texts["Title"] == "A mill"


def test_a_photo_with_smaller_copies_of_itself_is_one_photo(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as tiff:
        for step in (1, 2, 4):
            tiff.write(GRAY[::step, ::step], subfiletype=step > 1)
    assert cf.read_photo(tmp_path / "pyramid.tif").pixels.shape == (64, 96, 1)  # without a warning


@pytest.mark.parametrize("default", ["device", "dtype"])
def test_the_users_defaults_of_torch_change_nothing(default: str) -> None:
    layer = Image.new("RGBA", GRAY.shape[::-1])
    layer.paste((200, 40, 40, 255), (2, 2, 5, 5))
    colorizer = cf.FusionColorizer.from_pretrained("interactive", device="cpu")
    expected = [colorizer.predict(GRAY, hints=hints) for hints in (None, [(9, 9, "olive")], layer)]
    uncertain = colorizer.prepare(GRAY).uncertainty()
    hinted = {name: {"hints": layer} for name in ("levin2004", "qu2006", "sykora2009")}
    referred = {name: {"reference": data.coffee()[::4, ::4]} for name in ("welsh2002", "irony2005", "charpiat2008")}
    systems = [(cf.create_colorizer(name, device="cpu"), given) for name, given in (hinted | referred).items()]
    expected += [system.set_params(render_size=32).predict(GRAY, **given) for system, given in systems]
    try:
        if default == "device":
            torch.set_default_device("meta")
        else:
            torch.set_default_dtype(torch.float64)
        colorizer = cf.FusionColorizer.from_pretrained("interactive", device="cpu")
        found = [colorizer.predict(GRAY, hints=hints) for hints in (None, [(9, 9, "olive")], layer)]
        found += [system.predict(GRAY, **given) for system, given in systems]
        for one, before in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, before)
        np.testing.assert_array_equal(colorizer.prepare(GRAY).uncertainty(), uncertain)
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)
