"""Atomic writing of files, also by several processes at the same time."""

import contextlib
import errno
import os
import re
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import safetensors.torch
from torch import Tensor

from colorfuse.files.claims import CLAIM, remove_unclaimed
from colorfuse.files.processes import machine, started_at

_PARTIAL = ".colorfuse-"
_OWNER = re.compile(r"\.colorfuse-([0-9a-f]{8})-(\d+)-(\d+)-")
"""Name of a partial file: the machine, process id and process start time of its writer."""

_FORGOTTEN = 24 * 60 * 60
"""Seconds after which a partial file of another machine is considered abandoned."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary path next to `path`; rename it to `path` if the block succeeds, and remove it otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{_owned()}{secrets.token_hex(4)}{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, also where they differ in case or by how a disk is mounted."""
    if one.resolve() == other.resolve():
        return True
    with contextlib.suppress(OSError):  # of one that is missing, or whose name is too long
        return one.samefile(other)
    return False


def remove_partial(paths: Iterable[Path]) -> None:
    """Remove partial files and locks whose process is no longer running."""
    for path in paths:
        with contextlib.suppress(OSError):  # of a folder, or of what another process removes at the same time
            if path.name.startswith(CLAIM):
                remove_unclaimed(path)
            elif path.name.startswith(_PARTIAL) and not _is_written(path):
                path.unlink()


def _owned() -> str:
    """Prefix of the names of this process's partial files."""
    return f"{_PARTIAL}{machine()}-{os.getpid()}-{started_at(os.getpid())}-"


def _is_written(path: Path) -> bool:
    """Whether a living process is writing a file, as far as its name tells."""
    known = _OWNER.match(path.name)
    if known is None:
        return False
    its_machine, process, started = known.groups()
    if its_machine != machine():
        return time.time() - path.stat().st_mtime < _FORGOTTEN
    now = started_at(int(process))
    return now is not None and abs(now - int(started)) <= 1  # the clock may be adjusted meanwhile


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file with default permissions; tensors that share memory are stored separately."""
    storages: set[int] = set()
    apart = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone().contiguous() if place in storages else tensor.contiguous()
        storages.add(place)
    path.write_bytes(safetensors.torch.save(apart, metadata))


@contextlib.contextmanager
def write_errors(folder: Path, when_full: str) -> Iterator[None]:
    """Make write errors within a block name the folder and say what to do.

    Args:
        folder: The folder that the block writes to.
        when_full: The advice if the disk is full.
    """
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno is None:  # such as an error of an encoder, not of the disk
            raise
        if error.errno == errno.ENAMETOOLONG:
            raise OSError(error.errno, "the name is too long to be written; shorten it") from error
        advice = when_full if error.errno in _FULL else "choose another folder"
        raise OSError(error.errno, f"{folder} cannot be written to: {error.strerror or error}; {advice}") from error


def check_folder(folder: Path) -> None:
    """Create a folder if missing, and check that it is writable.

    Raises:
        OSError: It is not; the message says why.
    """
    try:
        with write_errors(folder, "make room"):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
    except FileExistsError as error:
        raise OSError(error.errno, f"{error.filename} is a file; choose a folder to write to") from error
