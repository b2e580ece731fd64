"""ScoredPhoto photos as they are shown."""

from typing import NamedTuple

from PIL import Image

from colorfuse.evaluation.figures import Colors
from colorfuse.evaluation.scoring import MIN_CHROMA, ScoredPhoto

_SIDE = 256


class Example(NamedTuple):
    """A judged photo, small.

    Attributes:
        name: What it is called.
        pictures: "gray", "predicted" and "truth", of at most 256 pixels a side.
        figures: Its figures, by row.
        has_truth: Whether it has colours to compare with.
    """

    name: str
    pictures: dict[str, Image.Image]
    figures: dict[str, dict[str, float]]
    has_truth: bool


def example_of(judged: ScoredPhoto) -> Example:
    """What is kept of a photo to show it."""
    pictures = {row: _picture(judged.colors[row]) for row in ("gray", "predicted", "truth")}
    return Example(judged.name, pictures, judged.figures, judged.colors["truth"].chroma >= MIN_CHROMA)


def _picture(colors: Colors) -> Image.Image:
    image = Image.fromarray(colors.rgb.movedim(0, -1).contiguous().numpy())
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    return image
