import contextlib
import dataclasses
import importlib.metadata
import sys
import typing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from commands import write_commands  # these lie beside this file
from inventories import write_inventories
from screenshots import write_screenshots

from colorfuse import colorizers, data, hints

project = "colorfuse"
author = "The colorfuse authors"
copyright = author
release = importlib.metadata.version("colorfuse")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "sg_execution_times.rst"]
html_theme = "furo"
html_title = "colorfuse"
myst_enable_extensions = ["dollarmath"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

# The other projects' names that are linked to; their own lists would have to be downloaded.
intersphinx_mapping = write_inventories(Path(__file__).parent / "_build" / "inventories")

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "default_thumb_file": str(Path(__file__).with_name("figures") / "steered.jpg"),
    "image_scrapers": ["pictures.new_pictures"],
    "within_subsection_order": "ExampleTitleSortKey",
    "abort_on_example_error": True,
    "show_memory": False,
    "remove_config_comments": True,
    "download_all_examples": False,
}

# Names that no list above has.
nitpick_ignore_regex = [
    (r"py:.*", r"(torch|numpy|np|PIL|matplotlib|pathlib|collections|typing|os)\..*"),
    (
        r"py:.*",
        r"colorfuse\.(backbones\.backbone\.Extractor|inference\.prepared\.PreparedSystem|inference\.predictor\.Predictor)",
    ),
    (
        r"py:.*",
        r"(Tensor|NDArray|Pixels|PhotoSource|Spec|Source|Maps|History|Example|Judged|ColorsOfRows|FiguresByRow|Rows|Constant|Crop|Factory)",
    ),
    (r"py:.*", r"(Part|Sample|Dataset|Path)"),
    (
        r"py:.*",
        r"(nn\.Module|Accelerator|Figure|optional|np\.uint8|uint8|uint16|float32|Any|Callable|Sequence|Self|None)",
    ),
]
default_role = "code"


write_screenshots(Path(__file__).parent / "figures")
write_commands(Path(__file__).parent / "_build" / "commands.md")


def setup(app):
    """Show the types of options without the ranges beside them, which their descriptions tell."""

    def without_ranges(app, function, bound_method):
        with contextlib.suppress(AttributeError, TypeError, NameError):
            function.__annotations__ = typing.get_type_hints(function)

    app.connect("autodoc-before-process-signature", without_ranges)
    for module in (colorizers, data, hints):  # autodoc reads the types of dataclasses from the classes
        for described in filter(dataclasses.is_dataclass, vars(module).values()):
            described.__annotations__ = typing.get_type_hints(described)
