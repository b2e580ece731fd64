"""Encoding of coloured frames."""

import contextlib
import gc
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from colorfuse.errors import VideoError
from colorfuse.images import Pixels
from colorfuse.video.extra import import_extra
from colorfuse.video.film import Film

if TYPE_CHECKING:
    from av.container import OutputContainer

_BT709, _BT601 = 1, 6
_HD = 720
"""Height from which films that do not tell have the colours of HD television."""
_DEPTHS = (
    ("yuv420p10le", "p010le", "yuv422p10le", "yuv444p10le", "yuv420p12le", "gbrp10le", "rgb48le"),
    ("yuv420p", "nv12", "yuvj420p", "yuv422p", "yuv444p", "gbrp", "rgb24", "bgr0"),
)
"""Pixel formats of more than 8 bits, and of 8, the best known first."""
_MOST_AHEAD = 1000
"""Packets are decoded at most so many frames before they are shown."""
_NUMBERED = Fraction(1, 1000)
"""The unit of times of segments: Matroska's."""


@dataclass(frozen=True)
class Encoding:
    """How a film is encoded.

    Attributes:
        codec: Name of the encoder.
        options: Its options, as FFmpeg names them.
        pixels: The pixel format.
        size: Height and width, even.
    """

    codec: str
    options: Mapping[str, str]
    pixels: str
    size: tuple[int, int]

    @property
    def is_rgb(self) -> bool:
        """Whether frames are encoded as RGB."""
        return self.pixels.startswith(("rgb", "bgr", "gbr"))

    @property
    def matrix(self) -> int:
        """The colours of television, high-definition or not, by FFmpeg's number."""
        return _BT709 if self.size[0] >= _HD else _BT601

    @staticmethod
    def of(codec: str, options: Mapping[str, Any], deep: bool, size: tuple[int, int]) -> "Encoding":
        """Choose the pixel format, of more than 8 bits if the film has more and the codec takes them.

        Raises:
            ValueError: PyAV has no such encoder.
        """
        av = import_extra("av")
        try:
            known = [each.name for each in av.Codec(codec, "w").video_formats or []]
        except ValueError as error:
            raise ValueError(f"PyAV has no encoder {codec!r} here; libx264 and libx265 are usual ones") from error
        wanted = [*_DEPTHS[0], *_DEPTHS[1]] if deep else [*_DEPTHS[1], *_DEPTHS[0]]
        pixels = next((each for each in wanted if each in known), None)
        if pixels is None:
            raise ValueError(f"{codec} encodes none of the pixel formats {', '.join(wanted)}; use another encoder")
        height, width = (length + length % 2 for length in size)
        return Encoding(codec, {name: str(value) for name, value in options.items()}, pixels, (height, width))


@dataclass(eq=False)
class Encoder:
    """Encodes one segment of a film to a file, where frames are numbered: Matroska would round their times.

    Args:
        path: The file to write; Matroska, which holds all codecs.
        film: The film that is coloured.
        encoding: How.
    """

    path: Path
    film: Film
    encoding: Encoding
    _container: "OutputContainer" = field(init=False)
    _numbers: dict[int, int] = field(init=False, default_factory=dict)
    _packets: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        av = import_extra("av")
        self._container = av.open(str(self.path), "w", format="matroska")
        try:
            self._stream = add_video(self._container, self.film, self.encoding)
        except BaseException:
            self._container.close()
            raise

    def add(self, pixels: Pixels, pts: int) -> None:
        """Encode a frame: RGB `(H, W, 3)`, of which an odd last row or column is repeated."""
        av = import_extra("av")
        height, width = self.encoding.size
        if pixels.shape[:2] != (height, width):
            pixels = pixels[:, np.minimum(np.arange(width), pixels.shape[1] - 1)]
            pixels = pixels[np.minimum(np.arange(height), pixels.shape[0] - 1)]
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24" if pixels.dtype == np.uint8 else "rgb48le")
        matrix = None if self.encoding.is_rgb else self.encoding.matrix
        image = frame.reformat(format=self.encoding.pixels, dst_colorspace=matrix)
        image.pts, image.time_base = pts, self.film.time_base
        self._numbers[pts] = len(self._numbers)
        self._write(self._stream.encode(image))

    def finish(self) -> None:
        """Write what is left, and close the file."""
        self._write(self._stream.encode(None))
        self._container.close()
        self._free()

    def _write(self, packets: Iterable[Any]) -> None:
        for packet in packets:
            if packet.pts not in self._numbers:
                raise VideoError(f"{self.encoding.codec} changes the times of frames; use another encoder")
            packet.pts, packet.dts = self._numbers[packet.pts], self._packets - _MOST_AHEAD
            packet.time_base, packet.duration = _NUMBERED, 1
            self._packets += 1
            self._container.mux(packet)

    def discard(self) -> None:
        """Close the file as it is."""
        with contextlib.suppress(Exception):
            self._container.close()
        self._free()

    def _free(self) -> None:
        """Free the encoder at once: it holds a hundred megabytes, and PyAV's containers and streams form cycles."""
        del self._container, self._stream
        gc.collect()


def add_video(container: "OutputContainer", film: Film, encoding: Encoding) -> Any:
    """Add a stream of encoded video.

    Raises:
        ValueError: The encoder does not have an option, or not with that value.
    """
    av = import_extra("av")
    stream: Any = container.add_stream(encoding.codec, rate=film.rate, options=dict(encoding.options))
    stream.height, stream.width = encoding.size
    stream.pix_fmt = encoding.pixels
    stream.time_base = stream.codec_context.time_base = film.time_base
    context = stream.codec_context
    if film.aspect:
        context.sample_aspect_ratio = film.aspect
    if not encoding.is_rgb:
        context.colorspace = context.color_primaries = context.color_trc = encoding.matrix
        context.color_range = av.video.reformatter.ColorRange.MPEG.value
    try:
        with _same_scheduling():
            context.open()
    except av.error.FFmpegError as error:
        film_is = (
            f"{encoding.size[1]} x {encoding.size[0]} pixels of {encoding.pixels}, in units of {film.time_base} s"
        )
        given = f"with {dict(encoding.options)}" if encoding.options else film_is
        raise ValueError(f"{encoding.codec} does not encode {given}: {error.strerror}; use another one") from error
    if context.options:  # what FFmpeg did not take
        raise ValueError(
            f"{encoding.codec} has no option {', '.join(context.options)}; "
            f"ffmpeg -h encoder={encoding.codec} lists those that it has"
        )
    return stream


@contextlib.contextmanager
def _same_scheduling() -> Iterator[None]:
    """Keep how the calling thread is scheduled: SVT-AV1 makes it one of real time, where it may.

    It would stay one, and so would processes that it starts, which then take the machine from all others.
    """
    if not hasattr(os, "sched_setscheduler"):  # as on Windows and macOS
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)
