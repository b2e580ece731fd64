"""The code of the documentation, run as it stands where the photos are that it speaks of."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    assert found, f"{page} has no {language}"
    return found


@pytest.fixture
def scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to work in, with gray photos."""
    (tmp_path / "scans").mkdir()
    camera = Image.fromarray(data.camera()).resize((160, 120))
    for path in (tmp_path / "scan.tif", tmp_path / "scans" / "one.jpg", tmp_path / "scans" / "two.png"):
        camera.save(path)
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("scans")
@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("start-color.md", "(512, 512, 3) uint8"),
        ("start-train.md", "squared error"),
        ("archives.md", "(120, 160, 3)"),
        ("units.md", "tensor([53."),
        ("parts.md", "decoder   one_step"),
    ],
)
def test_the_code_of_a_page_runs(page: str, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile("\n".join(blocks(page, "python")), page, "exec"), {"__name__": "parts_of_a_page"})
    assert printed in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("scans")
def test_the_commands_of_the_first_pages_run() -> None:
    exec(blocks("start-train.md", "python")[0], {})  # which writes photos
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
