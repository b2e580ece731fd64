"""Recipes: named choices of parts, objective and training settings, one JSON file each."""

import json
from importlib import resources
from typing import Any

from colorfuse.registry import unknown_name


def list_recipes() -> list[str]:
    """The names of all recipes, sorted.

    Example:
        >>> list_recipes()
        ['mobile', 'paper']
    """
    files = resources.files(__name__).iterdir()
    return sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json"))


def recipe_settings(name: str) -> dict[str, Any]:
    """The settings of a recipe, as arguments of `FusionColorizer`.

    Raises:
        ValueError: The name is unknown.
    """
    if name not in list_recipes():
        raise unknown_name("recipe", name, list_recipes())
    recipe = json.loads(resources.files(__name__).joinpath(f"{name}.json").read_text("utf-8"))
    settings: dict[str, Any] = recipe["settings"]
    return settings
