"""What judging costs beside predicting, and the rows that need no colorizer.

    python benchmarks/evaluation.py ../shared/photos/eval [RUN]

Times are of whole passes over the photos by the protocol `center256`, read from their files: predictions alone, as
`predict` gives them, and `evaluate` with its usual figures for gray, the constant colour and the predictions. Without
RUN, the recipe `mobile` with random weights predicts at its own size.
"""

import sys
import time
from collections.abc import Callable

import numpy as np

import colorfuse as cf
from colorfuse.evaluation.protocols import center256
from colorfuse.images import open_rgb
from colorfuse.images.finding import find_photos


def main(photos: str, run: str | None = None) -> None:
    """Print the table and the times."""
    colorizer = cf.FusionColorizer.load(run) if run else cf.FusionColorizer(pretrained=False).initialize()
    paths = find_photos(photos)

    def predict() -> None:
        for path in paths:
            colorizer.predict(np.asarray(center256(open_rgb(path))))

    print(cf.evaluate(colorizer, photos, constant=(2.41, 9.04)).to_markdown())
    alone, judged = (seconds(job) for job in (predict, lambda: cf.evaluate(colorizer, photos)))
    print(f"{len(paths)} photos: predicted in {alone:.1f} s, judged in {judged:.1f} s, {judged / alone:.2f} times")


def seconds(job: Callable[[], object]) -> float:
    """The shorter of two runs."""
    times = []
    for _ in range(2):
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    main(*sys.argv[1:])
