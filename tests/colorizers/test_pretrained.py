import inspect
from pathlib import Path

import torch
from skimage import data

import colorfuse as cf


def test_they_colour_a_photo() -> None:
    photo = data.astronaut()
    colorizer = cf.FusionColorizer.from_pretrained()
    ab = cf.rgb_to_lab(torch.from_numpy(colorizer.predict(photo)).movedim(-1, 0))[1:]
    truth = cf.rgb_to_lab(torch.from_numpy(photo).movedim(-1, 0))[1:]
    constant = torch.tensor([2.41, 9.04]).reshape(2, 1, 1)  # the mean colour of the training photos
    assert (ab - truth).square().mean() < truth.square().mean()
    assert (ab - truth).square().mean() < (constant - truth).square().mean()
    assert ab.std() > 1


def test_they_take_at_most_10_mb() -> None:
    folder = Path(inspect.getfile(cf)).parent / "weights" / "mobile"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 10e6
