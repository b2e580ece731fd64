"""Photos from and to files and arrays, each with the bit depth and the alpha that it came with."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from colorfuse.color import gray_to_lightness, lab_to_rgb, reduce_chroma, rgb_to_lab
from colorfuse.errors import PhotoError
from colorfuse.files import atomic_file

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
PhotoSource: TypeAlias = str | os.PathLike[str] | IO[bytes] | Image.Image | NDArray[Any] | Tensor

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Formats that are looked for in folders and can be written; single files may have others that Pillow reads."""

_WITHOUT_ALPHA = (".bmp", ".jpeg", ".jpg", ".ppm")
_FULL_SCALE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1}


@dataclass(frozen=True)
class Photo:
    """A photo as it came.

    Attributes:
        pixels: Gray `(H, W, 1)` or RGB `(H, W, 3)`: uint8, uint16, or float32 in 0 to 1.
        alpha: `(H, W, 1)` of the same dtype, or None.
    """

    pixels: Pixels
    alpha: Pixels | None = None

    def lightness(self) -> Tensor:
        """CIELAB lightness `(1, H, W)` in 0 to 100, from a gray photo's own values."""
        values = _to_tensor(self.pixels)
        return gray_to_lightness(values) if len(values) == 1 else rgb_to_lab(values)[:1]

    def with_ab(self, ab: Tensor) -> Pixels:
        """This photo's lightness with `ab` `(2, H, W)`: RGB `(H, W, 3)` of its dtype, or RGBA if it has alpha."""
        lab = reduce_chroma(torch.cat([self.lightness(), ab]))
        dtype = torch.uint8 if self.pixels.dtype == np.uint8 else torch.float32
        colored: Pixels = lab_to_rgb(lab, dtype=dtype).movedim(0, -1).contiguous().numpy()
        if self.pixels.dtype == np.uint16:
            colored = np.rint(colored * 65535.0).astype(np.uint16)
        return colored if self.alpha is None else np.concatenate([colored, self.alpha], axis=-1)


def read_photo(source: PhotoSource) -> Photo:
    """Read a photo, turned upright after its EXIF orientation.

    Gray of 16 bits and floats keep their depth; files of 16 bits a colour channel are read at 8.

    Args:
        source: A path, an open binary file, a PIL image, an array `(H, W)` or `(H, W, 1 | 3 | 4)`, or a tensor
            `(1 | 3 | 4, H, W)`. Arrays and tensors are uint8, uint16 or floats in 0 to 1.

    Raises:
        FileNotFoundError: There is no file at the path.
        PhotoError: The file is no image, is damaged, or the values are not a photo's.

    Example:
        >>> read_photo(np.zeros((4, 6), np.uint8)).lightness().shape
        torch.Size([1, 4, 6])
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, "array")
    if isinstance(source, Tensor):
        return _from_tensor_source(source.detach().cpu())
    if isinstance(source, Image.Image):
        return _from_pil(source, "PIL image")
    if not isinstance(source, str | os.PathLike) and not hasattr(source, "read"):
        raise TypeError(f"a photo must be a path, file, PIL image, array or tensor, not {type(source).__name__}")
    name = str(source if isinstance(source, str | os.PathLike) else getattr(source, "name", "file"))
    with _photo_errors(name), Image.open(source) as image:
        return _from_pil(image, name)


def open_rgb(path: str | os.PathLike[str], at_least: int) -> Image.Image:
    """Read a photo as 8 bit RGB, upright; a large JPEG may come smaller, its short side at least `at_least`.

    Raises:
        FileNotFoundError: There is no file at the path.
        PhotoError: The file is no image or is damaged.
    """
    with _photo_errors(str(path)), Image.open(path) as image:
        image.draft("RGB", (at_least, at_least))
        if image.mode.startswith(("I", "F")):  # which Pillow would clip and not scale
            return Image.fromarray(_as_bytes(_from_pil(image, str(path)).pixels)[..., 0]).convert("RGB")
        return ImageOps.exif_transpose(image).convert("RGB")


def write_photo(path: str | os.PathLike[str], pixels: Pixels) -> None:
    """Write an image in the format that the suffix of `path` names, whole or not at all.

    Args:
        path: Where to; the suffix chooses the format.
        pixels: `(H, W)` or `(H, W, 1 | 3 | 4)`; uint8, or uint16 and floats in 0 to 1, which are rounded to bytes.
            Formats without alpha leave it out.

    Raises:
        ValueError: The suffix names no format that can be written.
        PhotoError: The array is not a photo.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path} has no suffix of an image format; use one of {', '.join(SUFFIXES)}")
    photo = _from_array(pixels, "array to write")
    colors = _as_bytes(photo.pixels)
    image = Image.fromarray(colors.squeeze(-1) if colors.shape[-1] == 1 else colors)
    if photo.alpha is not None and path.suffix.lower() not in _WITHOUT_ALPHA:
        image.putalpha(Image.fromarray(_as_bytes(photo.alpha)[..., 0]))
    with atomic_file(path) as partial:
        image.save(partial, quality=95, subsampling=0)  # the quality of JPEG and WebP, and JPEG's subsampling


@contextlib.contextmanager
def _photo_errors(name: str) -> Iterator[None]:
    """Turn what Pillow raises for a bad file, which may be anything, into a `PhotoError` that names the file."""
    try:
        yield
    except (PhotoError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise PhotoError(f"{name} is no image that can be read; use one of {', '.join(SUFFIXES)}") from error
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name} is too large: {error} Raise PIL.Image.MAX_IMAGE_PIXELS if you trust it") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's fault, not the photo's
            raise
        raise PhotoError(f"{name} is damaged: {error}; save it again or leave it out") from error


def _from_pil(image: Image.Image, name: str) -> Photo:
    image = ImageOps.exif_transpose(image)
    mode = image.mode
    if mode in ("1", "L") and not image.has_transparency_data:
        return _from_array(np.asarray(image.convert("L")), name)
    if mode == "F" or mode.startswith("I"):
        values = np.asarray(image)
        if mode == "I":  # 32 bit integers are how some files of 16 bit are opened
            if values.size and not 0 <= values.min() <= values.max() <= 65535:
                raise PhotoError(f"{name} has integers outside 0 to 65535")
            values = values.astype(np.uint16)
        return _from_array(values.astype(values.dtype.newbyteorder("=")), name)
    if mode in ("L", "LA"):
        gray_alpha = np.asarray(image.convert("LA"))
        return Photo(gray_alpha[..., :1], gray_alpha[..., 1:])
    return _from_array(np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB")), name)


def _from_array(values: NDArray[Any], name: str) -> Photo:
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[-1] not in (1, 3, 4) or 0 in values.shape:
        raise PhotoError(f"{name} has shape {values.shape}; a photo is (H, W) or (H, W, 1 | 3 | 4)")
    if np.issubdtype(values.dtype, np.floating):
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise PhotoError(f"{name} has floats from {values.min():g} to {values.max():g}; they must lie in 0 to 1")
        values = values.astype(np.float32, copy=False)
    if values.dtype not in _FULL_SCALE:
        raise PhotoError(f"{name} has dtype {values.dtype}; a photo is uint8, uint16 or floats in 0 to 1")
    colors = values.shape[-1] % 4 or 3
    return Photo(values[..., :colors], values[..., colors:] if values.shape[-1] == 4 else None)


def _from_tensor_source(values: Tensor) -> Photo:
    if values.ndim != 3:
        raise PhotoError(f"tensor has shape {tuple(values.shape)}; a photo is (1 | 3 | 4, H, W)")
    if values.dtype in (torch.float16, torch.bfloat16):
        values = values.float()
    return _from_array(values.movedim(0, -1).numpy(), "tensor, its channels moved last,")


def _to_tensor(pixels: Pixels) -> Tensor:
    """Channels-first bytes, or floats in 0 to 1."""
    values = pixels.astype(np.float32) / 65535 if pixels.dtype == np.uint16 else pixels
    return torch.from_numpy(np.require(values, requirements=["C", "W"])).movedim(-1, 0)


def _as_bytes(pixels: Pixels) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    rounded: NDArray[np.uint8] = np.rint(pixels * (255 / _FULL_SCALE[pixels.dtype])).astype(np.uint8)
    return rounded
