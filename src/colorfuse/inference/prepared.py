"""A photo that is coloured again and again, as its user gives one hint after another."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from colorfuse.hints import HintSource, read_hints
from colorfuse.images import Photo, Pixels
from colorfuse.inference.network_colors import NetworkColors
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.rendering import RenderAb
from colorfuse.inference.scaling import Hinted, Scaled
from colorfuse.inference.suggestions import Suggestion, suggest_colors
from colorfuse.memory import memory_for
from colorfuse.objectives import Distribution


class PreparedSystem:
    """A system for one photo, which may keep what depends on the photo alone.

    Args:
        render_ab: The system.
    """

    def __init__(self, render_ab: RenderAb) -> None:
        self.render_ab = render_ab

    def distribution(self, lightness: Tensor, hints: Tensor | None) -> Distribution:
        """Predict distributions over colours for L `(1, 1, h, w)` and hints `(1, 3, h, w)`.

        Raises:
            ValueError: The system predicts no distributions.
        """
        raise ValueError("this system predicts one colour for each pixel, and has no others to suggest")


class PreparedNetwork(PreparedSystem):
    """A network for one photo, whose backbone's maps are kept.

    Args:
        colors: The network and its objective.
        lightness: L of the photo at working size `(1, 1, h, w)`.
    """

    def __init__(self, colors: NetworkColors, lightness: Tensor) -> None:
        super().__init__(self._colors_of)
        self._colors = colors
        self._features = colors.features(lightness)

    @torch.no_grad()
    def _colors_of(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        ab: Tensor = self._colors(lightness, hints, self._features)
        return ab

    @torch.no_grad()
    def distribution(self, lightness: Tensor, hints: Tensor | None) -> Distribution:
        """Predict distributions over colours for L `(1, 1, h, w)` and hints `(1, 3, h, w)`.

        Raises:
            ValueError: The network's objective predicts no distributions.
        """
        planes = self._colors.planes(lightness, hints, self._features)
        return self._colors.objective.distribution(planes.float())


class PreparedPhoto:
    """A photo that is coloured again and again, as its user gives one hint after another.

    Made by `Colorizer.prepare`.

    Args:
        photo: The photo.
        predictor: Colours photos.
        prepare: Prepares the system for L `(1, 1, h, w)`.
        check_takes: Raises an error if the system does not take these hints.
    """

    def __init__(
        self,
        photo: Photo,
        predictor: Predictor,
        prepare: Callable[[Tensor], PreparedSystem],
        check_takes: Callable[[Any], None],
    ) -> None:
        self.photo = photo
        self._predictor = predictor
        height, width, _ = photo.pixels.shape
        predictor.check_memory(height, width)
        with memory_for(height, width, photo.name):
            self._scaled = predictor.scaled(Hinted(photo))
            self._system = prepare(self._scaled.small)
        self._check_takes = check_takes

    def predict(self, hints: HintSource | None = None, *, saturation: float = 1.0) -> Pixels:
        """Colour the photo.

        Args:
            hints: As in `Colorizer.predict`.
            saturation: As in `Colorizer.predict`.

        Returns:
            An sRGB array as `Colorizer.predict` returns it.

        Raises:
            HintsError: The hints cannot be read, or do not fit the photo.
            ValueError: There are hints, and the system takes none; or the saturation is out of range.
        """
        scaled = self._with(hints)
        rendered = self._predictor.render(self._system.render_ab, scaled.small, scaled.drawn)
        return self._predictor.with_saturation(saturation).finish(scaled, rendered)

    def suggest(self, place: tuple[int, int], count: int = 9, *, hints: HintSource | None = None) -> list[Suggestion]:
        """Suggest the likeliest colours of a place.

        Zhang et al. 2017, *Real-time user-guided image colorization with learned deep priors*, section 3.2: the
        network's distribution over colours there, clustered by k-means; here deterministically.

        Args:
            place: Row and column in the photo.
            count: The largest number of colours.
            hints: The hints given so far.

        Returns:
            Colours in the sRGB gamut at the place's lightness, the likeliest first, with shares that sum to 1.

        Raises:
            HintsError: The place is outside the photo, or the hints do not fit.
            ValueError: The system predicts no distribution over colours, or `count` is below 1.
        """
        read_hints([(*place, None)]).check(self._size)
        row, column = place
        scaled = self._with(hints)
        bins, shares = self._system.distribution(scaled.small, scaled.drawn)
        height, width = shares.shape[-2:]
        of_place = shares[0, :, int(row) * height // self._size[0], int(column) * width // self._size[1]]
        lightness = self.photo.lightness(slice(int(row), int(row) + 1))[0, 0, int(column)].item()
        return suggest_colors(bins, of_place, lightness, count)

    def uncertainty(self, hints: HintSource | None = None) -> NDArray[np.float32]:
        """Map where the colours are uncertain, which is where a hint helps most.

        Args:
            hints: The hints given so far.

        Returns:
            `(H, W)`: the entropy of each pixel's distribution over colours in bits; 0 is certain.

        Raises:
            HintsError: The hints do not fit the photo.
            ValueError: The system predicts no distribution over colours.
        """
        scaled = self._with(hints)
        _, shares = self._system.distribution(scaled.small, scaled.drawn)
        entropy = -torch.xlogy(shares, shares).sum(dim=1, keepdim=True) / math.log(2)
        full: NDArray[np.float32] = functional.interpolate(entropy.cpu(), self._size, mode="bilinear")[0, 0].numpy()
        return full

    @property
    def _size(self) -> tuple[int, int]:
        height, width, _ = self.photo.pixels.shape
        return height, width

    def _with(self, hints: HintSource | None) -> Scaled:
        """The photo with its hints drawn."""
        self._check_takes(hints)
        read = None if hints is None else read_hints(hints, self.photo)
        return self._predictor.with_hints(self._scaled._replace(hinted=Hinted(self._scaled.hinted.photo, read)))
