"""Measure colours of photos as old film would have seen them.

    python benchmarks/old_film.py PHOTOS [MODEL ...] [--count N]

PHOTOS is a folder of colour photos, of which the centres of 256 x 256 are shown as a camera's gray, on film that is
sensitive to blue alone, and on film that is blind to red. Each MODEL is a saved colorizer; the weights inside come
first. Printed is the squared error of ab, of that of the constant colour, at the saturation with the least error.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

import colorfuse as cf
from colorfuse.data import OldFilm
from colorfuse.evaluation.evaluate import MEAN_COLOR
from colorfuse.evaluation.figures import Colors
from colorfuse.evaluation.ground_truth import find_ground_truth
from colorfuse.evaluation.protocols import find_protocol

FILMS = {"camera": None, "blue alone": (0.0, 0.0, 1.0), "blue and green": (0.0, 0.5, 0.5)}


def main(folder: Path, models: list[str | None], count: int | None) -> None:
    """Print a row for each colorizer and a column for each film."""
    protocol = find_protocol("center256")
    labs = [Colors.from_image(protocol(photo.open())).lab for photo in find_ground_truth(folder)[:count]]
    constant = sum((lab[1:] - torch.tensor(MEAN_COLOR).view(2, 1, 1)).square().mean().item() for lab in labs)
    print(f"{len(labs)} photos; of the constant colour, at the best saturation: {', '.join(FILMS)}")
    for model in models:
        colorizer = cf.FusionColorizer.from_pretrained(model)
        print(
            model or "the weights inside",
            *(f"{error(colorizer, labs, mix) / constant:.3f}" for mix in FILMS.values()),
        )


def error(colorizer: cf.FusionColorizer, labs: list[Tensor], mix: tuple[float, ...] | None) -> float:
    """The sum of the photos' mean squared errors of ab at the saturation that makes it least."""
    products = torch.zeros(3)
    for lab in labs:
        lightness, ab = lab[None, :1], lab[None, 1:]
        seen = lightness if mix is None else OldFilm.expose(lightness, ab, torch.tensor([mix]))
        predicted = colorizer.predict_ab(seen)
        products += torch.stack(
            [(one * other).mean() for one, other in ((ab, ab), (ab, predicted), (predicted,) * 2)]
        )
    true, both, its = products.tolist()
    return float(true - both**2 / its)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--count", type=int)
    options = parser.parse_args()
    main(options.photos, [None, *options.models], options.count)
