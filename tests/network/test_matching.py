"""Places of photos that look like places of references."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import colorfuse as cf
from colorfuse.network.matching import Matcher


@pytest.fixture(scope="module")
def colorizer() -> cf.FusionColorizer:
    torch.manual_seed(0)
    backbone: Any = {"name": "mobilenetv1_100"}
    return cf.FusionColorizer(backbone=backbone, pretrained=False, image_size=96).initialize()


def lab_of(photo: Any) -> torch.Tensor:
    return cf.rgb_to_lab(torch.from_numpy(np.array(photo)).movedim(-1, 0))[None]


PHOTO = np.asarray(Image.fromarray(data.coffee()).resize((96, 96)))


def test_a_photo_matches_itself_everywhere(colorizer: cf.FusionColorizer) -> None:
    lab = lab_of(PHOTO)
    hints = Matcher(colorizer.network_, [lab])(colorizer.network_, lab[:, :1])[0]
    marked = hints[2] > 0
    assert marked.sum() > 0.9 * (96 / 4) ** 2
    assert (hints[:2, marked] - lab[0, 1:, marked]).norm(dim=0).median() < 8
    assert (hints[:2, ~marked] == 0).all()


def test_of_several_references_the_most_similar_counts(colorizer: cf.FusionColorizer) -> None:
    lab, other = lab_of(PHOTO), lab_of(data.chelsea()[::4, ::4])
    network = colorizer.network_
    together = Matcher(network, [other, lab])(network, lab[:, :1])
    alone = Matcher(network, [lab])(network, lab[:, :1])
    same = (together == alone).all(dim=1)
    assert same.float().mean() > 0.99


def test_sizes_may_differ(colorizer: cf.FusionColorizer) -> None:
    network = colorizer.network_
    matcher = Matcher(network, [lab_of(data.chelsea()[:200:3, :301:4])])
    hints = matcher(network, lab_of(data.coffee()[:330:4, :500:5])[:, :1].repeat(2, 1, 1, 1))
    assert hints.shape == (2, 3, 83, 100)
    assert torch.equal(hints[0], hints[1])


def test_a_users_hints_come_before_those_found(colorizer: cf.FusionColorizer) -> None:
    gray = np.asarray(Image.fromarray(PHOTO).convert("L"))
    referring = colorizer.with_reference(PHOTO)
    plain, given = colorizer.predict(gray), referring.predict(gray)
    assert (plain != given).any()
    assert (colorizer.predict(gray, reference=[PHOTO]) == given).all()
    assert (referring.with_reference([PHOTO]).predict(gray) == given).all()
    assert np.abs(referring.optimized().predict(gray).astype(int) - given).mean() < 3
    row, column = np.unravel_index(np.abs(gray.astype(int) - 110).argmin(), gray.shape)
    hinted = referring.predict(gray, hints=[(row, column, "royalblue", 2)])
    assert lab_of(hinted)[0, 2, row, column] < -30
    away = np.hypot(*np.ogrid[-row : 96 - row, -column : 96 - column]) > 8
    assert (hinted != given)[away].any(), "the hint spreads"
    lightness, drawn = lab_of(np.stack([gray] * 3, axis=-1))[:, :1], torch.zeros(1, 3, *gray.shape)
    drawn[0, :, row, column] = torch.tensor([20.0, -60.0, 1.0])
    with torch.no_grad():
        assert not torch.equal(referring.network_(lightness), referring.network_(lightness, hints=drawn))
    only_hinted = colorizer.predict(gray, hints=[(row, column, "royalblue", 2)])
    assert (hinted != only_hinted)[away].any(), "beside the reference's colours"
    assert (referring.prepare(gray).predict([(row, column, "royalblue", 2)]) == hinted).all()
    with pytest.raises(ValueError, match="only predicts; use the one"):
        referring.save("nowhere")


def test_what_cannot_take_a_reference_says_so(colorizer: cf.FusionColorizer) -> None:
    gray = PHOTO[..., 1]
    no_backbone: dict[str, Any] = {"backbone": "none", "fusion": "none", "decoder": "plain"}
    for settings, said in (
        (
            {"simulated_hints": None},
            "takes no reference photo; one that has learnt with hints does, and so do welsh2002",
        ),
        (no_backbone, "this network has no backbone to compare photos with, so it takes no reference"),
    ):
        other = cf.FusionColorizer(pretrained=False, image_size=32, **settings).initialize()
        with pytest.raises(ValueError, match=said):
            other.predict(gray, reference=PHOTO)
    said = "a mirrored or averaged copy takes no reference; give the reference to the colorizer it was made of"
    with pytest.raises(ValueError, match=said):
        colorizer.mirrored().with_reference(PHOTO)
    assert colorizer.with_reference(PHOTO).mirrored().predict(gray).shape == (96, 96, 3)
    with pytest.raises(cf.PhotoError, match="is gray; a reference must have the colours"):
        colorizer.with_reference(gray)


def test_small_references_and_other_sizes_are_compared_at_one_scale(colorizer: cf.FusionColorizer) -> None:
    gray = np.asarray(Image.fromarray(PHOTO).convert("L"))
    small = np.asarray(Image.fromarray(PHOTO).resize((48, 48)))
    sizes = {
        "small": colorizer.with_reference(small),
        "one row": colorizer.with_reference(PHOTO[:1]),
        "double": colorizer.with_reference(PHOTO, render_size=192),
    }
    for name, referring in sizes.items():
        assert referring.predict(gray).shape == (96, 96, 3), name
    doubled = colorizer.predict(gray, reference=PHOTO, render_size=192)
    assert (doubled == sizes["double"].predict(gray, render_size=192)).all()


def test_matches_found_in_parts_are_the_same(colorizer: cf.FusionColorizer, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = lab_of(PHOTO)
    matcher = Matcher(colorizer.network_, [lab_of(data.chelsea()[::4, ::4]), lab_of(PHOTO[:, ::-1].copy())])
    whole = matcher(colorizer.network_, lab[:, :1])
    monkeypatch.setattr("colorfuse.network.matching._PAIRS_AT_ONCE", 10_000)
    assert torch.equal(matcher(colorizer.network_, lab[:, :1]), whole)


def test_a_backbone_of_coarse_maps_alone_is_compared_by_these() -> None:
    @cf.register_backbone("coarse_for_matching")
    class Coarse(torch.nn.Conv2d):
        def __init__(self) -> None:
            super().__init__(3, 8, kernel_size=64, stride=64, padding=32)

    colorizer = cf.FusionColorizer(
        backbone="coarse_for_matching", pretrained=False, image_size=96, decoder="light"
    ).initialize()
    assert colorizer.predict(PHOTO[..., 1], reference=PHOTO).shape == (96, 96, 3)
