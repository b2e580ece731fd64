from typing import Any

import pytest
import torch
from torch import Tensor, nn

import colorfuse as cf
from colorfuse.maps import MapInfo
from colorfuse.network import FusionNetwork
from colorfuse.network.decoders import decoders
from colorfuse.network.encoders import encoders
from colorfuse.network.fusions import fusions


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


@pytest.mark.parametrize("layers", [[], [[8, 3]]])
def test_encoder_layers_that_cannot_be_are_refused(layers: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="pairs of width and stride 1 or 2"):
        encoders.create({"name": "conv", "layers": layers})


@pytest.mark.parametrize("reduction", [4, 8, 14, 16, 32, 64])
@pytest.mark.parametrize("size", [(64, 64), (37, 290)])
def test_the_papers_decoder_starts_from_any_map(reduction: int, size: tuple[int, int]) -> None:
    decoder = decoders.create("paper", MapInfo(8, reduction), (), (), 2, nn.Tanh())
    fused = torch.rand(1, 8, *(side // reduction + 1 for side in size))
    assert decoder(fused, [], [], size).shape == (1, 2, *size)


def test_attention_needs_channels_for_each_head() -> None:
    with pytest.raises(ValueError, match="channels=10, no multiple of heads=4"):
        fusions.create({"name": "attention", "channels": 10}, (), (MapInfo(8, 8),))


@pytest.mark.parametrize("decoder", decoders.names())
@pytest.mark.parametrize("fusion", fusions.names())
@pytest.mark.parametrize("encoder", encoders.names())
def test_every_combination_learns(encoder: str, fusion: str, decoder: str) -> None:
    colorizer = cf.FusionColorizer(
        encoder=encoder, fusion=fusion, decoder=decoder, backbone="test_efficientnet", pretrained=False
    )
    network = colorizer.initialize().network_.train()
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    lightness, target = torch.rand(2, 1, 45, 70) * 100, torch.full((2, 2, 45, 70), 0.5)
    losses = []
    for _ in range(12):
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
