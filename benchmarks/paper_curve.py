"""Draw the losses of a run of the recipe `paper` beside those that the paper reports, and what the run colours.

python benchmarks/paper_curve.py runs/paper docs/figures/paper_loss.png docs/figures/paper_photos.jpg
"""

import sys

import numpy as np
from PIL import Image, ImageOps
from skimage import data

import colorfuse as cf
from colorfuse import plots

TRAINING_FROM_TO = (0.0156, 0.0053)
VALIDATION_BETWEEN = (0.0152, 0.0187)


def main(run: str, curve: str, photos: str) -> None:
    """Write the plot, and a sheet of scikit-image's photos, as images."""
    colorizer = cf.FusionColorizer.load(run)
    figure = plots.loss_curve(colorizer.history_)
    (axes,) = figure.axes
    axes.plot((1, 30), TRAINING_FROM_TO, "o", color="tab:blue", label="training, the paper's first and last")
    axes.fill_between(
        (1, 30), *VALIDATION_BETWEEN, color="tab:orange", alpha=0.15, label="validation, the paper's range"
    )
    axes.set_ylabel("mean squared error of ab / 127.5")
    axes.legend(fontsize="small")
    figure.savefig(curve, dpi=120)
    shown = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    squares = [np.asarray(ImageOps.fit(Image.fromarray(photo), (256, 256))) for photo in shown]
    plots.sheet(colorizer, np.stack(squares)).savefig(photos, dpi=75)


if __name__ == "__main__":
    main(*sys.argv[1:])
