"""Photos from and to files and arrays, each with the bit depth and the alpha that it came with."""

import contextlib
import os
import tempfile
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

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
PhotoSource: TypeAlias = str | os.PathLike[str] | IO[bytes] | Image.Image | NDArray[Any] | Tensor

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
        rgb = lab_to_rgb(reduce_chroma(torch.cat([self.lightness(), ab])))
        colored = _from_tensor(rgb, self.pixels.dtype)
        return colored if self.alpha is None else np.concatenate([colored, self.alpha], axis=-1)


def read_photo(source: PhotoSource) -> Photo:
    """Read a photo, turned upright after its EXIF orientation.

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
        return _from_array(source.detach().cpu().movedim(0, -1).numpy(), "tensor (after moving channels last)")
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
        return ImageOps.exif_transpose(image).convert("RGB")


def write_photo(path: str | os.PathLike[str], pixels: Pixels) -> None:
    """Write an image in the format that the suffix of `path` names, whole or not at all.

    Args:
        path: Where to; the suffix chooses the format.
        pixels: `(H, W, 3 | 4)`; uint8, or uint16 and floats in 0 to 1, which are rounded to bytes.

    Raises:
        ValueError: The suffix names no format that can be written.
    """
    path = Path(path)
    if path.suffix.lower() not in Image.registered_extensions():
        raise ValueError(f"{path} has no suffix of an image format; use .png, .jpg, .tif or .webp")
    image = Image.fromarray(_from_tensor(_to_tensor(pixels), np.dtype(np.uint8)))
    if path.suffix.lower() in (".jpg", ".jpeg"):
        image = image.convert("RGB")
    with atomic_file(path) as partial:
        image.save(partial, quality=95)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it when the block ends well and removed when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def is_photo_name(path: Path) -> bool:
    """Whether the suffix of `path` is one that Pillow opens, and the file is not hidden."""
    return not path.name.startswith(".") and path.suffix.lower() in Image.registered_extensions()


@contextlib.contextmanager
def _photo_errors(name: str) -> Iterator[None]:
    """Turn what Pillow raises for a bad file into a `PhotoError` that names it."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise PhotoError(f"{name} is no image that can be read") from error
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name} is too large: {error}") from error
    except PhotoError:
        raise
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise PhotoError(f"{name} is damaged: {error}") from error


def _from_pil(image: Image.Image, name: str) -> Photo:
    image = ImageOps.exif_transpose(image)
    mode = image.mode
    if mode in ("1", "L"):
        return _from_array(np.asarray(image.convert("L")), name)
    if mode == "F" or mode.startswith("I"):
        values = np.asarray(image)
        if mode == "I":  # 32 bit integers are how some files of 16 bit are opened
            if values.size and not 0 <= values.min() <= values.max() <= 65535:
                raise PhotoError(f"{name} has integers outside 0 to 65535")
            values = values.astype(np.uint16)
        return _from_array(values.astype(values.dtype.newbyteorder("=")), name)
    if mode == "LA":
        gray_alpha = np.asarray(image)
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


def _to_tensor(pixels: Pixels) -> Tensor:
    """Channels-first floats in 0 to 1."""
    scaled = pixels.astype(np.float32) / _FULL_SCALE[pixels.dtype]
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))


def _from_tensor(values: Tensor, dtype: np.dtype[Any]) -> Pixels:
    """Channels-last pixels of `dtype` from floats in 0 to 1."""
    channels_last = values.movedim(0, -1).contiguous().numpy()
    if dtype == np.float32:
        return channels_last
    pixels: Pixels = np.rint(channels_last * _FULL_SCALE[dtype]).astype(dtype)
    return pixels
