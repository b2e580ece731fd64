"""Measure colours of films: how steady, how right, how fast, and in how much memory.

    python benchmarks/film.py PHOTOS [--clips FILM ...] [--model MODEL] [--count N]
        [--speed WIDTHxHEIGHT ...] [--minutes N]

PHOTOS is a folder of colour photos, of which films of known motion are made: the camera pans, it zooms, and something
crosses. Real FILMS in colour have their motion estimated from their true luma. Each is coloured frame by frame and
steadied, and written without loss. Printed are the flicker, which is the mean change of ab along the motion, averaged
over blocks of 4 x 4 pixels, since a pixel changes where it moves by half of one; the colour distribution consistency
of Liu et al. 2021, *Temporally consistent video colorization with deep feature propagation* (the mean Jensen-Shannon
divergence of the histograms of R, G and B of frames 1, 2 and 4 apart); and the root of the mean squared error of ab.

With --speed, the first of the FILMS is repeated at that size, and the frames a second of decoding, of decoding and
encoding, and of colouring are printed; with --minutes, the peak of memory for a film of that length.
"""

import argparse
import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from skimage.draw import disk
from skimage.transform import downscale_local_mean

import colorfuse as cf
from colorfuse.evaluation.ground_truth import find_ground_truth
from colorfuse.video.motion import MotionEstimator, sampled

FRAMES = 32
SIDE = 256
Frames = NDArray[np.uint8]


def moved(photo: Frames, other: Frames, how: str) -> tuple[Frames, list[NDArray[np.float32]]]:
    """A film `(frames, H, W, 3)` of a photo, and where the pixels of all but the first were; NaN if nowhere."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    middle = (SIDE - 1) / 2
    films, places = [], []
    for t in range(FRAMES):
        if how == "pan":
            at = rows + 0.3 * t, columns + 1.7 * t
            before = np.stack([columns + 1.7, rows + 0.3], axis=-1)
        elif how == "zoom":
            scale = 0.99**t
            at = middle + (rows - middle) * scale, middle + (columns - middle) * scale
            before = np.stack([middle + (columns - middle) * 0.99, middle + (rows - middle) * 0.99], axis=-1)
        else:
            at, before = (rows, columns), np.stack([columns, rows], axis=-1)
        frame = np.stack([map_coordinates(photo[..., c], at, order=1, mode="reflect") for c in range(3)], axis=-1)
        if how == "cross":
            inside = disk((140, 40 + 5 * t), 40, shape=frame.shape[:2])
            frame[inside] = other[inside[0], inside[1] - 5 * t]
            behind = disk((140, 40 + 5 * (t - 1)), 40, shape=frame.shape[:2])
            before = before.copy()
            before[behind] = np.nan
            before[inside] = np.stack([inside[1] - 5, inside[0]], axis=-1)
        films.append(frame.astype(np.uint8))
        outside = np.any((before < 0) | (before > SIDE - 1), axis=-1, keepdims=True)
        places.append(np.where(outside, np.nan, before).astype(np.float32))
    return np.stack(films), places[1:]


def estimated(film: Frames) -> list[NDArray[np.float32]]:
    """Where the pixels of each frame but the first were, by the flow of their luma; NaN where that is not sure."""
    luma = (film @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)
    estimator = MotionEstimator()
    motions = (estimator.between(before, after) for before, after in itertools.pairwise(luma))
    return [np.where(motion.trust_back[..., None] > 0.5, motion.back, np.nan) for motion in motions]


def write(film: Frames, path: Path, rate: Fraction = Fraction(25), **options: str) -> None:
    """Write a film without loss of what matters here, all in one shot."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=rate, options={"crf": "8", "preset": "fast"} | options)
        stream.height, stream.width, stream.pix_fmt = *film.shape[1:3], "yuv420p"
        for frame in film:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))


def read(path: Path) -> Frames:
    """The frames of a film as RGB."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def ab_of(film: Frames) -> Iterator[NDArray[np.float32]]:
    """The colours of frames `(H, W, 2)`."""
    for frame in film:
        yield cf.rgb_to_lab(torch.from_numpy(frame).movedim(-1, 0))[1:].movedim(0, -1).contiguous().numpy()


def flicker(film: Frames, motion: list[NDArray[np.float32]]) -> float:
    """The mean length of the change of ab along the motion, of blocks whose motion is known everywhere."""
    changes, before = [], None
    for ab, places in zip(ab_of(film), [None, *motion], strict=True):
        if before is not None and places is not None:
            known = np.isfinite(places[..., 0])
            change = (ab - sampled(before, np.nan_to_num(places))) * known[..., None]
            blocks = np.linalg.norm(downscale_local_mean(change, (4, 4, 1)), axis=-1)
            changes.extend(blocks[downscale_local_mean(known.astype(float), (4, 4)) == 1])
        before = ab
    return float(np.mean(changes))


def inconsistency(film: Frames) -> float:
    """The mean Jensen-Shannon divergence of the histograms of R, G and B of frames 1, 2 and 4 apart."""
    shares = np.stack([[np.bincount(frame[..., c].ravel(), minlength=256) for c in range(3)] for frame in film])
    shares = shares / shares.sum(axis=-1, keepdims=True)
    return float(np.mean([_divergence(shares[:-apart], shares[apart:]).mean() for apart in (1, 2, 4)]))


def _divergence(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    mean = (one + other) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(each > 0, each * np.log2(each / mean), 0).sum(axis=-1) for each in (one, other)]
    divergence: NDArray[Any] = (parts[0] + parts[1]) / 2
    return divergence


def error(film: Frames, true: Frames) -> float:
    """The root of the mean squared error of ab."""
    errors = [np.square(a - b).sum(axis=-1).mean() for a, b in zip(ab_of(film), ab_of(true), strict=True)]
    return float(np.sqrt(np.mean(errors)))


def quality(colorizer: cf.FusionColorizer, films: dict[str, list[tuple[Frames, list[NDArray[np.float32]]]]]) -> None:
    """Print the figures of each kind of film."""
    for kind, its in films.items():
        rows: dict[str, list[list[float]]] = {"frame by frame": [], "steadied": [], "true": [], "gray": []}
        for film, motion in its:
            with tempfile.TemporaryDirectory() as folder:
                path, output = Path(folder, "film.mp4"), Path(folder, "colored.mkv")
                write(film, path)
                for name, steadiness in (("frame by frame", 0.0), ("steadied", 0.9)):
                    lossless: dict[str, Any] = {"encoder": "libx264rgb", "encoder_options": {"qp": 0}}
                    colorizer.predict_video(path, output, steadiness=steadiness, **lossless)
                    colored = read(output)
                    rows[name].append([flicker(colored, motion), inconsistency(colored), error(colored, film)])
            gray = np.repeat(film.mean(axis=-1, keepdims=True), 3, axis=-1).astype(np.uint8)
            rows["true"].append([flicker(film, motion), inconsistency(film), 0])
            rows["gray"].append([0, inconsistency(gray), error(gray, film)])
        means = {name: np.mean(values, axis=0) for name, values in rows.items()}
        ratio = means["steadied"][0] / means["frame by frame"][0]
        print(f"{kind} ({len(its)}): flicker {ratio:.3f} of frame by frame")
        for name, (shaking, distance, wrong) in means.items():
            print(f"  {name:15} flicker {shaking:6.3f}  CDC {distance:.5f}  error {wrong:6.2f}", flush=True)


def speed(colorizer: cf.FusionColorizer, clip: Path, size: tuple[int, int], folder: Path) -> None:
    """Print the frames a second of decoding, of decoding and encoding, and of colouring at a size."""
    width, height = size
    path = folder / "large.mp4"
    repeat(clip, path, width, height, 300)
    start = time.perf_counter()
    count = sum(1 for _ in decoded(path))
    decoding = time.perf_counter() - start
    start = time.perf_counter()
    with av.open(str(folder / "again.mp4"), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25, options={"crf": "18", "preset": "veryfast"})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for frame in decoded(path):
            container.mux(stream.encode(frame.reformat(format="rgb24").reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    both = time.perf_counter() - start
    start = time.perf_counter()
    colorizer.predict_video(path, folder / "colored.mp4")
    coloring = time.perf_counter() - start
    figures = ", ".join(
        f"{what} {count / seconds:.1f}"
        for what, seconds in (("decoding", decoding), ("decoding and encoding", both), ("colouring", coloring))
    )
    print(f"{width} x {height}, {count} frames; frames a second: {figures}", flush=True)


def decoded(path: Path) -> Iterator[av.VideoFrame]:
    """The frames of a film."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        yield from container.decode(video=0)


def repeat(clip: Path, path: Path, width: int, height: int, count: int) -> None:
    """Write `count` frames of a film that goes on again from its start."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25, options={"crf": "20", "preset": "veryfast"})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        index = 0
        while index < count:
            for frame in decoded(clip):
                image = frame.reformat(width=width, height=height, format="yuv420p")
                image.pts, image.time_base = index, Fraction(1, 25)
                container.mux(stream.encode(image))
                index += 1
                if index == count:
                    break
        container.mux(stream.encode(None))


def memory(clip: Path, minutes: float, model: str | None, folder: Path) -> None:
    """Print the peak of memory of a process that colours a film of 1080p."""
    path = folder / "long.mp4"
    repeat(clip, path, 1920, 1080, round(minutes * 60 * 25))
    script = f"import colorfuse as cf; cf.FusionColorizer.from_pretrained({model!r}).optimized().predict_video"
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"{script}({str(path)!r}, {str(folder / 'out.mp4')!r})"], check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{minutes:g} minutes of 1080p: {peak:.2f} GiB, {time.perf_counter() - start:.0f} s")


def main(options: argparse.Namespace) -> None:
    """Measure what the options ask for."""
    colorizer = cf.FusionColorizer.from_pretrained(options.model).optimized()
    if options.count:
        found = [photo.open() for photo in find_ground_truth(options.photos)]
        photos = [np.asarray(photo) for photo in found if min(photo.size) >= 320]
        chosen = photos[:: max(1, len(photos) // options.count)][: options.count]
        films = {
            how: [moved(photo, other, how) for photo, other in zip(chosen, chosen[1:] + chosen[:1], strict=True)]
            for how in ("pan", "zoom", "cross")
        }
        clips = [(film, estimated(film)) for film in map(read, options.clips)]
        quality(colorizer, films | ({"clips": clips} if clips else {}))
    with tempfile.TemporaryDirectory() as folder:
        for size in options.speed:
            width, height = map(int, size.split("x"))
            speed(colorizer, options.clips[0], (width, height), Path(folder))
        if options.minutes:
            memory(options.clips[0], options.minutes, options.model, Path(folder))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--model")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--speed", nargs="*", default=[])
    parser.add_argument("--minutes", type=float)
    main(parser.parse_args())
