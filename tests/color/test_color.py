import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

import colorfuse as cf

# CIELAB of the primaries, the greens and a dark gray, worked out in 50 digits from IEC 61966-2-1 and CIE 15.
KNOWN = {
    (255, 255, 255): (100.0, 0.0, 0.0),
    (0, 0, 0): (0.0, 0.0, 0.0),
    (255, 0, 0): (53.23288, 80.10933, 67.22007),
    (0, 255, 0): (87.73703, -86.18464, 83.18116),
    (0, 0, 255): (32.30259, 79.19666, -107.86369),
}


@pytest.mark.parametrize(("rgb", "lab"), KNOWN.items())
def test_known_colours(rgb: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    given = torch.tensor(rgb, dtype=torch.uint8).reshape(3, 1, 1)
    torch.testing.assert_close(cf.rgb_to_lab(given).flatten(), torch.tensor(lab), atol=0.02, rtol=0)


def test_every_gray_byte_is_neutral() -> None:
    gray = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16)
    lab = cf.rgb_to_lab(gray.expand(3, -1, -1))
    assert lab[1:].abs().max() < 1e-3
    torch.testing.assert_close(cf.gray_to_lightness(gray), lab[:1], atol=1e-4, rtol=0)


@pytest.mark.parametrize("channel", range(3))
@pytest.mark.parametrize("bound", [0, 255])
def test_no_byte_colour_at_the_bounds_of_the_gamut_is_reduced(channel: int, bound: int) -> None:
    others = torch.cartesian_prod(torch.arange(256), torch.arange(256)).to(torch.uint8)
    rgb = torch.full((3, 256, 256), bound, dtype=torch.uint8)
    rgb[[each for each in range(3) if each != channel]] = others.T.reshape(2, 256, 256)
    lab = cf.rgb_to_lab(rgb)
    assert torch.equal(cf.reduce_chroma(lab), lab)


@pytest.mark.slow
def test_all_byte_colours_come_back() -> None:
    bytes_ = torch.arange(256, dtype=torch.uint8)
    green, blue = torch.meshgrid(bytes_, bytes_, indexing="ij")
    for red in bytes_:
        rgb = torch.stack([red.expand(256, 256), green, blue])
        assert torch.equal(cf.lab_to_rgb(cf.rgb_to_lab(rgb), dtype=torch.uint8), rgb), f"not all of red {red}"


def reference(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB of sRGB `(3, N)` in 0 to 1, written from IEC 61966-2-1 and CIE 15, one colour at a time."""
    white = [Fraction(3127, 3290), Fraction(1), Fraction(10000 - 3127 - 3290, 3290)]
    primaries = [
        (Fraction(64, 33), 1, Fraction(3, 33)),
        (Fraction(30, 60), 1, Fraction(10, 60)),
        (Fraction(15, 6), 1, Fraction(79, 6)),
    ]
    columns = np.array([[float(value) for value in primary] for primary in primaries]).T
    scale = np.linalg.solve(columns, np.array([float(value) for value in white]))
    lab = []
    for color in rgb.T:
        linear = [v / 12.92 if v <= 0.04045 else math.pow((v + 0.055) / 1.055, 2.4) for v in color]
        ratios = [sum(columns[i, j] * scale[j] * linear[j] for j in range(3)) / float(white[i]) for i in range(3)]
        x, y, z = (math.cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in ratios)
        lab.append([116 * y - 16, 500 * (x - y), 200 * (y - z)])
    return np.array(lab).T


@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_exact(dtype: torch.dtype, error: float) -> None:
    rgb = torch.cat([torch.rand(3, 2000, dtype=torch.float64), torch.rand(3, 2000, dtype=torch.float64) * 0.1], dim=1)
    lab = torch.from_numpy(reference(rgb.numpy()))
    given = rgb.to(dtype)[..., None]
    torch.testing.assert_close(cf.rgb_to_lab(given).double()[..., 0], lab, atol=error, rtol=0)
    torch.testing.assert_close(cf.lab_to_rgb(lab.to(dtype)[..., None]).double()[..., 0], rgb, atol=error, rtol=0)


def test_gradients_are_those_of_the_function() -> None:
    rgb = torch.rand(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    lab = cf.rgb_to_lab(rgb.detach() * 0.8 + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(cf.rgb_to_lab, rgb)
    assert torch.autograd.gradcheck(cf.lab_to_rgb, lab)


CONVERSIONS: list[tuple[Callable[[Tensor], Tensor], float]] = [
    (cf.rgb_to_lab, 3e-4),  # a and b are 500 and 200 times differences of values that are rounded to 6e-8
    (lambda rgb: cf.lab_to_rgb(rgb * 100), 5e-6),
    # Chroma is reduced in steps of 1/4096, one of which rounding may decide.
    (lambda rgb: cf.reduce_chroma(rgb * 100), 100 * math.sqrt(2) / 4096),
    (lambda rgb: cf.gray_to_lightness(rgb[..., :1, :, :]), 1e-4),
]


@pytest.mark.parametrize(("convert", "error"), CONVERSIONS)
class TestEveryConversion:
    """What holds however the work is shared out."""

    def test_followed_by_autograd_it_gives_the_same(self, convert: Callable[[Tensor], Tensor], error: float) -> None:
        rgb = torch.rand(2, 3, 5, 7)
        followed = convert(rgb.clone().requires_grad_())
        assert followed.requires_grad
        torch.testing.assert_close(convert(rgb), followed.detach(), atol=error, rtol=0)
        with torch.no_grad():
            assert not convert(rgb.clone().requires_grad_()).requires_grad

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    def test_half_precision_is_computed_in_single(
        self, convert: Callable[[Tensor], Tensor], error: float, dtype: torch.dtype
    ) -> None:
        rgb = torch.rand(3, 6, 7).to(dtype)
        followed = convert(rgb.clone().requires_grad_()).detach()
        assert followed.dtype == convert(rgb).dtype == dtype
        torch.testing.assert_close(followed, convert(rgb), atol=error + 1e-3, rtol=torch.finfo(dtype).eps)

    def test_crops_of_a_large_photo(self, convert: Callable[[Tensor], Tensor], error: float) -> None:
        rgb = torch.rand(3, 700, 301)
        torch.testing.assert_close(
            convert(rgb)[:, 350:470, 20:99], convert(rgb[:, 350:470, 20:99]), atol=error, rtol=0
        )

    def test_every_layout(self, convert: Callable[[Tensor], Tensor], error: float) -> None:
        rgb = torch.rand(4, 3, 50, 70)
        expected = convert(rgb)
        channels_last = convert(rgb.contiguous(memory_format=torch.channels_last))
        assert channels_last.is_contiguous(memory_format=torch.channels_last)
        for other in (
            channels_last,
            convert(rgb.reshape(2, 2, 3, 50, 70)).flatten(0, 1),
            convert(rgb.movedim(1, -1).contiguous().movedim(-1, 1)),
            convert(rgb.mT.contiguous().mT),
            convert(rgb.repeat_interleave(2, dim=-1)[..., ::2]),
        ):
            torch.testing.assert_close(other, expected, atol=error, rtol=0)
        torch.testing.assert_close(convert(rgb[:1].expand(3, -1, -1, -1))[2], expected[0], atol=error, rtol=0)

    def test_no_pixels(self, convert: Callable[[Tensor], Tensor], error: float) -> None:
        assert convert(torch.rand(2, 3, 0, 5)).shape[-2:] == (0, 5)
        assert len(convert(torch.rand(0, 3, 4, 5))) == 0

    def test_precision_is_kept_under_autocast_and_in_inference_mode(
        self, convert: Callable[[Tensor], Tensor], error: float
    ) -> None:
        rgb = torch.rand(3, 6, 6)
        with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
            inside = convert(rgb)
        assert torch.equal(inside, convert(rgb))

    @pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")  # torch.func.jvp's own
    def test_forward_derivatives_and_vmap(self, convert: Callable[[Tensor], Tensor], error: float) -> None:
        rgb, tangent = torch.rand(2, 3, 2, 2).mul(0.5).add(0.2).double(), torch.rand(2, 3, 2, 2).double()
        forward = torch.func.jvp(convert, (rgb,), (tangent,))[1]
        _, backward = torch.autograd.functional.jvp(convert, rgb, tangent)
        torch.testing.assert_close(forward, backward)
        torch.testing.assert_close(torch.func.vmap(convert)(rgb), convert(rgb), atol=error, rtol=0)

    @pytest.mark.filterwarnings("ignore:.*get_attr:UserWarning")  # older torch, on constants of a graph
    def test_export(self, convert: Callable[[Tensor], Tensor], error: float) -> None:
        class Module(torch.nn.Module):
            def forward(self, rgb: Tensor) -> Tensor:
                return convert(rgb)

        rgb = torch.rand(1, 3, 6, 8)
        exported = torch.export.export(Module(), (rgb,), strict=False).module()
        torch.testing.assert_close(exported(rgb), convert(rgb), atol=error, rtol=0)


def test_bytes_out_are_rounded() -> None:
    lab = cf.rgb_to_lab(torch.rand(3, 30, 30))
    floats = cf.lab_to_rgb(lab)
    assert torch.equal(cf.lab_to_rgb(lab, dtype=torch.uint8), (floats * 255 + 0.5).to(torch.uint8))
    assert cf.lab_to_rgb(lab, dtype=torch.float64).dtype == torch.float64
    with pytest.raises(TypeError, match=r"floats or torch\.uint8, not torch\.int32"):
        cf.lab_to_rgb(lab, dtype=torch.int32)


def test_bytes_out_are_clipped() -> None:
    lab = torch.rand(3, 40, 50) * torch.tensor([140.0, 300.0, 300.0])[:, None, None]
    lab = lab - torch.tensor([20.0, 150.0, 150.0])[:, None, None]
    expected = (cf.lab_to_rgb(lab) * 255 + 0.5).to(torch.uint8)
    assert expected.min() == 0
    assert expected.max() == 255
    for given in (lab, lab.clone().requires_grad_(), lab.movedim(0, -1).contiguous().movedim(-1, 0)):
        assert (cf.lab_to_rgb(given, dtype=torch.uint8).int() - expected.int()).abs().max() <= 1  # of a half exactly
    assert (cf.lab_to_rgb(lab, dtype=torch.uint8) != expected).float().mean() < 1e-3


def test_bytes_in_are_the_same_where_they_are_traced_or_batched() -> None:
    rgb = torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8)
    for convert in (cf.rgb_to_lab, lambda rgb: cf.gray_to_lightness(rgb[..., :1, :, :])):
        for other in (make_fx(convert)(rgb)(rgb.flip(0)), torch.func.vmap(convert)(rgb.flip(0))):
            torch.testing.assert_close(other, convert(rgb.flip(0)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("followed", [False, True])
def test_chroma_is_reduced_no_more_than_it_must(followed: bool) -> None:
    lab = torch.rand(3, 50, 60, dtype=torch.float64) * torch.tensor([98.0, 300, 300])[:, None, None]
    lab += torch.tensor([1.0, -150, -150])[:, None, None]
    reduced = cf.reduce_chroma(lab.requires_grad_(followed)).detach()
    lab = lab.detach()
    factor = (reduced[1:].norm(dim=0) / lab[1:].norm(dim=0))[None]
    outside = (factor < 1)[0]
    assert 0.3 < outside.double().mean() < 0.99
    assert (factor[:, outside] < 1 - 1e-6).all()
    for more, inside in ((0, 1), (1 / 4096 + 1e-5, 0)):
        changed = torch.cat([lab[:1], lab[1:] * (factor + more)])[:, outside][..., None]
        differences = (cf.rgb_to_lab(cf.lab_to_rgb(changed)) - changed).abs().amax(dim=0)
        assert (differences < 2e-3).double().mean() == pytest.approx(inside, abs=0.1)


def test_modules_do_what_the_functions_do() -> None:
    rgb = torch.rand(1, 3, 4, 4)
    assert torch.equal(cf.RgbToLab()(rgb), cf.rgb_to_lab(rgb))
    assert torch.equal(cf.LabToRgb()(cf.RgbToLab()(rgb)), cf.lab_to_rgb(cf.rgb_to_lab(rgb)))


@pytest.mark.parametrize("convert", [cf.rgb_to_lab, cf.lab_to_rgb])
def test_wrong_shapes_are_refused(convert: type) -> None:
    with pytest.raises(ValueError, match=r"\(\*, 3, H, W\), not \(3, 4\)"):
        convert(torch.zeros(3, 4))


def test_integers_are_refused() -> None:
    with pytest.raises(TypeError, match="int64"):
        cf.rgb_to_lab(torch.zeros(3, 2, 2, dtype=torch.int64))
    with pytest.raises(TypeError, match="uint8"):
        cf.lab_to_rgb(torch.zeros(3, 2, 2, dtype=torch.uint8))
    with pytest.raises(TypeError, match="expected floats, not torch.uint8"):
        cf.reduce_chroma(torch.zeros(3, 2, 2, dtype=torch.uint8))


def test_other_devices_and_views() -> None:
    rgb = torch.rand(2, 3, 5, 7)
    assert cf.rgb_to_lab(rgb.to("meta")).shape == rgb.shape
    negative = torch.complex(rgb, rgb).conj().imag
    torch.testing.assert_close(cf.rgb_to_lab(-negative), cf.rgb_to_lab(rgb))
    torch.testing.assert_close(cf.lab_to_rgb(negative), cf.lab_to_rgb(-rgb))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::torch.jit.TracerWarning")
def test_traces_hold_the_function_and_no_values() -> None:
    one, other = torch.rand(3, 4, 4), torch.rand(3, 4, 4)
    for trace in (
        lambda module, example: torch.jit.trace(module, example, check_trace=False),
        lambda module, example: make_fx(module)(example),
    ):
        traced = trace(cf.RgbToLab(), one)
        torch.testing.assert_close(traced(other), cf.rgb_to_lab(other), atol=1e-4, rtol=0)
