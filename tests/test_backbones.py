from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import timm
import torch
from torch import Tensor, nn

import colorfuse as cf
from colorfuse.maps import MapInfo

NAME = "test_efficientnet"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(timm.create_model(NAME).state_dict(), path)
    return path


def test_maps_are_as_announced() -> None:
    backbone = cf.create_backbone("mobilenetv1_100", pretrained=False).eval()
    maps = backbone(torch.rand(2, 3, 64, 96))
    announced: tuple[MapInfo, ...] = backbone.maps  # type: ignore[assignment]
    assert [info.reduction for info in announced] == [2, 4, 8, 16, 32]
    for given, info in zip(maps, announced, strict=True):
        assert given.shape == (2, info.channels, 64 // info.reduction, 96 // info.reduction)


def test_images_are_normalised_as_the_model_wants() -> None:
    backbone = cf.create_backbone(NAME, pretrained=False).eval()
    reference: Any = timm.create_model(NAME, features_only=True).eval()
    reference.load_state_dict(
        {name.removeprefix("features.model."): value for name, value in backbone.state_dict().items()}, strict=False
    )
    mean, std = (torch.tensor(reference.pretrained_cfg[key]).reshape(3, 1, 1) for key in ("mean", "std"))
    images = torch.rand(1, 3, 64, 64)
    for ours, theirs in zip(backbone(images), reference((images - mean) / std), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_weights_from_a_file(weights: Path) -> None:
    for path in (weights, weights.with_suffix(".pth")):
        if path.suffix == ".pth":
            torch.save(safetensors.torch.load_file(weights), path)
        backbone = cf.create_backbone({"name": NAME, "weights": str(path)})
        expected = safetensors.torch.load_file(weights)["conv_stem.weight"]
        assert torch.equal(backbone.state_dict()["features.model.conv_stem.weight"], expected)


def test_a_file_of_another_model_is_refused(weights: Path) -> None:
    with pytest.raises(cf.WeightsError, match=f"{weights} does not hold the weights of 'mobilenetv1_100'"):
        cf.create_backbone({"name": "mobilenetv1_100", "weights": weights})


@pytest.mark.parametrize("damage", ["of nothing", "of a part", "under module."])
def test_a_file_of_a_part_is_refused_and_one_of_the_whole_is_unwrapped(weights: Path, damage: str) -> None:
    state = safetensors.torch.load_file(weights)
    if damage == "under module.":
        torch.save(
            {"state_dict": {f"module.{key}": value for key, value in state.items()}}, weights.with_suffix(".pth")
        )
        backbone = cf.create_backbone({"name": NAME, "weights": weights.with_suffix(".pth")})
        assert torch.equal(backbone.state_dict()["features.model.conv_stem.weight"], state["conv_stem.weight"])
        return
    kept = {} if damage == "of nothing" else {"conv_stem.weight": state["conv_stem.weight"]}
    safetensors.torch.save_file(kept | {"other": torch.zeros(1)}, weights)
    with pytest.raises(cf.WeightsError, match=f"does not hold the weights of '{NAME}': it lacks b"):
        cf.create_backbone({"name": NAME, "weights": weights})


def test_an_unknown_tag() -> None:
    with pytest.raises(ValueError, match="timm cannot build 'test_efficientnet.nonsense'"):
        cf.create_backbone("test_efficientnet.nonsense", pretrained=False)


def test_a_registered_backbone_without_maps() -> None:
    cf.register_backbone("silent")(nn.Identity)
    with pytest.raises(TypeError, match="'silent' does not say in `maps`"):
        cf.create_backbone("silent")


def test_a_file_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"not weights")
    for name in ("bad.safetensors", "missing.pth"):
        with pytest.raises(cf.WeightsError, match=f"{name} cannot be read"):
            cf.create_backbone({"name": NAME, "weights": tmp_path / name})


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(tmp_path / "run"),)

    torch.save({"weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(cf.WeightsError, match=r"evil\.pth cannot be read"):
        cf.create_backbone({"name": NAME, "weights": tmp_path / "evil.pth"})
    assert not (tmp_path / "run").exists()


def test_weights_that_cannot_be_reached_name_the_ways_on() -> None:
    with pytest.raises(cf.WeightsError, match=f"'{NAME}' cannot be had from the hub.*pretrained=False.*local file"):
        cf.create_backbone(NAME)


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    with pytest.raises(ValueError, match="no backbone is called 'mobilenetv1_10'; .* mobilenetv1_100"):
        cf.create_backbone("mobilenetv1_10", pretrained=False)


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(ValueError, match="does not take.*'depth': 3"):
        cf.create_backbone({"name": NAME, "depth": 3}, pretrained=False)


def test_a_registered_backbone_is_found_by_name() -> None:
    @cf.register_backbone("halved")
    class Halved(nn.Module):
        maps = (MapInfo(3, 2),)

        def forward(self, images: Tensor) -> list[Tensor]:
            return [images[..., ::2, ::2]]

    assert cf.list_backbones("halv*") == ["halved"]
    colorizer = cf.FusionColorizer(backbone="halved", pretrained=False).initialize()
    assert isinstance(colorizer.network_.backbone, Halved)


def test_a_name_of_timm_cannot_be_taken() -> None:
    with pytest.raises(ValueError, match="there is a backbone 'resnet18' already"):
        cf.register_backbone("resnet18")
