"""Reading of hints in all the forms that people have them in."""

import numbers
import os
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from colorfuse.errors import HintsError
from colorfuse.hints.hints import Hints, HintSource
from colorfuse.hints.layers import layer_of_arrays, layer_of_image, layer_of_openraster, layers_of_masks
from colorfuse.hints.points import mark_of, marks_of_file
from colorfuse.images import Photo


def read_hints(source: HintSource, photo: Photo | None = None) -> Hints:
    """Read the hints for a photo.

    Args:
        source: One of

            - a list of points, each `(row, column, color)`, `(row, column, color, radius)` or a dict as in JSON;
            - a `.json` file: a list of points `{"x": 340, "y": 120, "color": "#5b6236", "radius": 3}` and strokes
              `{"path": [[340, 120], [360, 125]], "color": "#5b6236", "radius": 3}`;
            - a transparent layer, as paint programs export it: the path of a PNG, WebP, TIFF or OpenRaster file, a
              PIL image, or an array `(H, W, 4)`; pixels of at least half opacity are hints;
            - a copy of the photo with opaque marks, without transparency; marks as gray as the photo cannot be seen;
            - a pair of arrays: ab `(2, H, W)` and a mask `(H, W)`;
            - a dict from colours to masks `(H, W)`, or from places `(row, column)` to colours;
            - `Hints`.

            Places are pixels of the upright photo at full size. A colour is CSS such as "#5b6236" or "olive", RGB
            bytes, RGB floats in 0 to 1, `{"ab": (a, b)}`, or None to stay gray.
        photo: The photo, which marked copies are compared with.

    Raises:
        HintsError: The source has none of these forms, or a value is wrong; the message shows it.
        PhotoError: An image cannot be read.
        FileNotFoundError: There is no file at a path.

    Example:
        >>> read_hints([(120, 340, "olive")]).marks[0].row
        120
    """
    if isinstance(source, Hints):
        return source
    if isinstance(source, str | os.PathLike):
        if Path(source).is_dir():
            raise HintsError(f"{source} is a folder, which has hints for a folder of photos; one photo needs a file")
        return _of_file(Path(source), photo)
    if isinstance(source, Image.Image | np.ndarray | Tensor):
        return Hints([layer_of_image(source, photo)])
    if isinstance(source, Mapping):
        return _of_mapping(source)
    if isinstance(source, tuple | list) and len(source) == 2 and all(_is_array(each) for each in source):
        return Hints([layer_of_arrays(*source)])
    if isinstance(source, tuple | list) and source and isinstance(source[0], numbers.Real):
        raise HintsError(f"{source!r} is one hint; give a list of hints: [{source!r}]")
    if isinstance(source, Iterable):
        return Hints([mark_of(each) for each in source])
    raise HintsError(f"{source!r} is no hints; give points, a layer, a file of either, or arrays")


def _of_file(path: Path, photo: Photo | None) -> Hints:
    if path.suffix.lower() == ".json":
        return Hints(marks_of_file(path))
    if path.suffix.lower() == ".ora":
        return Hints([layer_of_openraster(path)])
    return Hints([layer_of_image(path, photo)])


def _of_mapping(source: Mapping[Any, Any]) -> Hints:
    if all(_is_array(value) for value in source.values()):
        return Hints(layers_of_masks(source))
    places = [(*place, color) for place, color in source.items() if isinstance(place, tuple) and len(place) == 2]
    if len(places) < len(source):
        its = reprlib.repr(dict(source))
        raise HintsError(f"{its} is no hints; a dict must map colours to masks, or (row, column) to colours")
    return Hints([mark_of(place) for place in places])


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | Tensor) and value.ndim >= 2
