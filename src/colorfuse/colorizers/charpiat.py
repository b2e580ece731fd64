"""The system of Charpiat et al. 2008: likely colours of each pixel, made coherent by graph cuts."""

import dataclasses
import warnings
from typing import Any

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.colorizers.cuts import check_solver, grid_pairs
from colorfuse.colorizers.exemplar import Exemplar, each_hinted, jittered_grid, standardized
from colorfuse.colorizers.expansion import Energy, expand
from colorfuse.colorizers.patches import window_deviation
from colorfuse.colorizers.references import Reference
from colorfuse.colorizers.registry import register_colorizer
from colorfuse.colorizers.surf import dense_surf
from colorfuse.options import Count, NonNegativeInt, NotNegative, Side

_SCALES = (1, 2, 3)
_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Rows down and columns right to four of the eight neighbours, of which the others are the reverse."""
_COMPONENTS = 27
_NEIGHBOR = 10
"""The bandwidth is half the median distance of samples to this many'th nearest other one."""
_PIXELS_AT_ONCE = 4096
_LEAST_SHARE = 1e-4
"""The least probability of a colour: none is impossible."""
_LEAST_VARIATION = 1.0
_LEAST_DISTANCE = 1e-3
_SURE = 1e4
"""What it costs to give a place that the user coloured another colour."""
_NEAR = 15.0
"""How far bins lie from a pixel's bin whose mean, by their probabilities, is its colour, in CIELAB units."""
_MOST_LANDMARKS = 32


@register_colorizer("charpiat2008")
@dataclasses.dataclass(kw_only=True, eq=False)
class Charpiat2008(Exemplar):
    """Colours a photo by what colours the reference has where it looks alike, all pixels together.

    Charpiat, Hofmann and Schölkopf 2008, *Automatic image colorization via multimodal predictions*. Each pixel is
    described by SURF descriptors at three scales, reduced to 27 numbers, its lightness, the deviation of lightness
    around it and its Laplacian. Samples of the reference that are alike give a distribution over bins of colour, and
    how much colours vary there. Bins are chosen for all pixels together, so that they are likely and change where
    colours vary, by expansion moves; each pixel's colour is then the mean of the likely bins near its own, in
    place of the paper's gradient descent. Bins are found by k-means. Likelihoods weigh by the square root of the
    density of samples, and at most 32 colours of hints are told apart.

    Args:
        colors: The number of bins of colour.
        samples: About how many pixels of the references are sampled.
        coherence: Weight of the coherence of neighbours against the likelihood of colours.
        sweeps: The most times that moves to all bins are tried.
        window: Side in pixels of the window of the deviation, at working size.
        solver: As in `sykora2009`.
        render_size: Photos and references are resized to about `render_size ** 2` pixels. Its double takes some five
            times as long.
        upsample: How colours are upsampled to the photo's size, as in `predict`.
        seed: Decides which pixels are sampled, and where k-means starts.

    Attributes:
        bins_: ab of the bins `(colors, 2)`.

    Example:
        >>> from skimage import data
        >>> photo, like_it = data.astronaut()[:, :256, 1], data.astronaut()[:, 256:]
        >>> system = Charpiat2008(render_size=48, colors=12, samples=500).fit(like_it)
        >>> system.predict(photo, hints=[(300, 60, "orangered")]).shape
        (512, 256, 3)
    """

    colors: Count = 73
    samples: Count = 10_000
    coherence: NotNegative = 0.05
    sweeps: Count = 2
    window: Count = 5
    solver: str = "auto"
    render_size: Side = 128
    upsample: str = "guided"
    seed: NonNegativeInt = 0

    takes_hints = True
    bytes_a_pixel = 6000

    def learn(self, references: list[Reference]) -> None:
        """Find the bins, and describe samples of the references.

        Raises:
            ValueError: There is no such solver.
            ImportError: The solver is not installed.
        """
        check_solver(self.solver)
        rng = np.random.default_rng(self.seed)
        described, ab, variation = [], [], []
        for each in references:
            height, width = each.lab.shape[1:]
            rows, columns = jittered_grid(height, width, self.samples // len(references) + 1, rng).T
            described.append(_described(each.lab[0], self.window)[:, rows, columns])
            ab.append(each.lab[1:, rows, columns])
            variation.append(_variation(each.lab[1:])[rows, columns])
        samples, colors = torch.cat(described, dim=1), np.concatenate(ab, axis=1).T
        self._space = _Space.of(samples)
        self._samples = self._space.reduced(samples)
        self._bandwidth = _bandwidth(self._samples)
        self.bins_, which = _binned(colors, self.colors, rng)
        self._members = torch.nn.functional.one_hot(torch.from_numpy(which), len(self.bins_)).float()
        self._variation = torch.from_numpy(np.concatenate(variation)).float()

    def render_ab(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """Colour each photo; hints `(N, 3, h, w)` are landmarks."""
        colored = [self._colored(gray, its.numpy()) for gray, its in each_hinted(lightness, hints)]
        return torch.from_numpy(np.stack(colored)).to(lightness)

    def _colored(self, gray: NDArray[np.float32], hints: NDArray[np.float32]) -> NDArray[np.float32]:
        shares, variation, density = self._expected(gray)
        colors, costs, likeliest = self.bins_, -np.log(shares) * density[:, None], shares.argmax(axis=1)
        marked = hints[2].ravel() > 0
        if marked.any():
            landmarks, which = _binned(hints[:2].reshape(2, -1).T[marked], _MOST_LANDMARKS, np.random.default_rng(0))
            likest = np.linalg.norm(colors - landmarks[:, None], axis=2).argmin(axis=1)
            colors = np.concatenate([colors, landmarks])
            costs, shares = (np.concatenate([its, its[:, likest]], axis=1) for its in (costs, shares))
            costs[marked] = _SURE
            costs[np.flatnonzero(marked), len(self.bins_) + which] = 0
            likeliest[marked] = len(self.bins_) + which
        pairs, lengths = _neighbors(*gray.shape)
        evenness = 1 / np.maximum(variation, _LEAST_VARIATION)
        weights = self.coherence * evenness[pairs].mean(axis=1) / lengths
        apart = np.linalg.norm(colors[:, None] - colors, axis=2)
        labels = expand(Energy(costs, pairs, weights, apart), likeliest, self.sweeps, self.solver)
        near = (apart[labels] < _NEAR) * shares
        near /= near.sum(axis=1, keepdims=True)
        ab: NDArray[np.float32] = (near @ colors).T.reshape(2, *gray.shape).astype(np.float32)
        return ab

    def _expected(self, gray: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Estimate, for each pixel, the shares of bins, the variation of colour, and how well samples are known.

        Parzen windows over all samples; the densities are divided by their mean.
        """
        pixels = self._space.reduced(_described(gray, self.window).flatten(1))
        values = torch.cat(
            [self._members, self._variation[:, None], self._samples.new_ones(len(self._samples), 1)], dim=1
        )
        sums, greatests = [], []
        for some in pixels.split(_PIXELS_AT_ONCE):
            exponents = torch.cdist(some, self._samples).div_(self._bandwidth).square_().mul_(-0.5)
            # Far from all samples, the nearest ones count.
            greatest = exponents.amax(dim=1, keepdim=True)
            sums.append(torch.exp(exponents - greatest) @ values)
            greatests.append(greatest[:, 0])
        total = torch.cat(sums).double()
        expected = (total[:, :-1] / total[:, -1:]).numpy()
        greatest = torch.cat(greatests).double()
        density = (total[:, -1] * torch.exp(greatest - greatest.max())).sqrt().numpy()  # but for a common factor
        shares = np.maximum(expected[:, :-1], _LEAST_SHARE)
        return shares, expected[:, -1], density / density.mean()


@dataclasses.dataclass(frozen=True)
class _Space:
    """A space in which descriptions are compared: SURF reduced to principal components, and three other values."""

    mean: Tensor
    projection: Tensor

    @classmethod
    def of(cls, samples: Tensor) -> "_Space":
        """Fit the space to descriptions `(values, samples)`; the four kinds of values get the same variance."""
        mean = samples.mean(dim=1)
        surf = (samples - mean[:, None])[:-3]
        directions = torch.linalg.eigh(surf @ surf.T)[1].flip(1)[:, :_COMPONENTS]
        spread = (directions.T @ surf).square().sum(dim=0).mean().sqrt().clamp(min=1e-6)
        projection = samples.new_zeros(len(samples), directions.shape[1] + 3)
        projection[:-3, :-3] = directions / spread
        projection[-3:, -3:] = torch.diag(1 / samples[-3:].std(dim=1).clamp(min=1e-6))
        return cls(mean, projection)

    def reduced(self, described: Tensor) -> Tensor:
        """Map descriptions `(values, n)` to points `(n, 30)`."""
        return (described - self.mean[:, None]).T @ self.projection


def _described(lightness: NDArray[np.float32], window: int) -> Tensor:
    """SURF descriptors at three scales, lightness, its deviation and its smoothed Laplacian: `(195, h, w)`."""
    gray = standardized(lightness)
    maps = [gray, window_deviation(gray, window), scipy.ndimage.gaussian_laplace(gray, 1.0)]
    others = torch.from_numpy(np.stack(maps).astype(np.float32))
    surf = [dense_surf(torch.from_numpy(gray), scale) for scale in _SCALES]
    return torch.cat([*surf, others])


def _variation(ab: NDArray[np.float32]) -> NDArray[np.float32]:
    """The norm of the gradient of ab `(2, h, w)`, in CIELAB units a pixel."""
    slopes = np.gradient(ab, axis=(1, 2))
    norm: NDArray[np.float32] = np.sqrt(sum((slope**2).sum(axis=0) for slope in slopes))
    return norm


def _bandwidth(samples: Tensor) -> float:
    some = samples[:: max(1, len(samples) // 1000)]
    nearest = torch.cdist(some, samples).topk(min(_NEIGHBOR + 1, len(samples)), largest=False).values[:, -1]
    apart = nearest[nearest > _LEAST_DISTANCE]  # samples of even areas are all alike
    return apart.median().item() / 2 if len(apart) else 1.0


def _binned(
    colors: NDArray[np.float32], most: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Find at most so many bins for colours `(n, 2)`: their means `(bins, 2)`, and which bin each colour is in."""
    from scipy.cluster.vq import kmeans2  # takes long to import

    points = colors.astype(np.float64)
    count = min(most, len(np.unique(points, axis=0)))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")
        which = kmeans2(points, count, minit="++", seed=rng)[1]
    numbers, which = np.unique(which, return_inverse=True)
    means = np.stack([points[which == number].mean(axis=0) for number in range(len(numbers))])
    return means, which.astype(np.intp)


def _neighbors(height: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Pairs of the eight neighbours `(pairs, 2)` of a grid, and their distances in pixels."""
    parts = [grid_pairs(height, width, [step]) for step in _STEPS]
    lengths = [np.full(len(pairs), np.hypot(*step)) for pairs, step in zip(parts, _STEPS, strict=True)]
    return np.concatenate(parts), np.concatenate(lengths)
