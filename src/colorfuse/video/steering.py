"""Hints and references for times of a film."""

import bisect
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from colorfuse.errors import HintsError

Time: TypeAlias = str | float
"""A time of a film: seconds, or text such as "00:01:12.5", "1:12" or "72.5"."""

_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?)")


def parse_time(time: Any) -> float:
    """Convert a time to seconds.

    Raises:
        HintsError: It is none.

    Example:
        >>> parse_time("00:01:12.5")
        72.5
    """
    if isinstance(time, str):
        found = _TIME.fullmatch(time.strip())
        if found:
            hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in found.groups())
            return 3600 * hours + 60 * minutes + seconds
    elif isinstance(time, int | float) and not isinstance(time, bool) and math.isfinite(time) and time >= 0:
        return float(time)
    raise HintsError(f'{time!r} is no time of a film; use seconds, or text such as "00:01:12.5"')


def read_times(given: Any) -> Any:
    """Read a `.json` file that maps times to hints or references, or to files of them beside it; return others as is.

    Raises:
        FileNotFoundError: There is no such file.
        HintsError: The file is no such mapping.
    """
    if not isinstance(given, str | os.PathLike) or Path(given).suffix.lower() != ".json":
        return given
    path = Path(given)
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise HintsError(f"{path} is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise HintsError(f'{path} must map times to hints, as in {{"00:01:12.5": [...]}}')
    return {time: _beside(path, value) for time, value in values.items()}


def _beside(path: Path, value: Any) -> Any:
    """The name of a file, or names, as those of files beside `path`; other values as they are."""
    if isinstance(value, list):
        return [_beside(path, each) if isinstance(each, str) else each for each in value]
    return path.parent / value if isinstance(value, str) else value


def read_hint_times(given: Any) -> Mapping[Any, Any] | None:
    """Read hints for times, and check that they are given so.

    Raises:
        FileNotFoundError: There is no such file.
        HintsError: They are given in another way, or a time is none.
    """
    values = read_times(given)
    if values is None:
        return None
    if not isinstance(values, Mapping):
        kind = values if isinstance(values, str | os.PathLike) else f"a {type(values).__name__}"
        raise HintsError(f'hints of a film are given for times, as in {{"00:01:12.5": ...}}, not as {kind}')
    for time in values:
        parse_time(time)
    return values


def by_frame(given: Mapping[Any, Any] | None, seconds: Sequence[float], end: float) -> dict[int, Any]:
    """Find the frames that are shown at the times of a mapping.

    Args:
        given: A mapping from times to anything, or None.
        seconds: When each frame is shown, from the start of the film.
        end: When the last one is over.

    Raises:
        HintsError: A time is none, or after the end, or of the same frame as another one.
    """
    found: dict[int, Any] = {}
    for time, value in (given or {}).items():
        at = parse_time(time)
        if at > end:
            raise HintsError(f"{time!r} is after the end of the film, which takes {end:.2f} seconds")
        index = max(0, bisect.bisect_right(seconds, at + 1e-6) - 1)
        if index in found:
            raise HintsError(f"{time!r} is the time of a frame that another time names as well; give one for both")
        found[index] = value
    return found
