import copy
import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

import colorfuse as cf
from colorfuse.sample import Batch
from colorfuse.training.averaging import Average
from colorfuse.training.schedules import SCHEDULES, rate_factor
from colorfuse.training.settings import Settings

Make = Callable[..., cf.FusionColorizer]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, "epochs of a colorizer must be greater than or equal to 1, not 0"),
        ({"batch_size": -1}, "batch_size of a colorizer must be greater than or equal to 1, not -1"),
        ({"learning_rate": 0.0}, "learning_rate of a colorizer must be greater than 0, not 0.0"),
        ({"optimizer": "adan"}, "no optimizer is called 'adan'; .* adam"),
        ({"schedule": "cosin"}, "no schedule is called 'cosin'; .* cosine"),
        ({"epochs": "3"}, "epochs of a colorizer must be a valid integer, not '3'"),
        ({"weight_decay": -1}, "weight_decay of a colorizer must be greater than or equal to 0, not -1"),
        ({"seed": None}, "seed of a colorizer must be a valid integer, not None"),
        ({"backbone": {"name": "test_efficientnet", "weights": Path("a.pth")}}, "backbone must be made of strings"),
        ({"image_size": 16}, "image_size of a colorizer must be greater than or equal to 32, not 16"),
        ({"start_size": 31}, "start_size of a colorizer must be greater than or equal to 32, not 31"),
        ({"start_size": 96, "image_size": 64}, "start_size=96 must be at most image_size=64"),
        ({"upsample": 5}, "no way to upsample is called '5'; .* the closest are"),
        ({"warmup_steps": -1}, "warmup_steps of a colorizer must be greater than or equal to 0, not -1"),
        ({"clip_norm": 0}, "clip_norm of a colorizer must be greater than 0, not 0"),
        ({"ema_decay": 1.0}, "ema_decay of a colorizer must be less than 1, not 1.0"),
        ({"backbone_rate": math.inf}, "backbone_rate of a colorizer must be"),
        ({"frozen_epochs": 1.5}, "frozen_epochs of a colorizer must be a valid integer"),
        ({"simulated_hints": {"points": [[0.8, 0.1], [0.5, 0.1]]}}, "shares of photos with hints sum to 1.3"),
        ({"patience": 0}, "patience of a colorizer must be greater than or equal to 1, not 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    tiny: Make, photos: NDArray[np.uint8], setting: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        tiny(**setting).fit(photos)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("epochs", range(1, 13))
def test_any_number_of_steps(tiny: Make, photos: NDArray[np.uint8], epochs: int) -> None:
    history = tiny(epochs=epochs, batch_size=12).fit(photos, num_workers=0).history_
    rates = [row["learning_rate"] for row in history]
    assert 0 <= min(rates) <= rates[0] == pytest.approx(4e-5)
    assert max(rates) <= 1e-3


@given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 500), st.none() | st.integers(0, 50))
def test_rates_rise_over_the_warmup_and_never_again(schedule: str, steps: int, warmup_steps: int | None) -> None:
    factors = [rate_factor(schedule, step, steps, warmup_steps) for step in range(steps)]
    assert all(0 <= factor <= 1 for factor in factors)
    peak = int(np.argmax(factors))
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    if warmup_steps is not None and warmup_steps < steps:
        assert peak == warmup_steps
        assert factors[peak] == 1
    if schedule != "constant" and steps > peak + 1:
        assert factors[-1] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("steps", [20, 333])
def test_schedules_are_torchs(steps: int) -> None:
    def rates(scheduler: Callable[[torch.optim.Optimizer], Any]) -> list[float]:
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule = scheduler(optimizer)
        seen = []
        for _ in range(steps):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return seen

    cosine = rates(lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps - 1))
    assert [rate_factor("cosine", step, steps) for step in range(steps)] == pytest.approx(cosine, abs=1e-9)
    one_cycle = rates(
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(
            optimizer, 1.0, steps, pct_start=0.1, cycle_momentum=False, final_div_factor=1e12
        )
    )
    assert [rate_factor("one_cycle", step, steps) for step in range(steps)] == pytest.approx(one_cycle, abs=1e-9)


class Learning(nn.Module):
    """A network with batch norms, one of which does not learn."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3))
        self.head = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, momentum=0.3), nn.ReLU(), nn.Conv2d(4, 2, 1))

    def forward(self, lightness: torch.Tensor, *_: Any) -> torch.Tensor:
        planes: torch.Tensor = self.head(self.backbone(lightness / 100))
        return planes


def test_averaged_weights_have_the_statistics_of_torchs_update_bn() -> None:
    network = Learning().eval()
    average = Average(network, decay=0.8)
    average.learning.train()
    average.learning.backbone.eval()
    kept = {name: value.clone() for name, value in network.backbone.state_dict().items()}
    for step in range(1, 30):
        for weights in average.learning.head.parameters():
            weights.data += torch.randn_like(weights) * 0.1
        average.update(step)
    batches = [torch.rand(4, 1, 12, 12) * 100 for _ in range(5)]
    average.estimate_statistics([Batch(batch, batch) for batch in batches], 1, lambda values: values)
    expected = copy.deepcopy(network.head)
    with torch.no_grad():
        torch.optim.swa_utils.update_bn([network.backbone(batch / 100) for batch in batches], expected)
    assert not any(module.training for module in network.modules())
    torch.testing.assert_close(network.head.state_dict(), expected.state_dict())
    torch.testing.assert_close(network.backbone.state_dict(), kept)
    assert network.head[1].momentum == 0.3


def test_an_estimate_that_is_interrupted_leaves_the_statistics_as_they_were() -> None:
    network = Learning().eval()
    average = Average(network, decay=0.8)
    average.learning.train()
    before = copy.deepcopy(network.state_dict())

    def photos() -> Iterator[Batch]:
        yield Batch(torch.rand(4, 1, 12, 12) * 100, torch.zeros(4, 2, 12, 12))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        average.estimate_statistics(photos(), 1, lambda values: values)
    torch.testing.assert_close(network.state_dict(), before)
    assert not any(module.training for module in network.modules())


@given(st.floats(0.5, 0.999), st.integers(1, 60))
def test_the_average_is_of_all_steps_and_forgets_the_start(decay: float, steps: int) -> None:
    network = nn.Linear(2, 1, bias=False)
    average = Average(network, decay)
    expected = torch.zeros(1, 2)
    for step in range(1, steps + 1):
        current = torch.tensor([[float(step), -float(step)]])
        average.learning.weight.data = current
        average.update(step)
        kept = 0.0 if step == 1 else min(decay, 1 - step**-0.75)
        expected = kept * expected + (1 - kept) * current
    torch.testing.assert_close(network.weight.data, expected)


def test_a_backbone_that_is_frozen_first_learns_afterwards(tiny: Make, photos: NDArray[np.uint8]) -> None:
    start = tiny().initialize().network_.backbone.state_dict()
    frozen = tiny(epochs=2, frozen_epochs=2).fit(photos, num_workers=0).network_.backbone.state_dict()
    for name, value in start.items():
        assert torch.equal(frozen[name], value), name
    thawed = tiny(epochs=3, frozen_epochs=2).fit(photos, num_workers=0).network_.backbone.state_dict()
    assert any(not torch.equal(thawed[name], value) for name, value in start.items())


def test_the_backbone_has_a_rate_of_its_own(tiny: Make, photos: NDArray[np.uint8]) -> None:
    start = tiny().initialize().network_
    for rate, moves in ((0.0, False), (0.1, True)):
        network = tiny(backbone_rate=rate).fit(photos, num_workers=0).network_
        moved = [
            not torch.equal(a, b)
            for a, b in zip(start.backbone.parameters(), network.backbone.parameters(), strict=True)
        ]
        assert any(moved) == moves
        assert not torch.equal(next(start.encoder.parameters()), next(network.encoder.parameters()))


def test_gradients_are_no_longer_than_clip_norm(tiny: Make, photos: NDArray[np.uint8]) -> None:
    changes: dict[str, object] = {"optimizer": "sgd", "schedule": "constant", "weight_decay": 0.0, "epochs": 1,
                                  "batch_size": 12, "learning_rate": 0.5}  # fmt: skip
    start = tiny().initialize().network_

    def moved(clip_norm: float | None) -> float:
        network = tiny(**changes, clip_norm=clip_norm).fit(photos, num_workers=0).network_
        steps = [b - a for a, b in zip(start.parameters(), network.parameters(), strict=True)]
        length: float = torch.linalg.vector_norm(torch.cat([step.flatten() for step in steps])).item()
        return length

    longest = moved(None)
    assert moved(longest / 0.5 / 10) == pytest.approx(longest / 10, rel=1e-3)
    assert moved(longest / 0.5 * 10) == pytest.approx(longest, rel=1e-6)


def test_photos_grow_over_the_first_half_of_the_epochs(tiny: Make, photos: NDArray[np.uint8]) -> None:
    seen: list[int] = []

    def look(module: nn.Module, inputs: Any) -> None:
        if isinstance(module, cf.FusionNetwork) and module.training:
            seen.append(inputs[0].shape[-1])

    hook = nn.modules.module.register_module_forward_pre_hook(look)
    try:
        tiny(epochs=6, image_size=112, start_size=32, batch_size=12).fit(photos, num_workers=0)
    finally:
        hook.remove()
    assert seen == [32, 64, 96, 112, 112, 112]


@given(st.integers(32, 300), st.integers(32, 300), st.integers(1, 20))
def test_squares_grow_from_the_first_size_to_the_last(one: int, other: int, epochs: int) -> None:
    start, last = sorted((one, other))
    given = {"start_size": start, "image_size": last, "epochs": epochs}
    defaults = cf.FusionColorizer().get_params() | given
    settings = Settings(**{field.name: defaults[field.name] for field in dataclasses.fields(Settings)})
    sides = [settings.side(epoch) for epoch in range(1, epochs + 1)]
    assert sides == sorted(sides)
    assert all(32 <= side <= last for side in sides)
    assert abs(sides[0] - start) <= 16 or epochs == 1
    assert sides[-1] == last or epochs == 1
