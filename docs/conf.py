import contextlib
import importlib.metadata
import typing

project = "colorfuse"
author = "The colorfuse authors"
release = importlib.metadata.version("colorfuse")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "colorfuse"
myst_enable_extensions = ["dollarmath"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

# Names of other projects, which are not looked up so that the build needs no network.
nitpick_ignore_regex = [
    (r"py:.*", r"(torch|numpy|np|PIL|matplotlib|pathlib|collections|typing|os)\..*"),
    (r"py:.*", r"colorfuse\.backbones\.adapted\.Extractor"),
    (
        r"py:.*",
        r"(Tensor|NDArray|Pixels|PhotoSource|Spec|Source|Maps|History|Example|Judged|Rows|Constant|Crop|Factory)",
    ),
    (r"py:.*", r"(Part|Sample|Dataset|Path)"),
    (
        r"py:.*",
        r"(nn\.Module|Accelerator|Figure|optional|np\.uint8|uint8|uint16|float32|Any|Callable|Sequence|Self|None)",
    ),
]
default_role = "code"


def setup(app):
    """Show the types of options without the ranges beside them, which their descriptions tell."""

    def without_ranges(app, function, bound_method):
        with contextlib.suppress(AttributeError, TypeError, NameError):
            function.__annotations__ = typing.get_type_hints(function)

    app.connect("autodoc-before-process-signature", without_ranges)
