"""Reading of reference photos, whose colours are wanted."""

from torch import Tensor

from colorfuse.color import rgb_to_lab
from colorfuse.errors import PhotoError
from colorfuse.images.reading import PhotoSource, read_photo


def read_reference(source: PhotoSource) -> Tensor:
    """Read a colour photo as Lab `(1, 3, H, W)` in CIELAB units.

    Raises:
        PhotoError: It cannot be read, or is gray.
    """
    photo = read_photo(source)
    if photo.pixels.shape[-1] == 1:
        raise PhotoError(f"{photo.name} is gray; a reference must have the colours that are wanted")
    return rgb_to_lab(photo.rgb()[None])
