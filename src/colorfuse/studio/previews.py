"""What the page shows of a photo: smaller copies, encoded for a browser."""

import dataclasses
import math
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorfuse.data.monochrome import MIN_CHROMA, find_monochrome
from colorfuse.images import Photo, Pixels
from colorfuse.images.pixels import as_bytes
from colorfuse.inference.prepared import PreparedPhoto

_LONGEST, _LONGEST_OF_DRAFT = 1600, 640
_QUALITY = 92
_UNSURE, _OPAQUE = (255, 0, 160), 200
"""The colour of where colours are uncertain, and its opacity where they are most."""
_SHOWN, _LEAST_RANGE = (0.05, 0.95), 0.5
_FEW = 64
"""Side of the copy that a palette is taken from."""


class Encoded(NamedTuple):
    """An image for a browser: its bytes, and their media type."""

    content: bytes
    media_type: str


@dataclasses.dataclass(eq=False)
class Preview:
    """A copy of a photo.

    Attributes:
        photo: The photo, shrunk.
        size: Its height and width at full size.
        prepared: The copy, ready to be coloured, by method and reference.
    """

    photo: Photo
    size: tuple[int, int]
    prepared: dict[Any, PreparedPhoto] = dataclasses.field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the preview."""
        height, width, _ = self.photo.pixels.shape
        return height, width


@dataclasses.dataclass(eq=False)
class Opened:
    """A photo that is open.

    Attributes:
        fine: What is shown, at most 1,600 pixels a side.
        draft: What is shown at once while the user works, at most 640 pixels a side; `fine` itself if that is small.
        bits: Bits a channel of its file.
        kind: "gray", "toned" or "in colour".
    """

    fine: Preview
    draft: Preview
    bits: int
    kind: str


def opened(photo: Photo) -> Opened:
    """Shrink a photo, if need be, and describe it."""
    fine = _preview(photo, photo, _LONGEST)
    draft = _preview(fine.photo, photo, _LONGEST_OF_DRAFT) if max(fine.shape) > _LONGEST_OF_DRAFT else fine
    kind = "gray"
    if fine.photo.pixels.shape[-1] > 1:
        kind = find_monochrome(Image.fromarray(as_bytes(fine.photo.pixels)), MIN_CHROMA) or "in colour"
    bits = 32 if photo.pixels.dtype == np.float32 else 8 * photo.pixels.itemsize
    return Opened(fine, draft, bits, kind)


def _preview(photo: Photo, whole: Photo, longest: int) -> Preview:
    (height, width, _), (full_height, full_width, _) = photo.pixels.shape, whole.pixels.shape
    scale = min(1.0, longest / max(height, width))
    size = max(1, math.floor(height * scale)), max(1, math.floor(width * scale))
    alpha = None if photo.alpha is None else _shrunk(photo.alpha, size)
    return Preview(Photo(_shrunk(photo.pixels, size), alpha, name=photo.name), (full_height, full_width))


def _shrunk(pixels: Pixels, size: tuple[int, int]) -> NDArray[np.uint8]:
    values = as_bytes(pixels)
    if values.shape[:2] == size:
        return values
    image = Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
    small = np.asarray(image.resize(size[::-1], Image.Resampling.LANCZOS, reducing_gap=2.0))
    return small.reshape(*size, values.shape[-1])


def encoded(pixels: Pixels) -> Encoded:
    """Encode an image `(H, W, 1 | 3 | 4)`: with alpha as PNG, else as JPEG."""
    values = as_bytes(pixels)
    if values.shape[-1] == 4:
        return Encoded(bytes(imagecodecs.png_encode(values, level=1)), "image/png")
    plain = values[..., 0] if values.shape[-1] == 1 else values
    return Encoded(bytes(imagecodecs.jpeg_encode(plain, level=_QUALITY, subsampling="444")), "image/jpeg")


def original(preview: Preview) -> Encoded:
    """Encode a photo as it is in its file."""
    photo = preview.photo
    if photo.alpha is None:
        return encoded(photo.pixels)
    rgb = np.broadcast_to(photo.pixels, (*photo.pixels.shape[:2], 3))
    return encoded(np.concatenate([rgb, photo.alpha], axis=-1))


def shades(values: NDArray[np.float32]) -> Encoded:
    """Encode a map `(H, W)`, from its lower to its higher values, as the opacity of a PNG image."""
    least, most = np.quantile(values[:: max(1, len(values) // _FEW)], _SHOWN)
    share = ((values - least) / max(most - least, _LEAST_RANGE)).clip(0, 1)
    shaded = np.empty((*values.shape, 4), np.uint8)
    shaded[..., :3] = _UNSURE
    shaded[..., 3] = np.rint(_OPAQUE * share)
    return encoded(shaded)


def palette(pixels: Pixels, count: int = 9) -> list[str]:
    """The colours that a photo `(H, W, 3 | 4)` has most of, as in "#5b6236"."""
    image = Image.fromarray(as_bytes(pixels[..., :3]))
    image.thumbnail((_FEW, _FEW), Image.Resampling.BOX)
    few = image.quantize(count, Image.Quantize.MEDIANCUT)
    colors = np.array(few.getpalette()).reshape(-1, 3)
    used = sorted(few.getcolors() or [], reverse=True)
    return ["#{:02x}{:02x}{:02x}".format(*colors[int(index)]) for _, index in used]  # type: ignore[call-overload]
