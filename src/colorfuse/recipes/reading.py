"""Read recipes from the package and from the user's files."""

import json
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from colorfuse.registry import unknown_name

_KEYS = ("source", "settings")


def list_recipes() -> list[str]:
    """The names of all recipes, sorted.

    Example:
        >>> list_recipes()
        ['cheng2015', 'iizuka2016', 'interactive', 'larsson2016', 'mobile', 'paper', 'zhang2016', 'zhang2017']
    """
    return sorted(_inside())


def read_recipe(recipe: str | Path) -> dict[str, Any]:
    """Read the settings of a recipe, as arguments of `FusionColorizer`, without checking them.

    Args:
        recipe: A name from `list_recipes()`, or the path of a `.json` file: an object with `settings` and an optional
            `source`.

    Raises:
        ValueError: The name is unknown, or the file is not a recipe.
        TypeError: It is neither a name nor a path.
        FileNotFoundError: There is no file at the path.
    """
    if not isinstance(recipe, str | Path):
        raise TypeError(f"a recipe must be one of list_recipes(), or the path of a .json file, not {recipe!r}")
    if isinstance(recipe, Path) or recipe.endswith(".json"):
        try:
            return _settings(Path(recipe), Path(recipe).read_text("utf-8"))
        except UnicodeDecodeError as error:
            raise ValueError(f"{recipe} is not UTF-8: {error}") from error
    inside = _inside()
    if recipe not in inside:
        raise unknown_name("recipe", recipe, inside)
    return _settings(recipe, inside[recipe].read_text("utf-8"))


def _inside() -> dict[str, Traversable]:
    files = resources.files(__package__).iterdir()
    return {file.name.removesuffix(".json"): file for file in files if file.name.endswith(".json")}


def _settings(where: str | Path, text: str) -> dict[str, Any]:
    try:
        recipe = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}, line {error.lineno}, column {error.colno}: {error.msg}") from error
    settings = recipe.get("settings") if isinstance(recipe, dict) else None
    if not isinstance(settings, dict):
        raise ValueError(f'{where} is not a recipe: it must be {{"settings": {{...}}}}, and may have a "source"')
    for key in recipe:
        if key not in _KEYS:
            raise ValueError(f"{where} has {key!r} beside {' and '.join(map(repr, _KEYS))}, which alone a recipe has")
    return settings
