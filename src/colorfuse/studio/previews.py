"""What the page shows of a photo: at most 1,600 pixels a side, encoded for a browser."""

import dataclasses
import math
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorfuse.data.monochrome import find_monochrome
from colorfuse.images import Photo, Pixels
from colorfuse.images.photo import as_bytes
from colorfuse.inference.prepared import PreparedPhoto

LONGEST = 1600
_MIN_CHROMA = 2.0
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
    """A photo that is open.

    Attributes:
        photo: The photo, shrunk.
        size: Its height and width at full size.
        bits: Bits a channel of its file.
        kind: "gray", "toned" or "in colour".
        prepared: The preview, ready to be coloured, by method and reference.
    """

    photo: Photo
    size: tuple[int, int]
    bits: int
    kind: str
    prepared: dict[Any, PreparedPhoto] = dataclasses.field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the preview."""
        height, width, _ = self.photo.pixels.shape
        return height, width


def preview_of(photo: Photo) -> Preview:
    """Shrink a photo, if need be, and describe it."""
    height, width, channels = photo.pixels.shape
    scale = min(1.0, LONGEST / max(height, width))
    size = max(1, math.floor(height * scale)), max(1, math.floor(width * scale))
    pixels = _shrunk(photo.pixels, size)
    alpha = None if photo.alpha is None else _shrunk(photo.alpha, size)
    kind = "gray"
    if channels > 1:
        kind = find_monochrome(Image.fromarray(pixels), _MIN_CHROMA) or "in colour"
    bits = 32 if photo.pixels.dtype == np.float32 else 8 * photo.pixels.itemsize
    return Preview(Photo(pixels, alpha, name=photo.name), (height, width), bits, kind)


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
