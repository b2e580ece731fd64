"""What the options of parts may be, and what is said of one that is not."""

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import Field, PydanticUserError, TypeAdapter, ValidationError

Count: TypeAlias = Annotated[int, Field(ge=1)]
"""A whole number from 1 on."""

Whole: TypeAlias = Annotated[int, Field(ge=0)]
"""A whole number from 0 on."""

Side: TypeAlias = Annotated[int, Field(ge=32)]
"""Pixels along a side that every backbone takes."""

Fraction: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
"""A part of the whole."""

Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A number above 0."""

NotNegative: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A number from 0 on."""


def check_options(
    what: str, factory: Callable[..., Any], options: Mapping[str, Any], *, inputs: int = 0, where: str = ""
) -> None:
    """Check the names of options, and their values by the types that `factory` is annotated with.

    Args:
        what: What is built, for the error.
        factory: A class, or a function.
        options: From names to values such as JSON has.
        inputs: How many of its first parameters are no options.
        where: What comes before an option's name in the error.

    Raises:
        ValueError: One of them is unknown, of the wrong type, or out of range.
    """
    parameters = list(_signature(factory).parameters.values())[inputs:]
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    known = {part.name: part for part in parameters if part.kind not in (part.VAR_POSITIONAL, part.VAR_KEYWORD)}
    for name, value in options.items():
        if name not in known:
            if takes_any:
                continue
            has = f"its options are {', '.join(known)}" if known else "it has none"
            raise ValueError(f"{where}{name} is no option of {what}; {has}")
        check_value(value, known[name].annotation, f"{where}{name}", what)


def check_value(value: Any, kind: Any, where: str, what: str) -> None:
    """Check a value such as JSON has by its type.

    Args:
        value: A string, a number, a list or a dict of these.
        kind: A type as in an annotation; what is none, or what JSON has nothing for, is not looked at.
        where: What the error calls the value.
        what: What it belongs to, for the error.

    Raises:
        ValueError: It is of another type, or out of range.
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
    """A value with the numbers of NumPy in it, and its arrays, as those of Python, which JSON takes.

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
    """The parameters of a class or function, their types also where a module's annotations are but strings."""
    try:
        return inspect.signature(factory, eval_str=True)
    except NameError:
        return inspect.signature(factory)
