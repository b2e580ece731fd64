"""The system of Welsh et al. 2002: each pixel takes the colour of the reference's most similar one."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.colorizers.exemplar import Exemplar, each_photo, jittered_grid, standardized
from colorfuse.colorizers.patches import window_deviation, windows_at
from colorfuse.colorizers.references import Reference
from colorfuse.colorizers.registry import register_colorizer
from colorfuse.errors import HintsError, PhotoError
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.scaling import Hinted
from colorfuse.options import Count, NonNegativeInt, Share, Side

Rectangle: TypeAlias = Sequence[int]
"""`(top, left, bottom, right)` in pixels at full size; the last row and column are excluded."""

_TEXTURES = 2000
"""How many pixels of coloured swatches the rest of a photo is compared with."""


class Samples(NamedTuple):
    """Samples of a reference.

    Attributes:
        features: Standardised lightness and its deviation, weighted, `(n, 2)`.
        colors: ab `(n, 2)`.
    """

    features: NDArray[np.float64]
    colors: NDArray[np.float32]


@register_colorizer("welsh2002")
@dataclasses.dataclass(kw_only=True, eq=False)
class Welsh2002(Exemplar):
    """Colours each pixel like the sample of the reference that is most similar in lightness and texture.

    Welsh, Ashikhmin and Mueller 2002, *Transferring color to greyscale images*. Photos are compared after a linear
    remapping of lightness, by lightness and its standard deviation in a window. With several references, the most
    similar sample of all of them counts; the paper has only one reference. Colours are CIELAB's ab, in place of
    Ruderman's alpha and beta.

    Args:
        samples: About how many pixels of each reference are sampled, on a jittered grid.
        window: Side in pixels of the window of the standard deviation, at working size.
        lightness_weight: Share of the lightness in the comparison; the deviation has the rest.
        swatches: Pairs of rectangles, the first in the reference and the second in the photo, each
            `(top, left, bottom, right)` in pixels at full size. Each swatch of the photo takes its colours from that
            of the reference, and the rest of the photo from the swatches, by texture (section 3.2). Empty for the
            whole reference.
        swatch_samples: About how many pixels of each swatch are sampled.
        render_size: Photos and references are resized to about `render_size ** 2` pixels.
        upsample: How colours are upsampled to the photo's size, as in `predict`.
        seed: Decides which pixels are sampled.

    Attributes:
        references_: The references at working size.

    Example:
        >>> from skimage import data
        >>> photo, like_it = data.astronaut()[:, :256, 1], data.astronaut()[:, 256:]
        >>> Welsh2002(render_size=128).fit(like_it).predict(photo).shape
        (512, 256, 3)
    """

    samples: Count = 225
    window: Count = 5
    lightness_weight: Share = 0.5
    swatches: Sequence[Sequence[Rectangle]] = ()
    swatch_samples: Count = 50
    render_size: Side = 512
    upsample: str = "guided"
    seed: NonNegativeInt = 0

    def learn(self, references: list[Reference]) -> None:
        """Keep the references.

        Raises:
            PhotoError: There are swatches, and several references.
            HintsError: A swatch is outside the reference, or is no rectangle.
        """
        if len(self.swatches) and len(references) > 1:
            raise PhotoError(f"swatches are places of one reference, and there are {len(references)}")
        for pair in self.swatches:
            if len(pair) != 2:
                raise HintsError(f"{pair!r} is no pair of rectangles, one in the reference and one in the photo")
            _check_rectangle(pair[0], references[0].size, "the reference")
        self.references_ = references

    def predictor(self, saturation: float, upsample: str | None, render_size: int | None) -> Predictor:
        """Make a predictor with these options of `predict`."""
        plain = super().predictor(saturation, upsample, render_size)
        if not len(self.swatches):
            return plain
        return SwatchPredictor([place for _, place in self.swatches], plain)

    def render_ab(self, lightness: Tensor, swatches: Tensor | None = None) -> Tensor:
        """Transfer colours to each photo; `swatches` `(N, K, h, w)` are masks of those of the photo.

        Raises:
            ValueError: The colorizer has swatches, and there are no masks.
        """
        if len(self.swatches) and swatches is None:
            raise ValueError("swatches are places of one photo; call predict with it")
        rng = np.random.default_rng(self.seed)
        if swatches is None:
            samples = self._joined([self._sampled(each.lab, self.samples, rng) for each in self.references_])
            transferred = [self._transferred(gray, samples) for gray in each_photo(lightness)]
        else:
            masks = swatches.cpu().numpy() > 0
            transferred = [
                self._swatched(gray, its, rng) for gray, its in zip(each_photo(lightness), masks, strict=True)
            ]
        return torch.from_numpy(np.stack(transferred)).to(lightness)

    def _features(self, gray: NDArray[Any]) -> NDArray[np.float64]:
        """Weighted lightness and deviation of each pixel `(h, w, 2)`."""
        scaled = standardized(gray.astype(np.float64))
        shares = np.sqrt([self.lightness_weight, 1 - self.lightness_weight])
        features: NDArray[np.float64] = np.stack([scaled, window_deviation(scaled, self.window)], axis=-1) * shares
        return features

    def _sampled(self, lab: NDArray[np.float32], count: int, rng: np.random.Generator) -> Samples:
        height, width = lab.shape[1:]
        rows, columns = jittered_grid(height, width, count, rng).T
        return Samples(self._features(lab[0])[rows, columns], lab[1:, rows, columns].T)

    @staticmethod
    def _joined(samples: list[Samples]) -> Samples:
        features, colors = zip(*samples, strict=True)
        return Samples(np.concatenate(features), np.concatenate(colors))

    def _transferred(self, gray: NDArray[Any], samples: Samples) -> NDArray[np.float32]:
        """The ab `(2, h, w)` of the most similar samples."""
        from scipy.spatial import cKDTree  # takes long to import

        likest = cKDTree(samples.features).query(self._features(gray), workers=-1)[1]
        ab: NDArray[np.float32] = np.moveaxis(samples.colors[likest], -1, 0)
        return ab

    def _swatched(
        self, gray: NDArray[Any], masks: NDArray[np.bool_], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Colour the swatches of a photo, and the rest by the texture of these."""
        from scipy.spatial import cKDTree  # takes long to import

        ab, done = np.zeros((2, *gray.shape), np.float32), np.zeros(gray.shape, bool)
        (reference,) = self.references_
        for (there, _), mask in zip(self.swatches, masks, strict=True):
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            here = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
            samples = self._sampled(_cut(reference, there), self.swatch_samples, rng)
            ab[:, *here] = self._transferred(gray[here], samples)
            done[here] = True
        known, rest = np.argwhere(done), np.argwhere(~done)
        if len(known) > _TEXTURES:
            known = known[rng.choice(len(known), _TEXTURES, replace=False)]
        tree = cKDTree(windows_at(gray, known, self.window))
        chosen = known[tree.query(windows_at(gray, rest, self.window), workers=-1)[1]] if len(rest) else rest
        ab[:, rest[:, 0], rest[:, 1]] = ab[:, chosen[:, 0], chosen[:, 1]]
        return ab


class SwatchPredictor(Predictor):
    """Colours photos with a system that also gets masks of rectangles in the photo.

    Args:
        rectangles: `(top, left, bottom, right)` in pixels of the photo.
        plain: A predictor with the options of this one.
    """

    def __init__(self, rectangles: list[Rectangle], plain: Predictor) -> None:
        vars(self).update(vars(plain))
        self.rectangles = rectangles

    def draw(self, hinted: Hinted, small: Tensor) -> Tensor:
        """Draw the rectangles `(1, K, h, w)` at the size of `small`; each covers at least a pixel."""
        masks = small.new_zeros(1, len(self.rectangles), *small.shape[-2:])
        for mask, rectangle in zip(masks[0], self.rectangles, strict=True):
            _check_rectangle(rectangle, hinted.size, "the photo")
            rows, columns = _scaled(rectangle, hinted.size, small.shape[-2:])
            mask[rows, columns] = 1
        return masks


def _check_rectangle(rectangle: Rectangle, size: Sequence[int], where: str) -> None:
    top, left, bottom, right = rectangle if len(rectangle) == 4 else (-1, -1, -1, -1)
    if not (0 <= top < bottom <= size[0] and 0 <= left < right <= size[1]):
        raise HintsError(
            f"the swatch {tuple(rectangle)} must be (top, left, bottom, right) within {where}, which has {size[0]} "
            f"rows and {size[1]} columns"
        )


def _scaled(rectangle: Rectangle, full: Sequence[int], small: Sequence[int]) -> tuple[slice, slice]:
    """The pixels at a smaller size that a rectangle covers, at least one."""
    top, left, bottom, right = rectangle
    spans = []
    for start, stop, axis in ((top, bottom, 0), (left, right, 1)):
        first = min(start * small[axis] // full[axis], small[axis] - 1)
        spans.append(slice(first, max(first + 1, -(-stop * small[axis] // full[axis]))))
    return spans[0], spans[1]


def _cut(reference: Reference, rectangle: Rectangle) -> NDArray[np.float32]:
    rows, columns = _scaled(rectangle, reference.size, reference.lab.shape[1:])
    return reference.lab[:, rows, columns]
