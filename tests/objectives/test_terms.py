from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from trainings import Samples

import colorfuse as cf
from colorfuse.objectives import create_objective, create_terms
from colorfuse.objectives.terms import terms
from colorfuse.sample import Batch
from colorfuse.training.learner import Learner

TERMS = cf.list_terms()  # before a test registers one

SPECS: dict[str, dict[str, Any]] = {
    "perceptual": {"backbone": "test_efficientnet", "pretrained": False},
    "colorfulness": {},
    "adversarial": {"widths": [8, 16]},
    "image_classes": {"classes": 3},
    "color_classes": {"at": "fusion"},
}


def make_network(objective: str = "mse") -> Any:
    colorizer = cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, objective=objective)
    return colorizer.initialize().network_


@pytest.fixture
def network() -> Any:
    return make_network()


@pytest.fixture
def batch() -> Batch:
    return Batch(torch.rand(3, 1, 64, 64) * 100, torch.randn(3, 2, 64, 64) * 20, torch.tensor([0, 2, 1]))


def test_all_are_tried_here() -> None:
    assert set(TERMS) == set(SPECS)


@pytest.mark.parametrize("objective", ["mse", "classification", "histogram"])
@pytest.mark.parametrize("name", SPECS)
def test_any_objective_carries_any_term_in_training_alone(batch: Batch, name: str, objective: str) -> None:
    network = make_network(objective)
    term = terms.create({"name": name, **SPECS[name]})
    term.bind(network, None)
    learner = Learner(network, create_objective(objective), [term]).eval()
    plain = Learner(network, learner.objective, []).eval()
    with torch.no_grad():
        assert torch.equal(learner(batch)[0], plain(batch)[0])
    learner.train()
    loss, _ = learner(batch)
    loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in learner.parameters())
    assert all(p.grad is not None for p in term.parameters() if p.requires_grad)
    assert not network.backbone._forward_hooks


def test_a_perceptual_distance_is_none_for_the_truth(network: Any, batch: Batch) -> None:
    term = terms.create({"name": "perceptual", **SPECS["perceptual"]})
    assert term(batch, batch.ab, {}).item() == pytest.approx(0, abs=1e-9)
    assert term(batch, batch.ab + 5, {}).item() > 0
    assert not any(weights.requires_grad for weights in term.parameters())


def test_colourfulness_pulls_away_from_gray(batch: Batch) -> None:
    term = terms.create({"name": "colorfulness", "weight": 1.0})
    pale, vivid = (term(batch, batch.ab * factor, {}).item() for factor in (0.1, 1.0))
    assert vivid < pale < 1


def test_the_discriminator_learns_apart_from_the_network(batch: Batch) -> None:
    torch.manual_seed(0)
    term = terms.create({"name": "adversarial", "weight": 0.5, "widths": [8, 16]})
    colors = (batch.ab * 0.1).requires_grad_()
    alone: Any = terms.create({"name": "adversarial", "weight": 1000.0, "widths": [8, 16]})
    alone.load_state_dict(term.state_dict())
    term(batch, colors, {}).backward()
    alone(batch, colors.detach(), {}).backward()
    assert colors.grad is not None
    assert colors.grad.any()
    for ours, theirs in zip(term.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
    optimizer = torch.optim.Adam(term.parameters(), 1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        term(batch, colors.detach(), {}).backward()
        optimizer.step()
    judge: Any = term.discriminator
    scaled = batch.lightness / 50 - 1
    true, false = (judge(torch.cat([scaled, ab / 127.5], dim=1)).mean().item() for ab in (batch.ab, colors.detach()))
    assert true > false + 0.3


def test_the_head_of_2017_beside_its_decoder() -> None:
    colorizer = cf.FusionColorizer.from_recipe("zhang2017", encoder="zhang2017").initialize()
    (head,) = create_terms({"name": "huber", "terms": ["color_classes"]})
    head.bind(colorizer.network_, None)
    count = sum(weights.numel() for part in (colorizer.network_, head) for weights in part.parameters())
    assert round(count / 1e6, 2) == 34.19


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("decoder.nothing", "no module 'decoder.nothing' that runs"),
        ("decoder.steps", "no module 'decoder.steps' that runs"),
        ("encoder", "gives a map"),
    ],
)
def test_a_head_on_what_is_no_map(network: Any, at: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        terms.create({"name": "color_classes", "at": at}).bind(network, None)


class TestLabels:
    SPEC: ClassVar = {"name": "mse", "terms": [{"name": "image_classes", "weight": 0.5}]}

    def test_they_come_from_folders(self, tiny: Any, photo_folder: Path) -> None:
        colorizer = tiny(objective=self.SPEC).fit(photo_folder, validation=0.25, num_workers=0)
        with_term, without = (
            row["train_loss"] for row in (colorizer.history_[0], tiny().fit(photo_folder).history_[0])
        )
        assert with_term > without + 0.5 * 0.3  # about half of log 2, before anything is learnt
        assert colorizer.history_[0]["validation_loss"] < 0.1

    def test_they_are_learnt(self, tiny: Any, tmp_path: Path) -> None:
        for name, value in (("dark", 40), ("light", 220)):
            (tmp_path / name).mkdir()
            for index in range(8):
                photo = np.full((40, 40, 3), value, np.uint8)
                photo[..., index % 3] -= 30
                Image.fromarray(photo).save(tmp_path / name / f"{index}.png")
        colorizer = tiny(objective={"name": "mse", "terms": [{"name": "image_classes", "weight": 1.0}]}, epochs=12)
        history = colorizer.fit(tmp_path, num_workers=0).history_
        assert history[-1]["train_loss"] < 0.5 * history[0]["train_loss"]

    def test_they_come_from_a_dataset(self, tiny: Any, photos: NDArray[np.uint8]) -> None:
        data = cf.PhotoArray(photos)
        samples = [(*data[index], index % 3) for index in range(len(data))]
        spec: dict[str, Any] = {"name": "mse", "terms": [{"name": "image_classes", "classes": 3}]}
        tiny(objective=spec).fit(Samples(samples), num_workers=0)
        spec["terms"][0]["classes"] = 2
        with pytest.raises(cf.DataError, match="labels must be from 0 to below classes=2, not 2"):
            tiny(objective=spec).fit(Samples(samples), num_workers=0)

    def test_more_classes_than_said_are_an_error(self, tiny: Any, photo_folder: Path) -> None:
        spec = {"name": "mse", "terms": [{"name": "image_classes", "classes": 1}]}
        with pytest.raises(
            cf.DataError, match="the photos have 2 classes, more than classes=1; leave the option out"
        ):
            tiny(objective=spec).fit(photo_folder)

    def test_photos_without_them_are_an_error(self, tiny: Any, photos: NDArray[np.uint8], tmp_path: Path) -> None:
        with pytest.raises(cf.DataError, match="'image_classes' needs photos with labels: a folder with sub-folders"):
            tiny(objective=self.SPEC).fit(photos)
        spec = {"name": "mse", "terms": [{"name": "image_classes", "classes": 3}]}
        with pytest.raises(cf.DataError, match="needs whole numbers as labels, not None"):
            tiny(objective=spec).fit(photos)
        Image.fromarray(photos[0]).save(tmp_path / "alone.png")
        with pytest.raises(ValueError, match="lies in no sub-folder, and labels are the names of sub-folders"):
            tiny(objective=self.SPEC).fit(tmp_path)


def test_a_colorizer_with_terms_is_saved_and_loaded_without_their_weights(
    tiny: Any, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    spec = {"name": "mse", "terms": [{"name": "perceptual", "backbone": "test_efficientnet", "pretrained": False}]}
    colorizer = tiny(objective=spec, epochs=1).fit(photos, run=tmp_path / "run", num_workers=0)
    again = cf.FusionColorizer.load(tmp_path / "run")
    assert again.objective == spec
    np.testing.assert_array_equal(again.predict(photos[0]), colorizer.predict(photos[0]))
    tiny(objective=spec, epochs=2).fit(photos, resume=tmp_path / "run", num_workers=0)


def test_a_term_of_ones_own(tiny: Any, photos: NDArray[np.uint8]) -> None:
    @cf.register_term("constant_of_a_test")
    class Constant(cf.Term):
        def forward(self, batch: Any, colors: Any, given: Any) -> Any:
            return colors.sum() * 0 + 7.0

    spec = {"name": "mse", "terms": ["constant_of_a_test"]}
    assert tiny(objective=spec, epochs=1).fit(photos, num_workers=0).history_[0]["train_loss"] > 7
    assert issubclass(Constant, nn.Module)
