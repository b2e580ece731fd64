"""Published weights, fetched by the real client from a hub on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import safetensors.torch
import timm
from loopback_hub import Hub, serve_hub
from loopback_hub import run_with_hub as run

NAME = "test_efficientnet"
FILE = f"timm/{NAME}.r160_in1k/model.safetensors"
MAKE = f"""
import colorfuse as cf
weights = cf.create_backbone("{NAME}").state_dict()["features.model.conv_stem.weight"]
print(weights.flatten().tolist())
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve_hub() as hub:
        yield hub


@pytest.mark.slow
def test_fetched_once_then_from_the_cache_with_and_without_the_hub(tmp_path: Path) -> None:
    model = timm.create_model(NAME)
    expected = model.get_parameter("conv_stem.weight").flatten().tolist()
    with serve_hub() as hub:
        hub.files[FILE] = safetensors.torch.save(model.state_dict())
        assert json.loads(run(MAKE, url=hub.url, cache=tmp_path).stdout) == expected
        assert any(FILE.rpartition("/")[0] in path for path in hub.asked)
    for environment in ({}, {"HF_HUB_OFFLINE": "1"}):
        assert json.loads(run(MAKE, url=hub.url, cache=tmp_path, **environment).stdout) == expected


@pytest.mark.slow
@pytest.mark.parametrize("served", [None, b"no weights at all", "of another model"])
def test_what_cannot_be_used_is_an_error_with_the_ways_on(
    hub: Hub, served: bytes | str | None, tmp_path: Path
) -> None:
    if isinstance(served, bytes):
        hub.files[FILE] = served
    elif served:
        hub.files[FILE] = safetensors.torch.save(timm.create_model("test_resnet").state_dict())
    failed = run(MAKE, url=hub.url, cache=tmp_path)
    assert failed.returncode == 1
    message = failed.stderr.strip().splitlines()[-1]
    assert f"WeightsError: the pretrained weights of '{NAME}' cannot be had from the hub's timm/{NAME}." in message
    assert "pretrained=False, or with a local file" in message


@pytest.mark.slow
def test_a_reloaded_colorizer_never_asks_the_hub(hub: Hub, tmp_path: Path) -> None:
    hub.files[FILE] = safetensors.torch.save(timm.create_model(NAME).state_dict())
    made = f'import colorfuse as cf; cf.FusionColorizer(backbone="{NAME}").initialize().save("{tmp_path}/saved")'
    assert run(made, url=hub.url, cache=tmp_path / "cache").returncode == 0
    assert hub.asked
    hub.asked.clear()
    loaded = f'import colorfuse as cf; print(cf.FusionColorizer.load("{tmp_path}/saved").pretrained)'
    assert run(loaded, url=hub.url, cache=tmp_path / "another cache").stdout == "True\n"
    assert hub.asked == []
