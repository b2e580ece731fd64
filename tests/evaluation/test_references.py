"""Evaluations with reference photos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

import colorfuse as cf
from colorfuse.cli.main import app
from colorfuse.colorizers import Welsh2002

PHOTOS = {"a": data.coffee()[:, :400], "b": data.chelsea(), "c": data.astronaut()}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    photos, references = tmp_path / "photos", tmp_path / "references"
    for folder in (photos, references):
        folder.mkdir()
    for name, photo in PHOTOS.items():
        Image.fromarray(photo).resize((64, 64)).save(photos / f"{name}.png")
        if name != "c":
            Image.fromarray(np.ascontiguousarray(photo[:, ::-1])).resize((80, 72)).save(references / f"{name}.jpg")
    return photos, references


def error(result: cf.Evaluation) -> float:
    return result.mean("predicted", "squared_error")


def test_each_photo_has_the_reference_of_its_name(folders: tuple[Path, Path]) -> None:
    photos, references = folders
    system = Welsh2002(render_size=64)
    by_name = cf.evaluate(system, photos, reference=references, figures=["squared_error"])
    assert list(by_name.photos) == ["a.png", "b.png"]
    assert "there is no reference for it in" in by_name.left_out["c.png"]
    by_function = cf.evaluate(
        system, photos, reference=lambda name: PHOTOS[Path(name).stem], figures=["squared_error"]
    )
    assert len(by_function.photos) == 3
    some = cf.evaluate(
        system, photos, reference={"a.png": PHOTOS["a"], "b.png": None}.__getitem__, figures=["squared_error"]
    )
    assert list(some.photos) == ["a.png"]
    assert some.left_out == dict.fromkeys(("b.png", "c.png"), "there is no reference for it")
    swapped = cf.evaluate(system, photos, reference=data.rocket(), figures=["squared_error"])
    assert error(by_name) < by_name.mean("gray", "squared_error")
    assert error(by_function) < error(swapped)


def test_what_takes_no_reference_says_so(folders: tuple[Path, Path]) -> None:
    photos, references = folders
    with pytest.raises(ValueError, match="takes no reference photo"):
        cf.evaluate(cf.create_colorizer("levin2004"), photos, reference=references / "a.jpg")
    with pytest.raises(ValueError, match="is for a colorizer; the colours of files are judged as they are"):
        cf.evaluate(photos, photos, reference=references)


def test_the_shell_takes_references(folders: tuple[Path, Path], tmp_path: Path) -> None:
    photos, references = folders
    run = CliRunner().invoke
    options = ["--method", "welsh2002", "--reference", str(references), "--figure", "psnr"]
    judged = run(app, ["evaluate", str(photos), *options])
    assert judged.exit_code == 0, judged.output
    assert "no reference for it" in judged.output
    out = tmp_path / "out.png"
    colored = run(app, ["colorize", str(photos / "a.png"), "-o", str(out), *options[:4]])
    assert colored.exit_code == 0, colored.output
    assert np.ptp(np.asarray(Image.open(out)).astype(int), axis=2).max() > 20
