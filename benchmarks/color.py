"""Time colour conversions side by side with scikit-image, kornia and OpenCV, and compare their errors.

    pip install kornia opencv-python-headless
    python benchmarks/color.py

Each figure is the least of several interleaved runs in this process. Errors are the largest over all 16,777,216 byte
colours, against `reference` below, which is written from the CIE definitions in float64. Peak memory is what the
process holds at most during one conversion of the 12-megapixel photo beyond what it held before, as a multiple of
input plus output.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import kornia
import numpy as np
import torch
from numpy.typing import NDArray
from skimage import color

import colorfuse as cf

Array: TypeAlias = NDArray[Any]
Call: TypeAlias = Callable[[], Any]


def main() -> None:
    """Print a table a size and direction, then errors and memory."""
    photos = {
        "16 photos of 224 x 224": torch.randint(0, 256, (16, 3, 224, 224), dtype=torch.uint8),
        "one photo of 12 megapixels": torch.randint(0, 256, (1, 3, 3000, 4000), dtype=torch.uint8),
    }
    for _ in range(2):  # after which compiled code is used
        cf.rgb_to_lab(photos["one photo of 12 megapixels"])
    print(f"{torch.get_num_threads()} threads")
    for name, rgb in photos.items():
        channels_last = np.ascontiguousarray(rgb.movedim(1, -1).numpy())
        report(f"bytes to Lab, {name}", to_lab(rgb, channels_last))
        report(f"Lab to RGB, {name}", to_rgb(cf.rgb_to_lab(rgb)))
    errors()
    memory(photos["one photo of 12 megapixels"])


def to_lab(rgb: torch.Tensor, channels_last: Array) -> dict[str, Call]:
    """Bytes to Lab in float32 (scikit-image: float64), in the layout that each library is made for."""
    return {
        "colorfuse": lambda: cf.rgb_to_lab(rgb),
        "OpenCV": lambda: [opencv_lab(photo) for photo in channels_last],
        "kornia": lambda: kornia.color.rgb_to_lab(rgb.float() / 255),
        "scikit-image": lambda: color.rgb2lab(channels_last),
    }


def to_rgb(lab: torch.Tensor) -> dict[str, Call]:
    """Lab to RGB floats."""
    channels_last = np.ascontiguousarray(lab.movedim(1, -1).numpy())
    return {
        "colorfuse": lambda: cf.lab_to_rgb(lab),
        "OpenCV": lambda: [cv2.cvtColor(photo, cv2.COLOR_Lab2RGB) for photo in channels_last],
        "kornia": lambda: kornia.color.lab_to_rgb(lab),
        "scikit-image": lambda: color.lab2rgb(channels_last),
    }


def opencv_lab(photo: Array) -> Array:
    """OpenCV's float conversion of bytes `(H, W, 3)`."""
    lab: Array = cv2.cvtColor(photo.astype(np.float32) * np.float32(1 / 255), cv2.COLOR_RGB2Lab)
    return lab


def report(title: str, calls: dict[str, Call], rounds: int = 7) -> None:
    """Time the calls in turn, several rounds, and print milliseconds and ratios."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - started)
    ours = min(seconds["colorfuse"])
    print(f"\n| {title} | ms | colorfuse is faster by |\n|---|---|---|")
    for name, values in seconds.items():
        print(f"| {name} | {min(values) * 1e3:.1f} | {min(values) / ours:.2f} |")


def errors() -> None:
    """Print the largest error of ours and of OpenCV's Lab over all byte colours."""
    worst = {"colorfuse": 0.0, "OpenCV": 0.0}
    green, blue = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    for red in range(256):
        photo = np.stack([np.full_like(green, red), green, blue], axis=-1).astype(np.uint8)
        truth = reference(photo)
        ours = cf.rgb_to_lab(torch.from_numpy(photo).movedim(-1, 0)).movedim(0, -1).numpy()
        for name, lab in {"colorfuse": ours, "OpenCV": opencv_lab(photo)}.items():
            worst[name] = max(worst[name], float(np.abs(lab - truth).max()))
    print("\n| largest error of bytes to Lab | in L, a or b |\n|---|---|")
    for name, value in worst.items():
        print(f"| {name} | {value:.2g} |")


def reference(photo: Array) -> Array:
    """CIELAB of bytes `(*, 3)` in float64, after IEC 61966-2-1 and CIE 15."""
    value = photo / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    x, y = np.array([0.64, 0.30, 0.15]), np.array([0.33, 0.60, 0.06])
    primaries = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    white = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    relative = linear @ (primaries * np.linalg.solve(primaries, white)).T / white
    f = np.where(relative > 216 / 24389, np.cbrt(relative), (24389 / 27 * relative + 16) / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def memory(rgb: torch.Tensor) -> None:
    """Print the peak memory of both directions; on Linux only."""
    print("\n| peak memory, 12 megapixels | of input and output |\n|---|---|")
    lab = cf.rgb_to_lab(rgb)
    for name, values, call in (("bytes to Lab", rgb, cf.rgb_to_lab), ("Lab to RGB", lab, cf.lab_to_rgb)):
        Path("/proc/self/clear_refs").write_text("5")  # sets the peak to what is held now
        before = peak_bytes()
        result = call(values)
        taken = peak_bytes() - before + values.nbytes
        print(f"| {name} | {taken / (values.nbytes + result.nbytes):.2f} |")
        del result


def peak_bytes() -> int:
    """The most memory that this process has held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


if __name__ == "__main__":
    import warnings

    # scikit-image warns of colours beyond sRGB, which random Lab has.
    warnings.filterwarnings("ignore", message="Conversion from CIE-LAB")
    main()
