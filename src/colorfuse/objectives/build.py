"""Build an objective and its extra terms from one spec."""

from collections.abc import Sequence
from typing import Any

from colorfuse.objectives.base import Objective, objectives
from colorfuse.objectives.terms import Term, terms
from colorfuse.registry import Spec, parse_spec


def create_objective(spec: Spec) -> Objective:
    """Build the objective of a spec, without its terms.

    Raises:
        ValueError: The name or an option is unknown.
        TypeError: The spec is neither a name nor a mapping with a name.
    """
    return objectives.create(_split(spec)[0])


def create_terms(spec: Spec) -> list[Term]:
    """Build the extra terms that a spec lists under `terms`, each as a spec of its own.

    Raises:
        ValueError: A name or an option is unknown.
        TypeError: The terms are not a list of specs.
    """
    return [terms.create(term) for term in _split(spec)[1]]


def _split(spec: Spec) -> tuple[dict[str, Any], list[Spec]]:
    name, options = parse_spec(spec, "objective")
    listed = options.pop("terms", [])
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise TypeError(f"the terms of an objective are a list of names or mappings, not {listed!r}")
    return {"name": name, **options}, list(listed)
