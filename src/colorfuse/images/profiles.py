"""Conversion from ICC profiles to sRGB, with LittleCMS."""

import functools
import warnings
from typing import Any, Literal, TypeAlias

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from colorfuse.images.pixels import few_rows

Array: TypeAlias = NDArray[Any]
ColorSpace: TypeAlias = Literal["gray", "rgb", "cmyk"]

_SIGNATURES = {"gray": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK"}


@functools.cache
def srgb_profile() -> bytes:
    """Return an ICC profile of sRGB."""
    profile = bytearray(imagecodecs.cms_profile("srgb"))
    profile[24:36] = bytes((0x07, 0xD0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))  # a fixed date, for reproducible bytes
    return bytes(profile)


def to_srgb(values: Array, space: ColorSpace, profile: bytes | None, name: str) -> Array:
    """Convert gray `(H, W, 1)`, RGB `(H, W, 3)` or CMYK `(H, W, 4)` to gray or RGB in sRGB, with the same dtype.

    A profile that is damaged, or for another colour space than that of the values, is ignored with a warning. Gray
    may have an RGB profile; it is then treated as three equal channels.
    """
    try:
        if not profile:
            return _without_profile(values, space)
        meant = profile[16:20]
        if meant != _SIGNATURES[space] and not (space == "gray" and meant == _SIGNATURES["rgb"]):
            warnings.warn(
                f"{name} is {space} and has a colour profile of {meant!r}, which is passed over", stacklevel=2
            )
            return _without_profile(values, space)
        if _is_srgb(profile, space):
            return values
        if space == "gray" and values.dtype.kind == "u":
            levels = np.arange(np.iinfo(values.dtype).max + 1, dtype=values.dtype).reshape(-1, 1, 1)
            return np.take(_transform(levels, space, profile), values)
        return _transform(values, space, profile)
    except imagecodecs.CmsError as error:
        warnings.warn(f"{name} has a damaged colour profile, which is passed over: {error}", stacklevel=2)
        return _without_profile(values, space)


@functools.lru_cache(maxsize=8)
def _is_srgb(profile: bytes, space: ColorSpace) -> bool:
    """Whether a profile equals sRGB to within one step of 8 bits."""
    if space == "cmyk":
        return False
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    axes = [steps] * (3 if space == "rgb" else 1)
    tried = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 1, len(axes))
    changed = _transform(tried, space, profile).astype(int) - tried
    return bool(np.abs(changed).max() <= 1)


def _transform(values: Array, space: ColorSpace, profile: bytes) -> Array:
    gray = space == "gray"
    if gray and profile[16:20] == _SIGNATURES["rgb"]:
        values, space = np.repeat(values, 3, axis=-1), "rgb"
    # LittleCMS's precomputed tables are off by 9 of 255 in dark gray, and by as much in 16-bit colours.
    exact = gray or values.dtype.itemsize > 1
    rgb: Array = imagecodecs.cms_transform(
        np.ascontiguousarray(values[..., 0] if space == "gray" else values),
        profile,
        srgb_profile(),
        colorspace=space,
        outcolorspace="rgb",
        outdtype=values.dtype,
        intent=imagecodecs.CMS.INTENT.PERCEPTUAL,
        flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE if exact else 0,
    )
    if values.dtype.kind == "f":
        rgb = rgb.clip(0, 1)
    return rgb[..., 1:2] if gray else rgb


def _without_profile(values: Array, space: ColorSpace) -> Array:
    if space != "cmyk":
        return values
    full = np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1
    converted = np.empty((*values.shape[:2], 3), values.dtype)
    for rows in few_rows(values):
        light = 1 - values[rows].astype(np.float32) / full
        rgb = light[..., :3] * light[..., 3:] * full
        converted[rows] = rgb.round() if full > 1 else rgb
    return converted
