"""Films for tests."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from numpy.typing import NDArray
from skimage import data
from torch import Tensor

import colorfuse as cf

LOSSLESS: dict[str, Any] = {"encoder": "libx264rgb", "encoder_options": {"qp": 0, "preset": "ultrafast"}}
"""Settings by which a film's colours are read as they were written, from a `.mkv`."""


def pan(count: int, photo: NDArray[np.uint8] | None = None, step: int = 1, side: int = 96) -> list[NDArray[np.uint8]]:
    """Frames of a camera that moves to the right over a gray photo."""
    gray = data.camera()[100:300] if photo is None else photo
    starts = [step * index % 200 for index in range(count)]
    return [np.ascontiguousarray(gray[:side, start : start + side + 32]) for start in starts]


def write_film(
    path: Path,
    frames: Iterable[NDArray[Any]],
    *,
    codec: str = "libx264",
    kind: str = "gray",
    pixels: str = "yuv420p",
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 25),
    rotation: int = 0,
    sound: float = 0,
    words: Sequence[tuple[int, int, str]] = (),
    aspect: Fraction | None = None,
    chapters: Any = (),
    **options: str,
) -> Path:
    """Write a film, with `sound` seconds of a tone, and words (start and length in milliseconds, text)."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "A film"
        if chapters:
            container.set_chapters([*chapters])
        video: Any = None
        audio: Any = container.add_stream("aac", rate=16000) if sound else None
        for index, frame in enumerate(frames):
            if video is None:
                video = container.add_stream(codec, rate=25, options={"g": "12"} | options)
                video.height, video.width, video.pix_fmt = *frame.shape[:2], pixels
                video.time_base = video.codec_context.time_base = time_base
                if aspect:
                    video.codec_context.sample_aspect_ratio = aspect
                if rotation:
                    video.set_display_rotation(rotation)
                subtitles = _subtitles(container) if words else None
            image = av.VideoFrame.from_ndarray(frame, kind)
            image.pts, image.time_base = (index if times is None else times[index]), time_base
            container.mux(video.encode(image))
        container.mux(video.encode(None))
        if audio:
            _tone(container, audio, sound)
        for start, length, text in words:
            packet: Any = av.Packet(text.encode())
            packet.pts = packet.dts = start
            packet.duration, packet.time_base, packet.stream = length, Fraction(1, 1000), subtitles
            container.mux(packet)
    return path


def read_film(path: Path) -> tuple[list[int], NDArray[np.uint8]]:
    """The times of a film's frames in milliseconds, and the frames as RGB, as they are stored."""
    with av.open(str(path)) as container:
        frames: list[Any] = list(container.decode(video=0))
        times = [round(1000 * frame.pts * frame.time_base) for frame in frames]
        return times, np.stack([frame.to_ndarray(format="rgb24") for frame in frames])


def packets(path: Path, kind: str) -> list[tuple[int, bytes]]:
    """Times in milliseconds and bytes of the first stream of a kind."""
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        found: list[Any] = [packet for packet in container.demux(stream) if packet.size and packet.pts is not None]
        return [(round(1000 * packet.pts * packet.time_base), bytes(packet)) for packet in found]


class Sepia(cf.Colorizer):
    """Colours all things brown."""

    render_size = 64

    def render_ab(self, lightness: Tensor) -> Tensor:
        """Give one colour."""
        return torch.tensor([12.0, 24.0]).reshape(1, 2, 1, 1).expand(len(lightness), -1, *lightness.shape[-2:])


class Tinted(cf.Colorizer):
    """Colours things by their lightness."""

    render_size = 64

    def render_ab(self, lightness: Tensor) -> Tensor:
        """Give colours that lightness decides."""
        return torch.cat([lightness / 4, 30 - lightness / 3], dim=1)


class Flickering(cf.Colorizer):
    """Colours things by their lightness, and each frame a bit differently."""

    render_size = 64

    def render_ab(self, lightness: Tensor) -> Tensor:
        """Give colours that change from call to call."""
        noise = 8 * torch.randn(len(lightness), 2, 1, 1)
        return torch.cat([lightness / 4, 30 - lightness / 3], dim=1) + noise


class Obedient(cf.Colorizer):
    """Gives each photo the mean colour of its hints."""

    render_size = 64
    takes_hints = True

    def render_ab(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """Give the mean colour of hints, or gray."""
        if hints is None:
            return torch.zeros(len(lightness), 2, *lightness.shape[-2:])
        mean = hints[:, :2].sum((-1, -2)) / hints[:, 2:].sum((-1, -2)).clamp(min=1e-6)
        return mean[..., None, None].expand(-1, -1, *lightness.shape[-2:])


def _subtitles(container: Any) -> Any:
    stream = container.add_stream("subrip")
    stream.codec_context.subtitle_header = b"[Script Info]\nScriptType: v4.00+\n[V4+ Styles]\n[Events]\n"
    return stream


def _tone(container: Any, stream: Any, seconds: float) -> None:
    samples = np.sin(np.arange(round(16000 * seconds)) / 6).astype(np.float32)[None]
    frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
    frame.rate, frame.pts, frame.time_base = 16000, 0, Fraction(1, 16000)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
