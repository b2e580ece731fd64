"""Base class of systems that colour a photo like reference photos, without learning from anything else."""

import copy
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.colorizers.base import Colorizer
from colorfuse.colorizers.references import Reference, References, read_references
from colorfuse.errors import NotFittedError
from colorfuse.inference.predictor import Predictor
from colorfuse.options import plain

_EVEN = 1e-3
"""The standard deviation of lightness up to which a photo is even: rounding gives an even one less."""


class Exemplar(Colorizer):
    """A system that takes its colours from reference photos.

    `fit(references)` keeps what it needs of them; `predict(photo, reference=...)` is shorthand for a copy fitted to
    that reference.
    """

    learns = True
    takes_reference = True
    window: int

    @abstractmethod
    def learn(self, references: list[Reference]) -> None:
        """Keep what is needed of reference photos, in attributes whose names end in an underscore."""

    def fit(self, photos: References, y: Any = None) -> Self:
        """Take the colours of one reference photo, or of several.

        Args:
            photos: A photo as `predict` takes it, a list of photos, or a folder.
            y: Ignored.

        Raises:
            FileNotFoundError: There is no file at a path.
            DataError: A folder has no photos.
            PhotoError: There is no reference; or one cannot be read, is gray or toned, has a single colour, or is
                smaller than the system's window.
            ValueError: A setting is unknown or out of range.
        """
        self._check_settings()
        self.learn(read_references(photos, self.render_size, self.window))
        self._fitted_with = {name: plain(value) for name, value in self.get_params().items() if name != "upsample"}
        return self

    def with_reference(self, reference: References, *, render_size: int | None = None) -> Self:
        """Return a copy that takes its colours from these references instead, as `fit` takes them.

        Raises:
            PhotoError: As `fit`.
        """
        changed = copy.copy(self)
        changed.render_size = self.render_size if render_size is None else render_size
        return changed.fit(reference)

    def check_fitted(self) -> None:
        """Check that there is a reference, described with the settings of now.

        Raises:
            NotFittedError: There is none, or settings have changed since `fit`.
        """
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(
                f"this {type(self).__name__} has no colours yet; give predict a reference photo, in the shell "
                "--reference, or call fit with one"
            )
        if changed := self._changed_since(self._fitted_with):
            raise NotFittedError(f"{', '.join(changed)} changed after fit; call fit again")

    def predictor(self, saturation: float, upsample: str | None, render_size: int | None) -> Predictor:
        """Make a predictor with these options of `predict`.

        Raises:
            NotFittedError: There is no reference, or it was described at another `render_size`.
        """
        self.check_fitted()
        if render_size not in (None, self.render_size):
            raise NotFittedError(
                f"the reference is described at render_size={self.render_size}; for {render_size}, call fit again, "
                "or give predict the reference"
            )
        return super().predictor(saturation, upsample, render_size)


def standardized(lightness: NDArray[Any]) -> NDArray[Any]:
    """Shift and scale lightness to a mean of 0 and a standard deviation of 1, so that photos can be compared.

    Distances are those after the linear remapping of the reference's lightness to that of the photo, but for a
    factor (Hertzmann et al. 2001, *Image analogies*). An even photo becomes 0.
    """
    spread = lightness.std(dtype=np.float64)
    off = lightness - lightness.mean(dtype=np.float64)
    scaled: NDArray[Any] = off / spread if spread > _EVEN else 0 * off
    return scaled.astype(lightness.dtype)


def jittered_grid(height: int, width: int, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw one random place in each cell of a grid with about `count` cells, `(places, 2)`: rows and columns."""
    rows = max(1, min(height, count, round((count * height / width) ** 0.5)))
    columns = max(1, min(width, round(count / rows)))
    tops, lefts = (np.linspace(0, side, cells + 1) for side, cells in ((height, rows), (width, columns)))
    down = rng.uniform(tops[:-1, None], tops[1:, None], (rows, columns))
    right = rng.uniform(lefts[:-1], lefts[1:], (rows, columns))
    places = np.stack([down, right], axis=-1).reshape(-1, 2).astype(np.intp)
    return np.minimum(places, [height - 1, width - 1])


def each_photo(lightness: Tensor) -> list[NDArray[np.float32]]:
    """L `(h, w)` of each photo `(N, 1, h, w)`, as arrays."""
    return [photo[0].numpy() for photo in lightness.cpu().float()]


def each_hinted(lightness: Tensor, hints: Tensor | None) -> Iterator[tuple[NDArray[np.float32], Tensor]]:
    """L `(h, w)` of each photo `(N, 1, h, w)`, with its hints `(3, h, w)`, which are 0 without any."""
    given = lightness.new_zeros(len(lightness), 3, *lightness.shape[-2:]) if hints is None else hints
    given = given.cpu().float()
    return zip(each_photo(lightness), given, strict=True)
