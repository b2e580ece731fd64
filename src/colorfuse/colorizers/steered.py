"""What colorizers do with what a user gives: hints and reference photos."""

from abc import ABC, abstractmethod
from typing import Any, Self

from torch import Tensor

from colorfuse.colorizers.references import References
from colorfuse.hints import HintSource
from colorfuse.images import PhotoSource, read_photo
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.prepared import PreparedPhoto, PreparedSystem
from colorfuse.inference.rendering import RenderAb
from colorfuse.inference.suggestions import Suggestion


class Steered(ABC):
    """A system that may take hints and references, and suggest colours.

    Attributes:
        takes_hints: Whether `render_ab` takes hints as its second argument.
        takes_reference: Whether `with_reference` takes reference photos.
        weighs_opacity: Whether it weighs marks by their opacity; for others, all marks are opaque.
    """

    takes_hints: bool = False
    takes_reference: bool = False
    weighs_opacity: bool = False
    render_ab: RenderAb

    @abstractmethod
    def predictor(self, saturation: float, upsample: str | None, render_size: int | None) -> Predictor:
        """Make a predictor with these options of `predict`."""

    def prepare(
        self, photo: PhotoSource, *, upsample: str | None = None, render_size: int | None = None
    ) -> PreparedPhoto:
        """Prepare a photo to be coloured many times, as its user gives one hint after another.

        What does not depend on hints is computed once.

        Args:
            photo: A photo as `predict` takes it.
            upsample: As in `predict`.
            render_size: As in `predict`.

        Raises:
            NotFittedError: The colorizer is not fitted yet.
            PhotoError: The photo cannot be read.
            ValueError: An option is unknown or out of range.

        Example:
            >>> from skimage import data
            >>> import colorfuse
            >>> photo = colorfuse.FusionColorizer.from_pretrained().prepare(data.camera())
            >>> photo.predict().shape
            (512, 512, 3)
        """
        predictor = self.predictor(1.0, upsample, render_size)
        return PreparedPhoto(read_photo(photo), predictor, self._prepared, self.check_takes)

    def suggest(
        self, photo: PhotoSource, place: tuple[int, int], count: int = 9, *, hints: HintSource | None = None
    ) -> list[Suggestion]:
        """Suggest the likeliest colours of a place in a photo, as `PreparedPhoto.suggest` does.

        Args:
            photo: A photo as `predict` takes it.
            place: Row and column in the photo.
            count: The largest number of colours.
            hints: The hints given so far.

        Returns:
            Colours in the sRGB gamut at the place's lightness, the likeliest first, with shares that sum to 1.

        Raises:
            HintsError: The place is outside the photo, or the hints do not fit.
            ValueError: The system predicts no distribution over colours, or `count` is below 1.

        Example:
            >>> from skimage import data
            >>> import colorfuse
            >>> colorizer = colorfuse.FusionColorizer.from_pretrained()
            >>> [suggestion.color for suggestion in colorizer.suggest(data.camera(), (50, 400), count=2)]
            ['#...', '#...']
        """
        return self.prepare(photo).suggest(place, count, hints=hints)

    def with_reference(self, reference: References, *, render_size: int | None = None) -> Self:
        """Return a copy of this colorizer that takes its colours from reference photos: one, a list or a folder.

        They are compared with photos at about `render_size ** 2` pixels, by default at the colorizer's own size.

        Raises:
            ValueError: This system takes no reference.
            PhotoError: The reference cannot be read.
        """
        raise ValueError(
            f"this {type(self).__name__} takes no reference photo; one that has learnt with hints does, and so do "
            "welsh2002, irony2005, charpiat2008 and deshpande2015"
        )

    def check_takes(self, hints: Any) -> None:
        """Check that this system takes hints, if there are any.

        Raises:
            ValueError: It takes none.
        """
        if hints is not None and not self.takes_hints:
            raise ValueError(
                f"this {type(self).__name__} takes no hints, or has not learnt with any; "
                'FusionColorizer.from_pretrained("interactive") has, in the shell --model interactive, and levin2004 '
                "needs no training"
            )

    def _prepared(self, lightness: Tensor) -> PreparedSystem:
        """Prepare this system for L `(1, 1, h, w)` alone."""
        return PreparedSystem(self.render_ab)
