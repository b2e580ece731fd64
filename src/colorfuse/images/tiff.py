"""Decoding of TIFF: with Pillow up to 8 bits, and with tifffile beyond that or if Pillow fails."""

import math
import warnings
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import tifffile
from PIL import TiffImagePlugin, UnidentifiedImageError

from colorfuse.errors import PhotoError
from colorfuse.images.decoded import Array, Decoded, in_range
from colorfuse.images.metadata import Coding, Metadata, as_int, dots_per_inch, exif_of_tags, metadata_of
from colorfuse.images.opening import check_size, open_image
from colorfuse.images.pil_images import decode_image
from colorfuse.images.profiles import ColorSpace
from colorfuse.images.tiff_tags import with_standard_numbers

_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_CANON_RAW = b"CR"
_SUBFILE_TYPE, _BITS, _ORIENTATION, _X_RESOLUTION, _SOFTWARE, _BELOW = 254, 258, 274, 282, 305, 330
_SAMPLE_FORMAT, _SIGNED = 339, 2
_WHITE_IS_ZERO, _PALETTE, _YCBCR, _PREMULTIPLIED, _ALPHA = 0, 3, 6, 1, 2
_RAW = (32803, 34892)
"""Photometric interpretations of raw sensor data."""

_SPACES: dict[int, tuple[ColorSpace, int]] = {
    _WHITE_IS_ZERO: ("gray", 1),
    1: ("gray", 1),
    2: ("rgb", 3),
    _PALETTE: ("rgb", 1),
    5: ("cmyk", 4),
    _YCBCR: ("rgb", 3),  # tifffile's JPEG decoder converts it to RGB
}
_MOST_OF_A_TILE = 8
"""Maximum size of a tile, as a multiple of the photo's; a damaged file may claim any size."""


def is_tiff(start: bytes) -> bool:
    """Whether a file starts with the signature of TIFF."""
    return start[:4] in _STARTS


def decode_tiff(file: IO[bytes], name: str, page: int | None, max_pixels: int | None) -> Decoded:
    """Decode a page; by default the first that is not a thumbnail or preview.

    Raises:
        PhotoError: There is no such page, it has too many pixels, or its kind is not supported.
        MemoryError: There is too little memory to colour it.
        Exception: Any kind, if the file is damaged.
    """
    file.seek(8)
    if file.read(2) == _CANON_RAW:
        raise _raw(name)
    file = with_standard_numbers(file)
    try:
        image = open_image(file)
    except UnidentifiedImageError:
        return _decode_by_tifffile(file, name, page, max_pixels, None)
    with image:
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            in_chain = _seek(image, file, name, page)
            if not in_chain or _bits(image) > 8 or _is_signed(image):
                said = metadata_of(image, name)
                return _decode_by_tifffile(file, name, image.tell() if in_chain else None, max_pixels, said)
        check_size(file, image.height, image.width, name, max_pixels)
        try:
            return decode_image(image, name)
        except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
            try:
                return _decode_by_tifffile(file, name, image.tell(), max_pixels, None)
            except Exception:
                raise error from None


def tiff_page_numbers(file: IO[bytes]) -> list[int]:
    """List the numbers of the pages that are not thumbnails."""
    with tifffile.TiffFile(with_standard_numbers(file)) as tiff:
        whole = [number for number, page in enumerate(tiff.pages) if not _is_reduced(page)]
        return whole or [0]


def _seek(image: TiffImagePlugin.TiffImageFile, file: IO[bytes], name: str, page: int | None) -> bool:
    """Seek to a page; return False if all pages are thumbnails and the photo is in a sub-IFD of the first."""
    if page is not None:
        try:
            image.seek(page)
        except EOFError:
            file.seek(0)
            with tifffile.TiffFile(file) as tiff:  # since Pillow now counts one more
                count = len(tiff.pages)
            raise PhotoError(f"{name} has no page {page}, only 0 to {count - 1}") from None
        return True
    count = _count(image)
    while _is_thumbnail(image):
        if image.tell() + 1 == count:
            image.seek(0)
            return _BELOW not in image.tag_v2
        image.seek(image.tell() + 1)
    if _is_followed(image, count):
        warnings.warn(
            f"{name} has {count} pages, of which page {image.tell()} is taken; page= takes another, --page in the "
            "shell",
            stacklevel=5,
        )
    return True


def _count(image: TiffImagePlugin.TiffImageFile) -> int:
    try:
        return image.n_frames
    except Exception:  # a later page is damaged; the first can still be read
        return 1


def _is_followed(image: TiffImagePlugin.TiffImageFile, count: int) -> bool:
    """Whether a page follows that is no thumbnail."""
    page = image.tell()
    try:
        for later in range(page + 1, count):
            image.seek(later)
            if not _is_thumbnail(image):
                return True
        return False
    finally:
        image.seek(page)


def _is_thumbnail(image: TiffImagePlugin.TiffImageFile) -> bool:
    return bool(as_int(image.tag_v2.get(_SUBFILE_TYPE), 0) & 1)


def _is_signed(image: TiffImagePlugin.TiffImageFile) -> bool:
    return as_int(image.tag_v2.get(_SAMPLE_FORMAT), 1) == _SIGNED


def _bits(image: TiffImagePlugin.TiffImageFile) -> int:
    bits = image.tag_v2.get(_BITS, (1,))
    return max(bits) if isinstance(bits, tuple | bytes) else as_int(bits, 1)


def _decode_by_tifffile(
    file: IO[bytes], name: str, number: int | None, max_pixels: int | None, said: tuple[Metadata, Coding] | None
) -> Decoded:
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = _page(tiff, name, number)
        if page.photometric in _RAW:
            raise _raw(name)
        is_jpeg = page.compression in (7, 34892)
        if page.photometric not in _SPACES or page.axes not in ("YX", "YXS", "SYX"):
            raise PhotoError(f"{name} is a TIFF of {page.photometric!r} and axes {page.axes}; save it as RGB or gray")
        if page.photometric == _YCBCR and not is_jpeg:
            raise PhotoError(f"{name} is a TIFF of YCbCr without JPEG; save it as RGB")
        if math.prod(page.chunks) > max(_MOST_OF_A_TILE * page.size, 1 << 24):
            raise PhotoError(f"{name} is damaged: its {page.shape} values lie in tiles of {page.chunks}")
        check_size(file, page.imagelength, page.imagewidth, name, max_pixels)
        values, extra, colormap = page.asarray(), page.extrasamples, page.colormap
        metadata, coding = said or _said_by(page)
    space, colors = _SPACES[page.photometric]
    values = values[..., None] if page.axes == "YX" else values
    values = np.moveaxis(values, 0, -1) if page.axes == "SYX" else values
    if page.photometric == _PALETTE:
        values, colors = _looked_up(values, colormap), 3
    values = in_range(values, page.bitspersample if page.photometric != _PALETTE else 16, name)
    alphas = [colors + index for index, kind in enumerate(extra) if kind in (_PREMULTIPLIED, _ALPHA)]
    alpha = values[..., alphas[0] : alphas[0] + 1] if alphas else None
    values = values[..., :colors]
    if alpha is not None and extra[alphas[0] - colors] == _PREMULTIPLIED:
        values = _unmultiplied(values, alpha)
    if page.photometric == _WHITE_IS_ZERO:
        values = (np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1) - values
    return Decoded(values, space, alpha, metadata, coding)


def _page(tiff: tifffile.TiffFile, name: str, number: int | None) -> Any:
    """Get a page by number, or the first that is not a thumbnail, including those in sub-IFDs.

    Raises:
        PhotoError: There is no such page.
    """
    if number is not None:
        if not 0 <= number < len(tiff.pages):
            raise PhotoError(f"{name} has {len(tiff.pages)} pages; page={number} is not one of them")
        return tiff.pages[number]
    return next((page for page in _pages_below(tiff.pages) if not _is_reduced(page)), tiff.pages.first)


def _pages_below(pages: Any) -> Iterator[Any]:
    """Yield pages, each followed by those in its sub-IFDs."""
    for page in pages:
        if isinstance(page, tifffile.TiffPage):
            yield page
            yield from _pages_below(page.pages or ())


def _is_reduced(page: Any) -> bool:
    return bool(as_int(getattr(page, "subfiletype", 0), 0) & 1)


def _raw(name: str) -> PhotoError:
    return PhotoError(
        f"{name} holds the raw data of a camera's sensor, and beside it only a preview can be read; develop it to "
        "TIFF or JPEG first"
    )


def _looked_up(indices: Array, colormap: Array) -> Array:
    """Look up indices `(H, W, 1)` in a colour map `(3, 2**bits)`, which gives 16-bit RGB."""
    colormap = colormap * np.uint16(257) if colormap.max() <= 255 else colormap
    return np.moveaxis(colormap[:, indices[..., 0]], 0, -1)


def _said_by(page: Any) -> tuple[Metadata, Coding]:
    """Read the metadata of a page that Pillow cannot open: text, resolution, orientation and ICC profile."""
    tags = {tag.code: tag.value for tag in page.tags if tag.count == 1 or isinstance(tag.value, str)}
    described = {code: value for code, value in tags.items() if isinstance(value, str) and code != _SOFTWARE}
    dots = page.get_resolution("inch") if page.tags.get(_X_RESOLUTION) and page.resolutionunit > 1 else None
    orientation = as_int(tags.get(_ORIENTATION), 1)
    metadata = Metadata(exif_of_tags(described), dots_per_inch(dots, orientation))
    return metadata, Coding(orientation, page.iccprofile)


def _unmultiplied(values: Array, alpha: Array) -> Array:
    full = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1
    divided = values * (full / np.maximum(alpha, 1e-6 if full == 1 else 1).astype(np.float64))
    return np.minimum(divided.round() if full > 1 else divided, full).astype(values.dtype)
