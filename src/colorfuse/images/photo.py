"""The `Photo` class, and conversion of arrays to photos."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.color import gray_to_lightness, lab_to_rgb, reduce_chroma, rgb_to_lab
from colorfuse.errors import PhotoError
from colorfuse.images.metadata import Metadata

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
ColorsOfRows: TypeAlias = Callable[[Tensor, int], Tensor]
"""Maps lightness `(1, rows, W)` and the index of its first row to ab `(2, rows, W)`."""

_ROUNDING = 1e-5
_PIXELS_AT_ONCE = 1 << 19
FULL_SCALE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.float32): 1}


@dataclass(frozen=True, eq=False)
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

    def lightness(self) -> Tensor:
        """Compute CIELAB lightness `(1, H, W)` in 0 to 100, directly from the values if the photo is gray."""
        lightness = np.empty((1, *self.pixels.shape[:2]), np.float32)
        for rows in _strips(self.pixels):
            lightness[:, rows] = _lightness(self.pixels[rows])
        return torch.from_numpy(lightness)

    def rgb(self) -> Tensor:
        """The photo as RGB `(3, H, W)` in 0 to 1; a gray photo has three equal channels."""
        values = self.pixels.astype(np.float32) / np.float32(FULL_SCALE[self.pixels.dtype])
        return torch.from_numpy(values).movedim(-1, 0).expand(3, -1, -1)

    def on_white(self) -> "Photo":
        """Put this photo on white where it is transparent; without alpha, it is this photo itself."""
        if self.alpha is None:
            return self
        full = FULL_SCALE[self.pixels.dtype]
        opacity = self.alpha.astype(np.float32) / np.float32(full)
        pixels: Any = full - opacity * (full - self.pixels.astype(np.float32))
        rounded = pixels if self.pixels.dtype == np.float32 else np.rint(pixels)
        return replace(self, pixels=rounded.astype(self.pixels.dtype), alpha=None)

    def with_ab(self, ab: Tensor) -> Pixels:
        """Combine this photo's lightness with `ab` `(2, H, W)` in CIELAB units.

        Returns:
            RGB `(H, W, 3)` with the dtype of the photo, or RGBA if it has alpha.
        """
        return self.colored(self.lightness(), lambda lightness, top: ab[:, top : top + lightness.shape[1]])

    def colored(self, lightness: Tensor, colors: ColorsOfRows) -> Pixels:
        """Combine this photo's `lightness` with the ab that `colors` computes for one strip of rows at a time.

        Colours outside the sRGB gamut are reduced in chroma, so that lightness is preserved.

        Returns:
            RGB `(H, W, 3)` with the dtype of the photo, or RGBA if it has alpha.
        """
        dtype = torch.uint8 if self.pixels.dtype == np.uint8 else torch.float32

        def displayed(lab: Tensor, top: int) -> Tensor:
            lab[1:] = colors(lab[:1], top)
            return _displayed_(lab, dtype)

        return self._with_rgb(lightness, displayed)

    def painted(self, lightness: Tensor, paint: ColorsOfRows) -> Pixels:
        """Multiply this photo, as gray of `lightness`, onto paint.

        Args:
            lightness: L of this photo `(1, H, W)`.
            paint: Computes, for a strip of rows, Lab of the paint and the share of the photo's ink that stays on top,
                `(4, rows, W)`. Paint outside the sRGB gamut is reduced in chroma.

        Returns:
            RGB `(H, W, 3)` with the dtype of the photo, or RGBA if it has alpha.
        """

        def multiplied(lab: Tensor, top: int) -> Tensor:
            gray = lab_to_rgb(torch.cat([lab[:1], torch.zeros_like(lab[1:])]))
            its = paint(lab[:1], top)
            rgb = _displayed_(its[:3], torch.float32) * (1 - its[3:] * (1 - gray))
            return rgb if self.pixels.dtype != np.uint8 else (255 * rgb).round().to(torch.uint8)

        return self._with_rgb(lightness, multiplied)

    def _with_rgb(self, lightness: Tensor, rgb_of: ColorsOfRows) -> Pixels:
        """Collect the RGB that `rgb_of` computes for strips of rows; it gets Lab of which L is set, to change."""
        height, width, _ = self.pixels.shape
        colored = np.empty((height, width, 3 if self.alpha is None else 4), self.pixels.dtype)
        strips = list(_strips(self.pixels))
        # One buffer for all strips, since newly allocated memory is slower to fill.
        memory = torch.empty(3, strips[0].stop, width, dtype=torch.float32, device="cpu")
        for rows in strips:
            lab = memory[:, : rows.stop - rows.start]
            lab[:1] = lightness[:, rows]
            rgb = rgb_of(lab, rows.start).numpy()
            for channel, its in enumerate(as_uint16(rgb) if self.pixels.dtype == np.uint16 else rgb):
                colored[rows, :, channel] = its  # four times as fast as all channels at once
        if self.alpha is not None:
            colored[..., 3:] = self.alpha
        return colored


def _displayed_(lab: Tensor, dtype: torch.dtype) -> Tensor:
    """Convert Lab `(3, H, W)` to RGB; out-of-gamut colours keep lightness and hue, and lose chroma. Changes `lab`.

    Conversion clips out-of-gamut colours to the bounds of RGB, so only pixels at the bounds need another look. Black
    and white lie there too and are frequent in some photos; setting their ab to 0 first excludes them.
    """
    colorful = (lab[0] > 0) & (lab[0] < 100)
    lab[1:] *= colorful
    rgb = lab_to_rgb(lab, dtype=dtype)
    clipped = (rgb.amin(dim=0) == 0) | (rgb.amax(dim=0) == (255 if dtype == torch.uint8 else 1))
    places = (clipped & colorful).flatten().nonzero()[:, 0]
    if len(places):
        colors = lab.flatten(1).index_select(1, places)
        rgb.flatten(1)[:, places] = lab_to_rgb(reduce_chroma(colors[..., None]), dtype=dtype)[..., 0]
    return rgb


def _strips(pixels: Pixels) -> Iterator[slice]:
    """Slices of rows to process one at a time, which bounds memory."""
    height, width, _ = pixels.shape
    rows = max(1, _PIXELS_AT_ONCE // width)
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def _lightness(pixels: Pixels) -> Tensor:
    values = _to_tensor(pixels)
    return gray_to_lightness(values) if len(values) == 1 else rgb_to_lab(values)[:1]


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
        if not (np.isfinite(values).all() and values.min() >= -_ROUNDING and values.max() <= 1 + _ROUNDING):
            raise PhotoError(f"{name} has floats from {values.min():g} to {values.max():g}; they must lie in 0 to 1")
        values = values.astype(np.float32).clip(0, 1)
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    if values.dtype not in FULL_SCALE:
        raise PhotoError(f"{name} has dtype {values.dtype}; a photo is uint8, uint16 or floats in 0 to 1")
    return values


def as_bytes(pixels: Pixels) -> NDArray[np.uint8]:
    """Round pixels of any bit depth to uint8."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    rounded: NDArray[np.uint8] = np.rint(pixels * np.float32(255 / FULL_SCALE[pixels.dtype])).astype(np.uint8)
    return rounded


def as_uint16(pixels: Pixels) -> NDArray[np.uint16]:
    """Return uint16 pixels as they are, and round floats to uint16."""
    if pixels.dtype == np.uint16:
        return pixels.astype(np.uint16, copy=False)
    rounded: NDArray[np.uint16] = np.rint(pixels * np.float32(65535)).astype(np.uint16)
    return rounded


def _to_tensor(pixels: Pixels) -> Tensor:
    """Convert to a channels-first tensor of uint8, or of floats in 0 to 1."""
    values = pixels.astype(np.float32) / 65535 if pixels.dtype == np.uint16 else pixels
    return torch.from_numpy(np.require(values, requirements=["C", "W"])).movedim(-1, 0)
