"""Writing of files and folders: whole or not at all, and by one process at a time."""

from colorfuse.files.claims import Claim
from colorfuse.files.writing import (
    atomic_file,
    check_folder,
    is_same_file,
    remove_partial,
    write_errors,
    write_tensors,
)

__all__ = [
    "Claim",
    "atomic_file",
    "check_folder",
    "is_same_file",
    "remove_partial",
    "write_errors",
    "write_tensors",
]
