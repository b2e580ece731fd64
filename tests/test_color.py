import pytest
import torch

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


@pytest.mark.slow
def test_all_byte_colours_come_back() -> None:
    low = torch.arange(256, dtype=torch.uint8)
    for red in range(256):
        rgb = torch.stack([torch.full((256, 256), red, dtype=torch.uint8), *torch.meshgrid(low, low, indexing="ij")])
        back = cf.lab_to_rgb(cf.rgb_to_lab(rgb)).mul(255).round().to(torch.uint8)
        assert torch.equal(back, rgb), f"colours of red {red} do not come back"


@pytest.mark.parametrize("convert", [cf.rgb_to_lab, cf.lab_to_rgb])
def test_wrong_shapes_are_refused(convert: type) -> None:
    with pytest.raises(ValueError, match=r"\(\*, 3, H, W\), not \(3, 4\)"):
        convert(torch.zeros(3, 4))


def test_integers_are_refused() -> None:
    with pytest.raises(TypeError, match="int64"):
        cf.rgb_to_lab(torch.zeros(3, 2, 2, dtype=torch.int64))
    with pytest.raises(TypeError, match="uint8"):
        cf.lab_to_rgb(torch.zeros(3, 2, 2, dtype=torch.uint8))
