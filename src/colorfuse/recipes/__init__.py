"""Recipes: named choices of parts, objective and training settings, one JSON file each."""

from colorfuse.recipes.checking import check_settings
from colorfuse.recipes.reading import list_recipes, read_recipe

__all__ = ["check_settings", "list_recipes", "read_recipe"]
