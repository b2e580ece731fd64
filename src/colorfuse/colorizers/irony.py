"""The system of Irony et al. 2005: colours by the texture of a reference's segments, propagated from sure places."""

import dataclasses
from typing import Any, NamedTuple, Self

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.colorizers.exemplar import Exemplar, each_hinted, standardized
from colorfuse.colorizers.patches import cosine_transform
from colorfuse.colorizers.references import Reference, References
from colorfuse.colorizers.registry import register_colorizer
from colorfuse.colorizers.segments import segments_of
from colorfuse.colorizers.solving import solve_colors
from colorfuse.options import Count, NonNegativeInt, Share, Side

_KEPT = 40 / 49
"""Share of the directions that are kept, in which pixels of one segment vary the least."""
_LEAST_WEIGHT = 1e-6
"""Of the vote of a pixel, however unlike its nearest sample is."""


class Match(NamedTuple):
    """What is found for each pixel of a photo, by voting with the pixels around it.

    Attributes:
        ab: Colours `(2, h, w)`.
        confidence: Share of the votes for the winning segment `(h, w)`.
    """

    ab: NDArray[np.float32]
    confidence: NDArray[np.float32]


@register_colorizer("irony2005")
@dataclasses.dataclass(kw_only=True, eq=False)
class Irony2005(Exemplar):
    """Colours a photo by the texture of the segments of a reference.

    Irony, Cohen-Or and Lischinski 2005, *Colorization by example*. Each pixel is described by the cosine transform of
    the window around it, projected to the directions that part segments and not the pixels within them. Its nearest
    samples of the reference vote for a segment, then the pixels around it vote, and each gets a colour with a
    confidence. Those that are sure are hints for the system of Levin et al. 2004, which colours the rest.

    Colours are CIELAB's ab, in place of YUV's. Votes weigh less by the distance over its median in the photo; the
    paper has no scale. 40 of 49 directions are kept at first, since the paper gives no number.

    Args:
        window: Side in pixels of the windows, at working size.
        samples: How many pixels of the references are sampled.
        pairs: How many pairs of samples each of the two projections is found from.
        dimensions: How many directions are kept at the end.
        neighbors: How many of the nearest samples vote for a pixel.
        confidence: The confidence above which colours count as hints.
        render_size: Photos and references are resized to about `render_size ** 2` pixels.
        upsample: How colours are upsampled to the photo's size, as in `predict`.
        seed: Decides which samples and pairs are drawn.

    Attributes:
        segments_: The segments of each reference at working size `(h, w)`, from 1 on; 0 belongs to none.
        confidence_: Of the last photo that this very object coloured, the confidence of each pixel at working size,
            `(h, w)`.

    Example:
        >>> from skimage import data
        >>> photo, like_it = data.astronaut()[:, :256, 1], data.astronaut()[:, 256:]
        >>> system = Irony2005(render_size=96).fit(like_it)
        >>> system.predict(photo).shape, system.confidence_.shape
        ((512, 256, 3), (136, 68))
    """

    window: Count = 7
    samples: Count = 5000
    pairs: Count = 1000
    dimensions: Count = 10
    neighbors: Count = 7
    confidence: Share = 0.5
    render_size: Side = 256
    upsample: str = "guided"
    seed: NonNegativeInt = 0

    takes_hints = True
    bytes_a_pixel = 5000

    def fit(self, photos: References, y: Any = None, *, segments: Any = None) -> Self:
        """Take the colours of one reference photo, or of several.

        Args:
            photos: A photo as `predict` takes it, a list of photos, or a folder.
            y: Ignored.
            segments: Integers `(H, W)` of the size of the reference, which number its segments, each of one kind; 0
                for what belongs to none. A list of these for several references. None to find segments of like
                colour.

        Raises:
            FileNotFoundError: There is no file at a path.
            PhotoError: A reference cannot be read, is gray or toned, has a single colour, or is smaller than the
                window.
            HintsError: The segments have another size, are no integers, or are none; or there are segments for more
                or fewer references.
            ValueError: A setting is out of range.
        """
        vars(self).pop("confidence_", None)  # it belongs to the former references
        self._given = segments
        try:
            return super().fit(photos)
        finally:
            del self._given

    def learn(self, references: list[Reference]) -> None:
        """Find the segments, the two projections, and samples of the references."""
        from scipy.spatial import cKDTree  # takes long to import

        self.segments_ = segments_of(references, self._given)
        rng = np.random.default_rng(self.seed)
        places = _sampled(self.segments_, self.samples, rng)
        self._labels = np.array([self.segments_[which][row, column] for which, row, column in places])
        # One segment of one reference is one label.
        self._labels = np.unique(np.stack([places[:, 0], self._labels]), axis=1, return_inverse=True)[1].ravel()
        features = np.concatenate(
            [
                cosine_transform(standardized(each.lab[0]), self.window).reshape(*each.lab.shape[1:], -1)[
                    tuple(places[places[:, 0] == which, 1:].T)
                ]
                for which, each in enumerate(references)
            ]
        )
        self._places, self._ab = places, [each.lab[1:] for each in references]
        self._projection = self._projected(features.astype(np.float64), self._labels, rng)
        self._tree = cKDTree(features @ self._projection)

    def _projected(
        self, features: NDArray[np.float64], labels: NDArray[np.intp], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """A matrix to directions `(window ** 2, d)` in which segments differ, and pixels within one do not."""
        scales = features.std(axis=0)
        scaled = np.diag(1 / np.where(scales > 1e-9, scales, 1.0))
        pairs = rng.integers(0, len(labels), (2, 50 * self.pairs))
        alike = labels[pairs[0]] == labels[pairs[1]]
        within, between = (pairs[:, its][:, : self.pairs] for its in (alike, ~alike))
        kept = max(1, round(_KEPT * features.shape[1]))
        directions = scaled @ _directions((features[within[0]] - features[within[1]]) @ scaled)[:, :kept]
        if not between.size:  # a single segment, which all pixels belong to
            return directions[:, : self.dimensions]
        apart = _directions((features[between[0]] - features[between[1]]) @ directions)
        projected: NDArray[np.float64] = directions @ apart[:, ::-1][:, : self.dimensions]
        return projected

    def render_ab(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """Colour each photo; hints `(N, 3, h, w)` count for sure."""
        colored = []
        for gray, its in each_hinted(lightness, hints):
            match = self._matched(gray)
            self.confidence_ = match.confidence
            ab, sure = torch.from_numpy(match.ab), torch.from_numpy(match.confidence > self.confidence).float()
            known = torch.where(its[2:] > 0, its, torch.cat([ab * sure, sure[None]]))
            colored.append(solve_colors(torch.from_numpy(gray)[None], known[None], ab[None])[0])
        return torch.cat(colored).to(lightness)

    def _matched(self, gray: NDArray[np.float32]) -> Match:
        height, width = gray.shape
        features = cosine_transform(standardized(gray), self.window, self._projection)
        distances, nearest = self._tree.query(features, k=min(self.neighbors, self._tree.n), workers=-1)
        distances, nearest = distances.reshape(len(features), -1), nearest.reshape(len(features), -1)
        labels = self._labels[nearest]
        votes = (labels[:, :, None] == labels[:, None, :]).sum(axis=2)
        winning = np.take_along_axis(labels, votes.argmax(axis=1)[:, None], axis=1)
        first = (labels == winning).argmax(axis=1)  # neighbours are in order of distance
        pixels = np.arange(len(features))
        distance = distances[pixels, first]
        scale = np.median(distance[distance > 0]) if (distance > 0).any() else 1.0
        weights = np.exp(-distance / scale).clip(min=_LEAST_WEIGHT).reshape(height, width)
        return self._voted(weights, winning.reshape(height, width), nearest[pixels, first].reshape(height, width))

    def _voted(self, weights: NDArray[Any], labels: NDArray[np.intp], nearest: NDArray[np.intp]) -> Match:
        """Let the pixels around each vote for its segment, and mix the colours that the winning ones see there."""
        total = scipy.ndimage.uniform_filter(weights, self.window, mode="constant")
        dominant, most = labels, np.full(labels.shape, -np.inf)
        for label in np.unique(labels):
            share = scipy.ndimage.uniform_filter(
                np.where(labels == label, weights, 0.0), self.window, mode="constant"
            )
            dominant, most = np.where(share > most, label, dominant), np.maximum(share, most)
        confidence = (most / np.maximum(total, 1e-12)).clip(0, 1).astype(np.float32)
        colors, sums = np.zeros((2, *labels.shape)), np.zeros(labels.shape)
        reach = self.window // 2
        rows, columns = np.indices(labels.shape)
        for down in range(-reach, self.window - reach):
            for right in range(-reach, self.window - reach):
                row, column = rows + down, columns + right
                inside = (row >= 0) & (row < labels.shape[0]) & (column >= 0) & (column < labels.shape[1])
                there = row.clip(0, labels.shape[0] - 1), column.clip(0, labels.shape[1] - 1)
                weight = np.where(inside & (labels[there] == dominant), weights[there], 0.0)
                colors += weight * self._colors_at(nearest[there], -down, -right)
                sums += weight
        return Match((colors / np.maximum(sums, 1e-12)).astype(np.float32), confidence)

    def _colors_at(self, samples: NDArray[np.intp], down: int, right: int) -> NDArray[np.float32]:
        """The reference's colours `(2, h, w)` so many pixels below and right of samples."""
        colors = np.empty((2, *samples.shape), np.float32)
        which, rows, columns = self._places[samples].transpose(2, 0, 1)
        for index, ab in enumerate(self._ab):
            its = which == index
            row = (rows[its] + down).clip(0, ab.shape[1] - 1)
            colors[:, its] = ab[:, row, (columns[its] + right).clip(0, ab.shape[2] - 1)]
        return colors


def _sampled(segments: list[NDArray[np.intp]], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw places within segments, reference by reference, `(samples, 3)`: its number, row and column."""
    places = np.concatenate([np.insert(np.argwhere(its > 0), 0, which, axis=1) for which, its in enumerate(segments)])
    drawn = places[rng.choice(len(places), min(count, len(places)), replace=False)]
    return drawn[np.argsort(drawn[:, 0], kind="stable")]


def _directions(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """The principal directions of differences `(n, d)`, as columns, those of the least variance first."""
    directions: NDArray[np.float64] = np.linalg.eigh(differences.T @ differences)[1]
    return directions
