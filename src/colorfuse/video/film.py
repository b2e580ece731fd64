"""Reading of films."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from colorfuse.errors import VideoError
from colorfuse.images import Photo
from colorfuse.video.extra import import_extra

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

_RATE = Fraction(25)
"""Frames a second of films that do not tell."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame of a film, as it was decoded.

    Attributes:
        index: Its number, from 0 on.
        pts: When it is shown, in the film's `time_base`; larger for each frame.
        image: The frame of PyAV, which may lie on its side.
    """

    index: int
    pts: int
    image: "av.VideoFrame"


@dataclass(eq=False)
class Film:
    """A film whose frames can be read again and again.

    Attributes:
        path: Its file.
        time_base: Seconds a unit of time.
        rate: Frames a second, on average.
        length: About how many seconds it takes; 0 if it does not tell.
        start: The first time in its file, in seconds, if that is above 0, as in what was recorded from television.
        size: Height and width of its upright frames.
        deep: Whether it has more than 8 bits.
        aspect: How wide a pixel of an upright frame is for its height; None if it does not tell.
        damaged: How many frames could not be decoded, or only in part, so far.

    Raises:
        OSError: There is no file at the path, or it cannot be read.
        VideoError: It is no film, or has no video, or one that PyAV cannot decode.
        ImportError: PyAV is not installed.
    """

    path: Path
    time_base: Fraction = field(init=False)
    rate: Fraction = field(init=False)
    length: float = field(init=False)
    start: Fraction = field(init=False)
    size: tuple[int, int] = field(init=False)
    deep: bool = field(init=False)
    aspect: Fraction | None = field(init=False)
    damaged: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        with self.opened() as (container, stream):
            self.time_base = stream.time_base or 1 / _RATE
            self.rate = stream.average_rate or stream.base_rate or _RATE
            frames = stream.frames / self.rate
            self.length = float(frames or (container.duration or 0) / 1_000_000)
            self.start = Fraction(max(0, container.start_time or 0), 1_000_000)
            aspect = stream.sample_aspect_ratio or None
        first = next(self.frames(), None)
        if first is None:
            raise VideoError(f"{self.path} has no frame that can be decoded")
        self.damaged = 0
        image = first.image
        lies = round(image.rotation / 90) % 2
        self.size = (image.width, image.height) if lies else (image.height, image.width)
        self.deep = _depth(image) > 8
        self.aspect = 1 / aspect if aspect and lies else aspect

    @contextlib.contextmanager
    def opened(self) -> Iterator[tuple["InputContainer", "VideoStream"]]:
        """Open the file, and find the video in it."""
        av = import_extra("av")
        try:
            container = av.open(str(self.path.absolute()))
        except OSError:
            raise
        except av.error.FFmpegError as error:
            raise VideoError(f"{self.path} is no film that can be read: {error.strerror}") from error
        with container:
            # Covers of albums are video streams as well, of a single picture.
            streams = [
                each for each in container.streams.video if not each.disposition & av.stream.Disposition.attached_pic
            ]
            if not streams:
                raise VideoError(f"{self.path} has no video")
            stream = streams[0]
            if stream.codec_context is None:
                raise VideoError(f"{self.path} has video of a codec that this PyAV cannot decode; convert it first")
            yield container, stream

    @property
    def identity(self) -> list[Any]:
        """Its path, size and time of change, which tell it from others and from earlier states."""
        stat = self.path.stat()
        return [str(self.path.resolve()), stat.st_size, stat.st_mtime_ns]

    @property
    def step(self) -> int:
        """How long a frame is usually shown, in its `time_base`."""
        return max(1, round(1 / (self.rate * self.time_base)))

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Decode frames from number `start` on; those before are decoded as well, so that numbers are the same.

        Frames without a time, or with that of one before, follow the one before after the usual while. Damaged ones
        are concealed as far as the codec can; those that cannot be decoded are left out.
        """
        last: int | None = None
        with self.opened() as (container, stream):
            for index, image in enumerate(self._decoded(container, stream)):
                pts = image.pts
                if pts is None or (last is not None and pts <= last):
                    pts = 0 if last is None else last + self.step
                last = pts
                if index >= start:
                    yield Frame(index, pts, image)

    def photo(self, frame: Frame) -> Photo:
        """The luma of a frame as a gray photo, upright; of 16 bits if the film has more than 8."""
        turns = round(frame.image.rotation / 90) % 4
        height, width = self.size[::-1] if turns % 2 else self.size  # that of the first frame, should others differ
        gray = frame.image.reformat(width=width, height=height, format="gray16le" if self.deep else "gray")
        upright: Any = np.ascontiguousarray(np.rot90(gray.to_ndarray(), turns))
        return Photo(upright[..., None], name=f"frame {frame.index} of {self.path}")

    def _decoded(self, container: "InputContainer", stream: "VideoStream") -> Iterator["av.VideoFrame"]:
        av = import_extra("av")
        for packet in self._packets(container, stream):
            try:
                images = stream.decode(packet)
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self.damaged += 1
                continue
            for image in images:
                self.damaged += bool(image.is_corrupt)
                yield image

    def _packets(
        self, container: "InputContainer", stream: "VideoStream"
    ) -> Iterator["av.Packet[VideoStream] | None"]:
        """The packets of the video, and None at the end, for which the decoder gives what it still holds."""
        av = import_extra("av")
        try:
            yield from (packet for packet in container.demux(stream) if packet.size)
        except av.error.EOFError:
            pass
        except av.error.FFmpegError:  # after which no packet can be read
            self.damaged += 1
        yield None


def thumbnail_of(image: "av.VideoFrame", side: int) -> NDArray[np.uint8]:
    """The luma of a frame at about `side ** 2` pixels, not turned upright."""
    scale = side / (image.height * image.width) ** 0.5
    width, height = (max(16, round(length * scale)) for length in (image.width, image.height))
    small = image.reformat(width=width, height=height, format="gray", interpolation="AREA")
    return np.ascontiguousarray(small.to_ndarray(), np.uint8)


def _depth(image: "av.VideoFrame") -> int:
    return max(component.bits for component in image.format.components)
