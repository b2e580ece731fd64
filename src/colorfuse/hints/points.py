"""Points and strokes as hints, from Python and from JSON."""

import json
import numbers
import reprlib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from colorfuse.errors import HintsError
from colorfuse.hints.colors import lab_of
from colorfuse.hints.marks import Layer, Mark, Point, Stroke

_OF_POINT = ("x", "y", "row", "column", "color", "radius")
_OF_STROKE = ("path", "color", "radius")
_FORM = '{"x": 340, "y": 120, "color": "#5b6236", "radius": 3}'
_STROKE = '{"path": [[340, 120], [360, 125]], "color": "#5b6236", "radius": 3}'


def marks_of_file(path: Path) -> list[Mark]:
    """Read points and strokes from a JSON file: a list of objects, or an object with the list as "hints".

    Raises:
        HintsError: The file is no JSON, or has another form; the message names it.
        FileNotFoundError: There is no such file.
    """
    try:
        listed = json.loads(path.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise HintsError(f"{path} is no JSON: {error}") from error
    if isinstance(listed, dict):
        listed = listed.get("hints")
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise HintsError(f'{path} must be a list of hints as in {_FORM}, or have it as "hints"')
    try:
        marks = [mark_of(each) for each in listed]
    except HintsError as error:
        raise HintsError(f"{path}: {error}") from error
    if not marks:
        warnings.warn(f"{path} has no hints", stacklevel=4)
    return marks


def mark_of(given: Any) -> Mark:
    """Make a point of `(row, column, color)`, `(row, column, color, radius)` or a dict, or a stroke of a dict.

    A dict has `x` and `y`, or `row` and `column`, or `path` as a list of `[x, y]`; `color`; and optionally `radius`.
    What is a mark already is returned.

    Raises:
        HintsError: It has another form, or a value is wrong.
    """
    if isinstance(given, Point | Stroke | Layer):
        return given
    if isinstance(given, Mapping):
        return _stroke(given) if "path" in given else _of_dict(given)
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) not in (3, 4):
        raise HintsError(f"{reprlib.repr(given)} is no hint; give (row, column, color), or a dict as in {_FORM}")
    values: list[Any] = list(given)
    return _point(*values)


def _of_dict(given: Mapping[str, Any]) -> Point:
    unknown = [key for key in given if key not in _OF_POINT]
    places = [keys for keys in (("y", "x"), ("row", "column")) if all(key in given for key in keys)]
    if unknown or len(places) != 1 or "color" not in given:
        raise HintsError(f"{dict(given)!r} is no hint; give one as in {_FORM}, or with row and column for y and x")
    row, column = (given[key] for key in places[0])
    return _point(row, column, given["color"], given.get("radius", 0))


def _stroke(given: Mapping[str, Any]) -> Stroke:
    path = given["path"]
    pairs = isinstance(path, Sequence) and all(isinstance(each, Sequence) and len(each) == 2 for each in path)
    if not pairs or not path or "color" not in given or any(key not in _OF_STROKE for key in given):
        raise HintsError(f"{dict(given)!r} is no stroke; give one as in {_STROKE}")
    places = [_point(y, x, given["color"], given.get("radius", 0)) for x, y in path]
    first = places[0]
    return Stroke(
        path=tuple((each.row, each.column) for each in places),
        ab=first.ab,
        radius=first.radius,
        lightness=first.lightness,
    )


def _is_near(value: Any) -> bool:
    """Whether a number, which may be too large for a float, is one of pixels."""
    return bool(-1e9 < value < 1e9)


def _point(row: Any, column: Any, color: Any, radius: Any = 0) -> Point:
    for name, value in (("row", row), ("column", column), ("radius", radius)):
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or not _is_near(value):
            raise HintsError(f"the {name} of a hint must be a number of pixels, not {value!r}")
    if radius < 0:
        raise HintsError(f"the radius of a hint must be at least 0, not {radius!r}")
    lightness, a, b = lab_of(color)
    return Point(row=int(row // 1), column=int(column // 1), ab=(a, b), radius=float(radius), lightness=lightness)
