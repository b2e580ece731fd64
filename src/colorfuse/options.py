"""Types for the options of parts, and their validation."""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import Field, PydanticUserError, TypeAdapter, ValidationError

Count: TypeAlias = Annotated[int, Field(ge=1)]
"""An integer, at least 1."""

NonNegativeInt: TypeAlias = Annotated[int, Field(ge=0)]
"""An integer, at least 0."""

Side: TypeAlias = Annotated[int, Field(ge=32)]
"""A side length in pixels that every backbone accepts, at least 32."""

Fraction: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
"""A number between 0 and 1, both excluded."""

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1."""

Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A finite number above 0."""

NotNegative: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A finite number, at least 0."""


def check_options(
    what: str,
    factory: Callable[..., Any],
    options: Mapping[str, Any],
    *,
    inputs: int = 0,
    where: str = "",
    others: Iterable[str] = (),
) -> None:
    """Check that `factory` has the options, and that their values match its type annotations.

    Args:
        what: What is being built, for the error message.
        factory: A class or function.
        options: JSON-like values by option name.
        inputs: How many leading parameters of `factory` are not options.
        where: A prefix for the option's name in the error message.
        others: Options that are not the factory's, which the error message lists with those that are.

    Raises:
        ValueError: An option is unknown, of the wrong type, or out of range.
    """
    parameters = list(_signature(factory).parameters.values())[inputs:]
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    known = {part.name: part for part in parameters if part.kind not in (part.VAR_POSITIONAL, part.VAR_KEYWORD)}
    for name, value in options.items():
        if name not in known:
            if takes_any:
                continue
            listed = [*known, *others]
            has = f"its options are {', '.join(listed)}" if listed else "it has none"
            raise ValueError(f"{where}{name} is no option of {what}; {has}")
        check_value(value, known[name].annotation, f"{where}{name}", what)


def check_value(value: Any, kind: Any, where: str, what: str) -> None:
    """Check a JSON-like value against a type annotation.

    Args:
        value: A string, a number, or a list or dict of these.
        kind: The type annotation. One that is missing, is a string, or has no JSON form is not checked.
        where: What the error message calls the value.
        what: What the value belongs to, for the error message.

    Raises:
        ValueError: The value has the wrong type or is out of range.
    """
    if kind is inspect.Parameter.empty or isinstance(kind, str):
        return
    try:
        TypeAdapter(kind).validate_json(json.dumps(plain(value), default=str), strict=True)
    except PydanticUserError:
        return
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"[{step}]" for step in first["loc"] if isinstance(step, int))
        expected = first["msg"].removeprefix("Input should be ")
        wrong = f"must be {expected}, not" if expected != first["msg"] else f"is wrong: {expected}:"
        raise ValueError(f"{where}{place} of {what} {wrong} {first['input']!r}") from error


def plain(value: Any) -> Any:
    """Convert the NumPy numbers and arrays in a nested value to plain Python, so that JSON can encode it.

    Example:
        >>> import numpy as np
        >>> plain({"widths": [np.int64(8), 4]})
        {'widths': [8, 4]}
    """
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: plain(its) for key, its in value.items()}
    return [plain(its) for its in value] if isinstance(value, list | tuple) else value


def _signature(factory: Callable[..., Any]) -> inspect.Signature:
    """The signature of a class or function, with annotations that are strings resolved where possible."""
    try:
        return inspect.signature(factory, eval_str=True)
    except NameError:
        return inspect.signature(factory)
