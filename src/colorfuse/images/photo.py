"""The `Photo` class, and conversion of arrays to photos."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.errors import PhotoError
from colorfuse.images.metadata import Metadata
from colorfuse.images.pixels import FULL_SCALE, Pixels, few_rows, of_depth
from colorfuse.images.strips import PIXELS_AT_ONCE, display, for_strips, lightness_of

StripFunction: TypeAlias = Callable[[Tensor, int], Tensor]
"""Maps lightness `(1, rows, W)` and the index of its first row to other planes of these rows, such as ab."""

_ROUNDING = 1e-5


@dataclass(frozen=True, eq=False, repr=False)
class Photo:
    """A photo at its original size and bit depth, upright and in sRGB.

    Attributes:
        pixels: Gray `(H, W, 1)` or RGB `(H, W, 3)`: uint8, uint16, or float32 in 0 to 1.
        alpha: `(H, W, 1)` of the same dtype, or None.
        metadata: The metadata of its file.
        name: Its name in messages: its path, if it has one.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    metadata: Metadata = field(default_factory=Metadata)
    name: str = "a photo"

    def lightness(self, rows: slice = slice(None)) -> Tensor:
        """Compute CIELAB lightness `(1, H, W)` in 0 to 100, directly from the values if the photo is gray.

        Args:
            rows: The rows to compute it for; by default all.
        """
        pixels: Any = self.pixels[rows]
        lightness = np.empty((1, *pixels.shape[:2]), np.float32)

        def work(some: slice) -> None:
            lightness[0, some] = lightness_of(pixels[some])

        for_strips(pixels, work)
        return torch.from_numpy(lightness)

    def rgb(self) -> Tensor:
        """The photo as RGB `(3, H, W)` in 0 to 1; a gray photo has three equal channels."""
        values = self.pixels.astype(np.float32) / np.float32(FULL_SCALE[self.pixels.dtype])
        return torch.from_numpy(values).movedim(-1, 0).expand(3, -1, -1)

    def on_white(self) -> "Photo":
        """Put this photo on white where it is transparent; without alpha, it is this photo itself."""
        if self.alpha is None:
            return self
        full, pixels = FULL_SCALE[self.pixels.dtype], np.empty_like(self.pixels)
        for rows in few_rows(pixels):
            opacity = self.alpha[rows].astype(np.float32) / np.float32(full)
            whitened: Any = full - opacity * (full - self.pixels[rows].astype(np.float32))
            pixels[rows] = whitened if pixels.dtype == np.float32 else np.rint(whitened)
        return replace(self, pixels=pixels, alpha=None)

    def with_ab(self, ab: Tensor) -> Pixels:
        """Combine this photo's lightness with `ab` `(2, H, W)` in CIELAB units.

        Returns:
            RGB `(H, W, 3)` with the dtype of the photo, or RGBA if it has alpha.
        """
        return self.colored(lambda lightness, top: ab[:, top : top + lightness.shape[1]])

    def __repr__(self) -> str:
        height, width, channels = self.pixels.shape
        kind = ("gray" if channels == 1 else "RGB") + ("" if self.alpha is None else " with alpha")
        return f"<Photo {self.name!r}: {width} x {height} pixels, {kind}, {self.pixels.dtype}>"

    def colored(self, colors: StripFunction) -> Pixels:
        """Combine this photo's lightness with the ab that `colors` computes for one strip of rows at a time.

        Several threads call it. Colours outside the sRGB gamut are reduced in chroma, so that lightness is preserved.

        Returns:
            RGB `(H, W, 3)` with the dtype of the photo, or RGBA if it has alpha.
        """

        def put(rows: slice, rgb: Pixels) -> None:
            lightness = lightness_of(self.pixels[rows])
            lab = np.empty((3, *lightness.shape), np.float32)
            lab[0], lab[1:] = lightness, colors(torch.from_numpy(lightness[None]), rows.start).numpy()
            display(lab, rgb)

        return self.in_strips(put)

    def painted(self, paint: StripFunction) -> Pixels:
        """Multiply this photo, as gray of its lightness, onto paint.

        Args:
            paint: Computes, for a strip of rows, Lab of the paint and the share of the photo's ink that stays on top,
                `(4, rows, W)`. Paint outside the sRGB gamut is reduced in chroma. Several threads call it.

        Returns:
            RGB `(H, W, 3)` with the dtype of the photo, or RGBA if it has alpha.
        """

        def put(rows: slice, rgb: Pixels) -> None:
            lightness = lightness_of(self.pixels[rows])
            blank = np.zeros_like(lightness)
            gray, color = np.empty((2, *lightness.shape, 3), np.float32)
            display(np.stack([lightness, blank, blank]), gray)
            its = paint(torch.from_numpy(lightness[None]), rows.start).numpy()
            display(its[:3], color)
            rgb[..., :3] = of_depth(color * (1 - its[3][..., None] * (1 - gray)), rgb.dtype)

        return self.in_strips(put)

    def in_strips(self, put: Callable[[slice, Pixels], None], pixels_at_once: int = PIXELS_AT_ONCE) -> Pixels:
        """Make a coloured photo of strips of rows, on several threads.

        Args:
            put: Gets the rows of a strip, and contiguous pixels `(rows, W, 3 | 4)` to write RGB to.
            pixels_at_once: About how many pixels a strip has.

        Returns:
            RGB `(H, W, 3)` with the dtype of the photo, or RGBA if it has alpha.
        """
        height, width, _ = self.pixels.shape
        colored = np.empty((height, width, 3 if self.alpha is None else 4), self.pixels.dtype)
        if self.alpha is not None:
            colored[..., 3:] = self.alpha

        for_strips(self.pixels, lambda rows: put(rows, colored[rows]), pixels_at_once)
        return colored


def photo_of_array(values: NDArray[Any], name: str) -> Photo:
    """Make a photo of an array `(H, W)` or `(H, W, 1 | 3 | 4)`.

    Raises:
        PhotoError: Its shape, dtype or range is not that of a photo; the message begins with `name`.
    """
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[-1] not in (1, 3, 4):
        advice = "; move its channels last" if values.ndim == 3 and values.shape[0] in (1, 3, 4) else ""
        raise PhotoError(f"{name} has shape {values.shape}; a photo is (H, W) or (H, W, 1 | 3 | 4){advice}")
    pixels, colors = checked_pixels(values, name), min(values.shape[-1], 3)
    alpha = pixels[..., colors:] if values.shape[-1] == 4 else None
    return Photo(pixels[..., :colors], alpha, name=name)


def checked_pixels(values: NDArray[Any], name: str) -> Pixels:
    """Check that shape, dtype and range are those of a photo, and return the values; floats become float32.

    Raises:
        PhotoError: They are not; the message begins with `name`.
    """
    if values.ndim != 3 or 0 in values.shape:
        raise PhotoError(f"{name} has shape {values.shape}; a photo is (H, W) or (H, W, 1 | 3 | 4)")
    if np.issubdtype(values.dtype, np.floating):
        least, greatest = values.min(), values.max()  # NaN if any is
        if not (least >= -_ROUNDING and greatest <= 1 + _ROUNDING):
            raise PhotoError(f"{name} has floats from {least:g} to {greatest:g}; they must lie in 0 to 1")
        values = values.astype(np.float32, copy=False)
        if least < 0 or greatest > 1:
            values = values.clip(0, 1)
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    if values.dtype not in FULL_SCALE:
        raise PhotoError(f"{name} has dtype {values.dtype}; a photo is uint8, uint16 or floats in 0 to 1")
    return values
