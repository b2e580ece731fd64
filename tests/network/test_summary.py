import pytest
import torch
from torch import Tensor, nn

import colorfuse as cf
from colorfuse.network import FusionNetwork, summarize
from colorfuse.network.encoders import PAPER_LAYERS


def test_it_counts_the_papers_network() -> None:
    colorizer = cf.FusionColorizer.from_recipe("paper", pretrained=False).initialize()
    summary = colorizer.summary()
    encoder, backbone, fusion, decoder = summary.parts
    assert [part.part for part in summary.parts] == ["encoder", "backbone", "fusion", "decoder"]
    assert [part.name for part in summary.parts] == ["conv", "mobilenetv1_100", "concat", "paper"]
    side, channels, multiply_adds = 224, 1, 0
    for width, stride in PAPER_LAYERS:
        side //= stride
        multiply_adds += side * side * width * channels * 9
        channels = width
    assert encoder.multiply_adds == multiply_adds
    # Howard et al. 2017, table 8: 569 million with the classifier.
    assert backbone.multiply_adds + 1024 * 1000 == pytest.approx(569e6, rel=0.001)
    assert fusion.multiply_adds == 7 * 7 * (256 + 1024) * 512
    assert fusion.output == ((768, 7, 7),)
    assert decoder.output == ((2, 224, 224),)
    assert summary.parameters == sum(weights.numel() for weights in colorizer.network_.parameters())
    assert summary.to_dict()["parts"][2] == {
        "part": "fusion",
        "name": "concat",
        "parameters": (256 + 1024 + 1) * 512,
        "multiply_adds": fusion.multiply_adds,
        "output": ((768, 7, 7),),
    }


def test_it_leaves_the_network_alone() -> None:
    network = cf.FusionColorizer(backbone="test_efficientnet", pretrained=False).initialize().network_.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    summarize(network, dict.fromkeys(("encoder", "backbone", "fusion", "decoder"), ""), 64, 96)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(part._forward_hooks for part in network.children())


def test_a_network_of_ones_own() -> None:
    class Encoder(nn.Conv2d):
        def forward(self, lightness: Tensor) -> list[Tensor]:  # type: ignore[override]
            return [super().forward(lightness)]

    class First(nn.Module):
        def forward(self, encoded: list[Tensor], *others: object) -> Tensor:
            return encoded[0]

    network = FusionNetwork(Encoder(1, 2, 1), Encoder(3, 4, 1), First(), nn.Module())
    network.decoder.forward = lambda fused, *rest: fused
    names = {"encoder": "mine", "backbone": "mine", "fusion": "first", "decoder": "none"}
    assert str(summarize(network, names, 3, 5)).splitlines() == [
        "part      name   parameters  multiply-adds  output",
        "encoder   mine            4             30  2 x 3 x 5",
        "backbone  mine           16            180  4 x 3 x 5",
        "fusion    first           0              0  2 x 3 x 5",
        "decoder   none            0              0  2 x 3 x 5",
        "all                      20            210  for 1 x 3 x 5",
    ]


def test_before_there_is_a_network_and_at_a_size_too_small() -> None:
    colorizer = cf.FusionColorizer(backbone="test_efficientnet", pretrained=False)
    with pytest.raises(cf.NotFittedError, match="learnt nothing yet"):
        colorizer.summary()
    with pytest.raises(ValueError, match="image_size of a summary must be greater than or equal to 32, not 8"):
        colorizer.initialize().summary(8)
