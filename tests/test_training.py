import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch.utils.data import TensorDataset

import colorfuse as cf
from colorfuse.training.checkpoint import Checkpoint

Make = Callable[..., cf.FusionColorizer]


def figures(history: list[dict[str, float]]) -> list[dict[str, float]]:
    """The history without how long each epoch took."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history]


def same_weights(one: Path, other: Path) -> bool:
    return (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


def test_a_few_photos_are_learnt_by_heart(tiny: Make, photos: NDArray[np.uint8]) -> None:
    colorizer = tiny(epochs=40, augmentation="none", learning_rate=3e-3).fit(photos, validation=photos, num_workers=0)
    last = colorizer.history_[-1]
    assert last["validation_error"] < 0.5 * last["validation_constant_error"] < last["validation_gray_error"]


def test_history_has_the_papers_losses_beside_the_baselines(tiny: Make, photos: NDArray[np.uint8]) -> None:
    history = tiny(augmentation="none", batch_size=12).fit(photos, validation=photos, num_workers=0).history_
    assert [row["epoch"] for row in history] == [1, 2]
    ab = torch.stack([cf.PhotoArray(photos, image_size=32)[i][1] for i in range(12)]) / 127.5
    mean = ab.mean(dim=(0, 2, 3), keepdim=True)
    assert history[0]["validation_gray_error"] == pytest.approx(ab.square().mean().item(), rel=1e-4)
    assert history[0]["validation_constant_error"] == pytest.approx((ab - mean).square().mean().item(), rel=1e-4)
    assert history[0]["validation_error"] == pytest.approx(history[0]["validation_loss"])


def test_without_validation_there_is_only_the_training_loss(tiny: Make, photos: NDArray[np.uint8]) -> None:
    assert set(tiny().fit(photos, num_workers=0).history_[0]) == {"epoch", "train_loss", "learning_rate", "seconds"}


def test_a_dataset_of_lightness_and_ab(tiny: Make) -> None:
    data = TensorDataset(torch.rand(6, 1, 32, 32) * 100, torch.randn(6, 2, 32, 32) * 20)
    assert len(tiny().fit(data, num_workers=0).history_) == 2


@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
def test_a_resumed_training_ends_as_one_that_never_stopped(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path, schedule: str
) -> None:
    class Stopped(Exception):
        pass

    settings = {"epochs": 4, "schedule": schedule, "decoder": "paper", "encoder": "conv", "batch_size": 4}
    whole = tiny(**settings).fit(photos, validation=0.25, run=tmp_path / "whole")

    stopped = tiny(**settings)
    save = stopped.save

    def stop_after_two(folder: str | Path) -> None:
        save(folder)
        if len(stopped.history_) == 2:
            raise Stopped

    stopped.save = stop_after_two  # type: ignore[method-assign, assignment]
    with pytest.raises(Stopped):
        stopped.fit(photos, validation=0.25, run=tmp_path / "run")
    resumed = tiny(**settings).fit(photos, validation=0.25, run=tmp_path / "run", resume=True)

    assert same_weights(tmp_path / "whole", tmp_path / "run")
    assert figures(resumed.history_) == figures(whole.history_)


def test_resume_without_a_checkpoint_starts_anew(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    assert len(tiny().fit(photos, run=tmp_path, resume=True, num_workers=0).history_) == 2


def test_a_finished_run_resumes_to_itself(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    before = tiny().fit(photos, run=tmp_path, num_workers=0)
    again = tiny().fit(photos, run=tmp_path, resume=True, num_workers=0)
    assert again.history_ == before.history_
    np.testing.assert_array_equal(again.predict(photos[0]), before.predict(photos[0]))


@pytest.mark.slow
def test_killed_at_any_moment_the_run_goes_on(photo_folder: Path, tmp_path: Path) -> None:
    command = (
        "import colorfuse as cf, sys;"
        "cf.FusionColorizer(backbone='test_efficientnet', pretrained=False, image_size=32, epochs=30, batch_size=4)"
        ".fit(sys.argv[1], run=sys.argv[2], resume=True)"
    )

    def start(run: Path) -> subprocess.Popen[bytes]:
        # One thread: several that wait for one another take minutes on a machine that does other things as well.
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-c", command, photo_folder, run], env=environment, start_new_session=True
        )

    def epochs(run: Path) -> int:
        try:
            return len(json.loads((run / "checkpoint" / "state.json").read_text())["history"])
        except FileNotFoundError:
            return 0

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole).wait() == 0
    for reached, delay in ((1, 0.0), (6, 0.03), (11, 0.06), (16, 0.1)):
        process = start(killed)
        while epochs(killed) < reached:
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert reached <= epochs(killed) < 30 or (killed / "checkpoint.previous").exists()
    assert start(killed).wait() == 0
    assert same_weights(whole, killed)
    assert figures(json.loads((killed / "history.json").read_text())) == figures(
        json.loads((whole / "history.json").read_text())
    )


@pytest.mark.parametrize("step", range(6))
def test_a_checkpoint_cut_at_any_step_leaves_one_to_go_on_from(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    whole = tiny(epochs=3).fit(photos, run=tmp_path / "whole", num_workers=0)

    class Cut(BaseException):
        pass

    steps = [(shutil, "rmtree"), (Path, "mkdir"), (safetensors.torch, "save"), (Path, "write_bytes"),
             (Path, "write_text"), (Path, "replace")]  # fmt: skip
    owner, name = steps[step]

    def cut(*arguments: object, **options: object) -> None:
        raise Cut

    cut_run = tmp_path / "cut"
    colorizer = tiny(epochs=3)
    with monkeypatch.context() as patch:
        saves = 0
        save = Checkpoint.save

        def second_is_cut(self: Checkpoint, history: list[dict[str, float]]) -> None:
            nonlocal saves
            saves += 1
            if saves == 2:
                patch.setattr(owner, name, cut)
            save(self, history)

        patch.setattr(Checkpoint, "save", second_is_cut)
        with pytest.raises(Cut):
            colorizer.fit(photos, run=cut_run, num_workers=0)
    resumed = tiny(epochs=3).fit(photos, run=cut_run, resume=True, num_workers=0)
    assert figures(resumed.history_) == figures(whole.history_)
    assert same_weights(tmp_path / "whole", cut_run)


def test_what_a_cut_swap_leaves_behind_does_not_stop_the_next(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    shutil.copytree(tmp_path / "checkpoint", tmp_path / "checkpoint.previous")
    assert len(tiny(epochs=3).fit(photos, run=tmp_path, resume=True, num_workers=0).history_) == 3


def test_cut_before_the_colorizer_was_saved_it_is_saved_on_resuming(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    whole = tiny().fit(photos, run=tmp_path, num_workers=0)
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "history.json").unlink()
    tiny().fit(photos, run=tmp_path, resume=True, num_workers=0)
    assert cf.FusionColorizer.load(tmp_path).history_ == whole.history_


def test_a_run_resumed_for_longer_goes_on_along_the_longer_schedule(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    tiny(epochs=2).fit(photos, run=tmp_path, num_workers=0)
    resumed = tiny(epochs=5).fit(photos, run=tmp_path, resume=True, num_workers=0).history_
    fresh = tiny(epochs=5).fit(photos, num_workers=0).history_
    assert [row["learning_rate"] for row in resumed[2:]] == [row["learning_rate"] for row in fresh[2:]]


def test_fewer_epochs_than_are_done_are_refused(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny(epochs=2).fit(photos, run=tmp_path, num_workers=0)
    with pytest.raises(ValueError, match="has done 2 epochs, more than epochs=1"):
        tiny(epochs=1).fit(photos, run=tmp_path, resume=True, num_workers=0)


def test_a_run_that_cannot_be_written_is_refused_before_training(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    colorizer = tiny()
    with pytest.raises(FileExistsError, match="file"):
        colorizer.fit(photos, run=tmp_path / "file", num_workers=0)
    assert not hasattr(colorizer, "history_")


def test_a_run_is_not_overwritten(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    with pytest.raises(ValueError, match=f"{tmp_path} holds a run already; resume it, or choose another folder"):
        tiny().fit(photos, run=tmp_path, num_workers=0)


def test_a_checkpoint_alone_is_a_run_too(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    (tmp_path / "config.json").unlink()
    with pytest.raises(ValueError, match="holds a run already"):
        tiny().fit(photos, run=tmp_path, num_workers=0)
    assert len(tiny(pretrained=True).fit(photos, run=tmp_path, resume=True, num_workers=0).history_) == 2


@pytest.mark.parametrize("change", [{"image_size": 48}, {"learning_rate": 0.5}, {"decoder": "paper"}])
def test_a_run_is_resumed_with_its_own_settings(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path, change: dict[str, object]
) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    with pytest.raises(ValueError, match=f"has {next(iter(change))}=.*; resume it with its own settings"):
        tiny(**change).fit(photos, run=tmp_path, resume=True, num_workers=0)


def test_a_run_is_resumed_with_its_own_photos(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    with pytest.raises(ValueError, match="made with 3 steps an epoch, not with 1"):
        tiny().fit(photos[:4], run=tmp_path, resume=True, num_workers=0)


def test_a_resumed_run_asks_for_no_pretrained_weights(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    tiny(pretrained=True).fit(photos, run=tmp_path, resume=True, num_workers=0)


@pytest.mark.parametrize("epochs", range(1, 13))
def test_any_number_of_steps(tiny: Make, photos: NDArray[np.uint8], epochs: int) -> None:
    history = tiny(epochs=epochs, batch_size=12).fit(photos, num_workers=0).history_
    rates = [row["learning_rate"] for row in history]
    assert 0 <= min(rates) <= rates[0] == pytest.approx(4e-5)
    assert max(rates) <= 1e-3


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_photo_that_cannot_be_read_is_named(
    tiny: Make, photo_folder: Path, tmp_path: Path, num_workers: int
) -> None:
    (tmp_path / "bad.jpg").write_text("no image")
    folder = cf.PhotoFolder([photo_folder, tmp_path], unreadable="raise")
    with pytest.raises(cf.PhotoError, match=f"^{tmp_path / 'bad.jpg'} is no image") as caught:
        tiny().fit(folder, num_workers=num_workers)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_photo_that_vanishes_is_named_and_nothing_is_lost(
    tiny: Make, photo_folder: Path, tmp_path: Path, num_workers: int
) -> None:
    photos = shutil.copytree(photo_folder, tmp_path / "photos")
    run, stopped = tmp_path / "run", tiny(epochs=3)
    save = stopped.save

    def save_and_remove(folder: str | Path) -> None:
        save(folder)
        (photos / "part0" / "00.png").unlink()

    stopped.save = save_and_remove  # type: ignore[method-assign, assignment]
    with pytest.raises(FileNotFoundError, match=r"part0/00\.png") as caught:
        stopped.fit(photos, run=run, num_workers=num_workers)
    assert "\n" not in str(caught.value)
    assert len(cf.FusionColorizer.load(run).history_) == 1
    assert stopped.predict(np.zeros((40, 40), np.uint8)).shape == (40, 40, 3)


def test_the_number_of_workers_changes_nothing(tiny: Make, photo_folder: Path) -> None:
    histories = [
        figures(tiny(augmentation="crop_flip").fit(photo_folder, num_workers=workers).history_)
        for workers in (0, 1, 2)
    ]
    assert histories[0] == histories[1] == histories[2]


def test_the_callers_random_state_stays(tiny: Make, photos: NDArray[np.uint8]) -> None:
    before = torch.get_rng_state()
    tiny().fit(photos, num_workers=0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_named(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path, file: str) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    path = tmp_path / "checkpoint" / file
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(cf.WeightsError, match=f"checkpoint {tmp_path / 'checkpoint'} cannot be used"):
        tiny().fit(photos, run=tmp_path, resume=True, num_workers=0)


def test_the_last_checkpoint_is_found_when_the_swap_was_cut(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    shutil.move(tmp_path / "checkpoint", tmp_path / "checkpoint.previous")
    assert len(tiny(epochs=3).fit(photos, run=tmp_path, resume=True, num_workers=0).history_) == 3
    assert not (tmp_path / "checkpoint.previous").exists()


def test_a_loss_that_is_not_finite_stops_the_training(tiny: Make, tmp_path: Path) -> None:
    data = TensorDataset(torch.rand(4, 1, 32, 32) * 100, torch.full((4, 2, 32, 32), math.nan))
    with pytest.raises(cf.TrainingError, match="loss of epoch 1 is nan; lower learning_rate=0.001"):
        tiny().fit(data, run=tmp_path, num_workers=0)
    assert not (tmp_path / "model.safetensors").exists()


def test_interrupted_it_can_predict(tiny: Make, photos: NDArray[np.uint8]) -> None:
    class Interrupting(TensorDataset):
        def __getitem__(self, index: int) -> Any:
            raise KeyboardInterrupt

    colorizer = tiny(decoder="paper", encoder="conv")
    with pytest.raises(KeyboardInterrupt):
        colorizer.fit(Interrupting(torch.zeros(4, 1, 32, 32), torch.zeros(4, 2, 32, 32)), num_workers=0)
    np.testing.assert_array_equal(colorizer.predict(photos[0]), colorizer.predict(photos[0]))


def test_mixed_precision_ends_with_the_training(photo_folder: Path, tmp_path: Path) -> None:
    command = (
        "import colorfuse as cf, torch, sys;"
        "c = cf.FusionColorizer(backbone='test_efficientnet', pretrained=False, image_size=32, epochs=1)"
        ".fit(sys.argv[1], run=sys.argv[2], num_workers=0);"
        "L = torch.rand(1, 1, 32, 32) * 100;"
        "difference = c.predict_ab(L) - cf.FusionColorizer.load(sys.argv[2]).predict_ab(L);"
        "assert difference.abs().max() < 1e-4, difference.abs().max()"
    )
    environment = {**os.environ, "ACCELERATE_MIXED_PRECISION": "bf16"}
    subprocess.run([sys.executable, "-c", command, photo_folder, tmp_path], check=True, env=environment)


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


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, not 0"),
        ({"batch_size": -1}, "batch_size must be a whole number of at least 1, not -1"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0, not 0.0"),
        ({"optimizer": "adan"}, "no optimizer is called 'adan'; .* adam"),
        ({"schedule": "cosin"}, "no schedule is called 'cosin'"),
        ({"epochs": "3"}, "epochs must be a whole number .* not '3'"),
        ({"weight_decay": -1}, "weight_decay must be a number from 0 on"),
        ({"seed": None}, "seed must be a whole number"),
        ({"backbone": {"name": "test_efficientnet", "weights": Path("a.pth")}}, "backbone must be made of strings"),
        ({"image_size": 16}, "image_size must be a whole number of at least 32, not 16"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    tiny: Make, photos: NDArray[np.uint8], setting: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        tiny(**setting).fit(photos)


def test_checkpoints_are_safetensors_and_json(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    for path in (tmp_path / "checkpoint").iterdir():
        if path.suffix == ".json":
            json.loads(path.read_text())
        else:
            safetensors.torch.load_file(path)
