"""Small copies of evaluated photos, to be shown."""

from typing import NamedTuple

from PIL import Image

from colorfuse.data.monochrome import MIN_CHROMA
from colorfuse.evaluation.figures import Colors
from colorfuse.evaluation.scoring import ScoredPhoto

_SIDE = 256


class Example(NamedTuple):
    """A small copy of an evaluated photo.

    Attributes:
        name: The name of the photo.
        pictures: The rows "gray", "predicted" and "truth" as images of at most 256 pixels per side.
        figures: The metrics of the photo, by row.
        has_truth: Whether the photo has true colours to compare with.
    """

    name: str
    pictures: dict[str, Image.Image]
    figures: dict[str, dict[str, float]]
    has_truth: bool


def example_of(judged: ScoredPhoto) -> Example:
    """Reduce a scored photo to an example."""
    pictures = {row: _picture(judged.colors[row]) for row in ("gray", "predicted", "truth")}
    return Example(judged.name, pictures, judged.figures, judged.colors["truth"].chroma >= MIN_CHROMA)


def _picture(colors: Colors) -> Image.Image:
    image = Image.fromarray(colors.rgb.movedim(0, -1).contiguous().numpy())
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    return image
