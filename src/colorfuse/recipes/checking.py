"""Find errors in a recipe, and where they are, before anything is built."""

from collections.abc import Callable, Mapping
from typing import Any

from colorfuse.backbones import backbone_factory, create_backbone
from colorfuse.network.decoders import decoders
from colorfuse.network.encoders import encoders
from colorfuse.network.fusions import fusions
from colorfuse.objectives import objectives, terms
from colorfuse.options import check_options, check_value
from colorfuse.registry import parse_spec, unknown_name

_FACTORIES: dict[str, Callable[[str], Callable[..., Any]]] = {
    "backbone": backbone_factory,
    "encoder": encoders.factory,
    "fusion": fusions.factory,
    "decoder": decoders.factory,
    "objective": objectives.factory,
    "term": terms.factory,
}

_INPUTS = {"fusion": 2, "decoder": 5}
"""Number of leading parameters of these parts that other parts provide, and that are not options."""


def check_settings(settings: Mapping[str, Any], kinds: Mapping[str, Any], where: str) -> None:
    """Check the names of settings, the types and ranges of their values, and the options of the parts that they name.

    Args:
        settings: The settings by name.
        kinds: Types of all known settings, by name.
        where: Start of each error message, such as the file.

    Raises:
        ValueError: A setting, part or option is unknown, of the wrong type or out of range.
    """
    for name, value in settings.items():
        if name not in kinds:
            raise ValueError(f"{where}: {unknown_name('setting', name, kinds)}")
        if name in _FACTORIES:
            _check_part(name, value, f"{where}: settings.{name}")
        else:
            check_value(value, kinds[name], f"{where}: settings.{name}", "a colorizer")


def _check_part(kind: str, spec: Any, where: str) -> None:
    try:
        name, options = parse_spec(spec, kind)
        factory = _FACTORIES[kind](name)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error
    what = f"the {kind} {name!r}"
    if kind == "backbone":
        common: dict[str, Any] = {name: options.pop(name) for name in ("reductions", "frozen") if name in options}
        check_options(what, create_backbone, common, inputs=1, where=f"{where}.")
    if kind == "objective":
        listed = options.pop("terms", [])
        check_value(listed, list[Any], f"{where}.terms", what)
        for index, term in enumerate(listed):
            _check_part("term", term, f"{where}.terms[{index}]")
    check_options(what, factory, options, inputs=_INPUTS.get(kind, 0), where=f"{where}.")
