"""What every colorizer has from the base, shown by the smallest one."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data

import colorfuse as cf
from colorfuse.inference.devices import as_default, find_device

COMMAND = str(Path(sys.executable).with_name("colorfuse"))

SYSTEM = """
import torch
import colorfuse as cf


@cf.register_colorizer("one_color")
class OneColor(cf.Colorizer):
    def __init__(self, *, a=10.0, b=20.0):
        self.a, self.b = a, b

    def render_ab(self, lightness):
        return torch.tensor([self.a, self.b]).reshape(1, 2, 1, 1) * torch.ones_like(lightness)
"""

Make = Callable[..., cf.FusionColorizer]

exec(SYSTEM)


@pytest.fixture
def one_color() -> cf.Colorizer:
    return cf.create_colorizer("one_color", device="cpu")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of TIFFs of 16 bits with alpha."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for index in range(3):
        gray = data.camera()[index : index + 60, :80].astype(np.uint16) * 257
        pixels = np.dstack([gray, gray, gray, np.full_like(gray, 40_000 + index)])
        tifffile.imwrite(folder / f"{index}.tif", pixels, photometric="rgb", extrasamples=[2])
    return folder


def test_ten_lines_are_a_system() -> None:
    assert len([line for line in SYSTEM.splitlines() if line.strip()]) <= 10


def test_a_system_of_ten_lines_colours_a_folder_from_the_shell(scans: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    package = site / "one_color-1.dist-info"
    package.mkdir(parents=True)
    (site / "one_color.py").write_text(SYSTEM.replace('@cf.register_colorizer("one_color")', ""))
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: one-color\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[colorfuse.colorizers]\none_color = one_color:OneColor\n")
    command = [COMMAND, "colorize", str(scans), "--method", "one_color"]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "out"), "--device", "cpu"],
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    colorizer = cf.create_colorizer("one_color", device="cpu")
    for source in sorted(scans.iterdir()):
        written = tifffile.imread(tmp_path / "out" / source.name)
        assert written.dtype == np.uint16
        assert written.shape == (60, 80, 4)
        np.testing.assert_array_equal(written, colorizer.predict(source))
        np.testing.assert_array_equal(written[..., 3], tifffile.imread(source)[..., 3])


def test_its_colours_are_on_the_photos_own_lightness(one_color: cf.Colorizer, scans: Path) -> None:
    colored = one_color.predict(scans / "0.tif")
    lab = cf.rgb_to_lab(torch.from_numpy(colored[..., :3] / 65535.0).movedim(-1, 0))
    before = cf.read_photo(scans / "0.tif").lightness()
    assert (lab[:1] - before).abs().max() < 0.5
    inside = (before[0] > 30) & (before[0] < 80)
    torch.testing.assert_close(lab[1:, inside].mean(dim=1), torch.tensor([10.0, 20.0]).double(), atol=0.1, rtol=0)


def test_it_is_evaluated_and_compared_like_any(one_color: cf.Colorizer, photos: NDArray[np.uint8]) -> None:
    result = cf.evaluate(one_color, photos, constant=(10.0, 20.0))
    for figure in ("squared_error", "psnr"):
        assert result.mean("predicted", figure) == pytest.approx(result.mean("constant", figure), rel=1e-3)
    paler = cf.evaluate(cf.create_colorizer("one_color", a=5.0, b=10.0, device="cpu"), photos)
    assert cf.compare(result, paler, "colorfulness").high < 0


@pytest.mark.slow
def test_it_is_exported_like_any(one_color: cf.Colorizer, tmp_path: Path) -> None:
    import onnxruntime

    gray = np.random.default_rng(0).random((2, 1, 50, 70), np.float32)
    expected = np.stack([np.moveaxis(one_color.predict(photo[0]), -1, 0) for photo in gray])
    one_color.export(tmp_path / "one.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "one.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(["rgb"], {"gray": gray})[0], expected, atol=1 / 255)
    one_color.export(tmp_path / "one.pt2")
    program = torch.export.load(tmp_path / "one.pt2").module()
    np.testing.assert_allclose(program(torch.from_numpy(gray)), expected, atol=1 / 255)


def test_colours_of_another_shape_are_refused() -> None:
    class Flat(cf.Colorizer):
        def render_ab(self, lightness: torch.Tensor) -> torch.Tensor:
            return lightness

    with pytest.raises(ValueError, match=r"must give ab of shape \(1, 2, h, w\), not \(1, 1, 256, 256\)"):
        Flat().predict(data.camera())


def test_an_abstract_colorizer_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="render_ab"):
        cf.Colorizer()  # type: ignore[abstract]


def test_names_of_colorizers() -> None:
    assert {"fusion", "one_color"} <= set(cf.list_colorizers())
    with pytest.raises(ValueError, match="no colorizer is called 'fusoin'; .* fusion"):
        cf.create_colorizer("fusoin")
    with pytest.raises(ValueError, match="c is no option of the colorizer 'one_color'; its options are a, b"):
        cf.create_colorizer("one_color", c=1)


def test_a_saved_colorizer_of_another_kind_is_refused(tmp_path: Path, tiny: Make) -> None:
    tiny().initialize().save(tmp_path)
    config = tmp_path / "config.json"
    saved = config.read_text()
    config.write_text(saved.replace('"colorizer": "fusion"', '"colorizer": "one_color"'))
    with pytest.raises(ValueError, match="holds a colorizer of the kind 'one_color', not a FusionColorizer"):
        cf.FusionColorizer.load(tmp_path)
    config.write_text(saved.replace('"colorizer": "fusion"', '"colorizer": "fussion"'))
    with pytest.raises(ValueError, match="no colorizer is called 'fussion'"):
        cf.FusionColorizer.load(tmp_path)
    config.write_text(saved.replace('"colorizer": "fusion",\n', ""))  # as 0.1 wrote it
    assert cf.FusionColorizer.load(tmp_path).device == torch.device("cpu")


def test_a_system_need_not_know_of_gradients() -> None:
    class Convolved(cf.Colorizer):
        def __init__(self) -> None:
            self.layer = torch.nn.Conv2d(1, 2, 3, padding=1)

        def render_ab(self, lightness: torch.Tensor) -> torch.Tensor:
            ab: torch.Tensor = self.layer(lightness / 100)
            return ab

    assert Convolved().predict(np.zeros((9, 8), np.uint8)).shape == (9, 8, 3)
    assert not Convolved().predict_ab(torch.zeros(1, 1, 9, 8)).requires_grad


def test_names_that_are_none_are_said() -> None:
    with pytest.raises(TypeError, match="the name must be one of list_colorizers"):
        cf.create_colorizer({"name": "welsh2002"})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a recipe must be one of list_recipes"):
        cf.FusionColorizer.from_recipe({"settings": {}})  # type: ignore[arg-type]


class TestDevices:
    def test_auto_is_a_gpu_where_there_is_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert find_device() == find_device("auto") == torch.device("cpu")
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
        assert find_device() == torch.device("mps")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        assert find_device(None) == torch.device("cuda")
        assert find_device("cuda:1") == torch.device("cuda:1")
        assert isinstance(as_default(find_device("cuda:1")), torch.cuda.device)
        with pytest.raises(ValueError, match="device xpu cannot be used"):
            find_device("xpu")
        with pytest.raises(ValueError, match="device cuda:2 is not there: 2 GPUs are; count from cuda:0"):
            find_device("cuda:2")

    @pytest.mark.parametrize("load", ["from_pretrained", "create_colorizer", "to"])
    def test_a_device_that_is_not_there(self, load: str) -> None:
        attempts: dict[str, Callable[[str], object]] = {
            "from_pretrained": lambda device: cf.FusionColorizer.from_pretrained(device=device),
            "create_colorizer": lambda device: cf.create_colorizer("fusion", device=device),
            "to": lambda device: cf.FusionColorizer().to(device),
        }
        with pytest.raises(ValueError, match="device cuda is not there: this torch finds no such GPU"):
            attempts[load]("cuda")
        with pytest.raises(ValueError, match="no device is called 'gpu'; use auto, cpu, cuda or mps"):
            attempts[load]("gpu")

    def test_the_network_and_what_reads_it_move(self, tiny: Make) -> None:
        colorizer = tiny(objective="classification").initialize()
        assert colorizer.device == torch.device("cpu")
        moved = colorizer.to("meta")
        assert moved is colorizer
        tensors = [*moved.network_.parameters(), *moved.network_.buffers(), *moved.objective_.buffers()]
        assert {tensor.device.type for tensor in tensors} == {"meta"} == {moved.device.type}
        ab = moved.render_ab(torch.empty(2, 1, 32, 48, device="meta"))
        assert (ab.device.type, ab.shape[:2]) == ("meta", (2, 2))

    def test_a_network_that_is_built_later_is_built_there(self, tiny: Make) -> None:
        colorizer = tiny().to("meta")
        weights = colorizer.initialize().network_.encoder.parameters()
        assert {each.device.type for each in weights} == {"meta"}

    def test_lightness_travels_and_colours_come_back(self, tiny: Make) -> None:
        """In another dtype, since there is no other device here whose values could be read."""
        colorizer = tiny().initialize()
        colorizer.network_.double()
        ab = colorizer.render_ab(torch.full((1, 1, 32, 32), 50.0))
        assert (ab.dtype, ab.device.type) == (torch.float32, "cpu")

    def test_from_the_shell(self, scans: Path, tmp_path: Path) -> None:
        command = [
            str(Path(sys.executable).with_name("colorfuse")),
            "colorize",
            str(scans),
            "-o",
            str(tmp_path / "o"),
        ]
        done = subprocess.run([*command, "--device", "cuda"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (
            2,
            "colorfuse: device cuda is not there: this torch finds no such GPU; use auto or cpu\n",
        )


def _mirrored(images: Any) -> Any:
    return [image[:, ::-1] for image in images]


class TestScikitLearn:
    """Its own checks and searches take every colorizer."""

    @pytest.mark.parametrize("name", ["fusion", "one_color"])
    def test_clone_and_check_is_fitted(self, name: str) -> None:
        from sklearn.base import clone
        from sklearn.exceptions import NotFittedError
        from sklearn.utils import get_tags
        from sklearn.utils.validation import check_is_fitted

        colorizer = cf.create_colorizer(name, device="cpu")
        assert clone(colorizer).get_params() == colorizer.get_params()
        assert get_tags(colorizer).requires_fit == (name == "fusion")
        if name == "fusion":
            with pytest.raises(NotFittedError):
                check_is_fitted(colorizer)
            check_is_fitted(cf.FusionColorizer.from_pretrained())
        else:
            check_is_fitted(colorizer.fit(None))

    def test_a_search_over_settings(self, tiny: Make, photos: NDArray[np.uint8]) -> None:
        from sklearn.model_selection import GridSearchCV

        search = GridSearchCV(tiny(epochs=1), {"learning_rate": np.array([1e-4, 1e-2]), "seed": np.arange(1)}, cv=2)
        search.fit([Image.fromarray(photo) for photo in photos])
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert search.predict(data.camera()).shape == (512, 512, 3)
        found = GridSearchCV(cf.create_colorizer("one_color", device="cpu"), {"a": [2.0, 60.0], "b": [9.0]}, cv=3)
        assert found.fit(photos).best_params_ == {"a": 2.0, "b": 9.0}

    def test_the_end_of_a_pipeline(self, tiny: Make, photos: NDArray[np.uint8]) -> None:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        mirrored = make_pipeline(FunctionTransformer(_mirrored), tiny(epochs=1))
        assert mirrored.fit(photos).predict(list(photos))[0].shape == (48, 64, 3)

    def test_the_score_is_1_for_the_truth_and_0_for_gray(self, photos: NDArray[np.uint8]) -> None:
        gray = cf.create_colorizer("one_color", a=0.0, b=0.0, device="cpu")
        assert gray.score(photos) == 0
        assert cf.create_colorizer("one_color", a=2.0, b=9.0, device="cpu").score(photos) > 0
        red = np.broadcast_to(np.array([200, 60, 50], np.uint8), (2, 40, 40, 3))
        _, a, b = cf.rgb_to_lab(torch.tensor([200, 60, 50], dtype=torch.uint8).reshape(3, 1, 1)).flatten().tolist()
        assert cf.create_colorizer("one_color", a=a, b=b, device="cpu").score(red) == pytest.approx(1, abs=1e-4)

    def test_settings_of_numpys(self, tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
        plain = tiny(epochs=1, seed=3, fusion={"name": "concat", "channels": 8}, learning_rate=0.5**10)
        numpys = tiny(
            epochs=np.int64(1),
            seed=np.uint8(3),
            fusion={"name": "concat", "channels": np.int32(8)},
            learning_rate=np.float32(0.5**10),
            image_size=np.int64(32),
            batch_size=np.int16(4),
            pretrained=np.False_,
        )
        histories = [each.fit(photos, np.float64(0.25), num_workers=0).history_ for each in (plain, numpys)]
        assert histories[0] == histories[1]
        numpys.save(tmp_path)
        assert cf.FusionColorizer.load(tmp_path).get_params() == plain.get_params()
        options: dict[str, Any] = {"render_size": np.int64(64), "saturation": np.float32(1)}
        assert numpys.predict(data.camera(), **options).shape == (512, 512, 3)


def test_fit_takes_what_predict_takes(tiny: Make, photos: NDArray[np.uint8]) -> None:
    expected = tiny(epochs=1).fit(photos, num_workers=0).history_
    for given in (
        list(photos),
        tuple(Image.fromarray(photo) for photo in photos),
        [torch.from_numpy(photo).movedim(-1, 0) for photo in photos],
    ):
        assert tiny(epochs=1).fit(given, num_workers=0).history_ == expected
    result = cf.evaluate(tiny().initialize(), [Image.fromarray(photo) for photo in photos])
    assert list(result.photos) == [str(index) for index in range(12)]


def test_gray_photos_of_a_list_are_left_out(tiny: Make, photos: NDArray[np.uint8]) -> None:
    with pytest.warns(UserWarning, match="of 7 photos, left out 1 gray or toned"):
        fitted = tiny(epochs=1).fit([*photos[:6], data.camera()], num_workers=0)
    assert len(fitted.history_) == 1
    with pytest.raises(cf.DataError, match="no colour photos among 2"):
        tiny().fit([data.camera(), data.moon()])
    with pytest.raises(cf.DataError, match="an empty list"):
        tiny().fit([])


def test_the_shell_takes_a_model_or_a_method(scans: Path, tmp_path: Path) -> None:
    command = [COMMAND, "colorize", str(scans), "-o", str(tmp_path / "out")]
    done = subprocess.run([*command, "--model", "x", "--method", "y"], capture_output=True, text=True, check=False)
    assert done.stderr == "colorfuse: give --model x or --method y, not both\n"
    done = subprocess.run([*command, "--method", "levn"], capture_output=True, text=True, check=False)
    assert done.stderr.startswith("colorfuse: no colorizer is called 'levn'; of ")


def test_fit_learns_whatever_the_callers_modes_of_torch_are(tiny: Make, photos: NDArray[np.uint8]) -> None:
    expected = tiny(epochs=1).fit(photos, num_workers=0).history_
    with torch.no_grad():
        assert tiny(epochs=1).fit(photos, num_workers=0).history_ == expected
    with torch.inference_mode():
        assert tiny(epochs=1).fit(photos, num_workers=0).history_ == expected
    try:
        torch.set_default_dtype(torch.float64)
        assert len(tiny(epochs=1).fit(photos, num_workers=0).history_) == 1
    finally:
        torch.set_default_dtype(torch.float32)


def test_units_that_seem_to_be_others_are_said(tiny: Make, photos: NDArray[np.uint8]) -> None:
    colorizer = tiny(epochs=1).initialize()
    with pytest.warns(UserWarning, match="L lies in 0 to 100 .* this L is at most 0.9"):
        colorizer.predict_ab(torch.linspace(0, 0.9, 1024).reshape(1, 1, 32, 32))
    lab = cf.rgb_to_lab(torch.from_numpy(photos[:, :32, :32]).movedim(-1, 1))
    unit = torch.utils.data.TensorDataset(lab[:, :1] / 100, lab[:, 1:] / 100)
    with pytest.warns(UserWarning, match=r"this L is at most 0\.\d+ and ab lies within 0\.\d+; scale them"):
        colorizer.fit(unit, num_workers=0)
    for convert, shape in ((cf.rgb_to_lab, (3, 4, 4)), (cf.gray_to_lightness, (1, 4, 4))):
        with pytest.warns(UserWarning, match="RGB floats lie in 0 to 1, and these reach 200; divide them by 255"):
            convert(torch.full(shape, 200.0))


def test_a_class_of_ones_own_is_saved_as_what_it_inherits_from(tiny: Make, tmp_path: Path) -> None:
    class Mine(cf.FusionColorizer):
        pass

    Mine(**tiny().get_params()).initialize().save(tmp_path)
    assert type(cf.FusionColorizer.load(tmp_path)) is cf.FusionColorizer
    assert type(Mine.load(tmp_path)) is Mine


def test_settings_are_changed_all_or_none(tiny: Make) -> None:
    colorizer = tiny()
    with pytest.raises(ValueError, match="no setting 'typo'"):
        colorizer.set_params(image_size=64, typo=3)
    assert colorizer.image_size == 32
