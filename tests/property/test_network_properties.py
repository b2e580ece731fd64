import functools
import tempfile
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import DECODERS, ENCODERS, FUSIONS
from torch import nn

import colorfuse as cf
from colorfuse.network import FusionNetwork
from colorfuse.network.decoders import decoders
from colorfuse.network.encoders import encoders
from colorfuse.network.fusions import fusions

SIDES = st.integers(32, 97)


@pytest.fixture(scope="module", params=cf.list_recipes())
def network(request: pytest.FixtureRequest) -> FusionNetwork:
    return cf.FusionColorizer.from_recipe(request.param, pretrained=False).initialize().network_


@settings(max_examples=8)
@given(height=SIDES, width=SIDES)
def test_planes_have_the_size_of_the_input(network: FusionNetwork, height: int, width: int) -> None:
    with torch.no_grad():
        planes = network(torch.rand(1, 1, height, width) * 100)
    assert planes.shape == (1, planes.shape[1], height, width)
    assert planes.isfinite().all()


@settings(max_examples=8)
@given(order=st.permutations(range(4)))
def test_photos_of_a_batch_do_not_touch_each_other(network: FusionNetwork, order: list[int]) -> None:
    lightness = torch.rand(4, 1, 40, 56) * 100
    with torch.no_grad():
        torch.testing.assert_close(network(lightness[order]), network(lightness)[order], atol=1e-5, rtol=1e-4)


@functools.cache
def backbone(name: str) -> Any:
    return cf.create_backbone(name, pretrained=False).eval()


BACKBONES = ["test_efficientnet", "test_vit", "crossvit_tiny_240", "levit_128s", "mixer_s32_224", "hrnet_w18_small"]


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_combination_gives_planes_of_the_inputs_size(
    encoder: str, fusion: str, decoder: str, name: str
) -> None:
    branch, features = encoders.create(encoder), backbone(name)
    joint = fusions.create(fusion, branch.maps, features.maps)
    head = decoders.create(decoder, joint.map, branch.maps, features.maps, 2, nn.Tanh())
    network = FusionNetwork(branch, features, joint, head).eval()
    drawn = np.random.default_rng(zlib.crc32(f"{encoder}{fusion}{decoder}{name}".encode()))
    short = int(drawn.integers(32, 60))
    for size in ((short, int(drawn.integers(32, 130))), (8 * short, short)):
        with torch.no_grad():
            planes = network(torch.rand(1, 1, *size) * 100)
        assert planes.shape == (1, 2, *size)
        assert planes.isfinite().all()


@pytest.mark.slow
@settings(max_examples=20)
@given(
    encoder=st.sampled_from(ENCODERS),
    fusion=st.sampled_from(FUSIONS),
    decoder=st.sampled_from(DECODERS),
    name=st.sampled_from(BACKBONES),
    seed=st.integers(0, 1000),
)
def test_save_and_load_give_the_same_bits(encoder: str, fusion: str, decoder: str, name: str, seed: int) -> None:
    colorizer = cf.FusionColorizer(
        encoder=encoder, fusion=fusion, decoder=decoder, backbone=name, pretrained=False, seed=seed, image_size=40
    ).initialize()
    lightness = torch.rand(1, 1, 45, 70) * 100
    with tempfile.TemporaryDirectory() as folder:
        colorizer.save(folder)
        again = cf.FusionColorizer.load(folder)
    assert again.get_params() == colorizer.get_params()
    assert torch.equal(again.predict_ab(lightness), colorizer.predict_ab(lightness))


@pytest.mark.slow
@settings(max_examples=12)
@given(
    encoder=st.sampled_from(ENCODERS),
    fusion=st.sampled_from(FUSIONS),
    decoder=st.sampled_from(DECODERS),
    name=st.sampled_from(BACKBONES),
)
def test_a_frozen_backbone_stays_as_it_is(encoder: str, fusion: str, decoder: str, name: str) -> None:
    colorizer = cf.FusionColorizer(
        encoder=encoder,
        fusion=fusion,
        decoder=decoder,
        backbone={"name": name, "frozen": True},
        pretrained=False,
        image_size=40,
        epochs=1,
        batch_size=2,
    ).initialize()
    before = {key: value.clone() for key, value in colorizer.network_.state_dict().items()}
    photos = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3), np.uint8)
    after = colorizer.fit(photos, num_workers=0).network_.state_dict()
    stayed = {key for key, value in after.items() if torch.equal(value, before[key])}
    assert {key for key in after if key.startswith("backbone.")} <= stayed
    assert len(stayed) < len(after)
