"""The library as it is installed, without its source."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import colorfuse as cf

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_wheel_has_all_that_the_quickstart_takes(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path, ROOT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob(f"colorfuse-{cf.__version__}-*.whl")
    assert wheel.stat().st_size < 18e6  # of which two colorizers take 17
    with zipfile.ZipFile(wheel) as archive:
        assert {"colorfuse/py.typed", "colorfuse/studio/page/main.js"} <= set(archive.namelist())
        assert all(name.startswith("colorfuse") for name in archive.namelist())
    site = tmp_path / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True, capture_output=True)
    script = f"""
import runpy, colorfuse
assert colorfuse.__file__.startswith({str(site)!r}), colorfuse.__file__
assert set(colorfuse.list_recipes()) == {set(cf.list_recipes())!r}
runpy.run_path({str(ROOT / "examples" / "quickstart.py")!r})
"""
    environment = os.environ | {"PYTHONPATH": str(site)}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "quickstart.png").stat().st_size > 100_000
