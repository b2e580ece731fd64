import copy
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import timm
import torch
from torch import Tensor, nn

import colorfuse as cf
from colorfuse.backbones.maps import MapInfo

NAME = "test_efficientnet"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(timm.create_model(NAME).state_dict(), path)
    return path


def test_maps_are_as_announced() -> None:
    backbone = cf.create_backbone("mobilenetv1_100", pretrained=False).eval()
    maps = backbone(torch.rand(2, 3, 64, 96))
    announced: tuple[MapInfo, ...] = backbone.maps
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
    with pytest.raises(cf.WeightsError, match=f"does not hold the weights of '{NAME}': it lacks "):
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
    fusion = {name: value.clone() for name, value in colorizer.network_.fusion.named_parameters()}
    colorizer.fit(photos, num_workers=0, warm_start=True)
    network = colorizer.network_
    assert any(name.endswith("running_mean") for name in before)
    for name, value in network.backbone.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not any(torch.equal(value, fusion[name]) for name, value in network.fusion.named_parameters())
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
    with pytest.raises(
        ValueError,
        match="depth is no option of the backbone 'test_efficientnet'; its options are pretrained, weights, "
        "reductions, frozen",
    ):
        cf.create_backbone({"name": NAME, "depth": 3}, pretrained=False)


def test_a_registered_backbone_is_found_by_name() -> None:
    @cf.register_backbone("halved")
    class Halved(nn.Module):
        maps = (MapInfo(3, 2),)

        def forward(self, images: Tensor) -> list[Tensor]:
            return [images[..., ::2, ::2]]

    assert cf.list_backbones("halv*") == ["halved"]
    colorizer = cf.FusionColorizer(backbone="halved", pretrained=False).initialize()
    assert isinstance(colorizer.network_.backbone.features, Halved)


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
    hook = backbone.features.register_forward_pre_hook(
        lambda module, inputs: given.append(tuple(inputs[0].shape[-2:]))
    )
    with torch.no_grad():
        maps = backbone(torch.rand(1, 3, *size))
    hook.remove()
    assert given == [seen]
    assert [given.shape[1] for given in maps] == [info.channels for info in backbone.maps]
    assert copy.deepcopy(backbone).maps == backbone.maps == pickle.loads(pickle.dumps(backbone)).maps


def test_a_single_map_and_its_announcement() -> None:
    @cf.register_backbone("single")
    class Single(nn.Conv2d):
        maps = ((8, 4),)

        def __init__(self) -> None:
            super().__init__(3, 8, 3, 4, 1)

    assert cf.create_backbone("single").maps == (MapInfo(8, 4),)
    colorizer = cf.FusionColorizer(backbone="single", fusion="film").initialize()
    assert colorizer.predict(torch.rand(1, 50, 70)).shape == (50, 70, 3)


def test_one_that_cannot_be_copied_tells_of_its_maps() -> None:
    @cf.register_backbone("locked")
    class Locked(nn.Conv2d):
        maps = (MapInfo(8, 4),)

        def __init__(self) -> None:
            super().__init__(3, 8, 3, 4, 1)
            self.lock = threading.Lock()

    colorizer = cf.FusionColorizer(backbone="locked", fusion="film").initialize()
    assert colorizer.predict(torch.rand(1, 50, 70)).shape == (50, 70, 3)


@pytest.mark.parametrize(
    ("number", "maps", "error", "message"),
    [
        (0, ((16, 4),), ValueError, "announces .*channels=16.* gives a tensor of shape"),
        (1, ((8, 4), (8, 8)), ValueError, "announces .* and gives a tensor of shape"),
        (2, 5, TypeError, "`maps` of the backbone 'announced2' must be a tuple with a MapInfo for each map, not 5"),
        (3, {4: 8}, TypeError, "`maps` of the backbone 'announced3' must be a tuple"),
    ],
)
def test_a_wrong_announcement(number: int, maps: Any, error: type[Exception], message: str) -> None:
    module = nn.Conv2d(3, 8, 3, 4, 1)
    module.maps = maps
    cf.register_backbone(f"announced{number}")(lambda: module)
    with pytest.raises(error, match=message):
        cf.create_backbone(f"announced{number}")


@pytest.mark.parametrize("nothing", [5, None, lambda: 0])
def test_a_factory_that_builds_no_module(nothing: Any) -> None:
    name = f"builds_{type(nothing).__name__}"
    cf.register_backbone(name)(lambda: nothing)
    with pytest.raises(TypeError, match=f"'{name}' must be a torch.nn.Module, not a {type(nothing).__name__}"):
        cf.create_backbone(name)


def test_a_registered_backbone_sees_sizes_that_it_takes() -> None:
    @cf.register_backbone("of_even_sizes")
    class OfEvenSizes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.more = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)

        def forward(self, images: Tensor) -> list[Tensor]:
            fine = self.down(images)
            coarse = self.more(fine)
            return [fine + nn.functional.interpolate(coarse, scale_factor=2), coarse]

    colorizer = cf.FusionColorizer(backbone="of_even_sizes").initialize()
    assert colorizer.predict(torch.rand(1, 51, 70)).shape == (51, 70, 3)


def test_a_registered_backbone_learns_whether_it_starts_pretrained(tmp_path: Path) -> None:
    told: list[bool] = []

    @cf.register_backbone("of_two_minds")
    class OfTwoMinds(nn.Conv2d):
        def __init__(self, weights: str = "small", pretrained: bool = True) -> None:
            super().__init__(3, {"small": 8, "big": 16}[weights], 3, 2, 1)
            told.append(pretrained)

    colorizer = cf.FusionColorizer(backbone={"name": "of_two_minds", "weights": "big"}).initialize()
    colorizer.save(tmp_path)
    again = cf.FusionColorizer.load(tmp_path)
    assert again.network_.backbone.maps == (MapInfo(16, 2),)
    assert told == [True, False]


def test_reductions_and_freezing_leave_the_keys_of_weights_alone() -> None:
    for name in (NAME, "none"):
        plain = cf.create_backbone(name, pretrained=False)
        frozen = cf.create_backbone(name, pretrained=False, frozen=True)
        assert plain.state_dict().keys() == frozen.state_dict().keys()
    plain, fewer = (cf.create_backbone(NAME, pretrained=False, reductions=given) for given in (None, [8, 32]))
    assert plain.state_dict().keys() == fewer.state_dict().keys()


def test_a_file_of_a_larger_sibling_is_refused(tmp_path: Path) -> None:
    for name in ("resnet18", "torchvision/resnet18"):
        sibling = timm.create_model("resnet34")
        safetensors.torch.save_file(sibling.state_dict(), tmp_path / "larger.safetensors")
        with pytest.raises(cf.WeightsError, match=f"weights of '{name}': it has layer1.2.* and .* more"):
            cf.create_backbone(name, weights=tmp_path / "larger.safetensors")


def test_a_file_with_another_head_is_taken(weights: Path) -> None:
    state = safetensors.torch.load_file(weights)
    del state["classifier.weight"], state["classifier.bias"]
    other = weights.with_name("other.safetensors")
    safetensors.torch.save_file(state | {"my_head.weight": torch.zeros(3)}, other)
    backbone = cf.create_backbone(NAME, weights=other)
    assert torch.equal(backbone.state_dict()["features.model.conv_stem.weight"], state["conv_stem.weight"])


@pytest.mark.parametrize("beside", [{"model": "resnet10t"}, {"epoch": 3}, {7: torch.zeros(1)}])
def test_what_lies_beside_weights_does_not_matter(weights: Path, beside: dict[Any, Any]) -> None:
    path = weights.with_suffix(".pth")
    torch.save(beside | safetensors.torch.load_file(weights), path)
    if 7 in beside:
        with pytest.raises(cf.WeightsError, match="cannot be read"):
            cf.create_backbone(NAME, weights=path)
    else:
        cf.create_backbone(NAME, weights=path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reductions": 8}, "reductions of the backbone 'test_efficientnet' must be a valid array, not 8"),
        (
            {"reductions": [8, "3"]},
            r"reductions\[1\] of the backbone 'test_efficientnet' must be a valid integer, not '3'",
        ),
        ({"reductions": []}, "reductions of the backbone 'test_efficientnet' is wrong: .* at least 1 item"),
        ({"frozen": "false"}, "frozen of the backbone 'test_efficientnet' must be a valid boolean, not 'false'"),
        ({"weights": 3}, "weights of the backbone 'test_efficientnet' must be a valid string, not 3"),
    ],
)
def test_options_of_the_wrong_type(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cf.create_backbone({"name": NAME, "pretrained": False, **options})


def test_tags_that_there_are_not() -> None:
    with pytest.raises(ValueError, match=r"timm cannot build 'resnet18.nonsense': Invalid pretrained tag"):
        cf.create_backbone("resnet18.nonsense")
    with pytest.raises(ValueError, match="no backbone is called 'torchvision/resnet18.nonsense'"):
        cf.create_backbone("torchvision/resnet18.nonsense")


def test_a_family_that_gives_features_in_its_own_way(tmp_path: Path) -> None:
    model = timm.create_model("hardcorenas_a")
    safetensors.torch.save_file(model.state_dict(), tmp_path / "weights.safetensors")
    backbone = cf.create_backbone("hardcorenas_a", weights=tmp_path / "weights.safetensors")
    assert [info.reduction for info in backbone.maps] == [2, 4, 8, 16, 32]
    given = backbone.state_dict()["features.conv_stem.weight"]
    assert torch.equal(given, model.state_dict()["conv_stem.weight"])


def test_the_hubs_name_of_a_model_of_timm_is_known() -> None:
    expected = cf.create_backbone("resnet18.a1_in1k", pretrained=False).maps
    assert cf.create_backbone("timm/resnet18.a1_in1k", pretrained=False).maps == expected


def test_modules_that_are_no_backbones_say_what_they_should_be() -> None:
    with pytest.raises(TypeError, match=r"not Conv2d; register a class of your own by @colorfuse\.register_backbone"):
        cf.FusionColorizer(backbone=torch.nn.Conv2d(3, 8, 3)).initialize()  # type: ignore[arg-type]

    class OneChannel(torch.nn.Conv2d):
        def __init__(self) -> None:
            super().__init__(1, 8, 3, stride=2)

    class ChannelsLast(torch.nn.Conv2d):
        def __init__(self) -> None:
            super().__init__(3, 8, 3, stride=2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images).permute(0, 2, 3, 1)

    cf.register_backbone("test_one_channel")(OneChannel)
    cf.register_backbone("test_channels_last")(ChannelsLast)
    with pytest.raises(ValueError, match=r"takes images of one channel; a backbone gets three equal ones"):
        cf.create_backbone("test_one_channel")
    with pytest.raises(TypeError, match=r"gives maps \(N, H, W, C\).* a backbone gives \(N, C, H, W\): permute"):
        cf.create_backbone("test_channels_last")
