"""The system of Levin et al. 2004: colours of strokes, propagated along lightness."""

import copy
import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorfuse.colorizers.base import Colorizer
from colorfuse.colorizers.registry import register_colorizer
from colorfuse.colorizers.solving import solve_colors
from colorfuse.errors import HintsError, PhotoError
from colorfuse.hints import Hints, HintSource, read_hints
from colorfuse.images import PhotoSource, Pixels, read_photo
from colorfuse.inference.rendering import render_checked
from colorfuse.inference.scaling import Hinted, Scaled


@register_colorizer("levin2004")
@dataclasses.dataclass(kw_only=True, eq=False)
class Levin2004(Colorizer):
    """Colours photos from marks alone, without learning: each pixel has a mean of its neighbours' colours.

    Levin, Lischinski and Weiss 2004, *Colorization using optimization*. Neighbours of like lightness count more, so
    that colours flow from the marks and stop at edges. The system is that of the authors' program, solved exactly at
    working size, on CIELAB's L and ab in place of YIQ. It may be slow: about 0.3 s at a `render_size` of 256, and
    six to eight times as long each time it doubles.

    A region that hard edges enclose and that has no mark stays gray; in the authors' program, some colour comes
    through the edges. Marks of less than full opacity, as in a layer with a soft brush, are mixed with what is around
    them.

    Args:
        base: A colorizer whose colours regions without a mark take; it gets the hints too if it takes any. Without
            one, they stay gray.
        render_size: Photos are resized to about `render_size ** 2` pixels to be solved.
        upsample: How colours are upsampled to the photo's size, as in `predict`.

    Example:
        >>> from skimage import data
        >>> red, green = (150, 60, "maroon"), (400, 400, "olive")
        >>> Levin2004(render_size=64).predict(data.camera(), hints=[red, green]).shape
        (512, 512, 3)
    """

    base: Colorizer | None = None
    render_size: int = 384
    upsample: str = "guided"

    takes_hints = True
    weighs_opacity = True
    bytes_a_pixel = 3000

    def check_fitted(self) -> None:
        """Check that the `base`, if there is one, is fitted.

        Raises:
            NotFittedError: It is not.
        """
        if isinstance(self.base, Colorizer):
            self.base.check_fitted()

    def __sklearn_clone__(self) -> "Levin2004":
        """A copy with the same base, which scikit-learn would otherwise copy without what it has learnt."""
        return copy.copy(self)

    def check_takes(self, hints: Any) -> None:
        """Check that there are hints, or a `base`.

        Raises:
            HintsError: There is neither.
            TypeError: The base is no colorizer.
        """
        if not isinstance(self.base, Colorizer | None):
            raise TypeError(f"base must be a colorizer, such as FusionColorizer.from_pretrained(), not {self.base!r}")
        none = hints is None or (isinstance(hints, list | tuple | Mapping | Hints) and not hints)
        if none and self.base is None:
            raise HintsError(
                "levin2004 takes its colours from hints alone; give hints, in the shell --hints, or a colorizer as "
                "its base"
            )

    def render_ab(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """Propagate the hints of each photo; warn of regions without any."""
        if hints is None:
            return self._elsewhere(lightness, None)
        elsewhere = self._elsewhere(lightness, hints)
        each = zip(lightness, hints[:, None], elsewhere[:, None], strict=True)
        return torch.cat([self._solve(*photo) for photo in each])

    def predict(self, photos: Any, *, hints: Any = None, **options: Any) -> Any:
        """Colour one photo or many, as `Colorizer.predict`; or the frames of a film, with hints for some of them.

        Args:
            photos: As in `Colorizer.predict`.
            hints: As there. If `photos` is a list, and `hints` a dict from indices to hints, the photos are the
                successive frames of a film, and colours also flow from frame to frame along the optical flow
                (section 2 of the paper). All are solved together, which takes 5 s for three at a `render_size` of
                128, and much longer for more. In other lists, photos without hints stay gray.
            options: As there.

        Returns:
            As there.

        Raises:
            HintsError: There are no hints, or they are for a frame that does not exist.
            PhotoError: Frames differ in size.
            Exception: As there.

        Example:
            >>> from skimage import data
            >>> frames = [data.camera()[:, x : x + 300] for x in (0, 4, 8)]
            >>> colored = Levin2004(render_size=48).predict(frames, hints={0: [(60, 60, "skyblue")]})
            >>> len(colored), colored[2].shape
            (3, (512, 300, 3))
        """
        if isinstance(photos, list | tuple) and isinstance(hints, Mapping):
            return self._predict_frames(photos, hints, **options)
        return super().predict(photos, hints=hints, **options)

    def _predict_frames(
        self,
        photos: Sequence[Any],
        hints: Mapping[int, HintSource],
        *,
        reference: PhotoSource | None = None,
        saturation: float = 1.0,
        upsample: str | None = None,
        render_size: int | None = None,
    ) -> list[Pixels]:
        if reference is not None:
            self.with_reference(reference)  # says that this system takes none
        self.check_takes(hints or None)
        for index in hints:
            if index not in range(len(photos)):
                raise HintsError(
                    f"there are hints for frame {index!r}, which is none of the {len(photos)}, counted from 0"
                )
        if not photos:
            return []
        predictor = self.predictor(saturation, upsample, render_size)
        frames = [read_photo(photo) for photo in photos]
        for index, frame in enumerate(frames):
            if frame.pixels.shape[:2] != frames[0].pixels.shape[:2]:
                raise PhotoError(f"frame {index} differs in size from frame 0; the frames of a film have one size")
        height, width = frames[0].pixels.shape[:2]
        predictor.check_memory(height, width, len(frames) ** 2)
        scaled = [
            predictor.scaled(Hinted(frame, read_hints(hints[index], frame) if index in hints else None))
            for index, frame in enumerate(frames)
        ]
        rendered = render_checked(self._solve_frames, *_stacked(scaled))
        return [
            predictor.finish(its, rendered._replace(ab=ab, lightness=its.small))
            for its, ab in zip(scaled, rendered.ab.split(1), strict=True)
        ]

    def _solve_frames(self, lightness: Tensor, hints: Tensor) -> Tensor:
        return self._solve(lightness[:, 0], hints, self._elsewhere(lightness, hints))

    @staticmethod
    def _solve(lightness: Tensor, hints: Tensor, elsewhere: Tensor) -> Tensor:
        ab, unmarked = solve_colors(lightness, hints, elsewhere)
        if len(unmarked) == lightness.numel():
            warnings.warn("a photo without hints stays gray, or as the base colours it", stacklevel=2)
        else:
            _warn_of_regions(unmarked, lightness.numel())
        return ab

    def _elsewhere(self, lightness: Tensor, hints: Tensor | None) -> Tensor:
        """The colours of regions without marks."""
        if self.base is None:
            return torch.zeros_like(lightness.expand(-1, 2, -1, -1))
        return self.base.predict_ab(lightness, hints if self.base.takes_hints else None)


def _stacked(frames: list[Scaled]) -> tuple[Tensor, Tensor]:
    """L `(frames, 1, h, w)` and the drawn hints `(frames, 3, h, w)`."""
    drawn = [its.small.new_zeros(1, 3, *its.small.shape[-2:]) if its.drawn is None else its.drawn for its in frames]
    return torch.cat([its.small for its in frames]), torch.cat(drawn)


def _warn_of_regions(regions: NDArray[np.int32], pixels: int) -> None:
    if len(regions):
        count = len(np.unique(regions))
        warnings.warn(
            f"{count} region{'s' if count > 1 else ''} behind hard edges, {len(regions) / pixels:.1%} of the photo, "
            f"{'have no mark; they stay' if count > 1 else 'has no mark; it stays'} gray, or as the base colours "
            f"{'them; give each a mark' if count > 1 else 'it; give it a mark'}",
            stacklevel=2,
        )
