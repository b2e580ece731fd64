import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import colorfuse as cf
from colorfuse.network import FusionNetwork

SIDES = st.integers(32, 97)


@pytest.fixture(scope="module", params=cf.list_recipes())
def network(request: pytest.FixtureRequest) -> FusionNetwork:
    return cf.FusionColorizer.from_recipe(request.param, pretrained=False).initialize().network_


@settings(max_examples=8)
@given(height=SIDES, width=SIDES)
def test_planes_have_the_size_of_the_input(network: FusionNetwork, height: int, width: int) -> None:
    with torch.no_grad():
        planes = network(torch.rand(1, 1, height, width) * 100)
    assert planes.shape == (1, 2, height, width)
    assert (planes.abs() <= 1).all()


@settings(max_examples=8)
@given(order=st.permutations(range(4)))
def test_photos_of_a_batch_do_not_touch_each_other(network: FusionNetwork, order: list[int]) -> None:
    lightness = torch.rand(4, 1, 40, 56) * 100
    with torch.no_grad():
        torch.testing.assert_close(network(lightness[order]), network(lightness)[order], atol=1e-5, rtol=1e-4)
