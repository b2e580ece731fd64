"""Draw the losses of a run of the recipe `paper`, beside those that the paper reports.

python benchmarks/paper_curve.py runs/paper docs/figures/paper_loss.png
"""

import sys

import colorfuse as cf
from colorfuse import plots

TRAINING_FROM_TO = (0.0156, 0.0053)
VALIDATION_BETWEEN = (0.0152, 0.0187)


def main(run: str, output: str) -> None:
    """Write the plot as an image."""
    figure = plots.loss_curve(cf.FusionColorizer.load(run).history_)
    (axes,) = figure.axes
    axes.plot((1, 30), TRAINING_FROM_TO, "o", color="tab:blue", label="training, the paper's first and last")
    axes.fill_between(
        (1, 30), *VALIDATION_BETWEEN, color="tab:orange", alpha=0.15, label="validation, the paper's range"
    )
    axes.set_ylabel("mean squared error of ab / 127.5")
    axes.legend(fontsize="small")
    figure.savefig(output, dpi=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
