"""Atomic writing of photos, with the bit depth, alpha and metadata that the format supports."""

import errno
import io
import math
import os
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, TypeAlias

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin, TiffTags

from colorfuse.errors import PhotoError
from colorfuse.files import atomic_file
from colorfuse.images.metadata import Metadata, as_written
from colorfuse.images.photo import Photo, photo_of_array
from colorfuse.images.pixels import Pixels, as_bytes, as_uint16
from colorfuse.images.profiles import srgb_profile

Array: TypeAlias = NDArray[Any]

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes of the formats that can be written; more can be read."""

_WITHOUT_ALPHA = (".bmp", ".jpeg", ".jpg", ".ppm")
_OF_16_BITS = (".png", ".tif", ".tiff")
_LONGEST_IN_JPEG = 65_500
_LONGEST_SIDE = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}
_MOST_OF_A_TIFF = 2**32 - 2**24
"""Bytes of pixels; places in a TIFF have 32 bits, and metadata lie before the pixels."""
_XMP, _IPTC = 700, 33723
_ROWS_A_STRIP = 64
_QUALITY = 95
_JPEG_TABLES = b"\xff\xdb"
_PNG_LEVEL = 4  # level 6 takes four times as long and saves only a twelfth
_INCHES, _DEFLATE, _HORIZONTAL_DIFFERENCES, _UNASSOCIATED_ALPHA = 2, 8, 2, 2


def write_photo(path: str | Path, pixels: Pixels, *, like: Photo | None = None) -> None:
    """Write an image atomically, in the format given by the suffix of `path`.

    In PNG and TIFF, uint16 and floats are written with 16 bits per channel; floats are rounded. Other formats have 8
    bits. JPEG and WebP are written with quality 95, JPEG without chroma subsampling. Formats without alpha drop it.
    Colour images get an sRGB profile where the format allows.

    Args:
        path: The file to write. Its suffix selects the format; its folder is created if missing.
        pixels: `(H, W)` or `(H, W, 1 | 3 | 4)`; uint8, uint16, or floats in 0 to 1.
        like: A photo whose EXIF, resolution, XMP, IPTC, comment and PNG texts are copied to the file, as far as the
            format allows.

    Raises:
        ValueError: The suffix is not that of a writable format.
        PhotoError: The array is not a photo, or is too large for the format.
        TypeError: `pixels` is not an array, or `like` no `Photo`.
        OSError: The file cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path} has no suffix of an image format; use one of {', '.join(SUFFIXES)}")
    if not isinstance(pixels, np.ndarray):
        raise TypeError(f"what is written must be an array (H, W) or (H, W, 1 | 3 | 4), not {type(pixels).__name__}")
    if not isinstance(like, Photo | None):
        raise TypeError(f"like must be a Photo, as read_photo gives, not {type(like).__name__}")
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    photo = photo_of_array(pixels, "array to write")
    height, width, _ = photo.pixels.shape
    if max(height, width) > _LONGEST_SIDE.get(suffix, math.inf):
        raise PhotoError(
            f"{path.name} of {width} x {height} pixels is too large for its format, which holds "
            f"{_LONGEST_SIDE[suffix]} along a side; use .png or .tif"
        )
    to_depth = as_uint16 if photo.pixels.dtype != np.uint8 and suffix in _OF_16_BITS else as_bytes
    values = np.ascontiguousarray(to_depth(photo.pixels))
    if photo.alpha is not None and suffix not in _WITHOUT_ALPHA:
        values = np.concatenate([values, to_depth(photo.alpha)], axis=-1)
    metadata = like.metadata if like else Metadata()
    write = _WRITERS.get(suffix, _write_by_pillow)
    with atomic_file(path) as partial, partial.open("wb") as file:
        write(file, values, metadata)


def _write_png(file: IO[bytes], values: Array, metadata: Metadata) -> None:
    encoded = imagecodecs.png_encode(values.squeeze(-1) if values.shape[-1] == 1 else values, level=_PNG_LEVEL)
    header = 8 + 25  # the signature and the IHDR chunk
    file.write(encoded[:header])
    if values.shape[-1] > 1:
        PngImagePlugin.putchunk(file, b"iCCP", b"sRGB\0\0" + zlib.compress(srgb_profile()))
    if metadata.exif:
        PngImagePlugin.putchunk(file, b"eXIf", metadata.exif.removeprefix(b"Exif\0\0"))
    if metadata.xmp:
        PngImagePlugin.putchunk(file, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp)
    if metadata.comment:
        PngImagePlugin.putchunk(file, b"tEXt", b"Comment\0" + metadata.comment.replace(b"\0", b""))
    for keyword, text in metadata.texts.items():
        its = b"\0\0\0\0\0" + text.encode("utf-8", "replace")  # uncompressed, of no language
        PngImagePlugin.putchunk(file, b"iTXt", keyword.encode("latin-1", "replace") + its)
    if metadata.dpi:
        per_metre = (round(dots / 0.0254).to_bytes(4, "big") for dots in metadata.dpi)
        PngImagePlugin.putchunk(file, b"pHYs", *per_metre, b"\1")
    file.write(encoded[header:])


def _write_tiff(file: IO[bytes], values: Array, metadata: Metadata) -> None:
    height, width, channels = values.shape
    starts = range(0, height, _ROWS_A_STRIP)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        strips = list(pool.map(lambda top: _deflated(values[top : top + _ROWS_A_STRIP]), starts))
    sizes = [len(strip) for strip in strips]
    if sum(sizes) > _MOST_OF_A_TIFF:
        raise PhotoError(f"a photo of {width} x {height} pixels is too large for TIFF, which holds 4 GiB; use .png")
    directory = _tiff_directory(metadata)
    directory[TiffImagePlugin.IMAGEWIDTH] = width
    directory[TiffImagePlugin.IMAGELENGTH] = height
    directory[TiffImagePlugin.BITSPERSAMPLE] = (8 * values.itemsize,) * channels
    directory[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    directory[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 2 if channels > 2 else 1
    directory[TiffImagePlugin.COMPRESSION] = _DEFLATE
    directory[TiffImagePlugin.PREDICTOR] = _HORIZONTAL_DIFFERENCES
    directory[TiffImagePlugin.ROWSPERSTRIP] = _ROWS_A_STRIP
    directory[TiffImagePlugin.STRIPBYTECOUNTS] = sizes
    directory.tagtype[TiffImagePlugin.STRIPOFFSETS] = TiffTags.LONG
    directory[TiffImagePlugin.STRIPOFFSETS] = [*accumulate(sizes[:-1], initial=0)]
    if channels == 4:
        directory[TiffImagePlugin.EXTRASAMPLES] = _UNASSOCIATED_ALPHA
    if channels > 2:
        directory[TiffImagePlugin.ICCPROFILE] = srgb_profile()
    directory.save(file)  # turns the strip offsets from relative to absolute
    file.writelines(strips)


def _deflated(rows: Array) -> bytes:
    """Compress rows `(N, W, C)` as the horizontal differences of their pixels."""
    differences = np.diff(rows.astype(rows.dtype.newbyteorder("<")), axis=1, prepend=rows.dtype.type(0))
    return bytes(imagecodecs.deflate_encode(differences.tobytes()))


def _tiff_directory(metadata: Metadata) -> TiffImagePlugin.ImageFileDirectory_v2:
    """Make an IFD with the metadata; an empty one, with a warning, if TIFF cannot hold them."""
    try:
        directory = _described(metadata)
        directory.tobytes()
    except Exception as error:  # Pillow raises almost anything for values of a wrong type, which some cameras write
        warnings.warn(f"metadata that TIFF cannot hold are left out: {error}", stacklevel=4)
        directory = TiffImagePlugin.ImageFileDirectory_v2()
    return directory


def _described(metadata: Metadata) -> TiffImagePlugin.ImageFileDirectory_v2:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    exif = Image.Exif()
    exif.load(metadata.exif)
    for tag, value in exif.items():
        if tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            details = exif.get_ifd(tag).items()
            directory[tag] = {name: as_written(its) for name, its in details if name != ExifTags.IFD.Interop}
        elif tag != ExifTags.Base.Orientation:
            directory[tag] = as_written(value)
    if metadata.dpi:
        directory[TiffImagePlugin.X_RESOLUTION], directory[TiffImagePlugin.Y_RESOLUTION] = metadata.dpi
        directory[TiffImagePlugin.RESOLUTION_UNIT] = _INCHES
    if metadata.xmp:
        directory[_XMP] = metadata.xmp
    if metadata.iptc:
        directory[_IPTC] = metadata.iptc
    if metadata.comment and TiffImagePlugin.IMAGEDESCRIPTION not in directory:
        directory[TiffImagePlugin.IMAGEDESCRIPTION] = metadata.comment
    return directory


def _write_jpeg(file: IO[bytes], values: Array, metadata: Metadata) -> None:
    kept = _what_jpeg_holds(
        {"exif": metadata.exif, "xmp": metadata.xmp, "comment": metadata.comment, "iptc": metadata.iptc}
    )
    if iptc := kept.pop("iptc", b""):
        kept["extra"] = _photoshop_segment(iptc)
    head = _encoded_by_pillow(values[:1, :1], "JPEG", metadata, kept)
    image = imagecodecs.jpeg8_encode(
        values.squeeze(-1) if values.shape[-1] == 1 else values, level=_QUALITY, subsampling="444"
    )
    file.write(head[: _end_of_metadata(head)])
    file.write(memoryview(image)[_end_of_metadata(image) :])


def _photoshop_segment(iptc: bytes) -> bytes:
    """The segment of a JPEG in which programs look for IPTC."""
    resource = b"8BIM\x04\x04\0\0" + len(iptc).to_bytes(4, "big") + iptc + bytes(len(iptc) % 2)
    content = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + (len(content) + 2).to_bytes(2, "big") + content


def _end_of_metadata(jpeg: bytes | bytearray) -> int:
    """Find where the tables of a JPEG begin, after its metadata."""
    place = 2
    while jpeg[place : place + 2] != _JPEG_TABLES:
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return place


def _write_by_pillow(file: IO[bytes], values: Array, metadata: Metadata) -> None:
    kept = {"exif": metadata.exif, "xmp": metadata.xmp, "comment": metadata.comment}
    file.write(
        _encoded_by_pillow(values, Image.registered_extensions()[Path(file.name).suffix.lower()], metadata, kept)
    )


def _encoded_by_pillow(values: Array, format_: str, metadata: Metadata, kept: dict[str, bytes]) -> bytes:
    encoded = io.BytesIO()  # Pillow does not notice a full disk when it writes to a file
    Image.fromarray(values.squeeze(-1) if values.shape[-1] == 1 else values).save(
        encoded,
        format_,
        quality=_QUALITY,
        subsampling=0,
        icc_profile=srgb_profile() if values.shape[-1] > 1 else None,
        **{name: value for name, value in kept.items() if value},
        **({"dpi": metadata.dpi} if metadata.dpi else {}),
    )
    return encoded.getvalue()


def _what_jpeg_holds(kept: dict[str, bytes]) -> dict[str, bytes]:
    """Keep the metadata that fit in a JPEG segment, and warn of the others."""
    for name, value in kept.items():
        if len(value) > _LONGEST_IN_JPEG:
            warnings.warn(f"{name} of {len(value)} bytes is left out; JPEG holds {_LONGEST_IN_JPEG}", stacklevel=4)
    return {name: value for name, value in kept.items() if len(value) <= _LONGEST_IN_JPEG}


_WRITERS: dict[str, Callable[[IO[bytes], Array, Metadata], None]] = {
    ".jpeg": _write_jpeg,
    ".jpg": _write_jpeg,
    ".png": _write_png,
    ".tif": _write_tiff,
    ".tiff": _write_tiff,
}
"""What writes each format; Pillow writes the others."""
