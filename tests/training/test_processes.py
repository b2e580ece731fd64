import json
import sys
from pathlib import Path
from typing import Any

import launched
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from skimage import data
from trainings import run_script

import colorfuse as cf

SCRIPT = launched.__file__
WITHOUT_LEARNING_NORMS: dict[str, Any] = {
    "backbone": {"name": "test_efficientnet", "frozen": True},
    "encoder": "conv",
    "decoder": {"name": "paper", "dropout": 0},
    "batch_size": 4,
}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen photos of 32 x 32 to train on, and seven to validate on, as Lab."""
    rgb = torch.from_numpy(data.astronaut()).movedim(-1, 0)
    squares = rgb.unfold(1, 32, 64).unfold(2, 32, 64).flatten(1, 2).movedim(1, 0)[:23]
    lab = cf.rgb_to_lab(squares).numpy()
    path = tmp_path_factory.mktemp("arrays") / "photos.npz"
    np.savez(path, train=lab[:16], validation=lab[16:])
    return path


def train(
    arrays: Path, output: Path, processes: int = 1, environment: dict[str, str] | None = None, **settings: Any
) -> list[dict[str, float]]:
    run_script(SCRIPT, arrays, output, json.dumps(settings), processes=processes, **environment or {})
    histories = [cf.FusionColorizer.load(folder).history_ for folder in sorted(output.iterdir())]
    assert len(histories) == processes
    assert all(history == histories[0] for history in histories)
    return histories[0]


def assert_close(one: Path, other: Path, atol: float) -> None:
    weights, others = load_file(one / "0" / "model.safetensors"), load_file(other / "0" / "model.safetensors")
    for name, tensor in weights.items():
        torch.testing.assert_close(others[name], tensor, atol=atol, rtol=1e-3)


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(arrays: Path, tmp_path: Path) -> None:
    """Twenty of them, each process with half of each batch, and judge all photos once, also an odd number."""
    settings: dict[str, Any] = WITHOUT_LEARNING_NORMS | {"epochs": 5, "optimizer": "sgd", "learning_rate": 0.1}
    one = train(arrays, tmp_path / "one", **settings)
    two = train(arrays, tmp_path / "two", processes=2, **settings)
    start = cf.FusionColorizer(**settings | {"pretrained": False}).initialize().network_.state_dict()
    assert any(
        not torch.equal(load_file(tmp_path / "one" / "0" / "model.safetensors")[name], start[name]) for name in start
    )
    assert_close(tmp_path / "one", tmp_path / "two", atol=1e-5)
    for row, other in zip(one, two, strict=True):
        assert other == {name: pytest.approx(value, rel=1e-4) for name, value in row.items()}


@pytest.mark.slow
def test_processes_share_a_run_that_any_number_of_them_resumes(arrays: Path, tmp_path: Path) -> None:
    """With batch norms, averaged weights and a backbone that learns later."""
    settings: dict[str, Any] = {
        "backbone": "test_efficientnet",
        "batch_size": 4,
        "ema_decay": 0.9,
        "frozen_epochs": 1,
    }
    run = str(tmp_path / "run")
    history = train(arrays, tmp_path / "two", processes=2, epochs=2, run=run, **settings)
    resumed = train(arrays, tmp_path / "one", epochs=3, resume=run, **settings)
    again = train(arrays, tmp_path / "again", processes=2, epochs=4, resume=run, **settings)
    assert again[:3] == resumed
    assert resumed[:2] == history
    assert cf.FusionColorizer.load(run).history_ == again


@pytest.mark.slow
def test_weights_without_a_part_in_the_loss_do_not_stop_several_processes(arrays: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "backbone": {"name": "torchvision/resnet18", "reductions": [4, 8]},
        "batch_size": 4,
        "epochs": 2,
    }
    assert len(train(arrays, tmp_path, processes=2, **settings)) == 2


@pytest.mark.slow
def test_accelerate_launches_the_same_script(arrays: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = WITHOUT_LEARNING_NORMS | {"epochs": 2}
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2",
                "--num_machines", "1", "--mixed_precision", "bf16", "--dynamo_backend", "no"]  # fmt: skip
    run_script(*launcher[1:], SCRIPT, arrays, tmp_path, json.dumps(settings))
    assert len(cf.FusionColorizer.load(tmp_path / "1").history_) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"ACCELERATE_MIXED_PRECISION": "bf16"},
        {"ACCELERATE_DYNAMO_BACKEND": "INDUCTOR"},
        {"ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "2"},
    ],
)
def test_the_environment_chooses_how_it_is_computed(
    arrays: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    settings: dict[str, Any] = WITHOUT_LEARNING_NORMS | {"epochs": 3, "optimizer": "sgd"}
    plain = train(arrays, tmp_path / "plain", **settings)
    chosen = train(arrays, tmp_path / "chosen", environment=environment, **settings)
    assert chosen != plain
    assert [row["train_loss"] for row in chosen] == pytest.approx([row["train_loss"] for row in plain], rel=0.02)
    ends_as_usual = cf.FusionColorizer.load(tmp_path / "chosen" / "0").predict(np.zeros((40, 40), np.uint8))
    assert ends_as_usual.shape == (40, 40, 3)


@pytest.mark.slow
def test_what_processes_cannot_share_is_said(arrays: Path, tmp_path: Path) -> None:
    with pytest.raises(
        AssertionError, match="batch_size=1, of 16 samples, cannot be shared by 2 processes; make it larger"
    ):
        train(arrays, tmp_path, processes=2, **WITHOUT_LEARNING_NORMS | {"batch_size": 1})


@pytest.mark.slow
def test_processes_agree_on_weights_and_on_when_to_stop(arrays: Path, tmp_path: Path) -> None:
    """With batch norms that learn, in each process from its own photos, and a callback that stops one of them."""
    settings: dict[str, Any] = {"backbone": "test_efficientnet", "batch_size": 4, "epochs": 5, "stop_first_after": 2}
    assert len(train(arrays, tmp_path, processes=2, **settings)) == 2
    first, second = (load_file(tmp_path / place / "model.safetensors") for place in "01")
    for name, tensor in first.items():
        assert torch.equal(second[name], tensor), name
