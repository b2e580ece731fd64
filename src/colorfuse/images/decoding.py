"""From a file's bytes to its values: Pillow, but for PNG and TIFF of more than 8 bits, which it would cut to 8."""

import warnings
from dataclasses import dataclass
from typing import IO, Any, TypeAlias

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from colorfuse.errors import PhotoError
from colorfuse.images.metadata import Metadata, metadata_of
from colorfuse.images.profiles import ColorSpace

Array: TypeAlias = NDArray[Any]

_PNG_START, _PNG_BIT_DEPTH = b"\x89PNG\r\n\x1a\n", 24
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_TIFF_SPACES: dict[int, tuple[ColorSpace, int]] = {0: ("gray", 1), 1: ("gray", 1), 2: ("rgb", 3), 5: ("cmyk", 4)}
_WHITE_IS_ZERO, _PREMULTIPLIED, _ALPHA = 0, 1, 2


@dataclass(frozen=True)
class Decoded:
    """Values as the file holds them: `(H, W, 1 | 3 | 4)` of `space`, alpha `(H, W, 1)` or None, and metadata."""

    values: Array
    space: ColorSpace
    alpha: Array | None
    metadata: Metadata


def decode_file(file: IO[bytes], name: str) -> Decoded:
    """Decode an open file that can be sought in.

    Raises:
        UnidentifiedImageError: It is no image.
        Exception: Anything, for a damaged one.
    """
    file.seek(0)
    start = file.read(26)
    try:
        with Image.open(file) as image:
            if start.startswith(_PNG_START) and start[_PNG_BIT_DEPTH] == 16:
                return _decode_png(file, metadata_of(image, name))
            if isinstance(image, TiffImagePlugin.TiffImageFile):
                _warn_of_pages(image.n_frames, name)
            if isinstance(image, TiffImagePlugin.TiffImageFile) and _tiff_bits(image) > 8:
                return _decode_tiff(file, name, metadata_of(image, name))
            return decode_image(image, name)
    except UnidentifiedImageError:
        if start[:4] not in _TIFF_STARTS:
            raise
        return _decode_tiff(file, name, None)


def decode_image(image: Image.Image, name: str) -> Decoded:
    """Decode what Pillow has opened."""
    image.load()  # which turns a TIFF upright and removes its orientation
    metadata, mode = metadata_of(image, name), image.mode
    if mode == "F" or mode.startswith("I"):
        return Decoded(_in_16_bits(np.asarray(image), name)[..., None], "gray", None, metadata)
    if mode == "CMYK":
        return Decoded(np.asarray(image), "cmyk", None, metadata)
    transparent = image.has_transparency_data
    gray = mode in ("1", "L", "LA", "La")
    values = np.asarray(image.convert(("L" if gray else "RGB") + ("A" if transparent else "")))
    return _parted(values, "gray" if gray else "rgb", metadata)


def _warn_of_pages(count: int, name: str) -> None:
    if count > 1:
        warnings.warn(f"{name} has {count} pages, of which the first is taken", stacklevel=3)


def _tiff_bits(image: TiffImagePlugin.TiffImageFile) -> int:
    bits: tuple[int, ...] = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    return max(bits)


def _decode_png(file: IO[bytes], metadata: Metadata) -> Decoded:
    file.seek(0)
    values = imagecodecs.png_decode(file.read())
    return _parted(values, "gray" if values.ndim == 2 or values.shape[-1] == 2 else "rgb", metadata)


def _decode_tiff(file: IO[bytes], name: str, metadata: Metadata | None) -> Decoded:
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        if page.photometric not in _TIFF_SPACES or page.axes not in ("YX", "YXS", "SYX"):
            raise PhotoError(f"{name} is a TIFF of {page.photometric!r} and axes {page.axes}; save it as RGB or gray")
        if page.size > 8 * (Image.MAX_IMAGE_PIXELS or np.inf):
            raise Image.DecompressionBombError(f"{page.shape} values.")
        values, extra = page.asarray(), page.extrasamples
        metadata = metadata or Metadata(int(page.tags.valueof(274, 1)), profile=page.iccprofile)
    space, colors = _TIFF_SPACES[page.photometric]
    values = values[..., None] if page.axes == "YX" else values
    values = np.moveaxis(values, 0, -1) if page.axes == "SYX" else values
    values = _in_16_bits(_full_range(values, page.bitspersample), name)
    if page.photometric == _WHITE_IS_ZERO:
        values = (np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1) - values
    alpha = values[..., colors : colors + 1] if extra[:1] in ((_PREMULTIPLIED,), (_ALPHA,)) else None
    values = values[..., :colors]
    if alpha is not None and extra[0] == _PREMULTIPLIED:
        values = _unmultiplied(values, alpha)
    return Decoded(values, space, alpha, metadata)


def _full_range(values: Array, bits: int) -> Array:
    """Of 9 to 15 bits, 16."""
    if values.dtype.kind != "u" or not 8 < bits < 16:
        return values
    return np.rint(values * np.float32(65535 / (2**bits - 1))).astype(np.uint16)


def _in_16_bits(values: Array, name: str) -> Array:
    """Of integers wider than their values, 16 bits."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize == 1:
        return values
    if values.size and not 0 <= values.min() <= values.max() <= 65535:
        raise PhotoError(f"{name} has integers from {values.min()} to {values.max()}; they must lie in 0 to 65535")
    return values.astype(np.uint16, copy=False)


def _unmultiplied(values: Array, alpha: Array) -> Array:
    full = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1
    divided = values * (full / np.maximum(alpha, 1e-6 if full == 1 else 1).astype(np.float64))
    return np.minimum(divided.round() if full > 1 else divided, full).astype(values.dtype)


def _parted(values: Array, space: ColorSpace, metadata: Metadata) -> Decoded:
    """Split `(H, W)` or `(H, W, 1 to 4)` in colours and alpha."""
    values = values[..., None] if values.ndim == 2 else values
    colors = 1 if space == "gray" else 3
    return Decoded(values[..., :colors], space, values[..., colors:] if values.shape[-1] > colors else None, metadata)
