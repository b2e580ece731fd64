"""Segments of reference photos: those that were given, or found ones of like colour."""

from typing import Any

import numpy as np
import scipy
import torch
from numpy.typing import NDArray

from colorfuse.color import lab_to_rgb
from colorfuse.colorizers.references import Reference
from colorfuse.errors import HintsError

_LEAST_SHARE = 1 / 200
"""The least share of a reference that a found segment covers."""
_LIKE = 20.0
"""The distance in Lab below which found segments are of like colour."""
_SCALE = 200.0
"""Felzenszwalb's scale of segments: the larger, the larger these are."""


def segments_of(references: list[Reference], given: Any) -> list[NDArray[np.intp]]:
    """The segments of each reference at working size `(h, w)`, numbered from 1; 0 belongs to none.

    Args:
        references: The references.
        given: Integers `(H, W)` of the size of the reference, or a list of these for several. None to find segments.

    Raises:
        HintsError: Those given have another size, are no integers, or are none; or there are segments for more or
            fewer references.
    """
    if given is None:
        return [_find_segments(each.lab) for each in references]
    maps = _as_maps(given)
    if len(maps) != len(references):
        raise HintsError(f"there are segments for {len(maps)} references, and {len(references)} of these")
    return [segments_at_size(np.asarray(its), each) for its, each in zip(maps, references, strict=True)]


def _as_maps(segments: Any) -> list[Any]:
    """The maps of segments of each reference; a single one may be an array, or a list of rows."""
    several = isinstance(segments, list | tuple) and (not segments or np.ndim(segments[0]) > 1)
    return list(segments) if several else [segments]


def _find_segments(lab: NDArray[np.float32]) -> NDArray[np.intp]:
    """Find segments (Felzenszwalb and Huttenlocher 2004), of which those of like colour are one; from 1 on."""
    from scipy.cluster import hierarchy  # takes long to import, as does scikit-image
    from skimage.segmentation import felzenszwalb

    rgb = lab_to_rgb(torch.from_numpy(lab)).movedim(0, -1).numpy()
    least = max(1, round(_LEAST_SHARE * rgb.shape[0] * rgb.shape[1]))
    areas = felzenszwalb(rgb, scale=_SCALE, sigma=0.8, min_size=least)
    numbers = np.arange(areas.max() + 1)
    if len(numbers) == 1:
        return np.ones_like(areas)
    means = np.stack([scipy.ndimage.mean(plane, areas, numbers) for plane in lab], axis=1)
    kinds = hierarchy.fcluster(hierarchy.average(means), _LIKE, "distance").astype(np.intp)
    segments: NDArray[np.intp] = kinds[areas]
    return segments


def segments_at_size(segments: NDArray[Any], reference: Reference) -> NDArray[np.intp]:
    """Scale segments to working size by the nearest pixel.

    Raises:
        HintsError: They have another size than the reference, are no integers, or are none.
    """
    if segments.shape != reference.size or not np.issubdtype(segments.dtype, np.integer):
        raise HintsError(
            f"segments must be integers of the reference's size {reference.size}, not {segments.dtype} of "
            f"{segments.shape}"
        )
    rows, columns = (
        (2 * np.arange(small) + 1) * full // (2 * small)
        for small, full in zip(reference.lab.shape[1:], segments.shape, strict=True)
    )
    scaled: NDArray[np.intp] = segments[rows[:, None], columns].astype(np.intp)
    if not (scaled > 0).any():
        raise HintsError("the segments of the reference are all 0, which belongs to none")
    return scaled
