"""The colours that the page asks for."""

import inspect
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, Field

from colorfuse.colorizers import Colorizer, LearntColorizer, create_colorizer, list_colorizers
from colorfuse.colorizers.registry import colorizers
from colorfuse.hints import Hints, Mark, Point, Stroke, read_hints
from colorfuse.images import write_photo
from colorfuse.images.writing import SUFFIXES
from colorfuse.inference.prepared import PreparedPhoto
from colorfuse.studio.photos import Photos
from colorfuse.studio.previews import Encoded, Preview, encoded, palette, shades

_MOST_HINTS = 10_000
_KEPT = 3
"""How many copies with a reference are kept, and how many methods are ready for a photo."""


class Wanted(BaseModel):
    """The colours that are wanted of a photo.

    Attributes:
        hints: As in a JSON file.
        draft: Whether a smaller image does, which is there sooner.
        method: The name of a colorizer.
        saturation: As in `predict`.
        reference: The id of a photo whose colours are wanted.
    """

    hints: Annotated[list[dict[str, Any]], Field(max_length=_MOST_HINTS)] = []
    draft: bool = False
    method: str = "fusion"
    saturation: float = 1.0
    reference: str | None = None


class Place(Wanted):
    """A place of a photo at full size, for which colours are to be suggested."""

    x: int
    y: int


class Saved(Wanted):
    """A photo that is to be saved, in the format of a suffix."""

    suffix: str = ".png"


class Colored(NamedTuple):
    """A preview in colour.

    Attributes:
        image: What the browser shows.
        is_draft: Whether a finer image can be had.
        palette: The colours that it has most of.
        notes: What the user should know.
    """

    image: Encoded
    is_draft: bool
    palette: list[str]
    notes: list[str]


class Coloring:
    """Colours previews, and photos at full size, by any method. Only one thread may use it.

    Args:
        photos: The photos.
        model: A saved colorizer or its name, which is the method "fusion".
        device: As for `create_colorizer`.
    """

    def __init__(self, photos: Photos, model: str = "interactive", device: str = "auto") -> None:
        self.photos, self.model, self.device = photos, model, device
        self._colorizers: dict[str, Colorizer] = {}
        self._with_reference: OrderedDict[tuple[str, str], Colorizer] = OrderedDict()

    @cached_property
    def methods(self) -> list[dict[str, Any]]:
        """The names of the methods, and whether they take hints and a reference."""
        described = [_described("fusion", self._colorizer("fusion"))]
        for name in filter(_is_ready, list_colorizers()):
            try:
                described.append(_described(name, self._colorizer(name)))
            except Exception as error:  # a plug-in may raise anything
                warnings.warn(f"{name} is passed over: {type(error).__name__}: {error}", stacklevel=2)
        return described

    def load(self) -> None:
        """Load the method "fusion".

        Raises:
            ValueError: There is no such model or device.
            OSError: The model cannot be read.
        """
        self._colorizer("fusion")

    def warm_up(self) -> None:
        """Colour something, since that takes longer the first time."""
        self._colorizer("fusion").predict(np.zeros((32, 32), np.uint8))

    def colors(self, key: str, wanted: Wanted) -> Colored:
        """Colour a preview."""
        shown = self.photos.open(key)
        preview = shown.draft if wanted.draft else shown.fine
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pixels = self._prepared(preview, wanted).predict(
                _on_preview(wanted, preview) or None, saturation=wanted.saturation
            )
        notes = [str(each.message) for each in caught]
        return Colored(encoded(pixels), preview is not shown.fine, palette(pixels), notes)

    def suggestions(self, key: str, place: Place) -> list[Mapping[str, Any]]:
        """Suggest colours of a place."""
        preview = self.photos.open(key).draft
        hints = _on_preview(place, preview)
        row, column = _scaled(place.y, place.x, preview)
        found = self._prepared(preview, place).suggest((row, column), hints=hints or None)
        return [{"color": each.color, "share": each.share} for each in found]

    def uncertainty(self, key: str, wanted: Wanted) -> Encoded:
        """Map where colours are uncertain."""
        preview = self.photos.open(key).draft
        found = self._prepared(preview, wanted).uncertainty(_on_preview(wanted, preview) or None)
        return shades(found)

    def save(self, key: str, wanted: Saved) -> Path:
        """Colour a photo at full size, and write it to a temporary file, as `colorfuse colorize` does."""
        if wanted.suffix not in SUFFIXES:
            raise ValueError(f"{wanted.suffix} is no format to save in; use one of {', '.join(SUFFIXES)}")
        photo = self.photos.read(key)
        colored = self._chosen(wanted).predict(photo, hints=wanted.hints or None, saturation=wanted.saturation)
        path = self.photos.new_file(wanted.suffix)
        write_photo(path, colored, like=photo)
        return path

    def _prepared(self, preview: Preview, wanted: Wanted) -> PreparedPhoto:
        chosen = wanted.method, wanted.reference
        if chosen not in preview.prepared:
            prepared = self._chosen(wanted).prepare(preview.photo)
            while len(preview.prepared) >= _KEPT:
                preview.prepared.pop(next(iter(preview.prepared)))
            preview.prepared[chosen] = prepared
        return preview.prepared[chosen]

    def _chosen(self, wanted: Wanted) -> Colorizer:
        colorizer = self._colorizer(wanted.method)
        if wanted.reference is None:
            return colorizer
        chosen = wanted.method, wanted.reference
        if chosen not in self._with_reference:
            while len(self._with_reference) >= _KEPT:
                self._with_reference.popitem(last=False)
            self._with_reference[chosen] = colorizer.with_reference(self.photos[wanted.reference].path)
        self._with_reference.move_to_end(chosen)
        return self._with_reference[chosen]

    def _colorizer(self, method: str) -> Colorizer:
        if method not in self._colorizers:
            if method == "fusion":
                self._colorizers[method] = LearntColorizer.from_pretrained(self.model, device=self.device)
            else:
                self._colorizers[method] = create_colorizer(method, device=self.device)
        return self._colorizers[method]


def _is_ready(name: str) -> bool:
    """Whether a method works as it is, without training and without settings."""
    factory = colorizers.factory(name)
    try:
        inspect.signature(factory).bind()
    except TypeError:  # it has settings without defaults
        return False
    return not (isinstance(factory, type) and issubclass(factory, LearntColorizer))


def _described(name: str, colorizer: Colorizer) -> dict[str, Any]:
    return {"name": name, "takesHints": colorizer.takes_hints, "takesReference": colorizer.takes_reference}


def _on_preview(wanted: Wanted, preview: Preview) -> Hints:
    """The hints, with their places on the preview.

    Raises:
        HintsError: They are no hints, or do not fit the photo.
    """
    hints = read_hints(wanted.hints)
    hints.check(preview.size)
    factor = preview.shape[0] / preview.size[0]
    marks: list[Mark] = []
    for mark in hints.marks:
        if isinstance(mark, Point):
            row, column = _scaled(mark.row, mark.column, preview)
            marks.append(replace(mark, row=row, column=column, radius=mark.radius * factor))
        elif isinstance(mark, Stroke):
            path = [_scaled(*place, preview) for place in mark.path]
            marks.append(replace(mark, path=path, radius=mark.radius * factor))
    return Hints(marks)


def _scaled(row: int, column: int, preview: Preview) -> tuple[int, int]:
    (height, width), (full_height, full_width) = preview.shape, preview.size
    return row * height // full_height, column * width // full_width
