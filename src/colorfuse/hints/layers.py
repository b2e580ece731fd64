"""Layers of hints: transparent images, marked copies of the photo, arrays, and masks of one colour."""

import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from colorfuse.color import rgb_to_lab
from colorfuse.errors import HintsError
from colorfuse.hints.colors import MOST_AB, lab_of
from colorfuse.hints.marks import Layer, blank
from colorfuse.images import Photo, PhotoSource, read_photo
from colorfuse.images.opening import without_pillows_limit
from colorfuse.images.pixels import FULL_SCALE
from colorfuse.memory import check_memory

_LEAST_ALPHA = 0.5
"""Antialiased edges of strokes, with a lower alpha, would be wrong colours."""
_LEAST_DIFFERENCE = 0.01
"""The least sum of differences in R, G and B of a mark, as in the code of Levin et al. 2004."""

_MOST_NOISE = 0.3
"""If half of the pixels differ, but by less, the copy is compressed and not marked."""


def layer_of_image(source: PhotoSource, photo: Photo | None) -> Layer:
    """Read a transparent image, whose opaque pixels are marks, or a marked copy of the photo.

    Args:
        source: An image as `read_photo` takes it. With transparency, pixels of at least half opacity are marks;
            without, or with that of `photo`, it is a copy of `photo`, and pixels that differ from it are marks.
        photo: The photo.

    Raises:
        HintsError: The image has no alpha, and there is no photo of its size to compare it with; or it differs from
            the photo nowhere, or a little nearly everywhere.
        PhotoError: It cannot be read.
        FileNotFoundError: There is no such file.
    """
    image = read_photo(source)
    rgb = image.rgb()
    opacity = _opacity(image)
    if opacity is not None and (photo is None or opacity.min() < 1) and not _is_alpha_of(photo, opacity):
        if opacity.max() < _LEAST_ALPHA:
            warnings.warn(f"{image.name} has no pixel of at least half opacity, so no hints", stacklevel=3)
        return _layer(rgb, torch.where(opacity < _LEAST_ALPHA, 0.0, opacity))
    if photo is None or image.pixels.shape[:2] != photo.pixels.shape[:2]:
        its = "" if photo is None else f", and as a marked copy it would need the photo's size of {_times(photo)}"
        raise HintsError(f"{image.name} of {_times(image)} has no transparency, so it is no layer of hints{its}")
    off = (rgb - photo.rgb()).abs().sum(dim=0)
    if opacity is not None:
        off[opacity == 0] = 0  # where paint programs keep no colour
    differs = off > _LEAST_DIFFERENCE
    is_noise = (differs & (off < _MOST_NOISE)).float().mean() > 0.5
    if is_noise or not differs.any():
        how = "a little nearly everywhere, as after JPEG compression" if is_noise else "nowhere"
        raise HintsError(
            f"{image.name} has no transparency of its own, and differs from the photo {how}; give marks on a "
            "transparent layer, or on a copy of the photo saved as PNG"
        )
    warnings.warn(
        f"{image.name} has no transparency of its own; its hints are taken from where it differs from the photo: "
        "marks as gray as the photo are missed, and JPEG noise may count as marks; a transparent layer avoids both",
        stacklevel=2,
    )
    return _layer(rgb, differs.float())


def layer_of_openraster(path: Path) -> Layer:
    """Read the visible layers of an OpenRaster file, as Krita and MyPaint write them, except opaque ones.

    A layer that is opaque all over is the photo, or a background.

    Raises:
        HintsError: The file is damaged, or has no layer with transparency.
        MemoryError: There is too little for its canvas.
        FileNotFoundError: There is no such file.
    """
    try:
        with zipfile.ZipFile(path) as file:
            image = ET.fromstring(file.read("stack.xml"))
            width, height = int(image.get("w", 0)), int(image.get("h", 0))
            check_memory(height, width, str(path))
            canvas = Image.new("RGBA", (width, height))
            found = False
            for name, place, opacity in _visible(image):
                with file.open(name) as opened, without_pillows_limit(canvas.size):
                    painted = (
                        Image.open(opened)
                        .convert("RGBA")
                        .transform(canvas.size, Image.Transform.AFFINE, (1, 0, -place[0], 0, 1, -place[1]))
                    )
                alpha = painted.getchannel("A")
                if np.asarray(alpha).min() < 255:
                    found = True
                    painted.putalpha(alpha.point([round(value * opacity) for value in range(256)]))
                    canvas.alpha_composite(painted)
    except (FileNotFoundError, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and Pillow raise almost anything for damaged files
        raise HintsError(f"{path} cannot be read as OpenRaster: {error}") from error
    if not found:
        raise HintsError(f"{path} has no visible layer with transparency; paint hints on a layer of their own")
    return layer_of_image(canvas, None)


def layer_of_arrays(ab: Any, mask: Any) -> Layer:
    """Make a layer of ab `(2, H, W)` or `(H, W, 2)` and a mask `(H, W)`, `(1, H, W)` or `(H, W, 1)`.

    Raises:
        HintsError: A shape is none of these, or a colour is not finite or out of range.
    """
    colors, marked = (torch.from_numpy(_floats(given)) for given in (ab, mask))
    if colors.ndim == 3 and colors.shape[-1] == 2 != colors.shape[0]:
        colors = colors.movedim(-1, 0)
    for channel in (0, -1):
        if marked.ndim == 3 and marked.select(channel, 0).shape == colors.shape[1:]:
            marked = marked.squeeze(channel)
    if colors.ndim != 3 or len(colors) != 2 or marked.shape != colors.shape[1:]:
        shapes = f"{tuple(ab.shape)} and {tuple(mask.shape)}"
        raise HintsError(f"hints as arrays must be ab (2, H, W) and a mask (H, W), not of the shapes {shapes}")
    marked = marked > 0
    its = colors[:, marked]
    if not its.isfinite().all():
        raise HintsError("the ab of hints has values that are not finite")
    if (its.abs() > MOST_AB).any():
        most = max(its.flatten().tolist(), key=abs)
        raise HintsError(f"the ab of hints must be within {MOST_AB:g} of 0, in CIELAB units, not {most:g}")
    return Layer(torch.where(marked, colors, 0.0), marked)


def layers_of_masks(masks: Mapping[Any, Any]) -> list[Layer]:
    """Make a layer of each colour and its mask `(H, W)`.

    Raises:
        HintsError: A key is no colour, or a mask has no two dimensions.
    """
    layers = []
    for color, mask in masks.items():
        marked = torch.from_numpy(_floats(mask)) > 0
        if marked.ndim != 2:
            raise HintsError(f"the mask of {color!r} must have the photo's shape (H, W), not {tuple(marked.shape)}")
        lightness, *ab = lab_of(color)
        colors = torch.tensor(ab, dtype=torch.float32, device="cpu")[:, None, None].expand(2, *marked.shape)
        layers.append(Layer(colors, marked, None if lightness is None else blank(*marked.shape) + lightness))
    return layers


def _floats(given: Any) -> NDArray[np.float32]:
    """Copy an array or a tensor, of whatever type, strides and device."""
    try:
        if isinstance(given, Tensor):
            return given.detach().to("cpu", torch.float32, copy=True).contiguous().numpy()
        return np.array(given, dtype=np.float32, order="C")
    except (TypeError, ValueError) as error:
        raise HintsError(f"hints as arrays must be of numbers, not {given.dtype}") from error


def _visible(
    stack: ET.Element, x: int = 0, y: int = 0, opacity: float = 1.0
) -> Iterator[tuple[str, tuple[int, int], float]]:
    """The visible layers of a stack, the lowest first, with their places on the canvas and their opacity."""
    for element in reversed(stack):
        place = x + int(element.get("x", 0)), y + int(element.get("y", 0))
        its = opacity * float(element.get("opacity", 1))
        if element.get("visibility") == "hidden" or element.tag not in ("stack", "layer"):
            continue
        if element.tag == "stack":
            yield from _visible(element, *place, its)
        else:
            yield element.attrib["src"], place, its


def _layer(rgb: Tensor, opacity: Tensor) -> Layer:
    lab, marked = blank(3, *opacity.shape), opacity > 0
    if marked.any():
        lab[:, marked] = rgb_to_lab(rgb[:, marked][..., None])[:, :, 0]
    return Layer(lab[1:], opacity, lab[0])


def _opacity(image: Photo) -> Tensor | None:
    if image.alpha is None:
        return None
    return torch.from_numpy(image.alpha[..., 0].astype(np.float32) / FULL_SCALE[image.alpha.dtype])


def _is_alpha_of(photo: Photo | None, opacity: Tensor) -> bool:
    """Whether the transparency of an image is that of a photo, to within rounding to bytes."""
    its = None if photo is None else _opacity(photo)
    return its is not None and its.shape == opacity.shape and bool((its - opacity).abs().max() < 1 / 254)


def _times(photo: Photo) -> str:
    return f"{photo.pixels.shape[1]} x {photo.pixels.shape[0]} pixels"
