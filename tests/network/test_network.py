import itertools
from typing import Any

import numpy as np
import pytest
import torch
from parts import DECODERS, ENCODERS, FUSIONS, SYSTEMS
from skimage.feature import daisy
from torch import Tensor, nn

import colorfuse as cf
from colorfuse.backbones.maps import MapInfo
from colorfuse.network import FusionNetwork
from colorfuse.network.decoders import decoders
from colorfuse.network.encoders import encoders
from colorfuse.network.fusions import fusions
from colorfuse.registry import Registry


@pytest.fixture(scope="module")
def paper() -> FusionNetwork:
    return cf.FusionColorizer.from_recipe("paper", pretrained=False).initialize().network_


def layers(part: nn.Module, *kinds: type[nn.Module]) -> list[Any]:
    return [layer for layer in part.modules() if isinstance(layer, kinds)]


def widths_and_strides(part: nn.Module, kind: type[nn.Conv2d | nn.ConvTranspose2d]) -> list[tuple[int, int, int]]:
    return [(layer.out_channels, layer.kernel_size[0], layer.stride[0]) for layer in layers(part, kind)]


class TestPaper:
    """The network of the paper, layer by layer."""

    def test_encoder(self, paper: FusionNetwork) -> None:
        assert widths_and_strides(paper.encoder, nn.Conv2d) == [
            (64, 3, 2), (128, 3, 1), (128, 3, 2), (256, 3, 2), (256, 3, 1), (512, 3, 2), (256, 3, 2),
        ]  # fmt: skip
        activations = layers(paper.encoder, nn.LeakyReLU, nn.ReLU)
        assert [type(a) for a in activations] == [nn.LeakyReLU] * 2 + [nn.ReLU] * 5
        assert [a.negative_slope for a in activations[:2]] == [0.2, 0.2]

    def test_backbone_is_mobilenet(self, paper: FusionNetwork) -> None:
        # 28 layers and 4.2 million parameters with the classifier of 1000 classes, which features do without.
        convolutions = layers(paper.backbone, nn.Conv2d)
        assert len(convolutions) == 27
        assert sum(p.numel() for p in paper.backbone.parameters()) + 1024 * 1000 + 1000 == pytest.approx(
            4.2e6, rel=0.01
        )
        assert all(p.requires_grad for p in paper.backbone.parameters())

    def test_fusion(self, paper: FusionNetwork) -> None:
        assert widths_and_strides(paper.fusion, nn.Conv2d) == [(512, 1, 1)]
        encoded, features = [torch.rand(1, 256, 7, 7)], [torch.rand(1, 1024, 7, 7)]
        fused = paper.fusion(encoded, features)
        assert fused.shape == (1, 768, 7, 7)
        assert (fused[:, :512] >= 0).all()
        assert torch.equal(fused[:, 512:], encoded[0])

    def test_decoder(self, paper: FusionNetwork) -> None:
        assert widths_and_strides(paper.decoder, nn.ConvTranspose2d) == [
            (512, 3, 2), (256, 3, 2), (128, 3, 2), (64, 3, 2), (64, 3, 1), (32, 3, 2),
        ]  # fmt: skip
        assert widths_and_strides(paper.decoder, nn.Conv2d) == [(2, 1, 1)]
        assert [layer.in_channels for layer in layers(paper.decoder, nn.ConvTranspose2d)] == [
            768, 512 + 512, 256 + 256, 128, 64, 64,
        ]  # fmt: skip
        assert [layer.p for layer in layers(paper.decoder, nn.Dropout)] == [0.25]
        assert len(layers(paper.decoder, nn.Tanh)) == 1

    def test_dropout_after_the_first_four_layers_and_on_what_is_joined(self, paper: FusionNetwork) -> None:
        calls: list[tuple[int, ...]] = []
        hook = paper.decoder.dropout.register_forward_hook(  # type: ignore[union-attr]
            lambda module, inputs, output: calls.append(tuple(output.shape[1:]))
        )
        paper(torch.zeros(1, 1, 224, 224))
        hook.remove()
        assert calls == [
            (512, 14, 14), (512, 14, 14), (256, 28, 28), (256, 28, 28), (128, 56, 56), (64, 112, 112),
        ]  # fmt: skip

    def test_no_batch_norm_outside_mobilenet_and_weights_from_a_narrow_normal(self, paper: FusionNetwork) -> None:
        for part in (paper.encoder, paper.fusion, paper.decoder):
            assert not layers(part, nn.BatchNorm2d)
            weights = torch.cat([p.detach().flatten() for n, p in part.named_parameters() if n.endswith("weight")])
            assert weights.std().item() == pytest.approx(0.02, rel=0.02)
            assert weights.mean().item() == pytest.approx(0, abs=1e-3)
            assert all((p == 0).all() for n, p in part.named_parameters() if n.endswith("bias"))

    def test_training_settings(self) -> None:
        recipe = cf.FusionColorizer.from_recipe("paper")
        assert (recipe.pretrained, recipe.image_size, recipe.objective) == (True, 224, "mse")
        assert (recipe.optimizer, recipe.learning_rate, recipe.schedule) == ("adam", 3e-4, "constant")
        assert (recipe.batch_size, recipe.epochs, recipe.weight_decay) == (32, 30, 0)


def test_lightness_is_scaled_once_and_repeated_for_the_backbone() -> None:
    class Seen(nn.Module):
        def forward(self, images: Tensor) -> list[Tensor]:
            self.images = images
            return [images]

    class First(nn.Module):
        def forward(self, encoded: list[Tensor], *others: object) -> Tensor:
            return encoded[0]

    encoder, backbone = Seen(), Seen()
    network = FusionNetwork(encoder, backbone, First(), First())
    network.decoder.forward = lambda fused, *rest: fused
    lightness = torch.rand(2, 1, 8, 8) * 100
    network(lightness)
    assert torch.equal(encoder.images, lightness / 100)
    assert torch.equal(backbone.images, (lightness / 100).expand(-1, 3, -1, -1))


@pytest.mark.parametrize(
    ("part", "options", "message"),
    [
        (encoders, {"name": "conv", "layers": []}, "layers of the encoder 'conv' .* at least 1 item"),
        (
            encoders,
            {"name": "conv", "layers": [[8, 3]]},
            r"layers\[0\]\[1\] of the encoder 'conv' must be 1 or 2, not 3",
        ),
        (encoders, {"name": "conv", "layers": [["a", 2]]}, r"layers\[0\]\[0\] .* valid integer, not 'a'"),
        (encoders, {"name": "conv", "layers": 5}, "layers .* valid array, not 5"),
        (fusions, {"name": "concat", "channels": 0}, "channels of the fusion 'concat' must be greater .* 1, not 0"),
        (fusions, {"name": "concat", "channels": "256"}, "channels .* valid integer, not '256'"),
        (fusions, {"name": "attention", "heads": -4}, "heads of the fusion 'attention' must be greater .* not -4"),
        (
            decoders,
            {"name": "light", "widths": [64, 0]},
            r"widths\[1\] of the decoder 'light' must be greater .* not 0",
        ),
        (decoders, {"name": "plain", "kernel": 4}, "kernel of the decoder 'plain' must be 1, 3, 5 or 7, not 4"),
        (decoders, {"name": "paper", "dropout": 1}, "dropout of the decoder 'paper' must be less than 1, not 1"),
    ],
)
def test_options_that_cannot_be_are_refused(part: Registry[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        part.create(options)


@pytest.mark.parametrize("fusion", ["concat", "film", "attention", "global"])
def test_fusions_that_need_a_backbone_say_so(fusion: str) -> None:
    with pytest.raises(ValueError, match=f"the fusion '{fusion}' needs a backbone, and there is none"):
        fusions.create(fusion, (MapInfo(8, 8),), ())


@pytest.mark.parametrize("fusion", ["none", "hypercolumn"])
def test_fusions_of_nothing_say_so(fusion: str) -> None:
    with pytest.raises(ValueError, match=f"the fusion '{fusion}' needs an encoder or a backbone"):
        fusions.create(fusion, (), ())


def test_hypercolumns_are_convolutions_of_what_is_joined() -> None:
    maps = (MapInfo(3, 2), MapInfo(4, 4), MapInfo(5, 8))
    fusion: Any = fusions.create({"name": "hypercolumn", "channels": 6, "reduction": 3}, maps[:1], maps[1:])
    assert fusion.map == MapInfo(6, 4)
    given = [torch.rand(2, info.channels, 40 // info.reduction, 24 // info.reduction) for info in maps]
    joined = torch.cat([nn.functional.interpolate(one, (10, 6), mode="bilinear") for one in given], dim=1)
    weights = torch.cat([mix.weight for mix in fusion.mix], dim=1)
    expected = nn.functional.conv2d(joined, weights, fusion.mix[1].bias).relu()
    torch.testing.assert_close(fusion(given[:1], given[1:]), expected)


class Part(nn.Module):
    """One of the user's own, which gives what a function makes of its inputs."""

    def __init__(self, *args: Any, function: Any = None, **announced: Any) -> None:
        super().__init__()
        self.function = function
        for name, value in announced.items():
            setattr(self, name, value)

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs)


@pytest.mark.parametrize(
    ("number", "kind", "part", "message"),
    [
        (0, "encoder", Part, "the encoder 'own0' has no attribute 'maps', which tells the next part"),
        (1, "fusion", Part, "the fusion 'own1' has no attribute 'map', which tells the next part"),
        (
            2,
            "fusion",
            lambda e, b: Part(map=MapInfo(3, 32), function=lambda e, f: e[-1]),
            r"the fusion gives \[\d+\] channels, but its 'map' tells of \[3\]",
        ),
        (
            3,
            "encoder",
            lambda: Part(maps=(MapInfo(1, 1),), function=lambda x: x),
            "do not work together: the encoder gives a tensor, and must give a list of maps",
        ),
        (
            6,
            "encoder",
            lambda: Part(maps=((1, 1),), function=lambda x: [x]),
            r"'maps' of the encoder 'own6' must be a tuple of MapInfo\(channels, reduction\), one for each map, not",
        ),
        (7, "encoder", lambda: Part(maps=MapInfo(1, 1), function=lambda x: [x]), "'maps' of the encoder 'own7' must"),
        (8, "fusion", lambda e, b: Part(map=3, function=lambda e, f: e[-1]), r"must be a MapInfo\(.*\), not 3"),
        (
            5,
            "encoder",
            lambda: Part(maps=(MapInfo(2, 1),), function=lambda x: [x]),
            r"encoder gives \[1\] .* of \[2\]",
        ),
        (4, "decoder", lambda *args: Part(function=lambda f, *rest: f), r"give \(1, 384, 64, 64\) where 2 planes"),
    ],
)
def test_parts_of_ones_own_that_do_not_fit(number: int, kind: str, part: Any, message: str) -> None:
    getattr(cf, f"register_{kind}")(f"own{number}")(part)
    colorizer = cf.FusionColorizer(backbone="test_efficientnet", pretrained=False)
    with pytest.raises(ValueError, match=message):
        colorizer.set_params(**{kind: f"own{number}"}).initialize()
    assert not hasattr(colorizer, "network_")


class Objective(cf.Objective):
    """One of the user's own, with planes and a reading that are given."""

    activation = nn.Identity()

    def __init__(self, planes: Any, read: Any = None) -> None:
        super().__init__()
        self.planes = planes
        self._read = read

    def forward(self, planes: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        return planes.square().mean()

    def read(self, planes: torch.Tensor) -> Any:
        return self._read(planes)


@pytest.mark.parametrize(
    ("number", "objective", "message"),
    [
        (0, Part, "the objective 'mine0' must be an Objective, not Part"),
        (1, lambda: Objective("2"), "must say in `planes` how many a network predicts, not '2'"),
        (
            2,
            lambda: Objective(4, lambda planes: planes),
            r"`read` of the objective 'mine2' must give .*\(1, 4",
        ),
        (3, lambda: Objective(2, lambda planes: None), "must give ab .* not NoneType"),
    ],
)
def test_objectives_of_ones_own_that_do_not_fit(number: int, objective: Any, message: str) -> None:
    cf.register_objective(f"mine{number}")(objective)
    with pytest.raises((TypeError, ValueError), match=message):
        cf.FusionColorizer(backbone="test_efficientnet", pretrained=False, objective=f"mine{number}").initialize()


@pytest.mark.parametrize("stride", [2, 4, 7])
def test_planes_for_several_pixels_at_once(paper: FusionNetwork, stride: int) -> None:
    assert paper(torch.zeros(1, 1, 65, 98), stride).shape == (1, 2, -(-65 // stride), -(-98 // stride))


@pytest.mark.parametrize(("recipe", "millions"), [("zhang2016", 32.24), ("zhang2017", 34.05)])
def test_the_published_numbers_of_parameters(recipe: str, millions: float) -> None:
    summary = cf.FusionColorizer.from_recipe(recipe, encoder=recipe).initialize().summary(64)
    assert round(summary.parameters / 1e6, 2) == millions


def test_hints_are_input_planes() -> None:
    encoder: Any = encoders.create("zhang2017").eval()
    seen: list[Tensor] = []
    encoder.blocks[0].register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    lightness, hints = torch.rand(1, 1, 32, 40), torch.zeros(1, 3, 32, 40)
    hints[0, :, 3, 4] = torch.tensor([55.0, -110.0, 1.0])
    encoder(lightness, hints)
    torch.testing.assert_close(seen[0][:, :1], lightness - 0.5)
    assert seen[0].shape == (1, 4, 32, 40)
    assert seen[0][0, 1:, 3, 4].tolist() == [0.5, -1.0, 1.0]
    assert seen[0][:, 1:].count_nonzero() == 3


def test_features_of_each_pixel_are_its_patch_and_its_descriptor() -> None:
    encoder: Any = encoders.create("cheng2015")
    lightness = torch.rand(2, 1, 20, 30)
    (features,) = encoder(lightness)
    assert features.shape == (2, 81, 20, 30)
    torch.testing.assert_close(features[:, 24:25], lightness)
    torch.testing.assert_close(features[0, :49, 10, 15], lightness[0, 0, 7:14, 12:19].flatten())
    padded = np.pad(lightness[1, 0].numpy(), 15, mode="edge")
    expected = daisy(padded, step=1, radius=15, rings=1, histograms=3, orientations=8)
    np.testing.assert_allclose(features[1, 49:].movedim(0, -1).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("reduction", [4, 8, 14, 16, 32, 64])
@pytest.mark.parametrize("size", [(64, 64), (37, 290)])
def test_the_papers_decoder_starts_from_any_map(reduction: int, size: tuple[int, int]) -> None:
    decoder = decoders.create("paper", MapInfo(8, reduction), (), (), 2, nn.Tanh())
    fused = torch.rand(1, 8, *(side // reduction + 1 for side in size))
    assert decoder(fused, [], [], size).shape == (1, 2, *size)


def test_attention_needs_channels_for_each_head() -> None:
    with pytest.raises(ValueError, match="channels=10, no multiple of heads=4"):
        fusions.create({"name": "attention", "channels": 10}, (), (MapInfo(8, 8),))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoder", "fusion", "decoder"),
    [
        *itertools.product(ENCODERS, FUSIONS, DECODERS),
        *((system, "concat", "light") for system in SYSTEMS),
        *(("conv", "concat", system) for system in ("zhang2016", "zhang2017")),
    ],
)
def test_every_combination_learns(encoder: str, fusion: str, decoder: str) -> None:
    colorizer = cf.FusionColorizer(
        encoder=encoder, fusion=fusion, decoder=decoder, backbone="test_efficientnet", pretrained=False
    )
    network = colorizer.initialize().network_.train()
    optimizer = torch.optim.Adam(network.parameters(), 3e-4)
    lightness, target = torch.rand(2, 1, 33, 40) * 100, torch.full((2, 2, 33, 40), 0.5)
    losses = []
    for _ in range(30):
        loss = (network(lightness) - target).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.9 * losses[0]
    for name, weight in network.named_parameters():
        # Not every fusion and decoder takes every map.
        elsewhere = name.startswith(("fusion", "decoder"))
        assert not elsewhere or (weight.grad is not None and weight.grad.any()), name
