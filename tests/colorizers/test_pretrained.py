import inspect
from pathlib import Path
from typing import Any

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


def test_interactive_ones_take_hints_and_are_those_of_their_recipe() -> None:
    colorizer = cf.FusionColorizer.from_pretrained("interactive")
    recipe: Any = cf.FusionColorizer.from_recipe("interactive")
    for part in ("backbone", "encoder", "fusion", "decoder", "image_size", "simulated_hints", "old_film"):
        assert getattr(colorizer, part) == getattr(recipe, part)
    assert colorizer.objective == recipe.objective | {"saturation": 1.0}
    photo = data.astronaut()
    truth = cf.rgb_to_lab(torch.from_numpy(photo).movedim(-1, 0))[1:]
    hints = [(row, column, tuple(photo[row, column].tolist())) for row, column in ((330, 90), (370, 350))]  # the suit

    def error(**given: Any) -> float:
        ab = cf.rgb_to_lab(torch.from_numpy(colorizer.predict(photo, **given)).movedim(-1, 0))[1:]
        return (ab - truth).square().mean().item()

    plain, hinted, referred = error(), error(hints=hints), error(reference=photo[:, ::-1].copy())
    assert plain < truth.square().mean()
    assert hinted < 0.75 * plain
    assert referred < 0.8 * plain
    assert len(colorizer.suggest(photo, (330, 90))) > 1


def test_interactive_ones_take_at_most_16_mb() -> None:
    folder = Path(inspect.getfile(cf)).parent / "weights" / "interactive"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 16e6
    network = cf.FusionColorizer.from_pretrained("interactive").network_
    assert sum(weights.numel() for weights in network.parameters()) <= 7e6
