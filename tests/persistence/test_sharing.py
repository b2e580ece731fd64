"""Colorizers pushed to and fetched from a hub on loopback by the real client."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from loopback_hub import run_with_hub as run
from loopback_hub import serve_hub

import colorfuse as cf

NAME = "me/my-colorizer"
MAKE = """
import torch, colorfuse as cf
colorizer = cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, image_size=32, seed=7).initialize()
"""
PUSH = f'{MAKE}print(colorizer.push_to_hub("{NAME}", message="Try it", dtype=torch.float16))'
FETCH = f"""
import sys, colorfuse as cf
cf.FusionColorizer.from_pretrained("{NAME}").save(sys.argv[1])
"""


def last_line(failed: subprocess.CompletedProcess[str]) -> str:
    assert failed.returncode == 1, failed.stdout
    return failed.stderr.strip().splitlines()[-1]


@pytest.mark.slow
def test_pushed_fetched_and_then_had_without_the_hub(tmp_path: Path) -> None:
    with serve_hub() as hub:
        pushed = run(PUSH, url=hub.url, cache=tmp_path / "pusher", HF_TOKEN=hub.token)
        assert pushed.stdout.strip() == f"{hub.url}/{NAME}", pushed.stderr
        assert hub.messages == ["Try it"]
        kept = {name.removeprefix(f"{NAME}/") for name in hub.files}
        assert kept == {"config.json", "model.safetensors", "history.csv", "README.md"}
        hub.files[f"{NAME}/evil.py"] = b"raise SystemExit('run')"
        fetched = run(FETCH, tmp_path / "first", url=hub.url, cache=tmp_path / "cache")
        assert fetched.returncode == 0, fetched.stderr
        assert not list((tmp_path / "cache").rglob("evil.py"))
    again = run(FETCH, tmp_path / "second", url=hub.url, cache=tmp_path / "cache", HF_HUB_OFFLINE="1")
    assert again.returncode == 0, again.stderr

    made: dict[str, Any] = {}
    exec(MAKE, made)
    expected = made["colorizer"].network_.state_dict()
    for folder in ("first", "second"):
        for name, weights in cf.FusionColorizer.load(tmp_path / folder).network_.state_dict().items():
            torch.testing.assert_close(weights, expected[name].half().to(weights.dtype), rtol=0, atol=0)


@pytest.mark.slow
def test_what_the_hub_refuses_or_lacks_is_one_line_with_the_ways_on(tmp_path: Path) -> None:
    with serve_hub() as hub:
        refused = last_line(run(PUSH, url=hub.url, cache=tmp_path, HF_TOKEN="wrong"))
        lacking = last_line(run(FETCH, tmp_path / "out", url=hub.url, cache=tmp_path))
        hub.files[f"{NAME}/README.md"] = b"nothing else"
        empty = last_line(run(FETCH, tmp_path / "out", url=hub.url, cache=tmp_path))
    gone = last_line(run(FETCH, tmp_path / "out", url=hub.url, cache=tmp_path / "none"))
    offline = last_line(run(FETCH, tmp_path / "out", url=hub.url, cache=tmp_path / "none", HF_HUB_OFFLINE="1"))
    unsent = last_line(run(PUSH, url=hub.url, cache=tmp_path, HF_TOKEN=hub.token))
    for said in (refused, unsent):
        assert said.startswith(f"OSError: the colorizer cannot be pushed to '{NAME}' (")
        assert "`hf auth login`" in said
    for said in (lacking, gone, offline):
        assert said.startswith(
            f"colorfuse.errors.WeightsError: there is no folder '{NAME}', and the colorizer of that name cannot be "
            "had from the hub ("
        )
        assert "nothing for the weights inside the package" in said
    assert "holds no saved colorizer" in empty


def test_what_is_neither_a_folder_nor_a_repository(tmp_path: Path) -> None:
    for source in (tmp_path / "nowhere", "nowhere", "a/b/c", "../x"):
        with pytest.raises(FileNotFoundError, match="is neither a folder nor a repository of the hub"):
            cf.FusionColorizer.from_pretrained(source)
