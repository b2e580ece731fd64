"""`colorfuse colorize` on many photos, by several processes, and where it cannot write."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from faults import remount, small_disk
from PIL import Image
from skimage import data

import colorfuse as cf
from colorfuse.cli.processes import find_rank
from colorfuse.inference.files import list_tasks

COMMAND = str(Path(sys.executable).with_name("colorfuse"))


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, image_size=32).initialize().save(folder)
    return folder


def write_photos(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        cf.write_photo(folder / f"{folder.name}{number:02}.png", np.roll(data.camera()[:200, :300], number, axis=1))
    return folder


@pytest.mark.parametrize(("rank", "size"), [("1", None), (None, "2"), ("2", "2"), ("first", "2"), ("", "")])
def test_an_environment_that_is_no_launchers_is_named(
    rank: str | None, size: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("RANK", rank), ("WORLD_SIZE", size)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"^the environment has RANK={rank} and WORLD_SIZE={size}, which are not"):
        find_rank()


def test_a_folder_without_the_hints_that_a_method_needs_is_refused(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 2)
    done = run("colorize", photos, "-o", tmp_path / "out", "--method", "levin2004")
    assert (done.returncode, "takes its colours from hints alone" in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "out").exists()


def test_no_photo_is_lost_to_the_folder_of_outputs(tmp_path: Path) -> None:
    photos = sorted(write_photos(tmp_path / "scans", 2).iterdir())
    assert [task.target for task in list_tasks(tmp_path / "scans", tmp_path)] == [tmp_path / p.name for p in photos]
    with pytest.raises(ValueError, match="would be overwritten; choose another output"):
        list_tasks(photos, tmp_path / "scans")
    assert [task.source for task in list_tasks(tmp_path, tmp_path / "out")] == photos
    with pytest.raises(cf.DataError, match="all photos are in .*scans, to which they would be written"):
        list_tasks(tmp_path, tmp_path / "scans")


def test_photos_of_one_name_get_numbers_and_are_told(tmp_path: Path) -> None:
    folders = [write_photos(tmp_path / name, 0) for name in "ab"]
    for folder in folders:
        cf.write_photo(folder / "scan.png", data.camera()[:40, :50])
    with pytest.warns(
        UserWarning, match=r"get numbers, so give the same ones to go on: .*b/scan\.png as scan-2\.png"
    ):
        tasks = list_tasks(folders, tmp_path / "out")
    assert [task.target.name for task in tasks] == ["scan.png", "scan-2.png"]


@pytest.mark.slow
def test_a_killed_worker_is_told(model: Path, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 200)
    command = [COMMAND, "colorize", photos, "-o", tmp_path / "out", "--model", model, "--workers", "2"]
    process = subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE, text=True)
    while not any((tmp_path / "out").glob("*.png")):
        assert process.poll() is None
        time.sleep(0.05)
    psutil.Process(process.pid).children()[0].kill()
    _, said = process.communicate()
    assert process.returncode == 9
    assert "a worker was ended by signal 9, perhaps for lack of memory; the same command goes on" in said


@pytest.mark.slow
def test_runs_side_by_side_lose_nothing(model: Path, tmp_path: Path) -> None:
    folders = [write_photos(tmp_path / name, 10) for name in "abc"]
    commands = [
        [COMMAND, "colorize", str(folder), "-o", str(tmp_path / "out"), "--model", str(model)] for folder in folders
    ]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for command in commands]
    for process in processes:
        _, said = process.communicate()
        assert (process.returncode, "could not" in said) == (0, False), said
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == [f"{name}{number:02}.png" for name in "abc" for number in range(10)]


def test_a_photo_that_cannot_be_written_is_said_before_it_is_coloured(model: Path, tmp_path: Path) -> None:
    cf.write_photo(tmp_path / "a.png", data.camera()[:40, :50])
    (tmp_path / "file").touch()
    done = run("colorize", tmp_path / "a.png", "-o", tmp_path / "file", "--model", model)
    assert done.returncode == 2
    assert done.stderr == f"colorfuse: {tmp_path / 'file'} is a file; choose a folder to write to\n"
    with small_disk(tmp_path / "disk", 2000) as disk:
        remount(disk, "ro")
        done = run("colorize", tmp_path / "a.png", "-o", disk / "b.png", "--model", model)
    assert done.returncode == 2
    assert done.stderr.startswith(f"colorfuse: {disk} cannot be written to: Read-only file system; choose another")


@pytest.mark.slow
def test_runs_of_the_same_photos_share_them(model: Path, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 40)
    command = [COMMAND, "colorize", str(photos), "-o", str(tmp_path / "out"), "--model", str(model)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    by_another = 0
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0, said
        lines = [line for line in said.splitlines() if "by another process" in line or "are there already" in line]
        by_another += sum(int(line.split()[1]) for line in lines)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        path.name for path in photos.iterdir()
    )
    assert by_another == 40  # each photo was coloured once


def test_several_photos_and_folders(model: Path, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 3)
    first = photos / "photos00.png"
    more = write_photos(tmp_path / "more", 1)
    (more / "photos00.png").write_bytes(first.read_bytes())
    done = run("colorize", first, photos / "photos02.png", more, "-o", tmp_path / "out", "--model", model)
    assert done.returncode == 0, done.stderr
    expected = ["more00.png", "photos00-2.png", "photos00.png", "photos02.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == expected
    done = run("colorize", first, photos, "-o", first, "--model", model)
    assert done.stderr == f"colorfuse: {first} is no folder; give one for several photos\n"


def test_the_version() -> None:
    assert run("--version").stdout == f"colorfuse {cf.__version__}\n"


def test_a_page_and_a_limit_of_pixels(model: Path, tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((20 + 9 * number, 30), 90, np.uint8)) for number in range(3)]
    pages[0].save(tmp_path / "album.tif", save_all=True, append_images=pages[1:])
    command = ("colorize", tmp_path / "album.tif", "-o", tmp_path / "one.png", "--model", model)
    done = run(*command, "--page", 2)
    assert (done.returncode, done.stderr) == (0, "")
    assert cf.read_photo(tmp_path / "one.png").pixels.shape == (38, 30, 3)
    assert "album.tif has 30 x 20 pixels, more than max_pixels=599" in run(*command, "--max-pixels", 599).stderr
    assert "has 3 pages, of which page 0 is taken" in run(*command).stderr


@pytest.mark.slow
def test_scans_beyond_pillows_limits_are_coloured_without_a_word(model: Path, tmp_path: Path) -> None:
    for suffix in ("tif", "png"):
        cf.write_photo(tmp_path / f"scan.{suffix}", np.full((9_000, 20_000), 90, np.uint8))
        command = ("colorize", tmp_path / f"scan.{suffix}", "-o", tmp_path / "out", "--model", model)
        done = run(*command)
        assert (done.returncode, done.stderr) == (0, "")
        assert (tmp_path / "out" / f"scan.{suffix}").exists()


def test_a_folder_that_cannot_be_written_is_said_once(model: Path, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 4)
    (tmp_path / "file").touch()
    done = run("colorize", photos, "-o", tmp_path / "file", "--model", model)
    assert done.stderr == f"colorfuse: {tmp_path / 'file'} is no folder; give one for several photos\n"
    done = run("colorize", photos, "-o", tmp_path / "file" / "below", "--model", model)
    assert done.stderr.endswith("below cannot be written to: Not a directory; choose another folder\n")
    assert done.stderr.count("\n") == 1
    with small_disk(tmp_path / "disk", 2000) as disk:
        remount(disk, "ro")
        done = run("colorize", photos, "-o", disk / "out", "--model", model)
        assert done.stderr.endswith("Read-only file system; choose another folder\n")
        assert done.stderr.count("\n") == 1
        remount(disk, "rw,size=64k")
        done = run("colorize", photos, "-o", disk / "out", "--model", model)
        assert done.stderr.endswith("No space left on device; make room, and go on by the same command\n"), (
            done.stderr
        )
        assert done.returncode == 2


def test_a_name_that_is_too_long_is_said_for_its_photo(model: Path, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos", 1)
    (photos / ("a" * 251 + ".gif")).touch()
    Image.fromarray(data.camera()[:20, :30]).save(photos / ("a" * 251 + ".gif"))
    done = run("colorize", photos, "-o", tmp_path / "out", "--model", model)
    assert done.returncode == 1
    assert "the name is too long to be written; shorten it" in done.stderr
    assert (tmp_path / "out" / "photos00.png").exists()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
def test_names_of_any_bytes_are_evaluated_and_reported(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    name = os.fsdecode(b"caf\xe9.png")
    cf.write_photo(folder / "photo.png", data.astronaut()[:100, :100])
    (folder / "photo.png").rename(folder / name)
    report, table = tmp_path / "out.html", tmp_path / "new" / "figures.csv"
    done = run("evaluate", folder, "--model", model, "--report", report, "--csv", table, "--figure", "psnr")
    assert done.returncode == 0, done.stderr
    assert os.fsencode(name) in table.read_bytes()
    assert report.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_what_a_report_needs_is_asked_for_before_the_work(model: Path, tmp_path: Path) -> None:
    script = "import sys; sys.modules['matplotlib'] = None; from colorfuse.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        script,
        "evaluate",
        str(tmp_path / "nowhere"),
        "--report",
        str(tmp_path / "out.html"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == "colorfuse: plots need matplotlib: pip install 'colorfuse[plots]'\n"
    (tmp_path / "file").touch()
    done = run("evaluate", tmp_path / "nowhere", "--csv", tmp_path / "file" / "figures.csv")
    assert "file is a file; choose a folder to write to" in done.stderr


@pytest.mark.slow
def test_fine_tuning_at_a_smaller_size(photo_folder: Path, tmp_path: Path) -> None:
    train = ("train", photo_folder, "--fine-tune", "--epochs", 1, "--image-size", 48)
    done = run(*train, "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert cf.FusionColorizer.load(tmp_path / "run").start_size is None
    done = run(*train, "-o", tmp_path / "other", "--start-size", 64)
    assert "start_size=64 must be at most image_size=48" in done.stderr


def hinted_model(folder: Path) -> Path:
    colorizer = cf.FusionColorizer(
        backbone="test_efficientnet", pretrained=False, objective="classification", image_size=32
    )
    colorizer.initialize().save(folder)
    return folder


def test_hints_from_the_shell(tmp_path: Path) -> None:
    hinted, photos, hints = hinted_model(tmp_path / "model"), write_photos(tmp_path / "a", 3), tmp_path / "hints"
    hints.mkdir()
    Image.new("RGBA", (300, 200), (255, 0, 0, 255)).save(hints / "a00.png")
    (hints / "a01.json").write_text('[{"x": 1, "y": 2, "color": "rad"}]')
    done = run("colorize", photos, "-o", tmp_path / "out", "--model", hinted, "--hints", hints)
    assert done.returncode == 1
    assert "1 of 3 photos could not be coloured" in done.stderr
    assert "a01.json: 'rad' is no colour" in done.stderr
    reds = [np.asarray(Image.open(tmp_path / "out" / name)).astype(int) for name in ("a00.png", "a02.png")]
    first, second = ((photo[..., 0] - photo[..., 1]).mean() for photo in reds)
    assert first > second + 20
    one = run(
        "colorize", photos / "a00.png", "-o", tmp_path / "one.png", "--model", hinted, "--hints", hints / "a00.png"
    )
    assert one.returncode == 0, one.stderr
    np.testing.assert_array_equal(Image.open(tmp_path / "one.png"), Image.open(tmp_path / "out" / "a00.png"))


def test_wrong_hints_from_the_shell_are_one_line(model: Path, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "a", 2)
    (tmp_path / "hints").mkdir()
    (tmp_path / "h.json").write_text("[]")
    for arguments, said in (
        ((photos, "--hints", tmp_path / "h.json"), "is no folder; hints for several photos are a folder"),
        (
            (photos, "--hints", tmp_path / "hints"),
            "has no hints for any of the photos; name each file like its photo",
        ),
        ((photos / "a00.png", "--hints", tmp_path / "h.json"), "takes no hints"),
        ((photos / "a00.png", "--hints", tmp_path / "hints"), "has no hints for any of the photos"),
        ((photos / "a00.png", "--reference", photos / "a01.png"), "takes no reference photo"),
    ):
        done = run("colorize", *arguments, "-o", tmp_path / "out")
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_an_evaluation_with_hints_from_the_shell(tmp_path: Path, photo_folder: Path) -> None:
    hinted = hinted_model(tmp_path / "model")
    done = run("evaluate", photo_folder, "--model", hinted, "--hints", "1,5", "--figure", "psnr")
    assert done.returncode == 0, done.stderr
    assert "1 hint " in done.stdout
    assert "5 hints" in done.stdout
    wrong = run("evaluate", photo_folder, "--model", hinted, "--hints", "one")
    assert "--hints one must be numbers of points" in wrong.stderr


def test_drawings_are_painted_from_strokes(tmp_path: Path) -> None:
    drawing, strokes = np.full((60, 80), 255, np.uint8), np.zeros((60, 80, 4), np.uint8)
    drawing[:, 40] = 0
    strokes[20:40, 5:35] = 255, 99, 71, 255
    strokes[20:40, 45:75] = 65, 105, 225, 255
    cf.write_photo(tmp_path / "drawing.png", drawing)
    Image.fromarray(strokes).save(tmp_path / "strokes.png")
    options = ("--method", "sykora2009", "--hints", tmp_path / "strokes.png", "-o", tmp_path / "out.png")
    assert run("colorize", tmp_path / "drawing.png", *options).returncode == 0
    painted = np.asarray(Image.open(tmp_path / "out.png"))
    assert painted[0, 0].tolist() == [255, 99, 71]
    assert painted[59, 79].tolist() == [65, 105, 225]
    assert painted[30, 40].tolist() == [0, 0, 0]
