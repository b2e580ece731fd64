"""Reading of photos from files, PIL images, arrays and tensors."""

import contextlib
import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from colorfuse.errors import PhotoError
from colorfuse.images.decoded import Decoded
from colorfuse.images.decoding import decode_file, page_numbers
from colorfuse.images.finding import plug_in_for
from colorfuse.images.metadata import orientation_of, upright
from colorfuse.images.opening import open_image, without_pillows_limit
from colorfuse.images.photo import Photo, checked_pixels, photo_of_array
from colorfuse.images.pil_images import decode_image
from colorfuse.images.pixels import as_bytes
from colorfuse.images.profiles import to_srgb
from colorfuse.memory import check_memory

_ERRORS_OF_A_PHOTO = (None, errno.EINVAL, errno.EOVERFLOW)  # such as seeking to a bad offset in a damaged file

_TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that turns an image of each EXIF orientation upright."""

PhotoSource: TypeAlias = Photo | str | os.PathLike[str] | IO[bytes] | Image.Image | NDArray[Any] | Tensor


def read_photo(source: PhotoSource, *, page: int | None = None, max_pixels: int | None = None) -> Photo:
    """Read a photo, turned upright by its EXIF orientation and converted to sRGB, with its bit depth and alpha.

    PNG, TIFF, PGM and JPEG of more than 8 bits keep them; other formats are read with 8.

    Args:
        source: A path, an open binary file (read from its start), a PIL image, an array `(H, W)` or
            `(H, W, 1 | 3 | 4)`, a tensor `(1 | 3 | 4, H, W)`, or a `Photo`. Arrays and tensors are uint8, uint16 or
            floats in 0 to 1.
        page: The page or frame to read, counted from 0; None for the first that is not a thumbnail.
        max_pixels: Refuse files with more pixels, for example from untrusted sources; None for no limit but memory.

    Returns:
        A `Photo`, whose `pixels` are `(H, W, 1 | 3)` of uint8, uint16, or float32 in 0 to 1.

    Raises:
        OSError: There is no file at the path, or it cannot be read.
        PhotoError: The file is not an image, is damaged, has no such page or too many pixels, or the values are not
            those of a photo.
        MemoryError: There is too little memory to colour the photo.
        TypeError: The source is none of these.

    Example:
        >>> read_photo(np.zeros((4, 6), np.uint8)).lightness().shape
        torch.Size([1, 4, 6])
    """
    for name, number in (("page", page), ("max_pixels", max_pixels)):
        if number is not None and not isinstance(number, int | np.integer):
            raise TypeError(f"{name} must be a whole number, not {number!r}")
    if isinstance(source, bytes | bytearray | memoryview):
        raise TypeError("bytes are neither a path nor an open file; give io.BytesIO(them), or os.fsdecode of a path")
    if isinstance(source, Photo):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source, "array")
    if isinstance(source, Tensor):
        if source.is_meta or source.layout != torch.strided or source.is_quantized:
            raise TypeError(f"a tensor must hold plain values to be a photo, not {source.layout} on {source.device}")
        return _from_tensor(source.detach().cpu())
    if isinstance(source, Image.Image):
        check_memory(source.height, source.width, "PIL image")
        with _photo_errors("PIL image"):
            return _from_decoded(decode_image(source, "PIL image"), "PIL image")
    if isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            return _from_file(file, str(source), page, max_pixels)
    if not hasattr(source, "read") or hasattr(source, "encoding"):
        raise TypeError(
            f"a photo must be a path, binary file, PIL image, array or tensor, not {type(source).__name__}"
        )
    return _from_file(source, str(getattr(source, "name", "file")), page, max_pixels)


def read_pages(source: str | os.PathLike[str] | IO[bytes]) -> Iterator[Photo]:
    """Read the pages of a TIFF, or the frames of a GIF or similar, one after another, without thumbnails.

    Raises:
        OSError: There is no file at the path, or it cannot be read.
        PhotoError: The file is not an image, or a page is damaged.
        MemoryError: There is too little memory to colour a page.

    Example:
        >>> path = getfixture("tmp_path") / "album.tif"
        >>> Image.new("L", (8, 6)).save(path, save_all=True, append_images=[Image.new("L", (9, 6))])
        >>> [photo.pixels.shape for photo in read_pages(path)]
        [(6, 8, 1), (6, 9, 1)]
    """
    name = str(source if isinstance(source, str | os.PathLike) else getattr(source, "name", "file"))
    with contextlib.ExitStack() as stack:
        if isinstance(source, str | os.PathLike):
            file: IO[bytes] = stack.enter_context(Path(source).open("rb"))
        else:
            file = _seekable(source)
        with _photo_errors(name):
            numbers = page_numbers(file)
        for number in numbers:
            yield _from_file(file, name, number, None)


def open_rgb(path: str | os.PathLike[str], at_least: int | None = None) -> Image.Image:
    """Read a photo as upright 8-bit RGB; a large JPEG may be decoded smaller, with sides of at least `at_least`.

    Raises:
        FileNotFoundError: There is no file at the path.
        PhotoError: The file is not an image, or is damaged.
        MemoryError: The photo does not fit in memory.
    """
    with Path(path).open("rb") as file:
        image = _open_plain(file, at_least)
        if image:
            return image
        photo = _from_file(file, str(path))
    pixels = as_bytes(photo.pixels)
    return Image.fromarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def _open_plain(file: IO[bytes], at_least: int | None) -> Image.Image | None:
    """Open a file that Pillow alone decodes correctly: 8-bit RGB or gray without an ICC profile; None for others."""
    try:
        image = open_image(file)
        if at_least:
            image.draft("RGB", (at_least, at_least))
        if image.format == "TIFF" or image.mode not in ("RGB", "L") or image.info.get("icc_profile"):
            return None
        with without_pillows_limit(image.size):
            image.load()
        orientation = orientation_of(image)
        image = image.transpose(_TRANSPOSED[orientation]) if orientation in _TRANSPOSED else image
        return image if image.mode == "RGB" else image.convert("RGB")
    except Exception:  # `read_photo` will report it, or read the file in another way
        return None


def _from_file(file: IO[bytes], name: str, page: int | None = None, max_pixels: int | None = None) -> Photo:
    file = _seekable(file)
    with _photo_errors(name):
        return _from_decoded(decode_file(file, name, page, max_pixels), name)


def _seekable(file: IO[bytes]) -> IO[bytes]:
    """The file, or its content, if it cannot be sought in."""
    return file if hasattr(file, "seekable") and file.seekable() else io.BytesIO(file.read())


def _from_decoded(decoded: Decoded, name: str) -> Photo:
    coding, alpha = decoded.coding, decoded.alpha
    colors = to_srgb(decoded.values, decoded.space, coding.profile, name)
    return Photo(
        checked_pixels(upright(colors, coding.orientation), name),
        None if alpha is None else checked_pixels(upright(alpha, coding.orientation), name),
        decoded.metadata,
        name,
    )


def _from_tensor(values: Tensor) -> Photo:
    if values.ndim != 3:
        raise PhotoError(f"tensor has shape {tuple(values.shape)}; a photo is (1 | 3 | 4, H, W)")
    if values.dtype in (torch.float16, torch.bfloat16):
        values = values.float()
    return _from_array(values.movedim(0, -1).numpy(), "tensor, its channels moved last,")


def _from_array(values: NDArray[Any], name: str) -> Photo:
    if values.dtype == np.uint16 and values.size and 0 < values.max() <= 255:
        raise PhotoError(f"{name} is uint16 but has no value above {values.max()}; make it uint8")
    if values.ndim > 1:
        check_memory(values.shape[0], values.shape[1], name)
    return photo_of_array(values, name)


@contextlib.contextmanager
def _photo_errors(name: str) -> Iterator[None]:
    """Turn any error that decoders raise for a bad file into a `PhotoError` that names the file."""
    try:
        yield
    except (PhotoError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        needed = plug_in_for(name)
        hint = f"; install {needed} and register it" if needed else ""
        raise PhotoError(f"{name} is no image that can be read{hint}") from error
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name} is too large for Pillow: {error} Raise PIL.Image.MAX_IMAGE_PIXELS") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in _ERRORS_OF_A_PHOTO:  # an error of the disk
            raise
        raise PhotoError(f"{name} is damaged: {error}; save it again or leave it out") from error
