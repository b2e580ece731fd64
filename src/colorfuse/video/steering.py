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
        HintsError: The file cannot be read, or is no such mapping.
    """
    if not isinstance(given, str | os.PathLike) or Path(given).suffix.lower() != ".json":
        return given
    path = Path(given)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise HintsError(f"{path} is no JSON: {error}") from error
    if not isinstance(values, dict):
        raise HintsError(f'{path} must map times to hints, as in {{"00:01:12.5": [...]}}')
    return {time: path.parent / value if isinstance(value, str) else value for time, value in values.items()}


def by_frame(given: Any, seconds: Sequence[float], end: float, what: str) -> dict[int, Any]:
    """Find the frames that are shown at the times of a mapping.

    Args:
        given: A mapping from times to anything, or None.
        seconds: When each frame is shown, from the start of the film.
        end: When the last one is over.
        what: What is given for the times, for messages.

    Raises:
        HintsError: It is no mapping, or a time is none or after the end.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        kind = type(given).__name__
        raise HintsError(f'{what} of a film are given for times, as in {{"00:01:12.5": ...}}, not as a {kind}')
    found = {}
    for time, value in given.items():
        at = parse_time(time)
        if at > end:
            raise HintsError(f"{time!r} is after the end of the film, which takes {end:.2f} seconds")
        found[max(0, bisect.bisect_right(seconds, at + 1e-6) - 1)] = value
    return found
