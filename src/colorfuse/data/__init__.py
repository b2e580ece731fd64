"""Datasets that yield (L, ab)."""

from colorfuse.data.photos import PhotoArray, PhotoFolder
from colorfuse.data.sources import as_datasets

__all__ = ["PhotoArray", "PhotoFolder", "as_datasets"]
