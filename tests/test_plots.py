from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import colorfuse as cf


def test_a_sheet_has_figures_under_each_photo(photos: NDArray[np.uint8]) -> None:
    figure = cf.plots.sheet(cf.FusionColorizer.from_pretrained(), photos[:2])
    gray, predicted, truth, *second = figure.axes
    assert [axes.get_title() for axes in (gray, predicted, truth)] == ["gray", "predicted", "truth"]
    assert [axes.get_title() for axes in second] == ["", "", ""]
    result = cf.evaluate(cf.FusionColorizer.from_pretrained(), photos[:1])
    assert f"squared error {result.mean('predicted', 'squared_error'):.5f}" in predicted.get_xlabel()
    assert truth.get_xlabel() == f"colourfulness {result.mean('truth', 'colorfulness'):.2f}"


def test_a_gray_photo_has_no_truth(tmp_path: Path) -> None:
    cf.write_photo(tmp_path / "gray.png", data.camera())
    figure = cf.plots.sheet(cf.FusionColorizer.from_pretrained(), tmp_path)
    assert [axes.get_title() for axes in figure.axes] == ["gray", "predicted"]
    assert "error" not in figure.axes[1].get_xlabel()
    figure.savefig(tmp_path / "sheet.png")


def test_histograms_of_what_photos_have(photos: NDArray[np.uint8]) -> None:
    figures = ["squared_error", "class_balanced_accuracy"]
    result = cf.evaluate(cf.FusionColorizer.from_pretrained(), photos[:3], figures=figures)
    legend = cf.plots.histogram(result, "squared_error").axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["gray", "constant", "predicted"]
    for name in ("class_balanced_accuracy", "psnr"):
        with pytest.raises(ValueError, match=f"is called '{name}'"):
            cf.plots.histogram(result, name)


def test_photos_that_cannot_be_read_are_named(photos: NDArray[np.uint8], tmp_path: Path) -> None:
    Image.fromarray(photos[0]).save(tmp_path / "good.png")
    (tmp_path / "broken.png").write_bytes(b"no photo")
    with pytest.warns(UserWarning, match=r"1 of 2 photos are left out: .*broken\.png"):
        cf.plots.sheet(cf.FusionColorizer.from_pretrained(), tmp_path)


def test_nothing_to_draw(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no photo")
    with pytest.raises(cf.DataError, match="none of 1 photos can be read"):
        cf.plots.sheet(cf.FusionColorizer.from_pretrained(), tmp_path)


@pytest.mark.parametrize(
    ("error", "labels"),
    [(0.02 + 1e-9, ["training", "validation"]), (0.01, ["training", "validation", "validation error"])],
)
def test_a_loss_that_is_the_error_is_drawn_once(error: float, labels: list[str]) -> None:
    row = {"epoch": 1.0, "train_loss": 0.03, "validation_loss": 0.02, "validation_error": error}
    legend = cf.plots.loss_curve([row]).axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == labels
