import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import color, data
from torch.utils.data import TensorDataset
from trainings import run_script

import colorfuse as cf
from colorfuse.evaluation.figures import DEFAULT
from colorfuse.evaluation.protocols import PROTOCOLS

Photos = NDArray[np.uint8]
FAST = ("squared_error", "raw_accuracy", "colorfulness", "class_balanced_accuracy")


@pytest.fixture(scope="module")
def colorizer() -> cf.FusionColorizer:
    return cf.FusionColorizer.from_pretrained()


def write_outputs(colorizer: cf.FusionColorizer, photo_folder: Path, output: Path) -> None:
    for path in photo_folder.rglob("*.png"):
        cf.write_photo((output / path.relative_to(photo_folder)).with_suffix(".tif"), colorizer.predict(path))


def test_the_rows_by_hand() -> None:
    """Against the protocol written again with Pillow, scikit-image and NumPy."""
    photo = data.coffee()
    image = Image.fromarray(photo).resize((384, 256), Image.Resampling.LANCZOS).crop((64, 0, 320, 256))
    lab = color.rgb2lab(np.asarray(image))
    result = cf.evaluate(cf.FusionColorizer.from_pretrained(), photo[None], constant=(2.41, 9.04))
    for row, ab in (("gray", (0, 0)), ("constant", (2.41, 9.04))):
        guess = np.dstack([lab[..., :1], np.broadcast_to(ab, (256, 256, 2))])
        distance = np.linalg.norm((guess - lab)[..., 1:], axis=-1)
        colored = np.rint(color.lab2rgb(guess) * 255).astype(np.uint8)
        error = np.square(colored - np.asarray(image, float)).mean()
        expected = {
            "squared_error": np.square((guess - lab)[..., 1:] / 127.5).mean(),
            "raw_accuracy": np.mean([np.mean(distance <= threshold) for threshold in range(151)]),
            "psnr": 10 * np.log10(255**2 / error),
            "ciede2000": color.deltaE_ciede2000(guess, lab).mean(),
        }
        for figure, value in expected.items():
            # scikit-image's white point and matrices are rounded.
            assert result.mean(row, figure) == pytest.approx(value, rel=5e-4), (row, figure)


def test_rows_and_forms(colorizer: cf.FusionColorizer, photos: Photos, tmp_path: Path) -> None:
    result = cf.evaluate(colorizer, photos)
    assert result.rows == ["gray", "constant", "predicted", "truth"]
    assert sorted(result.figures) == sorted(DEFAULT)
    table = result.to_dict()
    assert json.loads(json.dumps(table)) == table
    assert table["photos"] == 12
    values = [rows["predicted"]["psnr"] for rows in result.photos.values()]
    assert table["rows"]["predicted"]["psnr"]["mean"] == pytest.approx(np.mean(values))
    expected = np.std(values, ddof=1) / math.sqrt(12)
    assert table["rows"]["predicted"]["psnr"]["standard_error"] == pytest.approx(expected)
    assert set(table["rows"]["truth"]) == {"colorfulness", "absolute_colorfulness"}
    assert math.isnan(result.standard_error("gray", "class_balanced_accuracy"))
    result.to_csv(tmp_path / "figures.csv")
    with (tmp_path / "figures.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 12 * 4
    assert float(lines[2]["psnr"]) == result.photos["0"]["predicted"]["psnr"]
    markdown = result.to_markdown().splitlines()
    seen = cf.FusionColorizer.from_pretrained().history_[-1]
    constant = f"a = {seen['train_mean_a']:.2f}, b = {seen['train_mean_b']:.2f}"
    assert markdown[0] == f"12 photos by center256; constant is {constant}"
    assert str(result).startswith(markdown[0])
    assert [line.count("|") for line in markdown[2:]] == [len(DEFAULT) + 2] * (2 + 4)
    assert re.search(r"PSNR RGB, dB +\d+\.\d\d ± \d\.\d\d ", str(result))
    with pytest.raises(ValueError, match="no row is called 'grey'.*gray"):
        result.mean("grey", "psnr")
    with pytest.raises(ValueError, match="no figure of each photo in the row 'truth' is called 'psnr'"):
        result.mean("truth", "psnr")


@pytest.mark.parametrize(("protocol", "side"), [("square256", 256), ("square224", 224)])
def test_squares_show_the_whole_photo(colorizer: cf.FusionColorizer, protocol: str, side: int) -> None:
    small = np.asarray(Image.fromarray(data.coffee()).resize((side, side), Image.Resampling.LANCZOS))
    figures = ["squared_error", "psnr"]
    one = cf.evaluate(colorizer, data.coffee()[None], protocol, figures=figures).photos["0"]
    other = cf.evaluate(colorizer, small[None], "native", figures=figures).photos["0"]
    for row in ("gray", "predicted"):
        assert one[row] == pytest.approx(other[row])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_outputs_are_judged_like_the_colorizer_that_made_them(
    colorizer: cf.FusionColorizer, tmp_path: Path, protocol: str
) -> None:
    originals, outputs = tmp_path / "originals", tmp_path / "outputs"
    side = 224 if protocol == "square224" else 256
    for name in ("part0/astronaut", "part1/chelsea", "part1/coffee"):  # of a size that each protocol leaves as it is
        path = originals / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(getattr(data, path.stem)()[:side, :side]).save(path)
    write_outputs(colorizer, originals, outputs)
    of_files = cf.evaluate(outputs, originals, protocol, figures=FAST)
    itself = cf.evaluate(colorizer, originals, protocol, figures=FAST)
    assert list(of_files.photos) == ["part0/astronaut.png", "part1/chelsea.png", "part1/coffee.png"]
    for figure, tolerance in (("squared_error", 1e-4), ("raw_accuracy", 1e-3), ("colorfulness", 0.2)):
        assert of_files.mean("predicted", figure) == pytest.approx(itself.mean("predicted", figure), abs=tolerance)
        assert of_files.mean("gray", figure) == itself.mean("gray", figure)


def test_outputs_of_formats_that_cannot_be_written_are_known(photos: Photos, tmp_path: Path) -> None:
    cf.write_photo(tmp_path / "originals" / "a.png", photos[0])
    Image.fromarray(photos[0]).save(tmp_path / "originals" / "a.jp2")
    cf.write_photo(tmp_path / "outputs" / "a.jp2.png", photos[0])
    cf.write_photo(tmp_path / "outputs" / "a.png", photos[1])
    result = cf.evaluate(tmp_path / "outputs", tmp_path / "originals", "native", figures=FAST)
    assert list(result.photos) == ["a.jp2", "a.png"]


def test_what_cannot_be_judged_is_named(colorizer: cf.FusionColorizer, photos: Photos, tmp_path: Path) -> None:
    originals, outputs = tmp_path / "originals", tmp_path / "outputs"
    for folder in (originals, outputs):
        for index in range(4):
            cf.write_photo(folder / f"{index}.png", photos[index])
    cf.write_photo(originals / "gray.jpg", data.camera())
    (originals / "broken.jpg").write_bytes(b"no photo")
    (outputs / "0.png").rename(outputs / "other.png")
    cf.write_photo(outputs / "1.png", np.zeros((5, 5, 3), np.uint8))
    result = cf.evaluate(outputs, originals, "native", figures=FAST)
    assert list(result.photos) == ["2.png", "3.png"]
    reasons = {
        "0.png": "no output for it",
        "1.png": r"output has 5 x 5 pixels, and it has 64 x 48",
        "broken.jpg": "no image",
        "gray.jpg": "it is gray: its mean chroma is 0.00",
        "other.png": "it is no output of one of the photos",
    }
    assert result.left_out.keys() == reasons.keys()
    for name, reason in reasons.items():
        assert re.search(reason, result.left_out[name])
    assert result.reasons().startswith("left out 5: 0.png: there is no output")
    assert str(result).splitlines()[0].endswith("; left out 5")
    for path in originals.glob("?.png"):
        path.unlink()
    with pytest.raises(cf.DataError, match=r"none of 2 photos can be judged; left out 2: broken.jpg: .*; gray.jpg"):
        cf.evaluate(colorizer, originals)


def test_photos_called_alike_and_too_small(colorizer: cf.FusionColorizer, photos: Photos, tmp_path: Path) -> None:
    paths = [tmp_path / folder / "photo.png" for folder in ("first", "second")]
    for path, photo in zip(paths, photos, strict=False):
        cf.write_photo(path, photo)
    cf.write_photo(tmp_path / "small.png", photos[0][:6])
    result = cf.evaluate(colorizer, [*paths, tmp_path / "small.png"], "native")
    assert list(result.photos) == [path.as_posix() for path in paths]
    assert result.left_out == {"small.png": "64 x 6 pixels are too few; 7 a side are the least"}


def test_outputs_are_matched_without_doubt(photos: Photos, tmp_path: Path) -> None:
    originals, outputs = tmp_path / "originals", tmp_path / "outputs"
    for name, photo in (("a.png", photos[0]), ("a.jpg", photos[1]), ("b.tif", photos[2]), ("c.tif", photos[3])):
        cf.write_photo(originals / name, photo)
    for name in ("d.png", "d.jpg"):
        cf.write_photo(originals / name, photos[4])
    for name in ("a.png", "b.png", "b.webp", "c.bmp", "d.webp"):
        cf.write_photo(outputs / name, photos[0])
    result = cf.evaluate(outputs, originals, "native", figures=FAST)
    assert list(result.photos) == ["a.png", "c.tif"]
    assert set(result.left_out) == {"a.jpg", "b.tif", "b.png", "b.webp", "d.png", "d.jpg", "d.webp"}


def test_gray_photos_may_be_judged(colorizer: cf.FusionColorizer, tmp_path: Path) -> None:
    flat = np.zeros((2, 40, 40, 3), np.uint8)
    result = cf.evaluate(colorizer, flat, min_chroma=0, figures=FAST)
    assert len(result.photos) == 2
    assert not result.best
    with pytest.raises(cf.DataError, match="none of 2 photos can be judged"):
        cf.evaluate(colorizer, flat)


def test_photos_with_labels(colorizer: cf.FusionColorizer, photo_folder: Path) -> None:
    data = cf.PhotoFolder(photo_folder, 48, labels=True)
    _, held_out = cf.split(data, (0.5, 0.5), seed=0)
    assert len(cf.evaluate(colorizer, held_out, "native", figures=FAST).photos) == len(held_out)


def test_a_dataset_of_lab(colorizer: cf.FusionColorizer, photos: Photos) -> None:
    lab = cf.rgb_to_lab(torch.from_numpy(photos).movedim(-1, 1))
    of_dataset = cf.evaluate(colorizer, TensorDataset(*lab.split((1, 2), dim=1)), "native", figures=FAST)
    assert of_dataset.to_dict() == cf.evaluate(colorizer, photos, "native", figures=FAST).to_dict()


def test_saturation_and_the_mean_colour(tiny: type[cf.FusionColorizer], photos: Photos) -> None:
    colorizer = tiny(epochs=1).fit(photos, num_workers=0)
    result = cf.evaluate(colorizer, photos, saturation=0, figures=FAST)
    assert result.mean("predicted", "squared_error") == result.mean("gray", "squared_error")
    row = colorizer.history_[-1]
    assert result.constant == (row["train_mean_a"], row["train_mean_b"])
    mean = cf.rgb_to_lab(torch.from_numpy(photos).movedim(-1, 1))[:, 1:].mean(dim=(0, 2, 3))
    assert result.constant == pytest.approx(mean.tolist(), abs=2)  # crops are drawn at random
    assert result.mean("constant", "squared_error") < result.mean("gray", "squared_error")


def test_best_and_worst(colorizer: cf.FusionColorizer, photos: Photos) -> None:
    result = cf.evaluate(colorizer, photos, figures=FAST)
    parts = result.values("predicted", "squared_error") / result.values("gray", "squared_error")
    order = [str(index) for index in parts.argsort()]
    assert [photo.name for photo in result.best] == order[:4]
    assert [photo.name for photo in result.worst] == order[:-5:-1]


def test_bad_input(colorizer: cf.FusionColorizer, photos: Photos, tmp_path: Path) -> None:
    for error, message, arguments in (
        (ValueError, "no protocol is called 'centre256'; .*center256", {"protocol": "centre256"}),
        (ValueError, "no figure is called 'pnsr'; .*psnr", {"figures": ["pnsr"]}),
        (ValueError, "saturation of an evaluation must be greater than", {"saturation": -1}),
        (ValueError, "saturation=2 is for a colorizer", {"colors": tmp_path, "saturation": 2}),
        (FileNotFoundError, "does not exist", {"photos": tmp_path / "nowhere"}),
        (cf.DataError, r"uint8 of shape \(N, H, W, 3\), not .*\(0, ", {"photos": photos[:0]}),
        (cf.DataError, r"not uint8 of shape \(48, 64, 3\)", {"photos": photos[0]}),
        (cf.DataError, "not float64", {"photos": photos / 255}),
        (ValueError, r"constant.* of an evaluation", {"constant": (1,)}),
        (ValueError, r"constant\[0\] of an evaluation must be a valid number, not 'a'", {"constant": ("a", "b")}),
        (ValueError, "hints of an evaluation must be a valid array, not 5", {"hints": 5}),
        (ValueError, "min_chroma of an evaluation must be", {"min_chroma": float("nan")}),
        (ValueError, "figures must name some of", {"figures": []}),
        (TypeError, "must be a colorizer, or a folder of outputs, not NoneType", {"colors": None}),
        (TypeError, "must be a folder, .*not generator", {"photos": (photo for photo in photos)}),
        (cf.NotFittedError, "learnt nothing yet", {"colors": cf.FusionColorizer()}),
    ):
        with pytest.raises(error, match=message):
            cf.evaluate(**{"colors": colorizer, "photos": photos} | arguments)


@pytest.mark.slow
def test_processes_share_the_photos(photo_folder: Path, tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "helpers" / "judged.py"
    for processes in (1, 2):
        run_script(script, photo_folder, tmp_path / str(processes), processes=processes)
    alone = json.loads((tmp_path / "1-0.json").read_text())
    for place in (0, 1):
        shared = json.loads((tmp_path / f"2-{place}.json").read_text())
        assert shared["names"] == alone["names"]
        assert shared["best"] == alone["best"]
        for row, figures in alone["table"]["rows"].items():
            for name, figure in figures.items():
                assert shared["table"]["rows"][row][name] == pytest.approx(figure, abs=1e-6, nan_ok=True)
