"""Warnings of values that seem to be in other units."""

import pytest
import torch
from torch import Tensor

from colorfuse.color.units import warn_of_unit_lightness


def up_to(most: float, count: int = 64) -> Tensor:
    return torch.linspace(0, most, count).reshape(1, 1, 1, count)


@pytest.mark.parametrize("most", [1e-3, 0.5, 1.0])
def test_lightness_up_to_1_is_said(most: float) -> None:
    with pytest.warns(UserWarning, match=rf"^L lies in 0 to 100 .* this L is at most {most:g}; scale them$"):
        warn_of_unit_lightness(up_to(most))
    with pytest.warns(UserWarning, match=rf"at most {most:g} and ab lies within 0.25; scale them$"):
        warn_of_unit_lightness(up_to(most), torch.tensor([0.125, -0.25]))


@pytest.mark.parametrize(
    "lightness",
    [
        up_to(1.001),
        up_to(2.0),
        up_to(100.0),
        up_to(1.0, count=63),  # too few to tell
        torch.zeros(1, 1, 8, 8),  # a black photo
        torch.ones(1, 1, 8, 8),  # and one as dark all over
        torch.ones(1, 1, 8, 8, device="meta"),
    ],
)
def test_lightness_that_may_be_right_is_not(lightness: Tensor) -> None:
    warn_of_unit_lightness(lightness)
