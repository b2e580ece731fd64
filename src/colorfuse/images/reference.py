"""Reading of reference photos, whose colours are wanted."""

from torch import Tensor
from torch.nn import functional

from colorfuse.color import rgb_to_lab
from colorfuse.errors import PhotoError
from colorfuse.images.reading import PhotoSource, read_photo


def read_reference(source: PhotoSource, side: int) -> Tensor:
    """Read a colour photo as Lab `(1, 3, h, w)` in CIELAB units, of at most about `side ** 2` pixels.

    Raises:
        PhotoError: It cannot be read, or is gray.
    """
    photo = read_photo(source)
    if photo.pixels.shape[-1] == 1:
        raise PhotoError(f"{photo.name} is gray; a reference must have the colours that are wanted")
    rgb = photo.rgb()[None]
    shrunk = min(1.0, side / (rgb.shape[-2] * rgb.shape[-1]) ** 0.5)
    size = [max(1, round(length * shrunk)) for length in rgb.shape[-2:]]
    return rgb_to_lab(functional.interpolate(rgb, size, mode="bilinear", antialias=True).clamp(0, 1))
