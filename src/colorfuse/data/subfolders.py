"""Sampling weights and labels from the paths of photos."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor


def weights_by_pattern(below: list[Path], weights: Mapping[str, float]) -> Tensor:
    """Weigh each photo by the first pattern that matches its name, its path or a parent folder, or by 1 if none does.

    Raises:
        ValueError: A weight is negative or not finite, or a pattern matches no photo.
    """
    for pattern, weight in weights.items():
        if not 0 <= weight < float("inf"):
            raise ValueError(f"the weight of {pattern!r} must be a number from 0 on, not {weight}")
    matches = [[_matches(path, pattern) for path in below] for pattern in weights]
    for pattern, matched in zip(weights, matches, strict=True):
        if not any(matched):
            raise ValueError(
                f"no photo matches the pattern {pattern!r} of weights; {below[0].as_posix()} is one of them"
            )
    table = torch.tensor(matches)
    first = table.int().argmax(dim=0)
    return torch.where(table.any(dim=0), torch.tensor([float(weight) for weight in weights.values()])[first], 1.0)


def _matches(path: Path, pattern: str) -> bool:
    names = [path.name, path.as_posix(), *(folder.as_posix() for folder in path.parents)]
    return any(fnmatchcase(name, pattern) for name in names)


def classes_by_subfolder(below: list[Path]) -> tuple[list[str], list[int]]:
    """List the names of the top-level sub-folders, sorted, and the index of each photo's sub-folder.

    Raises:
        ValueError: A photo is not in a sub-folder.
    """
    for path in below:
        if len(path.parts) == 1:
            raise ValueError(f"{path} lies in no sub-folder, and labels are the names of sub-folders")
    classes = sorted({path.parts[0] for path in below})
    index = {name: number for number, name in enumerate(classes)}
    return classes, [index[path.parts[0]] for path in below]
