"""Joining of coloured segments to a film, with all that is kept of the gray one."""

import heapq
import io
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorfuse.errors import VideoError
from colorfuse.video.encoding import Encoding, add_video
from colorfuse.video.extra import import_extra
from colorfuse.video.film import Film

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

FORMATS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".ts": "mpegts",
    ".mts": "mpegts",
    ".m2ts": "mpegts",
}
"""Suffixes of films that can be written, and FFmpeg's names of their formats; all keep times of their frames."""

_KEPT = ("audio", "subtitle")
"""Streams that are copied as they are."""


def check_can_be_written(film: Film, encoding: Encoding, output: Path) -> None:
    """Check, before the work, that the output's format takes the video and all that is kept of the film.

    Raises:
        VideoError: It does not; the message says what would.
        ValueError: The encoder does not take its options.
    """
    av = import_extra("av")
    with film.opened() as (source, _), av.open(io.BytesIO(), "w", format=_format_of(output)) as container:
        try:
            video = add_video(container, film, encoding)
        except ValueError as error:
            if "does not support" not in str(error):
                raise
            raise VideoError(
                f"{output} cannot hold {encoding.codec}; {_other(output)}, or use another encoder"
            ) from error
        kept = [*_kept(source)]
        for stream in kept:
            _copied(container, stream, film, output)
        try:
            container.start_encoding()
        except av.error.FFmpegError as error:
            names = ", ".join([video.codec_context.name, *map(_described, kept)])
            raise VideoError(f"{output} cannot hold all of {names}: {error.strerror}; {_other(output)}") from error


def join(
    film: Film,
    opened: tuple["InputContainer", "VideoStream"],
    segments: Sequence[Path],
    times: Sequence[int],
    end: int,
    output: Path,
    partial: Path,
) -> None:
    """Write the whole film: the segments' video, and the audio, subtitles, chapters and tags of the first one.

    Args:
        film: The film that was coloured.
        opened: Its file and its video.
        segments: The files of its coloured segments.
        times: When each frame is shown.
        end: When the last one is over.
        output: Where the film is to be, for its format and messages.
        partial: The file to write.
    """
    av = import_extra("av")
    options = {"movflags": "faststart"} if output.suffix.lower() in (".mp4", ".mov", ".m4v") else {}
    source, own = opened
    try:
        with (
            av.open(str(segments[0])) as first,
            av.open(str(partial), "w", format=_format_of(output), options=options) as container,
        ):
            video = container.add_stream_from_template(first.streams.video[0], opaque=True)
            video.time_base = film.time_base
            video.metadata.update(_tags(own))
            copies = {stream.index: _copied(container, stream, film, output) for stream in _kept(source)}
            container.metadata.update(_tags(source))
            if source.chapters():
                container.set_chapters([_earlier(chapter, film.start) for chapter in source.chapters()])
            ours = _video_packets(film, segments, times, end, video)
            theirs = _copied_packets(film, source, copies)
            for _, packet in heapq.merge(ours, theirs, key=lambda each: each[0]):
                container.mux_one(packet)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):  # as where the disk is full
            raise
        raise VideoError(f"{output} cannot be written: {error.strerror}; {_other(output)}") from error


def _format_of(output: Path) -> str:
    try:
        return FORMATS[output.suffix.lower()]
    except KeyError:
        raise VideoError(f"{output} is no film that can be written; use one of {', '.join(FORMATS)}") from None


def _kept(source: "InputContainer") -> Iterator["Stream"]:
    return (stream for stream in source.streams if stream.type in _KEPT)


def _copied(container: "OutputContainer", stream: "Stream", film: Film, output: Path) -> Any:
    try:
        copy = container.add_stream_from_template(stream)
    except (ValueError, OSError) as error:
        raise VideoError(f"{output} cannot hold the {_described(stream)} of {film.path}; {_other(output)}") from error
    copy.disposition = stream.disposition
    copy.metadata.update(_tags(stream))
    return copy


def _tags(tagged: Any) -> dict[str, str]:
    """The tags of a file or a stream, but for timecodes, of which formats would make streams."""
    return {name: value for name, value in tagged.metadata.items() if name.lower() != "timecode"}


def _other(output: Path) -> str:
    return f"write a {'.mp4' if output.suffix.lower() == '.mkv' else '.mkv'}"


def _earlier(chapter: Any, start: Fraction) -> Any:
    shift = round(start / chapter["time_base"])
    return chapter | {"start": chapter["start"] - shift, "end": chapter["end"] - shift}


def _described(stream: "Stream") -> str:
    return f"{stream.type} ({getattr(stream.codec_context, 'name', 'of an unknown codec')})"


def _video_packets(
    film: Film, segments: Sequence[Path], times: Sequence[int], end: int, stream: Any
) -> Iterator[tuple[float, Any]]:
    """The segments' packets in the order in which they are decoded, with the times of their frames.

    Segments number their frames, so a frame has its time by its place among the others.
    """
    places: list[int] = []
    for segment in segments:
        pts = [packet.pts for packet in _packets(segment)]
        order = {value: len(places) + index for index, value in enumerate(sorted(pts))}
        places.extend(order[value] for value in pts)
    if len(set(places)) != len(times):
        raise VideoError(f"the encoder gave {len(places)} frames for {len(times)} of {film.path}; use another one")
    shift = round(film.start / film.time_base)
    times, end = [time - shift for time in times], end - shift
    delay = max(count - place for count, place in enumerate(places))
    decoded = [*(times[0] - film.step * back for back in range(delay, 0, -1)), *times]
    until = [*times[1:], end]
    packets = (packet for segment in segments for packet in _packets(segment))
    for packet, place, dts in zip(packets, places, decoded, strict=False):
        packet.time_base, packet.stream = film.time_base, stream
        packet.pts, packet.dts, packet.duration = times[place], dts, until[place] - times[place]
        yield float(dts * film.time_base), packet


def _packets(segment: Path) -> Iterator[Any]:
    with import_extra("av").open(str(segment)) as container:
        yield from (packet for packet in container.demux(video=0) if packet.pts is not None)


def _copied_packets(film: Film, source: "InputContainer", copies: Mapping[int, Any]) -> Iterator[tuple[float, Any]]:
    """The packets of the streams that are copied, up to where the file is damaged or cut off.

    Where times go back, as in recordings that were put one after another, they go on from those before.
    """
    av = import_extra("av")
    streams = [stream for stream in source.streams if stream.index in copies]
    packets: Iterator[Any] = source.demux(streams) if streams else iter(())
    later = dict.fromkeys(copies, 0)
    last: dict[int, int] = {}
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return
        if packet is None:
            return
        at = packet.pts if packet.dts is None else packet.dts
        if packet.size == 0 or at is None:
            continue
        index, unit = packet.stream_index, packet.time_base
        if index in last and at + later[index] < last[index]:
            later[index] = last[index] + (packet.duration or 1) - at
        last[index] = at + later[index]
        shift = later[index] - round(film.start / unit)
        packet.pts, packet.dts = (None if each is None else each + shift for each in (packet.pts, packet.dts))
        packet.stream = copies[index]
        yield float((at + shift) * unit), packet
