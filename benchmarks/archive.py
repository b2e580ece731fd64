"""An archive that is coloured by several workers, one of which is killed in the middle.

    python benchmarks/archive.py [PHOTOS]

Writes so many gray photos of 320 x 240, by default 20,000, and has them coloured by `examples/archive_ray.py`, which
shares them between two workers. When a third is done, one worker is killed. Then it is checked that all photos are
there and can be read, and that none was written twice: each time a file is written, it gets another inode. Last, the
shell command colours the same photos in one process. Rates include starting.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from skimage import data

import colorfuse as cf

COUNT, SIZE = 20_000, (320, 240)
EXAMPLE = Path(__file__).parents[1] / "examples" / "archive_ray.py"
WATCH = 0.5
"""Seconds between two looks at what is written."""


def main(count: int = COUNT) -> None:
    """Colour an archive twice, by workers and by one process."""
    with tempfile.TemporaryDirectory() as folder:
        archive, by_workers, by_one = (Path(folder, name) for name in ("archive", "workers", "one"))
        write_archive(archive, count)
        started = time.perf_counter()
        with subprocess.Popen([sys.executable, EXAMPLE, archive, by_workers], stdout=subprocess.PIPE) as process:
            twice, killed = watch(process, by_workers, count // 3)
            said = process.communicate()[0].decode().splitlines()[-1]
        seconds = time.perf_counter() - started
        if process.returncode:
            raise RuntimeError(f"the example failed: {said}")
        written = [cf.read_photo(path).pixels.shape for path in by_workers.rglob("*.jpg")]
        left = [path.name for path in by_workers.rglob(".colorfuse-*")]
        print(f"by 2 workers, of which {killed} was killed: {said}, {written.count((*SIZE[::-1], 3))} can be read")
        print(f"written twice: {len(twice)}; left behind: {left}; {count / seconds:.1f} photos a second")
        command: list[str | Path] = [Path(sys.executable).with_name("colorfuse"), "colorize", archive, "-o", by_one]
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        print(f"by the shell command, in one process: {count / (time.perf_counter() - started):.1f} photos a second")


def write_archive(folder: Path, count: int) -> None:
    """Cut gray photos with grain from scikit-image's, a thousand to a folder."""
    random = np.random.default_rng(0)
    photos = [np.asarray(Image.fromarray(data.astronaut()).convert("L")), data.camera()]
    for number in range(count):
        top, left = random.integers(0, 512 - SIZE[1]), random.integers(0, 512 - SIZE[0])
        crop = photos[number % 2][top : top + SIZE[1], left : left + SIZE[0]] + random.normal(0, 3, SIZE[::-1])
        path = folder / f"{number // 1000:02}" / f"{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop.round().clip(0, 255).astype(np.uint8)).save(path, quality=90)


def watch(process: subprocess.Popen[bytes], output: Path, kill_at: int) -> tuple[set[str], int]:
    """Kill a worker when so many photos are written; find those written twice, and count the killed workers."""
    inodes: dict[str, int] = {}
    twice: set[str] = set()
    killed = 0
    while process.poll() is None:
        for folder in output.glob("*"):
            for entry in os.scandir(folder):
                if entry.name.endswith(".jpg") and inodes.setdefault(entry.path, entry.inode()) != entry.inode():
                    twice.add(entry.path)
        if not killed and len(inodes) >= kill_at:
            workers = [child for child in psutil.Process(process.pid).children(recursive=True) if is_worker(child)]
            workers[0].kill()
            killed = 1
        time.sleep(WATCH)
    return twice, killed


def is_worker(process: psutil.Process) -> bool:
    """Whether this is a worker of the example, by the name that Ray gives it."""
    try:
        return "MapWorker" in " ".join(process.cmdline())
    except psutil.Error:
        return False


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
