import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from sklearn.base import clone

import colorfuse as cf
from colorfuse.hints import pair_hints
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.rendering import working_size
from colorfuse.inference.streams import PredictionStream

Make = Callable[..., cf.FusionColorizer]


@pytest.fixture
def initialized(tiny: Make) -> cf.FusionColorizer:
    return tiny().initialize()


class TestEstimator:
    """scikit-learn's habits."""

    def test_the_constructor_only_stores(self) -> None:
        given = {name: object() for name in cf.FusionColorizer().get_params()}
        assert cf.FusionColorizer(**given).get_params() == given  # type: ignore[arg-type]

    def test_all_is_by_keyword(self) -> None:
        kinds = {parameter.kind for parameter in inspect.signature(cf.FusionColorizer).parameters.values()}
        assert kinds == {inspect.Parameter.KEYWORD_ONLY}

    def test_parameters_are_json(self) -> None:
        parameters = cf.FusionColorizer().get_params()
        assert json.loads(json.dumps(parameters)) == parameters

    def test_clone(self, initialized: cf.FusionColorizer) -> None:
        initialized.set_params(fusion={"name": "concat", "channels": 8})
        copy = clone(initialized)
        assert copy.get_params() == initialized.get_params()
        assert not hasattr(copy, "network_")

    def test_unknown_parameters_are_refused(self) -> None:
        with pytest.raises(ValueError, match="no setting 'epoch'; its settings are .*epochs"):
            cf.FusionColorizer().set_params(epoch=3)

    def test_fit_returns_self(self, tiny: Make, photos: NDArray[np.uint8]) -> None:
        colorizer = tiny(epochs=1)
        assert colorizer.fit(photos, num_workers=0) is colorizer

    @pytest.mark.parametrize("use", [lambda c: c.predict(data.camera()), lambda c: c.save("nowhere")])
    def test_use_before_fit(self, use: Callable[[cf.FusionColorizer], object]) -> None:
        with pytest.raises(cf.NotFittedError, match="learnt nothing yet"):
            use(cf.FusionColorizer())


class TestPredict:
    def test_one_or_many(self, initialized: cf.FusionColorizer) -> None:
        photos = [data.camera()[:50, :70], data.moon()[:33, :20]]
        many = initialized.predict(photos)
        assert [photo.shape for photo in many] == [(50, 70, 3), (33, 20, 3)]
        for one, same in zip(photos, many, strict=True):
            np.testing.assert_array_equal(initialized.predict(one), same)

    def test_every_kind_of_source(self, initialized: cf.FusionColorizer, tmp_path: Path) -> None:
        gray = data.camera()[:40, :60]
        path = tmp_path / "gray.png"
        Image.fromarray(gray).save(path)
        expected = initialized.predict(gray)
        with path.open("rb") as file:
            for source in (path, str(path), file, Image.fromarray(gray), torch.from_numpy(gray)[None]):
                np.testing.assert_array_equal(initialized.predict(source), expected)

    def test_a_colour_photo_gives_only_its_lightness(self, initialized: cf.FusionColorizer) -> None:
        photo = data.astronaut()[:64, :64]
        gray = cf.lab_to_rgb(torch.cat([cf.read_photo(photo).lightness(), torch.zeros(2, 64, 64)]))
        colored = initialized.predict(photo).astype(int)
        np.testing.assert_allclose(colored, initialized.predict((gray * 255).round().byte()), atol=3)

    def test_saturation_scales_the_colours(self, initialized: cf.FusionColorizer) -> None:
        photo = data.camera()[:60, :80]
        assert (np.ptp(initialized.predict(photo, saturation=0), axis=-1) == 0).all()
        ab = initialized.predict_ab(cf.read_photo(photo).lightness()[None])[0]
        [half] = initialized.predict([photo], saturation=0.5)
        np.testing.assert_array_equal(half, cf.read_photo(photo).with_ab(ab / 2))

    @pytest.mark.parametrize("saturation", [-0.5, 101, float("nan"), float("inf")])
    def test_a_saturation_that_cannot_be(self, initialized: cf.FusionColorizer, saturation: float) -> None:
        with pytest.raises(ValueError, match=f"from 0 to 100, not {saturation}"):
            initialized.predict(data.camera(), saturation=saturation)

    def test_an_iterable_is_coloured_as_it_is_asked_for(self, initialized: cf.FusionColorizer) -> None:
        taken = []

        def photos() -> Iterator[NDArray[Any]]:
            for height in (10, 20, 30):
                taken.append(height)
                yield data.camera()[:height, :40]

        colored = initialized.predict(photos())
        assert taken == []
        np.testing.assert_array_equal(next(colored), initialized.predict(data.camera()[:10, :40]))
        assert taken == [10]
        assert [photo.shape for photo in colored] == [(20, 40, 3), (30, 40, 3)]

    def test_a_folder_is_coloured_in_the_order_of_its_paths(
        self, initialized: cf.FusionColorizer, tmp_path: Path
    ) -> None:
        for name, height in (("b.png", 20), ("a/z.png", 10), ("c.gif", 30)):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            Image.fromarray(data.camera()[:height, :40]).save(tmp_path / name)
        assert [photo.shape[0] for photo in initialized.predict(str(tmp_path))] == [10, 20, 30]

    def test_the_error_of_a_photo_comes_in_its_place(self, initialized: cf.FusionColorizer, tmp_path: Path) -> None:
        (tmp_path / "bad.jpg").write_bytes(b"no image")
        good = data.camera()[:20, :30]
        for at_once in (1, 8):
            predictor = Predictor(initialized.render_ab, 32, "guided", 1.0, at_once)
            colored = PredictionStream(predictor.outcomes(pair_hints([good, good, tmp_path / "bad.jpg", good], None)))
            assert [next(colored).shape, next(colored).shape] == [(20, 30, 3)] * 2
            with pytest.raises(cf.PhotoError, match=r"bad\.jpg is no image"):
                next(colored)
            assert next(colored).shape == (20, 30, 3)
            assert list(colored) == []

    def test_options_of_one_prediction(self, initialized: cf.FusionColorizer) -> None:
        photo = data.camera()
        colored = initialized.predict(photo, upsample="bilinear", render_size=128)
        initialized.set_params(upsample="bilinear", image_size=128)
        np.testing.assert_array_equal(colored, initialized.predict(photo))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"upsample": "bicubic"}, "bicubic"),
            ({"render_size": 31}, "render_size of a prediction must be greater than or equal to 32, not 31"),
            ({"render_size": 64.5}, "render_size of a prediction must be a valid integer, not 64.5"),
        ],
    )
    def test_options_that_cannot_be(
        self, initialized: cf.FusionColorizer, options: dict[str, Any], message: str
    ) -> None:
        for photos in (data.camera(), iter([data.camera()])):  # of an iterable at once, and not with the first photo
            with pytest.raises(ValueError, match=message):
                initialized.predict(photos, **options)

    def test_saved_and_loaded_it_predicts_the_same(self, initialized: cf.FusionColorizer, tmp_path: Path) -> None:
        initialized.save(tmp_path)
        loaded = cf.FusionColorizer.load(tmp_path)
        np.testing.assert_array_equal(loaded.predict(data.camera()), initialized.predict(data.camera()))
        assert loaded.get_params() == initialized.get_params()

    @pytest.mark.parametrize("shape", [(1, 40, 60), (1, 3, 40, 60)])
    def test_lightness_of_another_shape(self, initialized: cf.FusionColorizer, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match=r"\(N, 1, H, W\), not "):
            initialized.predict_ab(torch.zeros(shape))

    def test_lightness_of_any_dtype(self, initialized: cf.FusionColorizer) -> None:
        assert initialized.predict_ab(torch.full((1, 1, 40, 60), 50.0, dtype=torch.float64)).dtype == torch.float64

    def test_a_network_that_is_not_finite(self, initialized: cf.FusionColorizer) -> None:
        next(initialized.network_.decoder.parameters()).data.fill_(torch.nan)
        with pytest.raises(ValueError, match="not finite; if it has learnt, its weights are damaged"):
            initialized.predict(data.camera())

    @pytest.mark.parametrize(
        ("size", "seen"),
        [((224, 224), (224, 224)), ((1000, 250), (448, 112)), ((1, 1), (224, 224)), ((1, 4000), (32, 896))],
    )
    def test_the_network_sees_the_photos_shape_with_a_fixed_area(
        self, size: tuple[int, int], seen: tuple[int, int]
    ) -> None:
        assert working_size(*size, 224) == seen


class TestFolder:
    """`save` and `load`."""

    def test_half_precision_is_half_the_size(self, initialized: cf.FusionColorizer, tmp_path: Path) -> None:
        initialized.save(tmp_path / "single")
        initialized.save(tmp_path / "half", dtype=torch.float16)
        single, half = ((tmp_path / name / "model.safetensors").stat().st_size for name in ("single", "half"))
        assert half < 0.6 * single
        colored = cf.FusionColorizer.load(tmp_path / "half").predict(data.camera()).astype(int)
        np.testing.assert_allclose(colored, initialized.predict(data.camera()), atol=2)

    def test_weights_of_the_backbone_are_not_asked_for_again(self, tiny: Make, tmp_path: Path) -> None:
        weights = tmp_path / "weights.safetensors"
        safetensors.torch.save_file(timm.create_model("test_efficientnet").state_dict(), weights)
        backbone = {"name": "test_efficientnet", "weights": str(weights)}
        tiny(pretrained=True, backbone=backbone).initialize().save(tmp_path / "saved")
        weights.unlink()
        loaded = cf.FusionColorizer.load(tmp_path / "saved")
        assert (loaded.backbone, loaded.pretrained) == (backbone, True)

    def test_parts_changed_since_are_not_saved(self, initialized: cf.FusionColorizer, tmp_path: Path) -> None:
        initialized.set_params(fusion={"name": "concat", "channels": 8})
        with pytest.raises(ValueError, match="fusion changed since the network was built"):
            initialized.save(tmp_path)

    def test_files_can_be_read_by_all_whom_the_umask_lets(
        self, initialized: cf.FusionColorizer, tmp_path: Path
    ) -> None:
        initialized.save(tmp_path)
        (tmp_path / "plain").touch()
        assert {path.stat().st_mode for path in tmp_path.iterdir()} == {(tmp_path / "plain").stat().st_mode}

    def test_weights_that_are_no_floats(self, initialized: cf.FusionColorizer, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="not as torch.int8"):
            initialized.save(tmp_path, dtype=torch.int8)

    def test_history_comes_back(self, tiny: Make, photos: NDArray[np.uint8], tmp_path: Path) -> None:
        fitted = tiny(epochs=1).fit(photos, num_workers=0)
        fitted.save(tmp_path)
        assert cf.FusionColorizer.load(tmp_path).history_ == fitted.history_

    def test_a_model_card_of_the_users_own_stays(self, initialized: cf.FusionColorizer, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_text("mine")
        initialized.save(tmp_path)
        assert (tmp_path / "README.md").read_text() == "mine"

    def test_a_folder_without_a_colorizer(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match=f"{tmp_path} holds no saved colorizer"):
            cf.FusionColorizer.load(tmp_path)

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            ("{", "is not the configuration"),
            ("[]", "is not the configuration"),
            ('{"format": 1}', "is not the configuration"),
            ('{"format": 2, "settings": {}}', "has format 2, this colorfuse reads 1"),
            ('{"format": 1, "settings": {"color": 1}}', "no setting is called 'color'"),
            ('{"format": 1, "settings": {"decoder": "big"}}', "no decoder is called 'big'"),
            ('{"format": 1, "settings": {"image_size": "32"}}', "image_size of a colorizer must be a valid integer"),
            ('{"format": 1, "settings": {"backbone": "hf-hub:a/b"}}', "no backbone is called 'hf-hub:a/b'"),
            ('{"format": 1, "settings": {"backbone": "local-dir:/tmp"}}', "no backbone is called 'local-dir:/tmp'"),
            ('{"format": 1, "settings": {"encoder": {"name": "os.system"}}}', "no encoder is called 'os.system'"),
            ('{"format": 1, "settings": {"objective": {"name": "mse", "run": "x"}}}', "run"),
        ],
    )
    def test_a_configuration_that_cannot_be(self, tmp_path: Path, config: str, message: str) -> None:
        (tmp_path / "config.json").write_text(config)
        with pytest.raises(ValueError, match=message):
            cf.FusionColorizer.load(tmp_path)

    @pytest.mark.parametrize("damage", ["missing", "cut", "other", "flipped"])
    def test_weights_that_do_not_fit(
        self, initialized: cf.FusionColorizer, tiny: Make, tmp_path: Path, damage: str
    ) -> None:
        initialized.save(tmp_path)
        path = tmp_path / "model.safetensors"
        if damage == "missing":
            path.unlink()
        elif damage == "cut":
            path.write_bytes(path.read_bytes()[:-100])
        elif damage == "flipped":
            content = bytearray(path.read_bytes())
            content[-1000] ^= 1
            path.write_bytes(content)
        else:
            tiny(fusion={"name": "concat", "channels": 8}).initialize().save(tmp_path / "other")
            (tmp_path / "other" / path.name).replace(path)
        with pytest.raises(cf.WeightsError, match=f"{path} cannot be loaded into this network") as caught:
            cf.FusionColorizer.load(tmp_path)
        assert ("do not have its checksum" in str(caught.value)) == (damage == "flipped")


class TestRecipes:
    def test_the_defaults_are_the_recipe_mobile(self) -> None:
        assert cf.FusionColorizer().get_params() == cf.FusionColorizer.from_recipe("mobile").get_params()

    @pytest.mark.parametrize("name", cf.list_recipes())
    def test_a_recipe_names_every_setting(self, name: str) -> None:
        path = Path(inspect.getfile(cf)).parent / "recipes" / f"{name}.json"
        recipe: dict[str, Any] = json.loads(path.read_text())
        assert set(recipe["settings"]) == set(cf.FusionColorizer().get_params())

    def test_changes(self) -> None:
        assert cf.FusionColorizer.from_recipe("paper", epochs=3).epochs == 3

    def test_an_unknown_recipe(self) -> None:
        with pytest.raises(ValueError, match="no recipe is called 'papper'; .* paper"):
            cf.FusionColorizer.from_recipe("papper")


@pytest.mark.parametrize(
    "make",
    [
        lambda colorizer: colorizer.optimized(torch.float32),
        lambda colorizer: colorizer.mirrored(),
        lambda colorizer: colorizer.averaged_with(colorizer),
        lambda colorizer: colorizer.with_reference(data.coffee()[::4, ::4]),
    ],
    ids=["optimized", "mirrored", "averaged", "with a reference"],
)
def test_copies_only_predict(make: Any, photos: NDArray[np.uint8], tmp_path: Path) -> None:
    made = make(cf.FusionColorizer.from_pretrained("interactive"))
    for attempt in (
        lambda: made.save(tmp_path / "saved"),
        lambda: made.export(tmp_path / "model.onnx"),
        made.summary,
        lambda: made.initialize(warm_start=True),
        lambda: made.fit(photos, warm_start=True, num_workers=0),
    ):
        with pytest.raises(ValueError, match="only predicts"):
            attempt()
    assert not list(tmp_path.iterdir())
