"""Measure the systems that colour from strokes alone.

    python benchmarks/strokes.py PHOTOS [--only PATTERN] [--figures FIRST ...]

PHOTOS is a folder of colour photos. Four parts, each of which `--figures` can choose:

- "levin": how long `levin2004` takes, and how much memory, at 256, 512 and 1,024 pixels a side, with 40 marks; beside
  the same system solved with SuperLU's own order of minimum degree.
- "marks": the mean error of ab of `levin2004` with true marks of 7 x 7 pixels at random places, beside what an
  independent program published for other photos.
- "manga": intersection over union of the areas that `qu2006` finds on drawn hatching, dots and cross-hatching, and
  within outlines with and without gaps.
- "lazybrush": on 20 drawn figures with gaps of up to 12 pixels and strokes that overrun by up to 20 %, the share of
  pixels with the right label of `sykora2009`, by cuts and by the watershed; and the seconds for 512 x 512 with six
  colours.
"""

import argparse
import importlib.util
import itertools
import multiprocessing
import resource
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import sparse
from scipy.sparse.linalg import splu
from skimage import color, data

from colorfuse.colorizers import Levin2004, Qu2006, Sykora2009
from colorfuse.colorizers.cuts import SOLVERS
from colorfuse.colorizers.propagation import grid_neighbors, neighbor_weights
from colorfuse.images import open_rgb

PUBLISHED = {1: 13.70, 4: 9.35, 16: 7.02, 40: 5.67, 100: 4.45, 250: 3.16}
MARK = 7
PALETTE = [
    (173, 216, 230),
    (230, 60, 60),
    (60, 160, 60),
    (240, 200, 40),
    (120, 60, 180),
    (240, 140, 40),
    (20, 90, 160),
]


def hints_at_random(lab: NDArray[np.float32], count: int, rng: np.random.Generator) -> torch.Tensor:
    """True marks of 7 x 7 pixels at random places, `(3, H, W)`."""
    hints = np.zeros((3, *lab.shape[:2]), np.float32)
    for _ in range(count):
        row, column = (rng.integers(0, side - MARK + 1) for side in lab.shape[:2])
        place = slice(row, row + MARK), slice(column, column + MARK)
        hints[:2, *place] = np.moveaxis(lab[place][..., 1:], -1, 0)
        hints[2, *place] = 1
    return torch.from_numpy(hints)


def levin_once(side: int, by_degree: bool) -> tuple[float, float]:
    """Seconds and GiB to solve at one size; run in a process of its own."""
    photo = np.asarray(Image.fromarray(data.astronaut()).resize((side, side)))
    lab = color.rgb2lab(photo).astype(np.float32)
    hints = hints_at_random(lab, 40, np.random.default_rng(0))
    lightness = torch.from_numpy(lab[..., 0])[None, None]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    if by_degree:
        weights = neighbor_weights(lab[..., 0].ravel() / 100.0, grid_neighbors(1, side, side))
        free = np.flatnonzero(hints[2].numpy().ravel() == 0)
        known = (hints[:2] * hints[2]).reshape(2, -1).numpy().T
        system = sparse.eye_array(len(free)) - weights[free][:, free]
        splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0, options={"SymmetricMode": True}).solve(
            weights[free] @ known
        )
    else:
        Levin2004().render_ab(lightness, hints[None])
    seconds = time.perf_counter() - started
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20


def levin_times() -> None:
    """Print times and memory by size."""
    print("levin2004: seconds and GiB, a and b together, 40 marks; and with SuperLU's own minimum degree, which took")
    print("0.46, 3.2 and 12.8 s at 256, 512 and 1,024 pixels a side on another machine with two cores")
    for side in (256, 384, 512, 1024):
        figures: list[float] = []
        for by_degree in (False, True):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                figures += pool.apply(levin_once, (side, by_degree))
        print(f"{side:5d} px a side: {{:6.2f}} s {{:5.2f}} GiB; {{:6.2f}} s {{:5.2f}} GiB".format(*figures))


def levin_marks(files: list[Path]) -> None:
    """Print the mean error of ab by the number of marks."""
    errors: dict[int, list[float]] = {count: [] for count in (0, *PUBLISHED)}
    for number, file in enumerate(files):
        image = open_rgb(file)
        image.thumbnail((200, 10_000))
        lab = color.rgb2lab(np.asarray(image)).astype(np.float32)
        true, lightness = torch.from_numpy(np.moveaxis(lab, -1, 0)), torch.from_numpy(lab[..., 0])[None, None]
        errors[0].append(true[1:].norm(dim=0).mean().item())
        for count in PUBLISHED:
            hints = hints_at_random(lab, count, np.random.default_rng([number, count]))
            ab = Levin2004().render_ab(lightness, hints[None])[0]
            errors[count].append((ab - true[1:]).norm(dim=0).mean().item())
    print(f"levin2004: mean error of ab on {len(files)} photos of 200 pixels' width; gray {np.mean(errors[0]):.2f}")
    for count, published in PUBLISHED.items():
        print(f"{count:5d} marks: {np.mean(errors[count]):6.2f}; published for other photos {published:5.2f}")


def drawn_figure(rng: np.random.Generator, side: int, areas: int) -> tuple[Image.Image, NDArray[np.intp]]:
    """A drawing of ellipses on white, each partly over the former ones, and the true label of each pixel."""
    ink, labels = Image.new("L", (side, side), 255), Image.new("L", (side, side), 0)
    for label in range(1, areas):
        x, y = rng.uniform(0.2, 0.8, 2) * side
        radii = rng.uniform(0.1, 0.25, 2) * side
        box = (x - radii[0], y - radii[1], x + radii[0], y + radii[1])
        ImageDraw.Draw(ink).ellipse(box, fill=255, outline=0, width=3)
        ImageDraw.Draw(labels).ellipse(box, fill=label)
    return ink, np.asarray(labels).astype(np.intp)


def with_gaps(ink: Image.Image, labels: NDArray[np.intp], rng: np.random.Generator) -> Image.Image:
    """Erase up to 12 pixels of the ink at six places."""
    drawing = ink.copy()
    rows, columns = np.nonzero(np.asarray(ink) == 0)
    for place in rng.choice(len(rows), 6, replace=False):
        gap = rng.integers(2, 13) / 2
        x, y = columns[place], rows[place]
        ImageDraw.Draw(drawing).ellipse((x - gap, y - gap, x + gap, y + gap), fill=255)
    return drawing


def strokes_for(labels: NDArray[np.intp], rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """A stroke along each area's longest row, which overruns the area by up to 20 %; and which labels have one."""
    layer = Image.new("RGBA", labels.shape[::-1])
    draw = ImageDraw.Draw(layer)
    shown = []
    for label in np.unique(labels):
        inside = labels == label
        rows = inside.sum(axis=1)
        row = int(rows.argmax())
        columns = np.flatnonzero(inside[row])
        runs = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
        run = max(runs, key=len)
        if len(run) < 12:
            continue
        overrun = int(len(run) * rng.uniform(0, 0.2))
        draw.line((run[0] + 2, row, run[-1] - 2 + overrun, row), PALETTE[label], 7)
        shown.append(label)
    return np.asarray(layer), np.array(shown)


def pattern(kind: str) -> NDArray[np.uint8]:
    """A page of 240 x 160 pixels full of a pattern."""
    page = Image.new("L", (240, 160), 255)
    draw = ImageDraw.Draw(page)
    rows, columns = np.indices((160, 240))
    if kind == "dots":
        return np.where((rows % 7 < 3) & (columns % 7 < 3), 0, 255).astype(np.uint8)
    for start in range(-160, 400, 7):
        draw.line((start, 160, start + 160, 0), 0, 2)
        if kind == "cross-hatching":
            draw.line((start - 160, 0, start, 160), 0, 2)
    return np.asarray(page)


def manga() -> None:
    """Print the overlap of areas, for each pair of patterns and for outlines."""
    halves = [np.zeros((160, 240), bool) for _ in range(2)]
    halves[0][20:140, 15:115], halves[1][20:140, 125:225] = True, True
    print("qu2006: intersection over union of the areas")
    kinds = ("hatching", "dots", "cross-hatching")
    for left, right in itertools.permutations(kinds, 2):
        page = np.where(halves[0], pattern(left), np.where(halves[1], pattern(right), 255)).astype(np.uint8)
        system = Qu2006()
        system.predict(page, hints=[(80, 65, "#ff0000", 6), (80, 175, "#00ff00", 6)])
        greens = system.colors_[:, 1] < 0
        shares = []
        for half, green in zip(halves, (False, True), strict=True):
            its = np.isin(system.labels_, np.flatnonzero(greens.numpy() == green))
            shares.append((its & half).sum() / (its | half).sum())
        print(f"{left:>15} beside {right:<15} {shares[0]:.3f} {shares[1]:.3f} {system.modes_}")
    inside = np.zeros((160, 240), bool)
    inside[32:128, 42:138] = True
    for gap in (0, 3, 6):
        page = np.full((160, 240), 255, np.uint8)
        page[30:130, 40:140] = 0
        page[33:127, 43:137] = 255
        page[80 - gap // 2 : 80 - gap // 2 + gap, 130:150] = 255
        system = Qu2006()
        system.predict(page, hints=[(80, 80, "#ff0000", 5)])
        its = system.labels_ == 0
        share = (its & inside).sum() / (its | inside).sum()
        print(f"an outline with a gap of {gap} pixels: {share:.3f} {system.modes_}")


def lazybrush(figures: int = 20) -> None:
    """Print the share of pixels with the right label, by cuts and by the watershed."""
    shares: dict[str, list[float]] = {"cut": [], "watershed": []}
    for number in range(figures):
        rng = np.random.default_rng(number)
        ink, labels = drawn_figure(rng, 256, 5)
        drawing = np.asarray(with_gaps(ink, labels, rng))
        strokes, shown = strokes_for(labels, rng)
        counted = np.isin(labels, shown) & (np.asarray(ink) == 255)
        lab = color.rgb2lab(np.array(PALETTE, np.uint8)[None])[0]
        for method in shares:
            system = Sykora2009(render_size=256, method=method)
            system.predict(drawing, hints=strokes)
            of_colors = np.linalg.norm(system.colors_.numpy()[:, None] - lab[None], axis=2).argmin(axis=1)
            shares[method].append(float((of_colors[system.labels_] == labels)[counted].mean()))
    print(f"sykora2009: share of pixels with the right label, on {figures} drawn figures with gaps and overruns")
    for method, its in shares.items():
        print(f"{method:>10}: {np.mean(its):.3f} on average, {np.min(its):.3f} at worst")
    for seed in itertools.count():
        rng = np.random.default_rng(seed)
        ink, labels = drawn_figure(rng, 512, 6)
        strokes, shown = strokes_for(labels, rng)
        if len(shown) == 6:
            break
    for solver in SOLVERS[1:] if importlib.util.find_spec("ortools") else ("scipy",):
        started = time.perf_counter()
        Sykora2009(solver=solver).predict(np.asarray(ink), hints=strokes)
        print(f"512 x 512 with six colours, by {solver}: {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--only", default="*")
    parser.add_argument("--figures", nargs="*", default=["levin", "marks", "manga", "lazybrush"])
    options = parser.parse_args()
    if "levin" in options.figures:
        levin_times()
    if "marks" in options.figures:
        levin_marks(sorted(options.photos.glob(options.only)))
    if "manga" in options.figures:
        manga()
    if "lazybrush" in options.figures:
        lazybrush()
