"""The code of the documentation, run as it stands where the photos are that it speaks of."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data

import colorfuse as cf
from colorfuse.inference.export import TORCH_NEEDED

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    assert found, f"{page} has no {language}"
    return found


@pytest.fixture
def scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to work in, with gray photos, and those that the first pages write."""
    monkeypatch.chdir(tmp_path)
    exec(blocks("start-train.md", "python")[0], {})
    Path("scans").mkdir()
    camera = Image.fromarray(data.camera()).resize((160, 120))
    for path in ("scan.tif", "test.jpg", "scans/one.jpg", "scans/two.png"):
        camera.save(path)


@pytest.mark.slow
@pytest.mark.usefixtures("scans")
@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("start-color.md", "(512, 512, 3) uint8"),
        ("start-steer.md", "(400, 600, 3)"),
        ("start-train.md", "squared error"),
        ("start-film.md", "48 1"),
        ("coloring.md", "(120, 160, 3)"),
        ("hints.md", "(120, 160, 3)"),
        ("references.md", "(512, 256, 3)"),
        ("strokes.md", "(512, 512, 3)"),
        ("gpus.md", "(120, 160, 3)"),
        ("archives.md", "(120, 160, 3)"),
        pytest.param(
            "export.md",
            "(1, 3, 120, 160) True",
            marks=pytest.mark.skipif(torch.__version__ < TORCH_NEEDED, reason="an older torch"),
        ),
        ("training.md", ""),
        ("evaluation.md", "constant"),
        ("units.md", "tensor([53."),
        ("plug-colorizer.md", "(120, 160, 3)"),
        ("plug-backbone.md", "(MapInfo(channels=128, reduction=8), MapInfo(channels=256, reduction=16))"),
        ("plug-fusion.md", "torch.Size([1, 2, 50, 70])"),
        ("plug-objective.md", "0."),
    ],
)
def test_the_code_of_a_page_runs(page: str, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = "\n".join(block for block in blocks(page, "python") if "owner/name" not in block)  # which needs the hub
    code = code.replace("epochs=30", "epochs=1, image_size=32, pretrained=False")  # which needs hours, and the hub
    exec(compile(code, page, "exec"), {"__name__": "parts_of_a_page"})
    assert printed in capsys.readouterr().out


def test_the_recipe_that_is_shown_is_one(tmp_path: Path) -> None:
    (tmp_path / "my.json").write_text(blocks("recipes.md", "json")[0])
    assert cf.FusionColorizer.from_recipe(tmp_path / "my.json").epochs == 20


@pytest.mark.slow
@pytest.mark.usefixtures("scans")
def test_the_commands_of_the_first_pages_run() -> None:
    commands = [
        line
        for page in ("start-color.md", "start-train.md")
        for block in blocks(page, "sh")
        for line in block.splitlines()
        if line.startswith("colorfuse ")
    ]
    assert len(commands) == 4
    bin_folder = str(Path(sys.executable).parent)
    for command in commands:
        environment = os.environ | {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(shlex.split(command), env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    with Image.open("colored.tif") as colored:
        assert colored.size == (160, 120)
    assert sorted(path.name for path in Path("colored").iterdir()) == ["one.jpg", "two.png"]
