"""Datasets of (L, ab), and the tools to split, pack and batch them."""

from colorfuse.data.lab_arrays import LabArrays
from colorfuse.data.old_film import OldFilm
from colorfuse.data.packing import pack
from colorfuse.data.photos import PhotoArray, PhotoFolder
from colorfuse.data.sources import as_datasets
from colorfuse.data.splitting import split

__all__ = ["LabArrays", "OldFilm", "PhotoArray", "PhotoFolder", "as_datasets", "pack", "split"]
