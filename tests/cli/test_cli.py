import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import colorfuse as cf

COMMAND = str(Path(sys.executable).with_name("colorfuse"))


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, env=os.environ
    )


def failure(*arguments: object) -> str:
    """The one line of a command that must fail with exit status 2."""
    result = run(*arguments)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    line, *rest = result.stderr.splitlines()
    assert not rest
    return line


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scans")
    (root / "album").mkdir()
    Image.fromarray(data.camera()).resize((60, 40)).save(root / "camera.png")
    Image.fromarray(data.moon()).resize((30, 50)).save(root / "album" / "moon.jpg")
    return root


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, image_size=32).initialize().save(folder)
    return folder


@pytest.mark.slow
def test_train_then_colorize(photo_folder: Path, scans: Path, tmp_path: Path) -> None:
    trained = run("train", photo_folder, "-o", tmp_path / "run", "--epochs", 1, "--image-size", 64, "--no-pretrained")
    assert trained.returncode == 0, trained.stderr
    assert f"saved in {tmp_path / 'run'}" in trained.stdout
    colored = run("colorize", scans, "-o", tmp_path / "out", "--model", tmp_path / "run")
    assert colored.returncode == 0, colored.stderr
    for name, size in (("camera.png", (40, 60, 3)), ("album/moon.jpg", (50, 30, 3))):
        assert np.asarray(Image.open(tmp_path / "out" / name)).shape == size


def test_colorize_one_photo_to_a_file_and_to_a_folder(scans: Path, model: Path, tmp_path: Path) -> None:
    photo = scans / "camera.png"
    for output, written in (("new/photo.tif", "new/photo.tif"), ("folder", "folder/camera.png")):
        result = run("colorize", photo, "-o", tmp_path / output, "--model", model)
        assert result.returncode == 0, result.stderr
        expected = cf.FusionColorizer.load(model).predict(photo)
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / written)), expected)


def test_colorize_with_another_saturation(scans: Path, model: Path, tmp_path: Path) -> None:
    result = run("colorize", scans, "-o", tmp_path, "--model", model, "--saturation", 0)
    assert result.returncode == 0, result.stderr
    colored = np.asarray(Image.open(tmp_path / "camera.png"))
    assert (np.ptp(colored, axis=-1) == 0).all()


def test_a_bad_photo_in_a_folder_is_named_and_passed_over(scans: Path, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "bad.jpg").write_text("no image")
    (folder / "good.png").write_bytes((scans / "camera.png").read_bytes())
    result = run("colorize", folder, "-o", tmp_path / "out", "--model", model)
    assert result.returncode == 1
    assert "bad.jpg is no image" in result.stderr
    assert "1 of 2 photos could not be coloured" in result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png"]


def test_what_is_there_is_passed_over(scans: Path, model: Path, tmp_path: Path) -> None:
    command = ("colorize", scans, "-o", tmp_path, "--model", model)
    assert run(*command).returncode == 0
    camera, moon = tmp_path / "camera.png", tmp_path / "album" / "moon.jpg"
    colored = camera.read_bytes()
    camera.write_text("kept")
    moon.unlink()
    again = run(*command)
    assert again.returncode == 0
    assert "1 of 2 are there already" in again.stderr
    assert camera.read_text() == "kept"
    assert moon.exists()
    assert run(*command, "--overwrite").returncode == 0
    assert camera.read_bytes() == colored


@pytest.mark.slow
def test_a_killed_colorize_finishes_the_rest(model: Path, tmp_path: Path) -> None:
    photos, output = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for number in range(20):
        Image.fromarray(np.roll(data.camera(), number, axis=1)).save(photos / f"{number:02}.png")
    command = [COMMAND, "colorize", str(photos), "-o", str(output), "--model", str(model)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while len(list(output.glob("[0-9]*"))) < 3:
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in output.glob("[0-9]*")}
    assert len(done) < 20
    for path in done:
        assert Image.open(path).convert("RGB").size == (512, 512)
    (output / ".colorfuse-0123456789abcdef.png").touch()
    assert run(*command[1:]).returncode == 0
    assert {path.name for path in output.iterdir()} == {path.name for path in photos.iterdir()}
    assert all(path.stat().st_mtime_ns == before for path, before in done.items())


@pytest.mark.slow
def test_names_that_would_collide_are_told_apart(model: Path, tmp_path: Path) -> None:
    for name in ("a.gif", "a.gif.png", "a.png"):
        Image.fromarray(data.camera()).resize((30, 20)).save(tmp_path / name)
    for expected in ("", "3 of 3 are there already"):
        result = run("colorize", tmp_path, "-o", tmp_path / "out", "--model", model)
        assert (result.returncode, expected in result.stderr) == (0, True), result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.gif-2.png", "a.gif.png", "a.png"]


@pytest.mark.slow
def test_processes_share_a_folder(model: Path, tmp_path: Path) -> None:
    """One fails long before the other has done, which torchrun must not end then."""
    for index in range(7):
        Image.fromarray(data.camera()).resize((30, 20) if index % 2 else (2000, 1500)).save(tmp_path / f"{index}.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    command = [*torchrun, COMMAND, "colorize", str(tmp_path), "-o", str(tmp_path / "out"), "--model", str(model)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.count("1 of 4 photos could not be coloured") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{index}.png" for index in range(7)]


@pytest.mark.slow
def test_workers_share_a_folder(model: Path, tmp_path: Path) -> None:
    for index in range(5):
        Image.fromarray(data.camera()).resize((30, 20)).save(tmp_path / f"{index}.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    result = run("colorize", tmp_path, "-o", tmp_path / "out", "--model", model, "--workers", 2)
    assert (result.returncode, result.stderr.count("1 of 3 photos could not be coloured")) == (1, 1), result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{index}.png" for index in range(5)]


@pytest.mark.slow
def test_options_of_colorize(scans: Path, model: Path, tmp_path: Path) -> None:
    options = ("--upsample", "bilinear", "--render-size", 64, "--saturation", 2)
    assert run("colorize", scans, "-o", tmp_path, "--model", model, *options).returncode == 0
    colorizer = cf.FusionColorizer.load(model)
    expected = colorizer.predict(scans / "camera.png", upsample="bilinear", render_size=64, saturation=2)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "camera.png")), expected)
    assert "render_size" in failure("colorize", scans, "-o", tmp_path / "none", "--model", model, "--render-size", 8)


def test_originals_are_not_overwritten(scans: Path, model: Path) -> None:
    before = (scans / "camera.png").read_bytes()
    assert "would be overwritten" in failure("colorize", scans, "-o", scans, "--model", model)
    assert "would be overwritten" in failure("colorize", scans / "camera.png", "-o", scans, "--model", model)
    assert (scans / "camera.png").read_bytes() == before


def test_outputs_below_the_photos_are_not_coloured_again(scans: Path, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "good.png").write_bytes((scans / "camera.png").read_bytes())
    for _ in range(2):
        assert run("colorize", folder, "-o", folder / "colorized", "--model", model).returncode == 0
    assert [path.name for path in (folder / "colorized").rglob("*")] == ["good.png"]


@pytest.mark.slow
def test_train_goes_on_with_the_runs_own_settings(photo_folder: Path, tmp_path: Path) -> None:
    train = ("train", photo_folder, "-o", tmp_path / "run")
    assert run(*train, "--recipe", "paper", "--image-size", 32, "--epochs", 1, "--no-pretrained").returncode == 0
    assert "holds a run already" in failure(*train, "--epochs", 2, "--no-pretrained")
    result = run(*train, "--epochs", 2, "--resume")
    assert result.returncode == 0, result.stderr
    resumed = cf.FusionColorizer.load(tmp_path / "run")
    assert (resumed.decoder, resumed.image_size, len(resumed.history_)) == ("paper", 32, 2)
    same = run(*train, "--recipe", "paper", "--image-size", 32, "--epochs", 3, "--resume")
    assert same.returncode == 0, same.stderr
    assert "\r" not in same.stderr  # bars are for terminals
    assert "resume it with its own settings" in failure(*train, "--recipe", "mobile", "--resume")


@pytest.mark.slow
def test_fine_tuning_starts_from_saved_weights(photo_folder: Path, model: Path, tmp_path: Path) -> None:
    train = ("train", photo_folder, "-o", tmp_path / "run", "--fine-tune", "--model", model, "--epochs", 1)
    result = run(*train, "--learning-rate", 1e-9)
    assert result.returncode == 0, result.stderr
    before, after = (cf.FusionColorizer.load(folder) for folder in (model, tmp_path / "run"))
    for name, weights in before.network_.named_parameters():
        torch.testing.assert_close(after.network_.get_parameter(name), weights, rtol=0, atol=1e-6)
    resumed = run(*train, "--learning-rate", 1e-9, "--epochs", 2, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert len(cf.FusionColorizer.load(tmp_path / "run").history_) == 2
    assert "which have a recipe of their own" in failure(*train, "--recipe", "paper")


@pytest.mark.slow
def test_backbones_are_listed() -> None:
    listed = run("backbones", "mobilenetv1*").stdout.split()
    assert "mobilenetv1_100" in listed
    assert listed == cf.list_backbones("mobilenetv1*")
    assert "no backbone's name matches 'nothing*'" in failure("backbones", "nothing*")


@pytest.mark.slow
def test_bad_input_is_one_line_and_exit_status_2(
    photo_folder: Path, scans: Path, model: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "bad.jpg").write_text("no image")
    out = tmp_path / "out"
    assert f"no photos in {empty}" in failure("colorize", empty, "-o", out)
    assert "nowhere does not exist" in failure("colorize", tmp_path / "nowhere", "-o", out)
    assert "bad.jpg is no image" in failure("colorize", tmp_path / "bad.jpg", "-o", out, "--model", model)
    assert "holds no saved colorizer" in failure("colorize", scans, "-o", out, "--model", empty)
    assert f"no photos in {empty}" in failure("train", empty, "-o", out)
    assert "no recipe is called 'papr'" in failure("train", scans, "-o", out, "--recipe", "papr")
    assert "epochs of a colorizer must be greater than or equal to 1, not 0" in failure(
        "train", scans, "-o", out, "--epochs", 0
    )
    assert "pretrained=False" in failure("train", photo_folder, "-o", out)
    assert not out.exists()


def test_a_photo_keeps_depth_exif_and_resolution(model: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan.tif"
    exif = Image.Exif()
    exif[0x010E] = "a mill"
    Image.fromarray(np.arange(3000, dtype=np.uint16).reshape(50, 60) * 20).save(scan, exif=exif, dpi=(1200, 1200))
    assert run("colorize", scan, "-o", tmp_path / "out", "--model", model).returncode == 0
    photo = cf.read_photo(tmp_path / "out" / "scan.tif")
    assert photo.pixels.dtype.name == "uint16"
    assert photo.metadata.dpi == (1200.0, 1200.0)
    assert b"a mill" in photo.metadata.exif


def test_what_cannot_be_written_is_refused(scans: Path, model: Path, tmp_path: Path) -> None:
    result = run("colorize", scans / "camera.png", "-o", tmp_path / "out.jp2", "--model", model)
    assert result.returncode == 2
    assert "out.jp2 cannot be written; use one of .bmp" in result.stderr


@pytest.mark.slow
def test_outputs_given_by_another_path_are_not_coloured_again(scans: Path, model: Path, tmp_path: Path) -> None:
    photos = shutil.copytree(scans, tmp_path / "photos")
    for _ in range(2):
        assert run("colorize", f"{photos}/../photos", "-o", photos / "out", "--model", model).returncode == 0
    assert not (photos / "out" / "out").exists()


@pytest.mark.slow
def test_evaluate(photo_folder: Path, model: Path, tmp_path: Path) -> None:
    report, table = tmp_path / "out.html", tmp_path / "figures.csv"
    done = run("evaluate", photo_folder, "--model", model, "--report", report, "--csv", table)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split() == ["gray", "constant", "predicted", "truth"]
    assert (
        "constant is a = 2.41, b = 9.04"
        in run("evaluate", photo_folder, "--constant", 2.41, 9.04, "--figure", "psnr").stdout
    )
    assert report.read_text().startswith("<!DOCTYPE html>")
    assert len(table.read_text().splitlines()) == 1 + 12 * 4
    colored = run("colorize", photo_folder, "-o", tmp_path / "out", "--model", model)
    assert colored.returncode == 0, colored.stderr
    (tmp_path / "out" / "part0" / "00.png").unlink()
    judged = run("evaluate", photo_folder, "--outputs", tmp_path / "out")
    assert judged.returncode == 0, judged.stderr
    assert "left out 1: part0/00.png: there is no output for it" in judged.stderr
    assert "not both" in failure("evaluate", photo_folder, "--outputs", tmp_path / "out", "--model", model)
    assert "--method welsh2002 or" in failure(
        "evaluate", photo_folder, "--outputs", tmp_path / "out", "--method", "welsh2002"
    )
    assert "is a folder; name a file" in failure("evaluate", photo_folder, "--model", model, "--csv", tmp_path)
    assert "'center25'" in failure("evaluate", photo_folder, "--protocol", "center25")


def test_what_takes_long_is_imported_when_it_is_used() -> None:
    heavy = ("timm", "torchvision", "matplotlib", "accelerate", "skimage", "huggingface_hub")
    script = f"import sys, colorfuse; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
