from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.utils.data import TensorDataset
from torchvision.transforms import v2
from trainings import Samples, run_script

import colorfuse as cf

Make = Callable[..., cf.FusionColorizer]


@pytest.mark.filterwarnings("ignore:since epoch", "ignore:after 5 epochs")
def test_a_few_photos_are_learnt_by_heart(tiny: Make, photos: NDArray[np.uint8]) -> None:
    colorizer = tiny(epochs=40, augmentation="none", learning_rate=3e-3, simulated_hints=None).fit(
        photos, validation=photos, num_workers=0
    )
    last = colorizer.history_[-1]
    assert last["validation_error"] < 0.5 * last["validation_constant_error"] < last["validation_gray_error"]


def test_a_warm_start_goes_on_from_the_weights_that_are_there(tiny: Make, photos: NDArray[np.uint8]) -> None:
    colorizer = tiny(augmentation="none").fit(photos, num_workers=0)
    learnt = {name: weights.clone() for name, weights in colorizer.network_.named_parameters()}
    colorizer.set_params(learning_rate=1e-9, epochs=1, objective={"name": "mse", "terms": []})
    colorizer.fit(photos, warm_start=True, num_workers=0)
    for name, weights in colorizer.network_.named_parameters():
        torch.testing.assert_close(weights, learnt[name], rtol=0, atol=1e-6)
    assert len(colorizer.history_) == 1
    anew = colorizer.fit(photos, num_workers=0).network_.state_dict()
    assert any(not torch.allclose(anew[name], weights, atol=1e-3) for name, weights in learnt.items())


def test_a_warm_start_needs_weights_of_the_same_network(tiny: Make, photos: NDArray[np.uint8]) -> None:
    with pytest.raises(cf.NotFittedError):
        tiny().fit(photos, warm_start=True)
    colorizer = tiny().initialize().set_params(fusion={"name": "concat", "channels": 8})
    before, ab = colorizer.network_, colorizer.predict_ab(torch.full((1, 1, 40, 50), 50.0))
    with pytest.raises(ValueError, match="the weights for a warm start are another network's"):
        colorizer.fit(photos, warm_start=True)
    assert colorizer.network_ is before
    assert torch.equal(colorizer.predict_ab(torch.full((1, 1, 40, 50), 50.0)), ab)


def test_history_has_the_papers_losses_beside_the_baselines(tiny: Make, photos: NDArray[np.uint8]) -> None:
    history = tiny(augmentation="none", batch_size=12).fit(photos, validation=photos, num_workers=0).history_
    assert [row["epoch"] for row in history] == [1, 2]
    ab = torch.stack([cf.PhotoArray(photos, image_size=32)[i][1] for i in range(12)]) / 127.5
    mean = ab.mean(dim=(0, 2, 3), keepdim=True)
    assert history[0]["validation_gray_error"] == pytest.approx(ab.square().mean().item(), rel=1e-4)
    assert history[0]["validation_constant_error"] == pytest.approx((ab - mean).square().mean().item(), rel=1e-4)
    assert history[0]["validation_error"] == pytest.approx(history[0]["validation_loss"])


def test_without_validation_there_is_only_the_training_loss(tiny: Make, photos: NDArray[np.uint8]) -> None:
    assert set(tiny().fit(photos, num_workers=0).history_[0]) == {
        "epoch",
        "learning_rate",
        "train_loss",
        "train_mean_a",
        "train_mean_b",
    }


def test_a_dataset_of_lightness_and_ab(tiny: Make) -> None:
    data = TensorDataset(torch.rand(6, 1, 32, 32) * 100, torch.randn(6, 2, 32, 32) * 20)
    assert len(tiny().fit(data, num_workers=0).history_) == 2


def test_the_number_of_workers_changes_nothing(tiny: Make, photo_folder: Path) -> None:
    histories = [
        tiny(augmentation="crop_flip").fit(photo_folder, num_workers=workers).history_ for workers in (0, 1, 2)
    ]
    assert histories[0] == histories[1] == histories[2]


def test_the_callers_random_state_stays(tiny: Make, photos: NDArray[np.uint8]) -> None:
    before = torch.get_rng_state()
    tiny().fit(photos, num_workers=0)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_order_of_photos_differs_by_epoch_and_seed(tiny: Make) -> None:
    seen: list[list[float]] = []

    class Recorded(TensorDataset):
        def __getitem__(self, index: int) -> Any:
            seen[-1].append(index)
            return super().__getitem__(index)  # type: ignore[no-untyped-call]

    data = Recorded(torch.rand(16, 1, 32, 32) * 100, torch.zeros(16, 2, 32, 32))
    for seed in (0, 0, 1):
        seen.append([])
        tiny(seed=seed).fit(data, num_workers=0)
    assert seen[0] == seen[1] != seen[2]
    assert seen[0][:16] != seen[0][16:]
    assert sorted(seen[0][:16]) == list(range(16))


def stubborn(count: int = 8) -> tuple[TensorDataset, TensorDataset]:
    """Photos to train on, and others that look the same and have the opposite colours."""
    generator = torch.Generator().manual_seed(0)
    lightness = torch.rand(count, 1, 32, 32, generator=generator) * 100
    ab = torch.stack([lightness[:, 0] - 50, 50 - lightness[:, 0]], dim=1) / 2
    return TensorDataset(lightness, ab), TensorDataset(lightness, -ab)


@pytest.mark.parametrize("saves", [True, False])
@pytest.mark.filterwarnings("ignore:since epoch", "ignore:after 5 epochs")
def test_patience_ends_with_the_best_weights(tiny: Make, tmp_path: Path, saves: bool) -> None:
    data, opposite = stubborn()
    seen: list[torch.Tensor] = []

    def look(colorizer: cf.FusionColorizer) -> None:
        seen.append(colorizer.predict_ab(data.tensors[0]))

    colorizer = tiny(epochs=40, patience=2, augmentation="none", learning_rate=3e-3)
    colorizer.fit(data, opposite, run=tmp_path / "run" if saves else None, callbacks=[look], num_workers=0)
    losses = [row["validation_loss"] for row in colorizer.history_]
    best = int(np.argmin(losses))
    assert len(losses) == best + 3 < 40
    assert torch.equal(colorizer.predict_ab(data.tensors[0]), seen[best])
    if saves:
        for folder in (tmp_path / "run", tmp_path / "run" / "best"):
            torch.testing.assert_close(cf.FusionColorizer.load(folder).predict_ab(data.tensors[0]), seen[best])
        again = tiny(epochs=40, patience=2, augmentation="none", learning_rate=3e-3)
        again.fit(data, opposite, resume=tmp_path / "run", num_workers=0)
        assert again.history_ == colorizer.history_
        assert torch.equal(again.predict_ab(data.tensors[0]), seen[best])


def test_a_callback_stops_the_training_and_all_are_called(tiny: Make, photos: NDArray[np.uint8]) -> None:
    called: list[int] = []
    colorizer = tiny(epochs=5).fit(
        photos,
        callbacks=[lambda it: len(it.history_) == 3, lambda it: called.append(len(it.history_))],
        num_workers=0,
    )
    assert len(colorizer.history_) == 3
    assert called == [1, 2, 3]


def test_who_learns_brown_or_by_heart_is_told_so(tiny: Make) -> None:
    data, opposite = stubborn()
    with pytest.warns(UserWarning, match="learnt") as caught:
        tiny(epochs=12, augmentation="none", learning_rate=3e-3).fit(data, opposite, num_workers=0)
    said = sorted(str(warning.message) for warning in caught)
    assert len(said) == 2
    assert said[0].startswith("after 5 epochs the validation error")
    assert "is not below that of one constant colour" in said[0]
    assert "the photos are learnt by heart" in said[1]


def test_a_sheet_shows_photos_gray_as_predicted_and_as_they_are(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    tiny(image_size=64).fit(photos[:8], photos[8:10], run=tmp_path, num_workers=0)
    assert sorted(path.name for path in (tmp_path / "sheets").iterdir()) == ["0001.jpg", "0002.jpg"]
    page = np.asarray(Image.open(tmp_path / "sheets" / "0002.jpg")).astype(float)
    assert page.shape == (2 * 68 + 4, 3 * 68 + 4, 3)
    gray, true = page[4:68, 4:68], page[4:68, 140:204]
    assert np.abs(gray - gray.mean(axis=-1, keepdims=True)).mean() < 2
    expected = cf.PhotoArray(photos[8:9], 64).read([0])[0].movedim(0, -1).numpy()
    assert np.abs(true - expected).mean() < 8


def test_trackers_of_the_accelerator_hear_of_each_epoch(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accelerator = Accelerator(log_with="tensorboard", project_dir=tmp_path)
    history = tiny().fit(photos, 0.25, accelerator=accelerator, num_workers=0).history_
    events = EventAccumulator(str(tmp_path / "colorfuse")).Reload()
    for name in ("train_loss", "validation_loss", "validation_constant_error"):
        logged = [(scalar.step, scalar.value) for scalar in events.Scalars(name)]
        assert logged == [(row["epoch"], pytest.approx(row[name])) for row in history]
    assert not accelerator.trackers


@pytest.mark.slow
def test_accumulated_parts_make_the_same_steps(tiny: Make, photos: NDArray[np.uint8]) -> None:
    """In a network without batch norms that learn, since those see each part by itself."""
    changes: dict[str, object] = {
        "backbone": {"name": "test_efficientnet", "frozen": True},
        "encoder": "conv",
        "decoder": {"name": "paper", "dropout": 0},
        "optimizer": "sgd",
        "epochs": 4,
    }
    for size, parts in ((4, 2), (4, 3), (5, 2)):  # of 2 and 2; the same; 3 and 2
        changes["batch_size"] = size
        whole = tiny(**changes).fit(photos, num_workers=0)
        accelerator = Accelerator(gradient_accumulation_steps=parts)
        accumulated = tiny(**changes).fit(photos, accelerator=accelerator, num_workers=0)
        for one, other in zip(whole.network_.parameters(), accumulated.network_.parameters(), strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_after_training_nothing_is_left_around_the_network(tiny: Make, photos: NDArray[np.uint8]) -> None:
    colorizer = tiny(frozen_epochs=1, ema_decay=0.9).fit(photos, num_workers=0)
    assert type(colorizer.network_) is cf.FusionNetwork
    assert "forward" not in vars(colorizer.network_)
    assert not any(module.training for module in colorizer.network_.modules())
    assert all(weights.requires_grad for weights in colorizer.network_.parameters())


def test_a_callback_that_predicts_changes_nothing(tiny: Make, photos: NDArray[np.uint8]) -> None:
    settings: dict[str, object] = {"decoder": "paper", "encoder": "conv", "epochs": 3}
    quiet = tiny(**settings).fit(photos, num_workers=0)
    looking = tiny(**settings).fit(photos, callbacks=[lambda it: it.predict(photos[0]) is None], num_workers=0)
    assert looking.history_ == quiet.history_
    for one, other in zip(quiet.network_.state_dict().values(), looking.network_.state_dict().values(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.slow
def test_half_precision_stays_when_the_backbone_thaws(photo_folder: Path) -> None:
    said = run_script("-c", HALF_PRECISION, photo_folder, ACCELERATE_MIXED_PRECISION="bf16")
    assert said.splitlines()[-1] == "{True}"


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        ((np.zeros((2, 32, 32)), np.zeros((1, 32, 32))), r"not \(2, 32, 32\) and \(1, 32, 32\)"),
        ((np.zeros((1, 32, 32)), np.zeros((2, 16, 16))), r"not \(1, 32, 32\) and \(2, 16, 16\)"),
        (np.zeros((3, 32, 32)), r"not \(32, 32\) and \(32, 32\)"),
        (None, "not NoneType"),
    ],
)
def test_samples_that_are_none_are_said(tiny: Make, sample: Any, said: str) -> None:
    with pytest.raises(cf.DataError, match=r"a sample must be L \(1, H, W\) and ab \(2, H, W\), " + said):
        tiny().fit(Samples([sample] * 8), num_workers=0)


def test_samples_of_numpy_are_taken(tiny: Make) -> None:
    tiny(epochs=1).fit(Samples([(np.full((1, 32, 32), 50.0), np.zeros((2, 32, 32)))] * 8), num_workers=0)


def test_samples_of_numpy_can_be_held_out(tiny: Make) -> None:
    samples = [(np.full((1, 32, 32), 5.0 * index), np.zeros((2, 32, 32))) for index in range(8)]
    assert "validation_loss" in tiny(epochs=1).fit(Samples(samples), 0.25, num_workers=0).history_[0]
    assert cf.evaluate(cf.FusionColorizer.from_pretrained(), Samples(samples), min_chroma=0).photos


def test_a_transform_that_gives_several_sizes_is_said(tiny: Make, photo_folder: Path) -> None:
    data = cf.PhotoFolder(photo_folder, 32, transform=v2.RandomResize(20, 40))
    with pytest.raises(cf.DataError, match=r"the transform gives images of \(3, .* end it with a crop to"):
        tiny().fit(data, num_workers=0)


HALF_PRECISION = """
import sys, torch, colorfuse as cf
seen = set()

class Watching(cf.Objective):
    planes, activation = 2, torch.nn.Tanh()
    def forward(self, planes, ab):
        if planes.requires_grad:
            seen.add(torch.is_autocast_enabled("cpu"))
        return planes.float().square().mean()
    def read(self, planes):
        return planes.float()

cf.register_objective("watching")(Watching)
settings = {"pretrained": False, "image_size": 32, "batch_size": 4, "epochs": 3, "frozen_epochs": 1}
cf.FusionColorizer(backbone="test_efficientnet", objective="watching", **settings).fit(sys.argv[1], num_workers=0)
print(seen)
"""


def test_layers_that_are_shared_are_saved_and_loaded(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    @cf.register_backbone("shares")
    class Shares(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 3, 3, stride=2, padding=1)
            self.second = self.first

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            deep: torch.Tensor = self.second(self.first(images))
            return deep

    colorizer = tiny(backbone="shares").fit(photos, run=tmp_path, num_workers=0)
    lightness = torch.rand(1, 1, 32, 32) * 100
    loaded = cf.FusionColorizer.load(tmp_path).predict_ab(lightness)
    torch.testing.assert_close(loaded, colorizer.predict_ab(lightness))


def test_a_history_is_that_of_the_weights(tiny: Make, photos: NDArray[np.uint8]) -> None:
    colorizer = tiny(epochs=1).fit(photos, num_workers=0)
    assert not hasattr(colorizer.initialize(), "history_")


def test_what_fails_before_the_first_step_leaves_the_accelerator_as_it_was(
    tiny: Make, photos: NDArray[np.uint8]
) -> None:
    accelerator = Accelerator()

    class Damaged(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            raise cf.PhotoError("damaged")

    with pytest.raises(cf.PhotoError):
        tiny(objective="classification").fit(Damaged(), num_workers=0, accelerator=accelerator)
    assert not accelerator._optimizers


@pytest.mark.parametrize("objective", ["classification", "histogram"])
def test_prediction_leaves_the_objective_where_it_is(
    tiny: Make, objective: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    colorizer = tiny(objective=objective).initialize()
    monkeypatch.setattr(type(colorizer.objective_), "to", None)
    assert colorizer.predict_ab(torch.rand(1, 1, 40, 50) * 100).isfinite().all()
