"""Measure what `fit` costs beside the network's own work: loop, checkpoints, memory; on a GPU also how busy it is.

    python benchmarks/training.py ../shared/photos/train

The loop is compared with a bare one of forward, backward and step, over the same batches already in memory, the two
in turn. A checkpoint is all that is written after an epoch, of 200 steps. Memory is the process's own, over 100
epochs on eight photos. On a GPU the recipes `paper` and `mobile` train on the folder of photos in batches of 256, in
bfloat16.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import TensorDataset

import colorfuse as cf
from colorfuse.data.loading import Loader
from colorfuse.training.runs import RunFolder
from colorfuse.training.saving import CheckpointSaver

STEPS, EPOCHS = 4, 9
STEPS_A_CHECKPOINT = 200
BATCH_ON_GPU = 256


def main(photos: str) -> None:
    """Print the tables."""
    step = loop()
    checkpoint(step)
    memory()
    if torch.cuda.is_available():
        gpu(photos)


def some_photos(count: int, side: int) -> TensorDataset:
    """L and ab of noise, in memory."""
    generator = torch.Generator().manual_seed(0)
    return TensorDataset(
        torch.rand(count, 1, side, side, generator=generator) * 100,
        torch.randn(count, 2, side, side, generator=generator) * 20,
    )


def loop() -> float:
    """Compare `fit` with a bare loop, for the default settings; return the seconds that a step takes."""
    colorizer = cf.FusionColorizer(pretrained=False, augmentation="none", epochs=EPOCHS)
    data = some_photos(STEPS * colorizer.batch_size, colorizer.image_size)
    batches = list(zip(*(plane.split(colorizer.batch_size) for plane in data.tensors), strict=True))
    bare = cf.FusionColorizer(pretrained=False).initialize()
    network = bare.network_.train().to(memory_format=torch.channels_last)
    objective, optimizer = bare.objective_, torch.optim.AdamW(network.parameters(), fused=True)
    seconds: dict[str, list[float]] = {"bare": [], "fit": []}
    started = 0.0

    def go_bare(_: cf.FusionColorizer) -> None:
        nonlocal started
        seconds["fit"].append(time.perf_counter() - started)
        started = time.perf_counter()
        for lightness, ab in batches:
            objective(network(lightness), ab).backward()
            optimizer.step()
            optimizer.zero_grad()
        seconds["bare"].append(time.perf_counter() - started)
        started = time.perf_counter()

    colorizer.fit(data, callbacks=[go_bare], num_workers=0)
    medians = {name: float(np.median(values[1:])) / STEPS for name, values in seconds.items()}
    ratio = float(np.median([fit / bare for fit, bare in zip(seconds["fit"][1:], seconds["bare"][1:], strict=True)]))
    print(f"a step of `fit` takes {medians['fit']:.2f} s, of a bare loop {medians['bare']:.2f} s: {ratio:.3f} times")
    return medians["fit"]


def checkpoint(step: float) -> None:
    """Time what is written after an epoch, of the default network, averaged weights included."""
    written: dict[str, list[float]] = {"save": [], "save_epoch": []}
    with tempfile.TemporaryDirectory() as run:
        timed(CheckpointSaver, "save", written["save"])
        timed(RunFolder, "save_epoch", written["save_epoch"])
        colorizer = cf.FusionColorizer(pretrained=False, epochs=6, ema_decay=0.9, batch_size=4)
        colorizer.fit(some_photos(8, 64), some_photos(4, 64), run=Path(run, "run"), num_workers=0)
    seconds = float(np.median(written["save"])) + float(np.median(written["save_epoch"]))
    share = seconds / (STEPS_A_CHECKPOINT * step)
    print(f"a checkpoint takes {seconds:.2f} s, {share:.2%} of an epoch of {STEPS_A_CHECKPOINT} steps")


def timed(owner: type, name: str, seconds: list[float]) -> None:
    """Let a method note how long it takes."""
    method: Callable[..., Any] = getattr(owner, name)

    def noted(*arguments: Any) -> Any:
        started = time.perf_counter()
        result = method(*arguments)
        seconds.append(time.perf_counter() - started)
        return result

    setattr(owner, name, noted)


def memory() -> None:
    """Print the process's own memory after the tenth and the last of 100 epochs."""
    megabytes: list[float] = []

    def look(_: cf.FusionColorizer) -> None:
        lines = Path("/proc/self/status").read_text().splitlines()
        own = [int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem"))]
        megabytes.append(sum(own) / 1024)

    with tempfile.TemporaryDirectory() as run:
        colorizer = cf.FusionColorizer(pretrained=False, epochs=100, image_size=64, batch_size=4, ema_decay=0.9)
        colorizer.fit(some_photos(8, 64), run=Path(run, "run"), callbacks=[look], num_workers=0)
    tenth, last = np.median(megabytes[5:15]), np.median(megabytes[-10:])
    print(f"memory: {tenth:.0f} MB around the tenth epoch, {last:.0f} MB around the last: {last / tenth - 1:+.2%}")


def gpu(photos: str) -> None:
    """Print samples a second, how busy the GPU is, and how long the loop waits for photos."""
    from accelerate import Accelerator

    read, waited = Loader.epoch, [0.0]

    def timed_epoch(loader: Loader, *arguments: Any, **options: Any) -> Iterator[Any]:
        batches = read(loader, *arguments, **options)
        while True:
            asked = time.perf_counter()
            batch = next(batches, None)
            waited[0] += time.perf_counter() - asked
            if batch is None:
                return
            yield batch

    Loader.epoch = timed_epoch  # type: ignore[method-assign, assignment]
    print(f"\n| {torch.cuda.get_device_name()} | photos a second | GPU busy | waiting for data |\n|---|---|---|---|")
    for recipe in ("paper", "mobile"):
        colorizer = cf.FusionColorizer.from_recipe(recipe, pretrained=False, batch_size=BATCH_ON_GPU, epochs=3)
        data = cf.PhotoFolder(photos, colorizer.image_size)
        times: list[float] = []

        def note(_: cf.FusionColorizer, times: list[float] = times) -> None:
            times.append(time.perf_counter())
            if len(times) == 1:  # once compiled, started and warm
                waited[0] = 0.0

        with subprocess.Popen(
            ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"],
            stdout=subprocess.PIPE, text=True,
        ) as watch:  # fmt: skip
            colorizer.fit(data, callbacks=[note], accelerator=Accelerator(mixed_precision="bf16"))
            watch.terminate()
            busy = [int(line) for line in (watch.stdout or ()) if line.strip().isdigit()]
        lasted = times[-1] - times[0]
        seen = (len(times) - 1) * (len(data) // BATCH_ON_GPU) * BATCH_ON_GPU
        work = np.mean(busy[len(busy) // 3 :])
        print(f"| `{recipe}` | {seen / lasted:.0f} | {work:.0f} % | {waited[0] / lasted:.1%} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
