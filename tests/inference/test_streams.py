"""Photos one after another: their errors in their places, and their names."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data

import colorfuse as cf
from colorfuse.inference.batches import read_batches
from colorfuse.inference.files import Result, Task, colorize_files
from colorfuse.inference.predictor import Outcome

Make = Callable[..., cf.FusionColorizer]


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for name in ("a.png", "c.png"):
        cf.write_photo(tmp_path / name, data.camera()[:40, :60])
    (tmp_path / "b.jpg").write_text("no image")
    return tmp_path


@pytest.fixture
def colorizer(tiny: Make) -> cf.FusionColorizer:
    return tiny().initialize()


def test_after_a_broken_photo_the_next_one_comes(colorizer: cf.FusionColorizer, scans: Path) -> None:
    streams: list[Any] = [colorizer.predict(scans), colorizer.predict(iter(sorted(scans.iterdir())))]
    for photos in streams:
        assert next(photos).shape == (40, 60, 3)
        with pytest.raises(cf.PhotoError, match=r"b\.jpg is no image"):
            next(photos)
        assert next(photos).shape == (40, 60, 3)
        with pytest.raises(StopIteration):
            next(photos)


def test_each_photo_of_a_folder_is_named_and_errors_are_collected(colorizer: cf.FusionColorizer, scans: Path) -> None:
    predictions = colorizer.predict_each(scans)
    for source, pixels in predictions:
        np.testing.assert_array_equal(pixels, colorizer.predict(source))
    assert [path.name for path, _ in colorizer.predict_each(scans)] == ["a.png", "c.png"]
    [(path, error)] = predictions.errors
    assert path == scans / "b.jpg"
    assert isinstance(error, cf.PhotoError)


def test_what_is_no_photo_is_an_outcome_too(colorizer: cf.FusionColorizer) -> None:
    predictions = colorizer.predict_each([3, data.camera()[:9, :9], np.zeros((2, 2, 2), np.uint8)])  # type: ignore[list-item]
    assert [pixels.shape for _, pixels in predictions] == [(9, 9, 3)]
    assert [type(error) for _, error in predictions.errors] == [TypeError, cf.PhotoError]


def test_an_error_of_the_iterator_itself_ends_it(colorizer: cf.FusionColorizer) -> None:
    def photos() -> Iterator[Any]:
        yield data.camera()[:9, :9]
        raise RuntimeError("the scanner is off")

    predictions = colorizer.predict(photos())
    assert next(predictions).shape == (9, 9, 3)
    with pytest.raises(RuntimeError, match="the scanner is off"):
        next(predictions)


def test_what_was_read_before_an_error_of_the_iterator_is_coloured() -> None:
    def photos() -> Iterator[Any]:
        yield data.camera()[:9, :9], None
        yield data.camera()[:8, :9], None
        raise KeyError("lost")

    batches = read_batches(photos(), 8)
    assert len(next(batches)) == 2
    with pytest.raises(KeyError, match="lost"):
        next(batches)


@pytest.mark.parametrize("photo", [b"scan.jpg", bytearray(9), memoryview(b"9")])
def test_bytes_are_refused_at_once(colorizer: cf.FusionColorizer, photo: Any) -> None:
    with pytest.raises(TypeError, match=r"give io\.BytesIO\(them\), or os\.fsdecode of a path"):
        colorizer.predict(photo)


def test_a_render_size_that_memory_does_not_hold_is_blamed(colorizer: cf.FusionColorizer) -> None:
    with pytest.raises(MemoryError, match=r"render_size=200000 takes about .* GiB of memory, of which .* lower it"):
        colorizer.predict(data.camera(), render_size=200_000)


def test_black_and_white_alone_is_said_to_stay_so(colorizer: cf.FusionColorizer, tmp_path: Path) -> None:
    halftone = np.where(np.indices((64, 64)).sum(axis=0) % 2, 255, 0).astype(np.uint8)
    cf.write_photo(tmp_path / "halftone.png", halftone)
    with pytest.warns(UserWarning, match=r"halftone\.png stays without colour, since all of it is black or white"):
        colored = colorizer.predict(tmp_path / "halftone.png")
    np.testing.assert_array_equal(colored[..., 0], halftone)
    colorizer.predict(np.zeros((64, 64), np.uint8))  # a black photo is one


FORKED = """
import multiprocessing, sys
import numpy as np, torch
import colorfuse as cf

torch.set_num_threads(2)
colorizer = cf.FusionColorizer.from_pretrained()
photos = [np.random.default_rng(seed).integers(0, 256, (300, 400), np.uint8) for seed in range(4)]
expected = [colorizer.predict(photo) for photo in photos]
with multiprocessing.get_context("fork").Pool(2) as pool:
    for colored, same in zip(pool.map(colorizer.predict, photos), expected, strict=True):
        assert np.abs(colored.astype(int) - same).max() <= 1
    lab = pool.map(cf.rgb_to_lab, [torch.rand(3, 600, 600)] * 2)
print("done", torch.get_num_threads())
"""


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="processes are not forked there")
def test_forked_processes_predict() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "done 2\n", done.stderr


def as_it_is(photo: Any) -> Any:
    return photo.pixels


def one_by_one(color: Callable[[Any], Any]) -> Callable[[Iterable[Any]], Iterator[Outcome]]:
    return lambda sources: (Outcome(photo, color(photo)) for photo, _ in sources)


def test_claims_of_photos_read_ahead_are_released(scans: Path, tmp_path: Path) -> None:
    tasks = [Task(scans / "a.png", tmp_path / "out" / f"{number}.png") for number in range(5)]

    def fail(photo: object) -> Any:
        return ValueError("the system is broken")

    with pytest.raises(ValueError, match="the system is broken"):
        list(colorize_files(one_by_one(fail), tasks))
    stopped = colorize_files(one_by_one(as_it_is), tasks)
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]  # it is a generator
    results = list(colorize_files(one_by_one(as_it_is), tasks, overwrite=True))
    assert results == [Result(2400)] * 5
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{number}.png" for number in range(5)]


def test_an_error_without_words_names_its_photo(scans: Path, tmp_path: Path) -> None:
    def read(path: Path) -> Any:
        raise MemoryError

    [result] = colorize_files(one_by_one(as_it_is), [Task(scans / "a.png", tmp_path / "b.png")], read=read)
    assert result.error == f"{scans / 'a.png'}: there is not enough memory"


def test_a_system_that_fails_for_one_photo_goes_on(photos: Any) -> None:
    class Picky(cf.Colorizer):
        def render_ab(self, lightness: torch.Tensor) -> torch.Tensor:
            if lightness.mean() > 50:
                raise RuntimeError("too light")
            return torch.zeros(len(lightness), 2, *lightness.shape[2:])

    dark, light = np.full((9, 9), 20, np.uint8), np.full((9, 9), 220, np.uint8)
    predictions = Picky().predict_each([dark, light, dark])
    assert len(list(predictions)) == 2
    assert [str(error) for _, error in predictions.errors] == ["too light"]
