"""Reading and writing of photos, with orientation, bit depth, alpha, ICC profiles and EXIF."""

from colorfuse.images.metadata import Metadata
from colorfuse.images.photo import Photo, Pixels
from colorfuse.images.reading import PhotoSource, open_rgb, read_pages, read_photo
from colorfuse.images.writing import SUFFIXES, write_photo

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
