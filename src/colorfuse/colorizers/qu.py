"""The system of Qu et al. 2006: manga painted from strokes, over patterns or within outlines."""

import dataclasses
import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import scipy
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.colorizers.gabor import gabor_features
from colorfuse.colorizers.painter import Labels, Painter, label_strokes
from colorfuse.colorizers.registry import register_colorizer
from colorfuse.options import Count, NotNegative, Share, Side
from colorfuse.registry import unknown_name

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

MODES = ("auto", "intensity", "pattern")
COLORINGS = ("flat", "strokes", "shading")

_BLUR_A_GAP = 3 / 8
"""Standard deviation of the blur before gradients, as a share of the gap that they close with a relaxation of 0.8."""
_INK = 0.5
"""The brightness below which a pixel is ink."""
_GRAY_LEVELS = 255
_WIDEST_LINE = 2
"""How far areas grow into ink, in pixels."""
_APART = 1.0
"""The least ratio, as a logarithm, of distances from which there are two patterns."""
_TEXTURED = 0.1
"""The least number of edges of ink, across and down, for each pixel around a stroke that lies on a pattern."""
_REACH = 24
"""How far the coarsest wavelets reach, in pixels."""
_REACH_OF_FINE = 8
_CROSS, _SQUARE = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool), np.ones((3, 3), bool)
"""In turn, they grow areas by octagons."""
_STEP = 5.0
"""Of the front's time, after which it halts if it gained no pixel."""


class Growth(NamedTuple):
    """Where an area may grow beyond its front `(h, w)`, and how many pixels far."""

    allowed: Bools
    steps: int


@register_colorizer("qu2006")
@dataclasses.dataclass(kw_only=True, eq=False)
class Qu2006(Painter):
    """Paints manga from strokes, without learning: a front grows from each stroke and halts where its area ends.

    Qu, Wong and Heng 2006, *Manga colorization*. In the mode "intensity", the front halts at outlines, and does not
    leak through their gaps; in the mode "pattern", where hatching or screentone change (section 4). Unlike the
    paper's, the front's arrival times are computed by fast marching, without the curvature term, and each pixel
    belongs to the first front; patterns are parted by Otsu's threshold of their distance from the stroke's, since a
    front that is merely slower comes everywhere; and a stroke stands for one pattern.

    Args:
        mode: "intensity", "pattern", or "auto" for "pattern" where a stroke lies on one; `modes_` says what was
            taken.
        coloring: How areas are coloured (section 5): "flat", with the ink on top; "strokes", with colour that bleeds
            from ink, where the paper's fades to black and this to white; or "shading", which turns a pattern into an
            even shade.
        gap: The widest gap in outlines, in pixels at working size, that the front does not leak through, at the
            default relaxation and in drawings whose darkest ink is lines. The wider, the more drawings are blurred
            for it, and narrow areas are missed.
        relaxation: From 0 to 1: how much weaker than the strongest edge an edge may be to halt the front.
        window: Side in pixels of the window that patterns are recognised in; it should cover their period.
        render_size: Drawings are resized to at most about `render_size ** 2` pixels. Screens finer than 3 pixels at
            that size vanish.
        upsample: How colours are upsampled to the drawing's size, as in `predict`.

    Attributes:
        labels_: Of the last drawing, the number of each pixel's colour at working size `(h, w)`, in the order of
            `colors_`; -1 where no front came.
        colors_: Lab of the colours `(colours, 3)`.
        modes_: The mode of each colour.

    Example:
        >>> import numpy as np
        >>> drawing = np.full((60, 60), 255, np.uint8)
        >>> drawing[:, 30:32] = 0
        >>> system = Qu2006(render_size=60)
        >>> painted = system.predict(drawing, hints=[(30, 10, "red", 3)])
        >>> painted[5, 5].tolist(), painted[5, 50].tolist(), system.modes_
        ([255, 0, 0], [255, 255, 255], ['intensity'])
    """

    mode: str = "auto"
    coloring: str = "flat"
    gap: NotNegative = 6.0
    relaxation: Share = 0.8
    window: Count = 11
    render_size: Side = 512
    upsample: str = "bilinear"

    bytes_a_pixel = 800

    def paint(self, lightness: Tensor, strokes: Tensor) -> Tensor:
        """Paint each drawing; where no front comes, it stays as it is.

        Raises:
            ValueError: A setting is unknown or out of range.
        """
        for name, known in (("mode", MODES), ("coloring", COLORINGS)):
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)
        self._check_settings()
        return torch.stack([self._paint_one(*each) for each in zip(lightness[:, 0], strokes, strict=True)])

    def _paint_one(self, lightness: Tensor, strokes: Tensor) -> Tensor:
        gray = lightness.double().numpy() / 100
        self.colors_, given = label_strokes(strokes)
        textured = _box(_edges(gray < _INK), 2 * self.window + 1) > _TEXTURED
        self.modes_ = [self._mode_of(textured[given == label]) for label in range(len(self.colors_))]
        features = gabor_features(gray, self.window) if "pattern" in self.modes_ else np.zeros((0, *gray.shape))
        ink = gray < _INK
        times, growth = [np.full(gray.shape, np.inf)], []
        outlined = self._outlined(gray)
        for label, mode in enumerate(self.modes_):
            stroke = given == label
            if mode == "intensity":
                speed, grows = outlined, Growth(~ink, math.ceil(3 * self._blur))
            else:
                speed = _alike(features, stroke, self.window)
                grows = Growth(_near_pattern(ink, features, stroke, self.window), self.window + _REACH)
            times.append(_arrival(np.where(stroke, 1.0, speed), stroke))
            growth.append(grows)
        labels = np.argmin(times, axis=0) - 1
        labels[given >= 0] = given[given >= 0]
        self.labels_ = _grown(_grown(labels, growth), [Growth(ink, _WIDEST_LINE)] * len(growth))
        return self._colored(gray)

    def _mode_of(self, textured: Bools) -> str:
        if self.mode != "auto":
            return self.mode
        return "pattern" if textured.mean() > 0.5 else "intensity"

    @property
    def _blur(self) -> float:
        return max(1.0, _BLUR_A_GAP * self.gap)

    def _slope(self, gray: Floats) -> Floats:
        slope: Floats = scipy.ndimage.gaussian_gradient_magnitude(_GRAY_LEVELS * gray, self._blur)
        return slope

    def _outlined(self, gray: Floats) -> Floats:
        """The front's speed within outlines, which halts where gradients are strong (section 4.2)."""
        slope = self._slope(gray)
        span = np.ptp(slope) * (1 - self.relaxation)
        damped = 1 - ((slope - slope.min()) / max(span, 1e-9)).clip(0, 1)
        speed: Floats = damped / (1 + slope)
        return speed

    def _colored(self, gray: Floats) -> Tensor:
        """Lab of the paint and the share of ink that shows, by the chosen way of colouring."""
        reached = torch.from_numpy(self.labels_ >= 0)
        white = self.colors_.new_tensor([100.0, 0.0, 0.0])
        paint = torch.cat([self.colors_, white[None]])[torch.from_numpy(self.labels_)].movedim(-1, 0)
        ink = torch.ones_like(paint[:1])
        if self.coloring == "strokes":
            bleeding = (1 - 1 / (1 + self._slope(gray))) ** 2
            share = torch.from_numpy(bleeding / max(bleeding.max(), 1e-9)).to(paint)
            paint = torch.lerp(white[:, None, None], paint, share)
        if self.coloring == "shading":
            shade = torch.from_numpy(_box(gray, self.window)).to(paint)
            paint[:1] = torch.where(reached, paint[:1] * shade, paint[:1])
            ink = torch.where(reached, 0.0, ink)
        return torch.cat([paint, ink])


def _near_pattern(ink: Bools, features: NDArray[Any], stroke: Bools, window: int) -> Bools:
    """Where a pattern may go on beyond the front: between its marks, and where its fine texture is alike.

    The coarse wavelets reach beyond the pattern's borders, so that the front halts before these.
    """
    padded = np.pad(ink, window, mode="symmetric")
    closed: Bools = scipy.ndimage.binary_closing(padded, _SQUARE, max(1, window // 2))[window:-window, window:-window]
    fine = features[len(features) // 2 :]
    return closed & (_alike(fine, stroke, window + _REACH_OF_FINE) > 0)


def _grown(labels: Labels, growth: list[Growth]) -> Labels:
    """Grow all areas at once into what no other has, since fronts halt before edges."""
    for step in range(max((its.steps for its in growth), default=0)):
        free, before = labels < 0, labels
        labels = labels.copy()
        for label, its in reversed(list(enumerate(growth))):
            if step < its.steps:
                beside = scipy.ndimage.binary_dilation(before == label, _SQUARE if step % 2 else _CROSS)
                labels[beside & free & its.allowed] = label
        if (labels == before).all():
            break
    return labels


def _edges(ink: Bools) -> Floats:
    """How many lines or dots of ink begin at each pixel, across and down; patterns have many for each area."""
    begins: Floats = np.zeros(ink.shape)
    begins[:, 1:] += ink[:, 1:] & ~ink[:, :-1]
    begins[1:] += ink[1:] & ~ink[:-1]
    return begins


def _box(maps: Floats, window: int) -> Floats:
    means: Floats = scipy.ndimage.uniform_filter(maps, window)
    return means


def _alike(features: NDArray[Any], stroke: Bools, window: int) -> Floats:
    """The front's speed over a pattern like that of a stroke; 0 where it is another (section 4.1).

    A window that holds two patterns is unlike both. So each pixel counts by the likest window that holds it.
    """
    from skimage.filters import threshold_otsu  # takes long to import

    wanted = features[:, stroke].mean(axis=1)
    distance = sum((its - mean) ** 2 for its, mean in zip(features, wanted, strict=True)) / len(features)
    distance = scipy.ndimage.minimum_filter(distance, window)
    logarithm = np.log(distance + 1e-9)
    alike = logarithm <= threshold_otsu(logarithm)
    if not alike.all() and logarithm[~alike].mean() - logarithm[alike].mean() < _APART:
        alike[:] = True
    return np.where(alike, 1 / (1 + distance), 0.0)


def _arrival(speed: Floats, stroke: Bools) -> Floats:
    """When a front that leaves a stroke arrives at each pixel; infinite where it has halted before."""
    from skimage.graph import MCP_Geometric  # takes long to import

    with np.errstate(divide="ignore"):
        march = MCP_Geometric(np.where(speed > 0, 1 / speed, -1.0))
    times: Floats = march.find_costs(np.argwhere(stroke))[0]
    arrivals = np.unique(times[np.isfinite(times)])
    pauses = np.flatnonzero(np.diff(arrivals) > _STEP)
    return np.where(times <= arrivals[pauses[0]], times, np.inf) if len(pauses) else times
