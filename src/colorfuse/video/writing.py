"""Writing of films: encoded segments, and the whole film with all that is kept of the first one."""

import contextlib
import heapq
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from colorfuse.errors import VideoError
from colorfuse.images import Pixels
from colorfuse.video.film import Film, import_av

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream

_KEPT = ("audio", "subtitle")
"""Streams that are copied as they are."""
_BT709, _BT601 = 1, 6
_HD = 720
"""Height from which films that do not tell have the colours of HD television."""
_DEPTHS = (
    ("yuv420p10le", "p010le", "yuv422p10le", "yuv444p10le", "yuv420p12le", "gbrp10le", "rgb48le"),
    ("yuv420p", "nv12", "yuvj420p", "yuv422p", "yuv444p", "gbrp", "rgb24", "bgr0"),
)
"""Pixel formats of more than 8 bits, and of 8, the best known first."""


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
        av = import_av()
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
    """Encodes one segment of a film to a file.

    Args:
        path: The file to write; NUT, which keeps times exactly.
        film: The film that is coloured.
        encoding: How.
    """

    path: Path
    film: Film
    encoding: Encoding
    _container: "OutputContainer" = field(init=False)

    def __post_init__(self) -> None:
        av = import_av()
        self._container = av.open(str(self.path), "w", format="nut")
        try:
            self._stream = add_video(self._container, self.film, self.encoding)
        except BaseException:
            self._container.close()
            raise

    def add(self, pixels: Pixels, pts: int) -> None:
        """Encode a frame: RGB `(H, W, 3)`, of which an odd last row or column is repeated."""
        av = import_av()
        height, width = self.encoding.size
        if pixels.shape[:2] != (height, width):
            pixels = pixels[:, np.minimum(np.arange(width), pixels.shape[1] - 1)]
            pixels = pixels[np.minimum(np.arange(height), pixels.shape[0] - 1)]
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24" if pixels.dtype == np.uint8 else "rgb48le")
        matrix = None if self.encoding.is_rgb else self.encoding.matrix
        image = frame.reformat(format=self.encoding.pixels, dst_colorspace=matrix)
        image.pts, image.time_base = pts, self.film.time_base
        self._container.mux(self._stream.encode(image))

    def finish(self) -> None:
        """Write what is left, and close the file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def discard(self) -> None:
        """Close the file as it is."""
        with contextlib.suppress(Exception):
            self._container.close()


def add_video(container: "OutputContainer", film: Film, encoding: Encoding) -> Any:
    """Add a stream of encoded video.

    Raises:
        ValueError: The encoder does not take its options.
    """
    av = import_av()
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
        context.open()
    except av.error.FFmpegError as error:
        given = dict(encoding.options)
        raise ValueError(f"{encoding.codec} does not encode with {given}: {error.strerror}") from error
    return stream


def check_can_be_written(film: Film, encoding: Encoding, output: Path) -> None:
    """Check, before the work, that the output's format takes the video and all that is kept of the film.

    Raises:
        VideoError: It does not; the message says what would.
        ValueError: The encoder does not take its options.
    """
    av = import_av()
    try:
        kind = av.open(io.BytesIO(), "w", format=_format_of(output))
    except (ValueError, OSError) as error:
        raise VideoError(f"{output} names no format of films; use .mp4, .mkv or .mov") from error
    with film.opened() as (source, _), kind as container:
        video = add_video(container, film, encoding)
        kept = [*_kept(source)]
        for stream in kept:
            _copied(container, stream, film, output)
        try:
            container.start_encoding()
        except av.error.FFmpegError as error:
            names = ", ".join([video.codec_context.name, *(_described(stream) for stream in kept)])
            raise VideoError(f"{output} cannot hold all of {names}: {error.strerror}; write a .mkv") from error


def join(film: Film, segments: Sequence[Path], times: Sequence[int], end: int, output: Path, partial: Path) -> None:
    """Write the whole film: the segments' video, and the audio, subtitles, chapters and tags of the first one.

    Args:
        film: The film that was coloured.
        segments: The files of its coloured segments.
        times: When each frame is shown.
        end: When the last one is over.
        output: Where the film is to be, for its format and messages.
        partial: The file to write.
    """
    av = import_av()
    options = {"movflags": "faststart"} if output.suffix.lower() in (".mp4", ".mov", ".m4v") else {}
    with (
        film.opened() as (source, _),
        av.open(str(segments[0])) as first,
        av.open(str(partial), "w", format=_format_of(output), options=options) as container,
    ):
        video = container.add_stream_from_template(first.streams.video[0])
        video.time_base = film.time_base
        copies = {stream.index: _copied(container, stream, film, output) for stream in _kept(source)}
        container.metadata.update(source.metadata)
        if source.chapters():
            container.set_chapters(source.chapters())
        ours = _video_packets(film, segments, times, end, video)
        theirs = _copied_packets(source, copies)
        for _, packet in heapq.merge(ours, theirs, key=lambda each: each[0]):
            container.mux_one(packet)


def _format_of(output: Path) -> str:
    av = import_av()
    suffix = output.suffix.lower().lstrip(".")
    known = {"mkv": "matroska", "m4v": "mp4", "ts": "mpegts", "m2ts": "mpegts", "wmv": "asf", "mpg": "mpeg"}
    name = known.get(suffix, suffix)
    if name not in av.formats_available:
        raise VideoError(f"{output} names no format of films; use .mp4, .mkv or .mov")
    return name


def _kept(source: "InputContainer") -> Iterator["Stream"]:
    return (stream for stream in source.streams if stream.type in _KEPT)


def _copied(container: "OutputContainer", stream: "Stream", film: Film, output: Path) -> Any:
    try:
        copy = container.add_stream_from_template(stream)
    except (ValueError, OSError) as error:
        raise VideoError(f"{output} cannot hold the {_described(stream)} of {film.path}; write a .mkv") from error
    copy.metadata.update(stream.metadata)
    return copy


def _described(stream: "Stream") -> str:
    return f"{stream.type} ({getattr(stream.codec_context, 'name', 'of an unknown codec')})"


def _video_packets(
    film: Film, segments: Sequence[Path], times: Sequence[int], end: int, stream: Any
) -> Iterator[tuple[float, Any]]:
    """The segments' packets in the order in which they are decoded, with the times of their frames.

    Times in the segments' files are rounded and shifted, so a frame has its time by its place among the others.
    """
    places: list[int] = []
    for segment in segments:
        pts = [packet.pts for packet in _packets(segment)]
        order = {value: len(places) + index for index, value in enumerate(sorted(pts))}
        places.extend(order[value] for value in pts)
    delay = max(count - place for count, place in enumerate(places))
    step = max(1, round(1 / (film.rate * film.time_base)))
    decoded = [*(times[0] - step * back for back in range(delay, 0, -1)), *times]
    until = [*times[1:], end]
    packets = (packet for segment in segments for packet in _packets(segment))
    for packet, place, dts in zip(packets, places, decoded, strict=False):
        packet.time_base, packet.stream = film.time_base, stream
        packet.pts, packet.dts, packet.duration = times[place], dts, until[place] - times[place]
        yield float(dts * film.time_base), packet


def _packets(segment: Path) -> Iterator[Any]:
    with import_av().open(str(segment)) as container:
        yield from (packet for packet in container.demux(video=0) if packet.pts is not None)


def _copied_packets(source: "InputContainer", copies: Mapping[int, Any]) -> Iterator[tuple[float, Any]]:
    """The packets of the streams that are copied, up to where the file is damaged or cut off."""
    if not copies:
        return
    av = import_av()
    packets: Iterator[Any] = source.demux([stream for stream in source.streams if stream.index in copies])
    last = 0.0
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return
        if packet is None:
            return
        if packet.size == 0 or (packet.dts is None and packet.pts is None):
            continue
        at = packet.dts if packet.dts is not None else packet.pts
        last = max(last, float(at * Fraction(packet.time_base)))
        packet.stream = copies[packet.stream.index]
        yield last, packet
