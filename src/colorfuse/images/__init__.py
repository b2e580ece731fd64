"""Reading and writing of photos, with orientation, bit depth, alpha, ICC profiles and EXIF."""

import logging
import warnings

from colorfuse.images.metadata import Metadata
from colorfuse.images.photo import Photo
from colorfuse.images.pixels import Pixels
from colorfuse.images.reading import PhotoSource, open_rgb, read_pages, read_photo
from colorfuse.images.writing import SUFFIXES, write_photo

# What these say of damaged files is said by colorfuse, which names the file and passes over what is damaged.
logging.getLogger("tifffile").addHandler(logging.NullHandler())
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

__all__ = [
    "SUFFIXES",
    "Metadata",
    "Photo",
    "PhotoSource",
    "Pixels",
    "open_rgb",
    "read_pages",
    "read_photo",
    "write_photo",
]
