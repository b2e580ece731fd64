"""Datasets that yield (L, ab), and what prepares them: splits, the packed layout, batches."""

from colorfuse.data.lab_arrays import LabArrays
from colorfuse.data.packing import pack
from colorfuse.data.photos import PhotoArray, PhotoFolder
from colorfuse.data.sources import as_datasets
from colorfuse.data.splitting import split

__all__ = ["LabArrays", "PhotoArray", "PhotoFolder", "as_datasets", "pack", "split"]
