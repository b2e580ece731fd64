"""Decoding of PIL images."""

import warnings
from dataclasses import replace

import numpy as np
from PIL import Image, ImagePalette, TiffImagePlugin

from colorfuse.errors import PhotoError
from colorfuse.images.decoded import Decoded, in_16_bits, split_alpha
from colorfuse.images.metadata import metadata_of
from colorfuse.images.opening import without_pillows_limit

_ORIENTATION, _COLOR_MAP = 274, 320
_SEVERAL_PHOTOS = ("GIF", "WEBP", "PNG", "AVIF", "HEIF")
"""Formats whose frames are separate photos; the frames of a multi-picture JPEG show the same scene."""


def decode_image(image: Image.Image, name: str) -> Decoded:
    """Decode an image that Pillow opened or created."""
    turned = False
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        turned = image.tag_v2.get(_ORIENTATION, 1) in (5, 6, 7, 8)
        _mend_palette(image)
    with without_pillows_limit(image.size):
        image.load()  # turns a TIFF upright and removes its orientation tag
    (metadata, coding), mode = metadata_of(image, name), image.mode
    if mode == "LAB":
        coding = replace(coding, profile=None)  # it only says that the values are CIELAB
    if turned and metadata.dpi:
        metadata = replace(metadata, dpi=metadata.dpi[::-1])
    if mode == "F" or mode.startswith("I"):
        values = np.asarray(image)
        if mode == "I" and not image.format and 0 < values.max(initial=0) <= 255:
            raise PhotoError(f'{name} of mode "I" has no value above {values.max()}; convert it to "L"')
        return Decoded(in_16_bits(values, name)[..., None], "gray", None, metadata, coding)
    if mode == "CMYK":
        return Decoded(np.asarray(image), "cmyk", None, metadata, coding)
    transparent = image.has_transparency_data
    gray = mode in ("1", "L", "LA", "La")
    wanted = ("L" if gray else "RGB") + ("A" if transparent else "")
    values = np.asarray(image if mode == wanted else image.convert(wanted))
    return split_alpha(values, "gray" if gray else "rgb", metadata, coding)


def seek_page(image: Image.Image, name: str, page: int | None) -> None:
    """Seek to a frame of an image; None stays at the first, with a warning if there are more.

    Raises:
        PhotoError: There is no such frame; the message begins with `name`.
    """
    count = count_frames(image)
    if page is None:
        if count > 1:
            warnings.warn(
                f"{name} has {count} pages, of which page 0 is taken; page= takes another, --page in the shell",
                stacklevel=4,
            )
    elif not 0 <= page < count:
        raise PhotoError(f"{name} has no page {page}, only 0 to {count - 1}")
    elif count > 1:
        image.seek(page)


def count_frames(image: Image.Image) -> int:
    """Count the frames of an image that are separate photos."""
    if image.format not in _SEVERAL_PHOTOS:
        return 1
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # a later frame is damaged; the first can still be read
        return 1


def _mend_palette(image: TiffImagePlugin.TiffImageFile) -> None:
    """Accept a colour map in 0 to 255, as some programs write it; the TIFF standard says 0 to 65535."""
    colors = image.tag_v2.get(_COLOR_MAP, ())
    if image.mode in ("P", "PA") and colors and max(colors) <= 255:
        image.palette = ImagePalette.raw("RGB;L", bytes(colors))
