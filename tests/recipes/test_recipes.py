import json
from pathlib import Path
from typing import Any

import pytest
import torch

import colorfuse as cf
from colorfuse.recipes import read_recipe


@pytest.mark.parametrize("name", cf.list_recipes())
def test_every_recipe_builds_and_says_where_it_is_from(name: str) -> None:
    colorizer = cf.FusionColorizer.from_recipe(name, pretrained=False)
    assert set(read_recipe(name)) == set(colorizer.get_params())
    ab = colorizer.set_params(image_size=64).initialize().predict_ab(torch.rand(1, 1, 70, 90) * 100)
    assert ab.shape == (1, 2, 70, 90)
    source = json.loads(Path(cf.recipes.__path__[0], f"{name}.json").read_text())["source"]
    assert len(source) > 40


def test_one_of_ones_own_needs_no_python(tmp_path: Path) -> None:
    path = tmp_path / "my.json"
    path.write_text(
        json.dumps(
            {
                "settings": {
                    "backbone": {"name": "test_efficientnet", "reductions": [8, 32], "frozen": True},
                    "pretrained": False,
                    "fusion": {"name": "film", "channels": 32},
                    "objective": {"name": "huber", "delta": 3, "terms": [{"name": "colorfulness", "weight": 1}]},
                    "epochs": 2,
                }
            }
        )
    )
    for given in (path, str(path)):
        colorizer = cf.FusionColorizer.from_recipe(given, epochs=3).initialize()
        assert (colorizer.epochs, colorizer.decoder) == (3, cf.FusionColorizer().decoder)
        assert colorizer.summary().parts[2].output[0][0] == 32


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epohcs": 3}, "my.json: no setting is called 'epohcs'; .* epochs"),
        ({"epochs": "ten"}, "my.json: settings.epochs of a colorizer must be a valid integer, not 'ten'"),
        ({"epochs": 2.5}, "settings.epochs of a colorizer must be a valid integer, not 2.5"),
        ({"batch_size": 0}, "settings.batch_size of a colorizer must be greater than or equal to 1, not 0"),
        ({"pretrained": "yes"}, "settings.pretrained of a colorizer must be a valid boolean, not 'yes'"),
        ({"learning_rate": None}, "settings.learning_rate of a colorizer must be a valid number, not None"),
        ({"fusion": "conact"}, "my.json: settings.fusion: no fusion is called 'conact'; .* concat"),
        ({"fusion": ["concat"]}, r"settings.fusion: fusion must be a name or a mapping .* not \['concat'\]"),
        ({"fusion": {"channels": 3}}, "settings.fusion: fusion must be a name or a mapping with a 'name'"),
        (
            {"fusion": {"name": "concat", "chanels": 3}},
            "settings.fusion.chanels is no option of the fusion 'concat'; its options are channels",
        ),
        ({"decoder": {"name": "light", "widths": [64, "a"]}}, r"settings.decoder.widths\[1\] .* integer, not 'a'"),
        ({"encoder": {"name": "none", "layers": []}}, "settings.encoder.layers is no option .*; it has none"),
        ({"backbone": "resnet-18"}, "settings.backbone: no backbone is called 'resnet-18'; .* resnet18"),
        (
            {"backbone": {"name": "resnet18", "frozen": 1}},
            "settings.backbone.frozen .* must be a valid boolean, not 1",
        ),
        (
            {"backbone": {"name": "resnet18", "reductions": 8}},
            "settings.backbone.reductions of the backbone 'resnet18'",
        ),
        (
            {"objective": {"name": "mse", "terms": 3}},
            "settings.objective.terms of the objective 'mse' .* array, not 3",
        ),
        (
            {"objective": {"name": "mse", "terms": ["colorfulness", {"name": "perceptual", "weight": "much"}]}},
            r"settings.objective.terms\[1\].weight of the term 'perceptual' must be a valid number, not 'much'",
        ),
        ({"objective": {"name": "mse", "terms": ["gan"]}}, r"settings.objective.terms\[0\]: no term is called 'gan'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "my.json"
    path.write_text(json.dumps({"settings": settings}))
    with pytest.raises(ValueError, match=message) as raised:
        cf.FusionColorizer.from_recipe(path)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"settings": {"epochs": 3,}}', "my.json, line 1, column 2"),
        ("[]", "my.json is not a recipe: it must be"),
        ('{"epochs": 3}', "my.json is not a recipe: it must be"),
        ('{"settings": {}, "sourse": ""}', "my.json has 'sourse' beside 'source' and 'settings'"),
    ],
)
def test_what_is_no_recipe(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "my.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        cf.FusionColorizer.from_recipe(path)


def test_files_and_names_that_there_are_not(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.json"):
        cf.FusionColorizer.from_recipe(tmp_path / "missing.json")
    with pytest.raises(ValueError, match="no recipe is called 'zhang'; .* zhang2016, zhang2017"):
        cf.FusionColorizer.from_recipe("zhang")
