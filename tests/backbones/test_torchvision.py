import copy
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision import models

import colorfuse as cf
from colorfuse.backbones.maps import MapInfo

NAME = "torchvision/shufflenet_v2_x0_5"
FAMILIES = [
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "swin_t",
    "swin_v2_t",
    "vgg11_bn",
    "vit_b_32",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_maps_are_as_announced_for_any_size(name: str) -> None:
    backbone: Any = cf.create_backbone(f"torchvision/{name}", pretrained=False)
    for size in ((32, 32), (45, 130), (224, 224)):
        maps = backbone.train(size == (32, 32))(torch.rand(2, 3, *size))
        assert [given.shape[:2] for given in maps] == [(2, info.channels) for info in backbone.maps]
        sides = [given.shape[-1] for given in maps]
        assert sides == sorted(sides, reverse=True)
    for given, info in zip(maps, backbone.maps, strict=True):
        assert given.shape[2] == pytest.approx(backbone._sizing((224, 224))[0] / info.reduction, abs=4)
    sum(given.mean() for given in maps).backward()
    assert all(weight.grad is not None for weight in backbone.parameters())
    backbone.load_state_dict(dict(backbone.state_dict()))


def test_there_is_one_of_each_family() -> None:
    families = {models.get_model_builder(name).__module__ for name in models.list_models(module=models)}
    assert {models.get_model_builder(name).__module__ for name in FAMILIES} == families


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("resnet18", ["relu", "layer1", "layer2", "layer3", "layer4"]),
        ("swin_t", ["features.1", "features.3", "features.5", "permute"]),
    ],
)
def test_maps_are_those_of_the_classifier(name: str, stages: list[str]) -> None:
    backbone: Any = cf.create_backbone(f"torchvision/{name}", pretrained=False).eval()
    classifier = models.get_model(name).eval()
    classifier.load_state_dict(
        {key.removeprefix("features.model."): value for key, value in backbone.state_dict().items()}, strict=False
    )
    given: list[torch.Tensor] = []
    for stage in stages:
        classifier.get_submodule(stage).register_forward_hook(lambda module, inputs, output: given.append(output))
    images = torch.rand(1, 3, 64, 96)
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    with torch.no_grad():
        classifier((images - mean) / std)
        maps = backbone(images)
    for ours, theirs, info in zip(maps, given, backbone.maps, strict=True):
        torch.testing.assert_close(ours, theirs if theirs.shape[1] == info.channels else theirs.permute(0, 3, 1, 2))


def test_the_transformer_gives_its_patches() -> None:
    backbone: Any = cf.create_backbone("torchvision/vit_b_32", pretrained=False).eval()
    assert backbone.maps == (MapInfo(768, 32),)
    transformer: Any = backbone.features.model
    images = torch.rand(1, 3, 224, 224)
    tokens: list[torch.Tensor] = []
    transformer.encoder.register_forward_hook(lambda module, inputs, output: tokens.append(output))
    with torch.no_grad():
        (patches,) = backbone(images)
        transformer((images - backbone.mean) / backbone.std)
    torch.testing.assert_close(patches.flatten(2).mT, tokens[1][:, 1:])


def test_copies_are_the_same() -> None:
    backbone: Any = cf.create_backbone(NAME, pretrained=False).eval()
    images = torch.rand(1, 3, 64, 64)
    for again in (copy.deepcopy(backbone), pickle.loads(pickle.dumps(backbone))):
        assert again.maps == backbone.maps
        assert all(map(torch.equal, again(images), backbone(images)))


def test_published_weights_come_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    published = models.get_model_weights("shufflenet_v2_x0_5")["DEFAULT"]
    cached = tmp_path / "hub" / "checkpoints" / Path(published.url).name
    cached.parent.mkdir(parents=True)
    classifier = models.get_model("shufflenet_v2_x0_5")
    torch.save(classifier.state_dict(), cached)
    backbone: Any = cf.create_backbone(NAME)
    assert torch.equal(backbone.features.model["conv5"][0].weight, classifier.conv5[0].weight)


def test_weights_that_cannot_be_reached_name_the_ways_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # where nothing answers
    with pytest.raises(cf.WeightsError, match=rf"'{NAME}' cannot be had from https://.*pretrained=False.*local file"):
        cf.create_backbone(NAME)


def test_weights_from_a_file(tmp_path: Path) -> None:
    classifier = models.get_model("shufflenet_v2_x0_5")
    torch.save(classifier.state_dict(), tmp_path / "weights.pth")
    backbone: Any = cf.create_backbone({"name": NAME, "weights": str(tmp_path / "weights.pth")})
    assert torch.equal(backbone.features.model["conv5"][0].weight, classifier.conv5[0].weight)
    with pytest.raises(cf.WeightsError, match="does not hold the weights of 'torchvision/mobilenet_v2'"):
        cf.create_backbone("torchvision/mobilenet_v2", weights=tmp_path / "weights.pth")


def test_published_densenets_have_names_of_their_own(tmp_path: Path) -> None:
    classifier = models.get_model("densenet121")
    published = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", key): value
        for key, value in classifier.state_dict().items()
    }
    assert published.keys() != classifier.state_dict().keys()
    torch.save(published, tmp_path / "weights.pth")
    backbone: Any = cf.create_backbone("torchvision/densenet121", weights=tmp_path / "weights.pth")
    given = backbone.state_dict()["features.model.features.denseblock1.denselayer1.norm1.weight"]
    assert torch.equal(given, classifier.state_dict()["features.denseblock1.denselayer1.norm1.weight"])


def test_they_are_listed() -> None:
    assert NAME in cf.list_backbones("torchvision/shuffle*")
    with pytest.raises(ValueError, match="no backbone is called 'torchvision/resnet_18'.* torchvision/resnet18"):
        cf.create_backbone("torchvision/resnet_18")


def test_building_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cf.create_backbone("torchvision/googlenet", pretrained=False)
