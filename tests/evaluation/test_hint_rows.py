"""Evaluation with hints."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import colorfuse as cf
from colorfuse.evaluation.hint_curves import SIGGRAPH17, hint_points
from colorfuse.evaluation.hinting import draw_points
from colorfuse.network.spreading import spread_hints


class Spreading(cf.Colorizer):
    takes_hints = True
    render_size = 48

    def render_ab(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        return (
            torch.zeros_like(lightness.expand(-1, 2, -1, -1)) if hints is None else spread_hints(lightness, hints)[0]
        )


@pytest.mark.parametrize(("protocol", "side"), [("zhang2017", 6), ("icolorit", 2)])
def test_fewer_points_are_among_the_more_and_reveal_the_truth(protocol: str, side: int) -> None:
    ab = torch.randn(2, 64, 80)
    drawn = draw_points(ab, [1, 5, 20], protocol, "a")
    masks = [drawn[count][0, 2] > 0 for count in (1, 5, 20)]
    assert masks[0].sum() <= side**2
    assert not (masks[0] & ~masks[1]).any()
    assert not (masks[1] & ~masks[2]).any()
    other = draw_points(ab, [20], protocol, "b")[20]
    for count in (1, 5, 20):
        assert torch.equal(draw_points(ab, [count], protocol, "a")[count], drawn[count])
    assert not torch.equal(other, drawn[20])
    if protocol == "icolorit":
        assert masks[2].sum() == 20 * 4
        row, column = masks[0].nonzero()[0].tolist()
        assert row % 2 == column % 2 == 0
        mean = ab[:, row : row + 2, column : column + 2].mean(dim=(1, 2))
        torch.testing.assert_close(drawn[1][0, :2, row, column], mean)


def test_rows_and_a_curve(photos: NDArray[np.uint8], tmp_path: Any) -> None:
    result = cf.evaluate(Spreading(), photos, "square256", hints=(0, 1, 10), figures=["psnr", "squared_error"])
    assert result.rows == ["gray", "constant", "predicted", "1 hint", "10 hints", "truth"]
    assert result.mean("10 hints", "squared_error") < result.mean("predicted", "squared_error")
    zero, one, ten = hint_points(result)
    assert [point.hints for point in (zero, one, ten)] == [0, 1, 10]
    assert zero.psnr_over_gray == pytest.approx(0, abs=0.01)
    over = result.values("10 hints", "psnr") - result.values("gray", "psnr")
    assert ten.psnr_over_gray == pytest.approx(over.mean())
    assert ten.standard_error == pytest.approx(over.std(ddof=1) / len(over) ** 0.5)
    figure = cf.plots.hint_curve(result)
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert labels == ["Zhang et al. 2017, published", "predicted"]
    result.report(tmp_path / "report.html")
    assert "PSNR over that of gray, by the number of points" in (tmp_path / "report.html").read_text()
    assert dict(SIGGRAPH17)[100] == 8.31


def test_saturation_spares_what_hints_reveal(photos: NDArray[np.uint8]) -> None:
    gray, colored = (
        cf.evaluate(Spreading(), photos[:2], hints=(10,), figures=["psnr"], saturation=factor) for factor in (0, 1)
    )
    assert gray.mean("gray", "psnr") < gray.mean("10 hints", "psnr") < colored.mean("10 hints", "psnr")


def test_the_same_twice(photos: NDArray[np.uint8]) -> None:
    first, second = (cf.evaluate(Spreading(), photos[:3], hints=(3,), figures=["psnr"]) for _ in range(2))
    assert first.photos == second.photos


def test_wrong_options_are_named(photos: NDArray[np.uint8], tmp_path: Any) -> None:
    for options, said in (
        ({"hints": (1, -2)}, r"hints\[1\] of an evaluation must be greater than or equal to 0, not -2"),
        ({"hints": (1.5,)}, r"hints\[0\] of an evaluation must be a valid integer"),
        ({"hints": (1,), "hint_protocol": "zhang2016"}, "zhang2017"),
    ):
        with pytest.raises(ValueError, match=said):
            cf.evaluate(Spreading(), photos, **options)
    with pytest.raises(ValueError, match=r"hints=\(1,\) are for a colorizer"):
        cf.evaluate(tmp_path, photos, hints=(1,))
    with pytest.raises(ValueError, match="this evaluation has no hints"):
        cf.plots.hint_curve(cf.evaluate(Spreading(), photos[:2], figures=["psnr"]))
