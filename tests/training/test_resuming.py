import contextlib
import csv
import itertools
import json
import multiprocessing
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import safetensors.torch
import torch
import trainings
from numpy.typing import NDArray
from torch.utils.data import IterableDataset

import colorfuse as cf
from colorfuse.training import best_epoch
from colorfuse.training.saving import CheckpointSaver

Make = Callable[..., cf.FusionColorizer]


def last_checkpoint(run: Path) -> Path:
    return max(path for path in (run / "checkpoints").iterdir() if path.name.isdecimal())


def contents(run: Path) -> dict[str, bytes]:
    """What a run ends with, byte for byte."""
    files = [path for path in run.rglob("*") if path.is_file() and path.parent.parent != run / "checkpoints"]
    named = {str(path.relative_to(run)): path.read_bytes() for path in files}
    return named | {path.name: path.read_bytes() for path in last_checkpoint(run).iterdir()}


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that start at once, since what they need is imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["trainings", "torchvision.transforms.v2", "accelerate", "timm.utils"])
    return context


@pytest.mark.slow
def test_killed_at_any_moment_a_run_goes_on_to_the_same_end(
    processes: ForkServerContext, photo_folder: Path, tmp_path: Path
) -> None:
    def start(run: Path) -> multiprocessing.process.BaseProcess:
        process = processes.Process(target=trainings.train, args=(photo_folder, run))
        process.start()
        return process

    def end(run: Path) -> None:
        process = start(run)
        process.join()
        assert process.exitcode == 0

    def names(run: Path) -> list[str]:
        return sorted(path.name for path in (run / "checkpoints").glob("*"))

    def last(run: Path) -> str:
        return max(filter(str.isdecimal, names(run)), default="")

    end(tmp_path / "whole")
    whole = contents(tmp_path / "whole")
    draw = random.Random(0)
    cut_writing = 0
    for moment in range(20):
        run = tmp_path / f"killed{moment}"
        process = start(run)
        reached, is_writing = f"{draw.randrange(9):06}", moment % 4 == 0
        watched = psutil.Process(process.pid)
        while True:
            if last(run) >= reached and (not is_writing or "partial" in names(run)):
                watched.suspend()  # or it might have written before it is killed
                if not is_writing or "partial" in names(run):
                    break
                watched.resume()
            assert process.is_alive()
            time.sleep(0.0005)
        if not is_writing:
            watched.resume()
            time.sleep(draw.uniform(0, 0.1))
        process.kill()
        process.join()
        assert process.exitcode == -9
        cut_writing += "partial" in names(run)
        end(run)
        assert contents(run) == whole, moment
    assert cut_writing >= 5


@pytest.mark.parametrize(("minutes", "names"), [(0, ["000003", "000004"]), (1000, ["000001"])])
def test_checkpoints_are_as_far_apart_as_asked(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path, minutes: float, names: list[str]
) -> None:
    tiny(epochs=1).fit(photos, run=tmp_path, checkpoint_minutes=minutes, num_workers=0)
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == names


class Cut(BaseException):
    """What stops a training without leaving it time for anything."""


@contextlib.contextmanager
def cut_after(steps: int) -> Iterator[None]:
    """A block in which trainings are cut after so many steps, each of which writes a checkpoint."""
    save, done = CheckpointSaver.save, itertools.count(1)

    def save_and_cut(saver: CheckpointSaver) -> None:
        save(saver)
        if next(done) == steps:
            raise Cut

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CheckpointSaver, "save_when_due", save_and_cut)
        yield


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, 2, 5, 8])
def test_a_training_cut_within_an_epoch_goes_on_from_there(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path, steps: int
) -> None:
    changes: dict[str, object] = {"epochs": 4, "ema_decay": 0.9, "frozen_epochs": 2, "decoder": "paper"}
    whole = tiny(**changes).fit(photos, 0.25, run=tmp_path / "whole", num_workers=0)
    run = tmp_path / "cut"
    with cut_after(steps), pytest.raises(Cut):
        tiny(**changes).fit(photos, 0.25, run=run, num_workers=0)
    progress = json.loads((last_checkpoint(run) / "state.json").read_text())["progress"]
    assert len(progress["history"]) == (steps - 1) // 2
    assert progress["batches"] == steps - 2 * len(progress["history"])
    assert tiny(**changes).fit(photos, 0.25, resume=run, num_workers=1).history_ == whole.history_
    assert contents(run) == contents(tmp_path / "whole")


def test_a_stream_goes_on_within_an_epoch(tiny: Make, tmp_path: Path) -> None:
    class Stream(IterableDataset[Any]):
        def __len__(self) -> int:
            return 12

        def __iter__(self) -> Any:
            generator = torch.Generator().manual_seed(0)
            for _ in range(12):
                yield tuple(torch.rand(planes, 32, 32, generator=generator) * 50 for planes in (1, 2))

    whole = tiny().fit(Stream(), num_workers=0)
    with cut_after(2), pytest.raises(Cut):
        tiny().fit(Stream(), run=tmp_path, num_workers=0)
    assert tiny().fit(Stream(), resume=tmp_path, num_workers=0).history_ == whole.history_


def test_history_is_a_table_beside_the_weights(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    history = tiny().fit(photos, 0.25, run=tmp_path, num_workers=0).history_
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{name: float(cell) for name, cell in row.items()} for row in rows] == history
    assert cf.FusionColorizer.load(tmp_path).history_ == history


def test_resume_without_a_checkpoint_begins(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    assert len(tiny().fit(photos, resume=tmp_path / "new", num_workers=0).history_) == 2


def test_run_and_resume_exclude_each_other(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give run='a' to begin a run or resume='b' to go on with one, not both"):
        tiny().fit(photos, run="a", resume="b")


def test_a_finished_run_resumes_to_itself(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    before = tiny().fit(photos, run=tmp_path, num_workers=0)
    again = tiny().fit(photos, resume=tmp_path, num_workers=0)
    assert again.history_ == before.history_
    np.testing.assert_array_equal(again.predict(photos[0]), before.predict(photos[0]))


def test_cut_before_the_colorizer_was_saved_it_is_saved_on_resuming(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    whole = tiny().fit(photos, 0.25, run=tmp_path, num_workers=0)
    before = contents(tmp_path)
    for lost in ("model.safetensors", "history.csv", "best", "sheets/0002.jpg"):
        path = tmp_path / lost
        if path.is_file():
            path.unlink()
        elif best_epoch(whole.history_) == 2:
            shutil.rmtree(path)
    tiny().fit(photos, 0.25, resume=tmp_path, num_workers=0)
    assert contents(tmp_path) == before


def test_checkpoints_are_safetensors_and_json_with_checksums(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    places = sorted((tmp_path / "checkpoints").iterdir())
    assert [place.name for place in places] == ["000001", "000002"]
    for place in places:
        subprocess.run(
            ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=place, check=True, stdout=subprocess.DEVNULL
        )
        assert {path.name for path in place.iterdir()} == {
            "learner.safetensors", "optimizer.safetensors", "state.json", "SHA256SUMS"
        }  # fmt: skip
        json.loads((place / "state.json").read_text())
        safetensors.torch.load_file(place / "learner.safetensors")


@pytest.mark.parametrize("file", ["learner.safetensors", "optimizer.safetensors", "state.json", "SHA256SUMS"])
def test_a_flipped_byte_is_noticed_and_the_checkpoint_before_is_used(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path, file: str
) -> None:
    run = tmp_path / "run"
    before = tiny(epochs=3).fit(photos, run=run, num_workers=0).history_
    _flip_a_byte(last_checkpoint(run) / file)
    with pytest.warns(UserWarning, match="checkpoints/000003 is damaged, .*; the one before it is used"):
        resumed = tiny(epochs=4).fit(photos, resume=run, num_workers=0)
    assert resumed.history_[:2] == before[:2]
    assert len(resumed.history_) == 4
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["000004", "000005"]


def test_when_all_checkpoints_are_damaged_it_is_said(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    for place in (tmp_path / "checkpoints").iterdir():
        _flip_a_byte(place / "learner.safetensors")
    with (
        pytest.warns(UserWarning, match="000002 is damaged"),
        pytest.raises(
            cf.WeightsError, match=r"000001 is damaged, learner\.safetensors not being what its checksum says"
        ),
    ):
        tiny().fit(photos, resume=tmp_path, num_workers=0)


def _flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_run_resumed_for_longer_goes_on_along_the_longer_schedule(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    tiny(epochs=2).fit(photos, run=tmp_path, num_workers=0)
    resumed = tiny(epochs=5).fit(photos, resume=tmp_path, num_workers=0).history_
    fresh = tiny(epochs=5).fit(photos, num_workers=0).history_
    assert [row["learning_rate"] for row in resumed[2:]] == [row["learning_rate"] for row in fresh[2:]]


def test_a_run_is_not_overwritten(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    with pytest.raises(ValueError, match=f"{tmp_path} holds a run already; resume it, or choose another folder"):
        tiny().fit(photos, run=tmp_path, num_workers=0)
    (tmp_path / "config.json").unlink()
    with pytest.raises(ValueError, match="holds a run already"):
        tiny().fit(photos, run=tmp_path, num_workers=0)


def test_a_saved_colorizer_is_not_overwritten(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny().initialize().save(tmp_path)
    with pytest.raises(ValueError, match="holds a colorizer and no checkpoint to go on from"):
        tiny().fit(photos, resume=tmp_path, num_workers=0)


@pytest.mark.parametrize("change", [{"image_size": 48}, {"ema_decay": 0.5}, {"decoder": "paper"}])
def test_a_run_is_resumed_with_its_own_settings(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path, change: dict[str, object]
) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    with pytest.raises(ValueError, match=f"has {next(iter(change))}=.*; resume it with its own settings"):
        tiny(**change).fit(photos, resume=tmp_path, num_workers=0)


@pytest.mark.parametrize(
    "change", [{"learning_rate": 1e-5}, {"clip_norm": 0.1}, {"patience": 3}, {"epochs": 5}, {"pretrained": True}]
)
def test_what_mends_a_run_may_change(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path, change: dict[str, Any]
) -> None:
    tiny(epochs=2).fit(photos, run=tmp_path, num_workers=0)
    history = tiny(**{"epochs": 3} | change).fit(photos, resume=tmp_path, num_workers=0).history_
    assert len(history) == change.get("epochs", 3)
    assert history[-1]["learning_rate"] <= change.get("learning_rate", 1)


@pytest.mark.filterwarnings("ignore:after 5 epochs", "ignore:since epoch")
def test_patience_may_be_set_for_a_run_that_overfits(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    options: dict[str, Any] = {"learning_rate": 0.02, "schedule": "constant", "warmup_steps": 0, "clip_norm": None}
    tiny(**options, epochs=4).fit(photos[:4], 255 - photos[8:], run=tmp_path, num_workers=0)
    patient = tiny(**options, epochs=40, patience=2)
    patient.fit(photos[:4], 255 - photos[8:], resume=tmp_path, num_workers=0)
    assert len(patient.history_) < 40


def test_a_run_is_resumed_with_its_own_photos(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny().fit(photos, run=tmp_path, num_workers=0)
    with pytest.raises(ValueError, match="were made with 12 photos to train on, not with 11"):
        tiny().fit(photos[:11], resume=tmp_path, num_workers=0)


def test_fewer_epochs_than_are_done_are_refused(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny(epochs=2).fit(photos, run=tmp_path, num_workers=0)
    with pytest.raises(ValueError, match="are of 2 epochs, more than epochs=1"):
        tiny(epochs=1).fit(photos, resume=tmp_path, num_workers=0)


@pytest.mark.filterwarnings("ignore:after 5 epochs", "ignore:since epoch")
def test_photos_to_validate_on_may_come_later(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    tiny(epochs=2).fit(photos[:8], run=tmp_path, num_workers=0)
    history = tiny(epochs=7).fit(photos[:8], photos[8:], resume=tmp_path, num_workers=0).history_
    assert ["validation_loss" in row for row in history] == [False] * 2 + [True] * 5
    assert cf.FusionColorizer.load(tmp_path).history_ == history
    again = tiny(epochs=8).fit(photos[:8], resume=tmp_path, num_workers=0).history_
    assert again[:7] == history


def test_a_failure_at_the_first_batch_leaves_the_folder_free(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    with pytest.raises(cf.TrainingError, match="too little for batch norms"):
        tiny(batch_size=1).fit(photos, run=tmp_path, num_workers=0)
    assert len(tiny(batch_size=2).fit(photos, run=tmp_path, num_workers=0).history_) == 2
