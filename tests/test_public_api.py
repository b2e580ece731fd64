import json
import subprocess
import sys
from pathlib import Path

import public_api
import pytest


def test_public_names_and_signatures_are_those_that_the_changelog_tells_of() -> None:
    kept = json.loads(public_api.KEPT.read_text())["api"]
    now = public_api.public_api()
    changed = sorted(name for name in kept.keys() | now.keys() if kept.get(name) != now.get(name))
    assert not changed, "describe this in CHANGELOG.md, then run python tests/helpers/public_api.py"


def test_names_that_changed_without_the_changelog_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "api.json"
    kept.write_text(json.dumps({"changelog": public_api.changelog_digest(), "api": {"predict": "(photo)"}}))
    monkeypatch.setattr(public_api, "KEPT", kept)
    with pytest.raises(SystemExit, match="say so in CHANGELOG.md first"):
        public_api.main()
    kept.write_text(json.dumps({"changelog": "that of before", "api": {"predict": "(photo)"}}))
    public_api.main()
    assert json.loads(kept.read_text()) == {
        "changelog": public_api.changelog_digest(),
        "api": public_api.public_api(),
    }


def test_the_version_comes_from_one_place() -> None:
    script = "import colorfuse; print(colorfuse.__version__)"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    project = Path(__file__).parents[1] / "pyproject.toml"
    assert f'version = "{printed.strip()}"' in project.read_text()
