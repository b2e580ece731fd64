import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faults import remount, small_disk
from numpy.typing import NDArray
from torch.utils.data import TensorDataset
from trainings import run_script

import colorfuse as cf
from colorfuse.files import Claim, write_errors
from colorfuse.sample import Batch
from colorfuse.training.learner import Learner
from colorfuse.training.out_of_memory import what_fits

Make = Callable[..., cf.FusionColorizer]


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


def test_a_run_that_cannot_be_written_is_refused_before_training(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    colorizer = tiny()
    with pytest.raises(OSError, match="file/checkpoints cannot be written to: Not a directory; choose another"):
        colorizer.fit(photos, run=tmp_path / "file", num_workers=0)
    assert not hasattr(colorizer, "history_")


@pytest.mark.slow
def test_a_full_disk_is_said_and_nothing_is_lost(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    whole = tiny(epochs=3).fit(photos, run=tmp_path / "whole", num_workers=0)
    size = sum(path.stat().st_size for path in (tmp_path / "whole").rglob("*") if path.is_file()) // 1024
    with small_disk(tmp_path / "disk", kilobytes=int(0.8 * size)) as disk:
        colorizer = tiny(epochs=3)
        with pytest.raises(OSError, match="cannot be written to: No space left on device; make room, and resume"):
            colorizer.fit(photos, run=disk / "run", num_workers=0)
        assert colorizer.predict(photos[0]).shape == photos[0].shape
        kept = cf.FusionColorizer.load(disk / "run").history_
        assert kept == whole.history_[: len(kept)]
        assert 1 <= len(kept) < 3
        remount(disk, f"size={4 * size}k")
        assert tiny(epochs=3).fit(photos, resume=disk / "run", num_workers=0).history_ == whole.history_
        assert not list((disk / "run").rglob(".*"))
        for name in ("model.safetensors", "history.csv"):
            assert (disk / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_folder_that_cannot_be_written_to_is_said_before_training(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", kilobytes=20_000) as disk:
        tiny().fit(photos, run=disk / "run", num_workers=0)
        remount(disk, "ro")
        for run, resume in ((disk / "new", None), (None, disk / "run")):
            colorizer = tiny(epochs=3)
            with pytest.raises(OSError, match="cannot be written to: Read-only file system; choose another folder"):
                colorizer.fit(photos, run=run, resume=resume, num_workers=0)
            assert not hasattr(colorizer, "history_")


@pytest.mark.parametrize("planes", ["lightness", "ab"])
def test_a_loss_that_is_not_finite_names_the_batch_and_keeps_the_weights(
    tiny: Make, tmp_path: Path, planes: str
) -> None:
    generator = torch.Generator().manual_seed(0)
    lightness, ab = (torch.rand(12, count, 32, 32, generator=generator) * 50 for count in (1, 2))
    good = TensorDataset(lightness.clone(), ab.clone())
    (lightness if planes == "lightness" else ab)[7, 0, 3, 3] = math.nan
    bad = TensorDataset(lightness, ab)
    colorizer = tiny(augmentation="none", ema_decay=0.9)
    with pytest.raises(
        cf.TrainingError, match=r"batch \d of 3 in epoch 1 \(samples .*7.*\) has the loss nan"
    ) as caught:
        colorizer.fit(bad, run=tmp_path, checkpoint_minutes=1000, num_workers=0)
    assert "lower learning_rate=0.001" in str(caught.value)
    assert all(values.isfinite().all() for values in colorizer.network_.state_dict().values())
    assert colorizer.predict_ab(lightness[:1]).isfinite().all()
    # What was learnt before that batch is kept, and goes on with photos that are mended.
    mended = tiny(augmentation="none", ema_decay=0.9).fit(good, resume=tmp_path, num_workers=0)
    assert mended.history_ == tiny(augmentation="none", ema_decay=0.9).fit(good, num_workers=0).history_


def test_a_gradient_that_is_not_finite_is_noticed_before_the_weights_are(tiny: Make) -> None:
    class Rooted(cf.Objective):
        """A finite loss whose gradient is not."""

        planes, activation = 2, torch.nn.Tanh()

        def forward(self, planes: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
            return (planes * 0).sqrt().mean()

        def read(self, planes: torch.Tensor) -> torch.Tensor:
            return planes

    cf.register_objective("rooted")(Rooted)
    colorizer = tiny(objective="rooted")
    data = TensorDataset(torch.rand(4, 1, 32, 32) * 100, torch.zeros(4, 2, 32, 32))
    with pytest.raises(cf.TrainingError, match="has the loss 0.0 and gradients of norm nan"):
        colorizer.fit(data, num_workers=0)
    assert all(values.isfinite().all() for values in colorizer.network_.state_dict().values())


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C is heard, as it is not below a shell that started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_interrupted_it_can_predict_and_be_saved(tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    def interrupt(colorizer: cf.FusionColorizer) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    colorizer = tiny(decoder="paper", encoder="conv", ema_decay=0.9)
    with pytest.raises(KeyboardInterrupt):
        colorizer.fit(photos, callbacks=[interrupt], num_workers=0)
    colored = colorizer.predict(photos[0])
    np.testing.assert_array_equal(colorizer.predict(photos[0]), colored)
    colorizer.save(tmp_path)
    assert len(cf.FusionColorizer.load(tmp_path).history_) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("heard")
def test_ctrl_c_in_the_shell_is_one_line_and_the_run_goes_on(photo_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    (tmp_path / "tiny.json").write_text(
        '{"settings": {"backbone": "test_efficientnet", "image_size": 32, "epochs": 300}}'
    )
    shell = [sys.executable, "-c", "from colorfuse.cli import main; main()"]
    train: list[str | Path] = [*shell, "train", photo_folder, "-o", run, "--no-pretrained"]
    command = [*train, "--recipe", tmp_path / "tiny.json"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    while not (run / "history.csv").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert said.splitlines()[-1] == f"colorfuse: stopped; --resume goes on from the last checkpoint in {run}"
    assert "Traceback" not in said
    done = len(cf.FusionColorizer.load(run).history_)
    resumed = [*train, "--resume", "--epochs", str(done + 1)]
    subprocess.run(resumed, env=environment, check=True, capture_output=True)
    assert len(cf.FusionColorizer.load(run).history_) == done + 1


WITH_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
import torch
from torch.utils.data import TensorDataset
import colorfuse as cf

def fit(batch_size, image_size):
    count = min(64, 3 * batch_size)
    data = TensorDataset(*(torch.rand(count, planes, image_size, image_size) * 100 for planes in (1, 2)))
    settings = dict(encoder="conv", decoder="paper", pretrained=False, augmentation="none", epochs=1)
    sizes = dict(batch_size=batch_size, image_size=image_size)
    cf.FusionColorizer(backbone="test_efficientnet", **sizes, **settings).fit(data, num_workers=0)

fit(8, 64)  # so that all is imported and started
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 700_000_000, resource.RLIM_INFINITY))
try:
    fit(int(sys.argv[1]), int(sys.argv[2]))
except cf.TrainingError as error:
    print("SAID", error)
else:
    print("FITS")
"""


SMALL_BLOCKS_AT_HAND = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**20),
    "MALLOC_TOP_PAD_": str(2**28),
    "PYTHONMALLOC": "malloc",
}
"""By these settings of glibc, tensors alone meet the limit; native code crashes if a small block is denied it."""


def fit_with_little_memory(batch_size: int, image_size: int, **environment: str) -> str:
    settings: Any = SMALL_BLOCKS_AT_HAND | environment
    return run_script("-c", WITH_LITTLE_MEMORY, batch_size, image_size, **settings)


@pytest.mark.slow
def test_out_of_memory_says_what_fits_and_it_does() -> None:
    printed = fit_with_little_memory(64, 192)
    said = next(line for line in printed.splitlines() if line.startswith("SAID"))
    assert said.startswith("SAID batch 1 of 1 in epoch 1: out of memory with 64 photos of 192 x 192 pixels at once")
    found = re.search(
        r"; (\d+) photos of that size fit: batch_size=(\d+), or ACCELERATE_GRADIENT_ACCUMULATION_STEPS=(\d+) in the "
        r"environment for the same steps in parts; 64 photos fit at image_size=(\d+)$", said
    )  # fmt: skip
    assert found, said
    fewer, batch_size, parts, image_size = map(int, found.groups())
    assert fewer == batch_size
    assert fewer * parts == 64
    assert "FITS" in fit_with_little_memory(64, image_size)
    assert "FITS" in fit_with_little_memory(64, 192, ACCELERATE_GRADIENT_ACCUMULATION_STEPS=str(parts))


def test_what_fits_is_tried_with_the_hints_that_were_drawn() -> None:
    colorizer = cf.FusionColorizer(backbone="test_efficientnet", pretrained=False).initialize()
    learner = Learner(colorizer.network_, colorizer.objective_)
    batch = Batch(torch.rand(4, 1, 64, 64) * 100, torch.randn(4, 2, 64, 64), hints=torch.ones(4, 3, 64, 64))
    said = what_fits(learner, batch, batch_size=4, parts=1)
    assert "; 2 photos of that size fit: batch_size=2" in said
    assert said.endswith("; 4 photos fit at image_size=32")


def test_too_little_for_batch_norms_is_said(tiny: Make, photos: NDArray[np.uint8]) -> None:
    with pytest.raises(cf.TrainingError, match="1 of 32 x 32 pixels at a time is too little"):
        tiny(batch_size=1).fit(photos, num_workers=0)


def test_what_is_no_fault_of_the_disk_is_not_called_one(tmp_path: Path) -> None:
    for error in (OSError("encoder error -2"), FileExistsError(17, "File exists")):
        with pytest.raises(OSError) as caught, write_errors(tmp_path, "make room"):  # noqa: PT011
            raise error
        assert caught.value is error


def test_samples_are_numbered_as_the_user_does_also_if_some_are_held_out(tiny: Make) -> None:
    generator = torch.Generator().manual_seed(0)
    lightness, ab = (torch.rand(16, count, 32, 32, generator=generator) * 50 for count in (1, 2))
    train, _ = cf.split(TensorDataset(lightness, ab), (0.75, 0.25))
    place = train.indices[5]
    lightness[place, 0, 3, 3] = math.nan
    with pytest.raises(cf.TrainingError, match=rf"\(samples (.*, )?{place}[,)]") as caught:
        tiny(augmentation="none", batch_size=4).fit(train, num_workers=0)
    named = re.search(r"samples ([^)]*)", str(caught.value))
    assert named
    assert {int(number) for number in named[1].split(", ")} <= set(train.indices)


def test_what_another_process_trains_is_left_alone_from_the_start(tiny: Make, tmp_path: Path) -> None:
    run = tmp_path / "run"
    claim = Claim(run)
    for begun, resumed in ((run, None), (None, run)):
        with pytest.raises(ValueError, match=r"run is being trained by .*; wait for it, or choose another folder"):
            tiny().fit(tmp_path / "photos that are not read", run=begun, resume=resumed, num_workers=0)
    claim.release()


def test_memory_that_runs_out_after_an_epoch_loses_nothing(
    tiny: Make, photos: NDArray[np.uint8], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tiny(epochs=2).fit(photos, 0.25, num_workers=0).history_
    with monkeypatch.context() as patch:
        patch.setattr("colorfuse.training.training.validate", out_of_memory)
        with pytest.raises(cf.TrainingError, match="after epoch 1: out of memory; lower batch_size or image_size"):
            tiny(epochs=2).fit(photos, 0.25, run=tmp_path / "run", num_workers=0)
    assert tiny(epochs=2).fit(photos, 0.25, resume=tmp_path / "run", num_workers=0).history_ == whole


def out_of_memory(*_: object) -> None:
    """Fail as an allocation does."""
    raise MemoryError
