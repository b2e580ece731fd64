"""From a file's bytes to its values.

Pillow decodes, but PNG and TIFF of more than 8 bits, which it would cut to 8 as it does those of other formats.
"""

import math
import warnings
from dataclasses import dataclass, replace
from typing import IO, Any, TypeAlias

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from colorfuse.errors import PhotoError
from colorfuse.images.metadata import Coding, Metadata, exif_of_tags, metadata_of
from colorfuse.images.profiles import ColorSpace
from colorfuse.memory import check_memory

Array: TypeAlias = NDArray[Any]

_PNG_START, _PNG_BIT_DEPTH = b"\x89PNG\r\n\x1a\n", 24
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_TIFF_SPACES: dict[int, tuple[ColorSpace, int]] = {0: ("gray", 1), 1: ("gray", 1), 2: ("rgb", 3), 5: ("cmyk", 4)}
_SUBFILE_TYPE, _ORIENTATION, _X_RESOLUTION, _SOFTWARE = 254, 274, 282, 305
_WHITE_IS_ZERO, _PREMULTIPLIED, _ALPHA = 0, 1, 2


@dataclass(frozen=True)
class Decoded:
    """Values as the file holds them, `(H, W, 1 | 3 | 4)` of `space`, alpha `(H, W, 1)`, and what it says of them."""

    values: Array
    space: ColorSpace
    alpha: Array | None
    metadata: Metadata
    coding: Coding


def decode_file(file: IO[bytes], name: str) -> Decoded:
    """Decode an open file that can be sought in.

    Raises:
        UnidentifiedImageError: It is no image.
        MemoryError: It is too large for the memory to be coloured in.
        Exception: Anything, for a damaged one.
    """
    file.seek(0)
    start = file.read(26)
    try:
        with Image.open(file) as image:
            _warn_of_frames(image, name)
            if isinstance(image, TiffImagePlugin.TiffImageFile):
                _skip_thumbnails(image)
            check_memory(image.height, image.width, name)
            if start.startswith(_PNG_START) and start[_PNG_BIT_DEPTH] == 16:
                return _decode_png(file, *metadata_of(image, name))
            if isinstance(image, TiffImagePlugin.TiffImageFile) and _tiff_bits(image) > 8:
                return _decode_tiff(file, name, metadata_of(image, name))
            return decode_image(image, name)
    except UnidentifiedImageError:
        if start[:4] not in _TIFF_STARTS:
            raise
        return _decode_tiff(file, name, None)


def decode_image(image: Image.Image, name: str) -> Decoded:
    """Decode what Pillow has opened."""
    turned = isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_ORIENTATION, 1) > 4
    image.load()  # which turns a TIFF upright and removes its orientation
    (metadata, coding), mode = metadata_of(image, name), image.mode
    if turned and metadata.dpi:
        metadata = replace(metadata, dpi=metadata.dpi[::-1])
    if mode == "F" or mode.startswith("I"):
        values = np.asarray(image)
        if mode == "I" and not image.format and 0 < values.max(initial=0) <= 255:
            raise PhotoError(f'{name} of mode "I" has no value above {values.max()}; convert it to "L"')
        return Decoded(_in_16_bits(values, name)[..., None], "gray", None, metadata, coding)
    if mode == "CMYK":
        return Decoded(np.asarray(image), "cmyk", None, metadata, coding)
    transparent = image.has_transparency_data
    gray = mode in ("1", "L", "LA", "La")
    values = np.asarray(image.convert(("L" if gray else "RGB") + ("A" if transparent else "")))
    return _parted(values, "gray" if gray else "rgb", metadata, coding)


def _warn_of_frames(image: Image.Image, name: str) -> None:
    if image.format not in ("TIFF", "GIF", "WEBP", "PNG"):  # several in a JPEG are of the same scene
        return
    try:
        count = getattr(image, "n_frames", 1)
    except Exception:  # the next one is damaged, of which the first is no worse
        return
    thumbnails = isinstance(image, TiffImagePlugin.TiffImageFile) and _is_thumbnail(image)
    if count > 1 + thumbnails:
        warnings.warn(f"{name} has {count} pages, of which one is taken", stacklevel=3)


def _skip_thumbnails(image: TiffImagePlugin.TiffImageFile) -> None:
    while _is_thumbnail(image) and image.tell() + 1 < image.n_frames:
        image.seek(image.tell() + 1)


def _is_thumbnail(image: TiffImagePlugin.TiffImageFile) -> bool:
    return bool(image.tag_v2.get(_SUBFILE_TYPE, 0) & 1)


def _tiff_bits(image: TiffImagePlugin.TiffImageFile) -> int:
    bits: tuple[int, ...] = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    return max(bits)


def _decode_png(file: IO[bytes], metadata: Metadata, coding: Coding) -> Decoded:
    file.seek(0)
    values = imagecodecs.png_decode(file.read())
    gray = values.ndim == 2 or values.shape[-1] == 2
    return _parted(values, "gray" if gray else "rgb", metadata, coding)


def _decode_tiff(file: IO[bytes], name: str, said: tuple[Metadata, Coding] | None) -> Decoded:
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = _page(tiff)
        if page.photometric not in _TIFF_SPACES or page.axes not in ("YX", "YXS", "SYX"):
            raise PhotoError(f"{name} is a TIFF of {page.photometric!r} and axes {page.axes}; save it as RGB or gray")
        # Damage may as well make tiles of a small photo too large to be had.
        if max(page.size, math.prod(page.chunks)) > 8 * (Image.MAX_IMAGE_PIXELS or np.inf):
            raise Image.DecompressionBombError(f"{page.shape} values in tiles of {page.chunks}.")
        check_memory(page.imagelength, page.imagewidth, name)
        values, extra = page.asarray(), page.extrasamples
        metadata, coding = said or _said_by(page)
    space, colors = _TIFF_SPACES[page.photometric]
    values = values[..., None] if page.axes == "YX" else values
    values = np.moveaxis(values, 0, -1) if page.axes == "SYX" else values
    values = _in_range(values, page.bitspersample, name)
    if page.photometric == _WHITE_IS_ZERO:
        values = (np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1) - values
    alphas = [colors + index for index, kind in enumerate(extra) if kind in (_PREMULTIPLIED, _ALPHA)]
    alpha = values[..., alphas[0] : alphas[0] + 1] if alphas else None
    values = values[..., :colors]
    if alpha is not None and extra[alphas[0] - colors] == _PREMULTIPLIED:
        values = _unmultiplied(values, alpha)
    return Decoded(values, space, alpha, metadata, coding)


def _page(tiff: tifffile.TiffFile) -> Any:
    """The first page that is no thumbnail."""
    first: Any = tiff.pages.first
    if not first.is_reduced:
        return first
    return next((page for page in tiff.pages if isinstance(page, tifffile.TiffPage) and not page.is_reduced), first)


def _said_by(page: Any) -> tuple[Metadata, Coding]:
    """What a page says that Pillow cannot open: the tags of one value, and no directories below it."""
    tags = {tag.code: tag.value for tag in page.tags if tag.count == 1 or isinstance(tag.value, str)}
    described = {code: value for code, value in tags.items() if isinstance(value, str) and code != _SOFTWARE}
    dots = page.get_resolution("inch") if page.tags.get(_X_RESOLUTION) and page.resolutionunit > 1 else None
    orientation = tags.get(_ORIENTATION, 1)
    return (
        Metadata(exif_of_tags(described), dots if dots and min(dots) >= 1 else None),
        Coding(int(orientation), page.iccprofile),
    )


def _in_range(values: Array, bits: int, name: str) -> Array:
    """Floats in 32 bits, and of 9 to 15 bits, 16."""
    if values.dtype.kind == "f":
        return values.astype(np.float32, copy=False)
    if values.dtype.kind == "i":
        raise PhotoError(f"{name} has dtype {values.dtype}; a photo is of unsigned integers or floats in 0 to 1")
    if values.dtype.kind == "u" and 8 < bits < 16:
        return np.rint(values * np.float32(65535 / (2**bits - 1))).astype(np.uint16)
    return _in_16_bits(values, name)


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


def _parted(values: Array, space: ColorSpace, metadata: Metadata, coding: Coding) -> Decoded:
    """Split `(H, W)` or `(H, W, 1 to 4)` in colours and alpha."""
    values = values[..., None] if values.ndim == 2 else values
    colors = 1 if space == "gray" else 3
    alpha = values[..., colors:] if values.shape[-1] > colors else None
    return Decoded(values[..., :colors], space, alpha, metadata, coding)
