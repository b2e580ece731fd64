"""What a film is coloured with, and what is told of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, Self

from colorfuse.inference.predictor import Predictor
from colorfuse.inference.rendering import RenderAb


class System(Protocol):
    """What colours a film: a `Colorizer`."""

    def predictor(self, saturation: float, upsample: str | None, render_size: int | None) -> Predictor:
        """Make a predictor."""

    def with_reference(self, reference: Any, *, render_size: int | None = None) -> Self:
        """Take the colours of references."""

    def check_fitted(self) -> None:
        """Check that it has learnt, or has a reference, if it needs to."""

    def check_takes(self, hints: Any) -> None:
        """Check that hints are taken."""

    @property
    def render_with_certainty(self) -> RenderAb:
        """Maps L and hints to ab and certainty."""


class Progress(NamedTuple):
    """How far the colouring of a film is.

    Attributes:
        stage: "cuts" while the film is looked through, "hints" while marks are followed through their shots, and
            "colours" while it is coloured.
        frames: Frames that are done.
        total: Frames of the film; about how many in the first stage.
        rate: Frames a second of the film as it plays.
    """

    stage: str
    frames: int
    total: int
    rate: float


class FilmReport(NamedTuple):
    """What became of a film.

    Attributes:
        frames: Its frames.
        shots: Its shots.
        damaged: Frames that could not be decoded, or only in part.
        seconds: How long it plays.
    """

    frames: int
    shots: int
    damaged: int
    seconds: float


@dataclass(frozen=True)
class Options:
    """How a film is coloured; the attributes are arguments of `Colorizer.predict_video`."""

    hints: Any
    reference: Any
    steadiness: float
    saturation: float
    upsample: str | None
    render_size: int | None
    encoder: str
    encoder_options: Mapping[str, Any]
