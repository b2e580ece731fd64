import copy
import pickle
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
    @cf.register_backbone("plain")
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 12, 3, 4, 1)])
            self.offset = nn.Buffer(torch.zeros(1))

        def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
            fine = self.layers[0](images).add(self.offset)
            return fine, self.layers[1](fine)

    assert cf.create_backbone("plain").maps == (MapInfo(8, 2), MapInfo(12, 8))
    assert [tuple(given.shape) for given in cf.create_backbone("plain")(torch.rand(1, 3, 64, 40))] == [
        (1, 8, 32, 20),
        (1, 12, 8, 5),
    ]
    colorizer = cf.FusionColorizer(backbone={"name": "plain", "reductions": [8]}, pretrained=False).initialize()
    assert colorizer.network_.backbone.maps == (MapInfo(12, 8),)
    assert colorizer.predict(torch.rand(1, 50, 70)).shape == (50, 70, 3)


class Returning(nn.Module):
    """Gives what a function makes of images."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, images: Tensor) -> Any:
        return self.function(images)


@pytest.mark.parametrize(
    ("number", "function", "error", "message"),
    [
        (0, lambda images: images.mean((2, 3)), TypeError, r"returns a tensor of shape \(2, 3\), not a map"),
        (1, lambda images: None, TypeError, "returns a NoneType, not a map"),
        (2, lambda images: [], TypeError, r"returns \[\], not a map"),
        (3, lambda images: [images[..., ::4, ::4], images[..., ::2, ::2]], ValueError, r"must shrink.* \[56, 112\]"),
        (4, lambda images: images, ValueError, r"must shrink.*224 pixels become \[224\]"),
        (5, lambda images: images.numpy(), ValueError, "cannot be run on the meta device .* attribute `maps`"),
    ],
)
def test_modules_that_give_no_maps(number: int, function: Any, error: type[Exception], message: str) -> None:
    cf.register_backbone(f"returning{number}")(lambda: Returning(function))
    with pytest.raises(error, match=f"returning{number}.*{message}"):
        cf.create_backbone(f"returning{number}")


def test_reductions_that_there_are_not() -> None:
    with pytest.raises(ValueError, match=r"maps of reductions \[2, 4, 8, 16, 32\], and none of \[7, 64\]"):
        cf.create_backbone("mobilenetv1_100", pretrained=False, reductions=(64, 8, 7))


def test_frozen_means_frozen(weights: Path) -> None:
    colorizer = cf.FusionColorizer(
        backbone={"name": NAME, "weights": str(weights), "frozen": True}, image_size=32, epochs=2, batch_size=4
    )
    photos = torch.randint(0, 256, (12, 40, 40, 3), dtype=torch.uint8).numpy()
    colorizer.initialize()
    before = {name: value.clone() for name, value in colorizer.network_.backbone.state_dict().items()}
    colorizer.fit(photos, num_workers=0)
    network = colorizer.network_
    assert any(name.endswith("running_mean") for name in before)
    for name, value in network.backbone.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert any(weight.grad is not None for weight in network.fusion.parameters()) or network.fusion.training is False
    network.train()
    assert network.decoder.training
    assert not any(module.training for module in network.backbone.modules())


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
    with pytest.raises(
        cf.WeightsError,
        match=f"'{NAME}' cannot be had from the hub's timm/{NAME}.r160_in1k .*pretrained=False.*local file",
    ):
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


@pytest.mark.parametrize(
    ("name", "size", "seen"),
    [
        ("test_efficientnet", (45, 70), (45, 70)),
        ("test_vit", (45, 70), (45, 70)),
        ("hrnet_w18_small", (45, 70), (64, 96)),
        ("levit_128s", (45, 70), (224, 224)),
        ("mixer_s32_224", (300, 32), (224, 224)),
    ],
)
def test_images_come_at_a_size_that_the_model_takes(name: str, size: tuple[int, int], seen: tuple[int, int]) -> None:
    backbone = cf.create_backbone(name, pretrained=False).eval()
    given: list[tuple[int, ...]] = []
    hook = backbone.features.register_forward_pre_hook(  # type: ignore[union-attr]
        lambda module, inputs: given.append(tuple(inputs[0].shape[-2:]))
    )
    with torch.no_grad():
        maps = backbone(torch.rand(1, 3, *size))
    hook.remove()
    assert given == [seen]
    assert [given.shape[1] for given in maps] == [info.channels for info in backbone.maps]  # type: ignore[union-attr]
    assert copy.deepcopy(backbone).maps == pickle.loads(pickle.dumps(backbone)).maps
