"""Finds the reference photos of an evaluation."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from colorfuse.colorizers import Colorizer
from colorfuse.errors import PhotoError
from colorfuse.evaluation.ground_truth import GroundTruth, find_outputs

ReferenceOf: TypeAlias = Callable[[str], Any]
"""Returns the reference of a photo by its name, as `predict` takes it."""


def referred(colorizer: Colorizer, reference: Any, originals: list[GroundTruth]) -> Callable[[str], Colorizer]:
    """Return a function from the name of a photo to the colorizer with its reference.

    Args:
        colorizer: A colorizer that takes references, or any if there is none.
        reference: None for none; a folder, in which the reference of a photo has its name, whatever the suffix; a
            function from the name of a photo to its reference, or None; or one reference for all photos.
        originals: The photos, whose names are looked for in the folder.

    Raises:
        FileNotFoundError: There is no file at the path.
        DataError: The folder has no photos.
        Exception: As `Colorizer.with_reference`, if there is one reference for all.
    """
    if reference is None:
        return lambda name: colorizer
    if callable(reference):
        return lambda name: colorizer.with_reference(_of_function(reference, name))
    if isinstance(reference, str | Path) and Path(reference).is_dir():
        of_name = _same_names(Path(reference), originals)
        return lambda name: colorizer.with_reference(of_name(name))
    fitted = colorizer.with_reference(reference)
    return lambda name: fitted


def _of_function(reference: ReferenceOf, name: str) -> Any:
    try:
        its = reference(name)
    except LookupError:
        its = None
    if its is None:
        raise PhotoError("there is no reference for it")
    return its


def _same_names(folder: Path, originals: list[GroundTruth]) -> ReferenceOf:
    found, _ = find_outputs(folder, originals)

    def of_name(name: str) -> Path:
        if name not in found:
            raise PhotoError(f"there is no reference for it in {folder}")
        return found[name]

    return of_name
