"""What the segments of a film depend on, by which an interrupted run knows its own."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from colorfuse.images import read_photo
from colorfuse.images.finding import find_photos
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.rendering import RenderAb, render_checked
from colorfuse.video.encoding import Encoding
from colorfuse.video.film import Film
from colorfuse.video.plan import Plan
from colorfuse.video.working import at_working_size

_SIDE = 8
_NEAR = 0.5
"""Difference of ab up to which colours are the same, as computed with other numbers of threads."""


def fingerprint(
    film: Film, encoding: Encoding, steadiness: float, predictor: Predictor, plan: Plan, references: Any
) -> dict[str, Any]:
    """Describe the film, how it is encoded and coloured, in terms of JSON.

    The system is known by its colours for the film's first frame, which may be black, and for a pattern.
    """
    first = at_working_size(film.photo(next(film.frames())), predictor)
    systems = [plan.usual, *(plan.own[shot] for shot in sorted(plan.own))]
    marks = [each for shot in sorted(plan.tracks) for each in plan.tracks[shot]]
    return {
        "film": film.identity,
        "encoding": [encoding.codec, dict(encoding.options), encoding.pixels],
        "options": [float(steadiness), predictor.saturation, predictor.upsample, predictor.render_size],
        "references": _digests(references),
        "marks": [[each.index, _digest(each.values.numpy()), _digest(each.places)] for each in marks],
        "shots": sorted(plan.own),
        "colors": [_colors(system, small) for system in systems for small in (first, _pattern(first))],
    }


def is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two fingerprints are those of the same colours."""
    exact = [{name: value for name, value in each.items() if name != "colors"} for each in (one, other)]
    mine, its = (np.asarray(each.get("colors")) for each in (one, other))
    return exact[0] == exact[1] and mine.shape == its.shape and np.allclose(mine, its, atol=_NEAR)


def _digests(references: Any) -> Any:
    """Digests of the pixels of references, in the form in which they are given."""
    if references is None:
        return None
    if isinstance(references, Mapping):
        return {str(time): _digests(each) for time, each in references.items()}
    if isinstance(references, str | os.PathLike) and Path(references).is_dir():
        references = find_photos(Path(references))
    if isinstance(references, list | tuple):
        return [_digests(each) for each in references]
    return _digest(read_photo(references).pixels)


def _pattern(like: torch.Tensor) -> torch.Tensor:
    """Soft spots of all shades, of the size of other lightness."""
    spots = torch.from_numpy(100 * np.random.default_rng(0).random((1, 1, _SIDE, _SIDE)))
    return functional.interpolate(spots.to(like), like.shape[-2:], mode="bilinear")


@torch.no_grad()
def _colors(render: RenderAb, small: torch.Tensor) -> list[float]:
    ab = render_checked(render, small, planes=3).ab[:, :2]
    coarse: list[float] = functional.adaptive_avg_pool2d(ab.float().cpu(), _SIDE).flatten().tolist()
    return coarse


def _digest(values: "np.ndarray[Any, Any]") -> str:
    return hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=8).hexdigest()
