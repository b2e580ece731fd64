"""Files that are written whole or not at all, also by several processes side by side."""

import contextlib
import errno
import os
import platform
import re
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

import safetensors.torch
from torch import Tensor

_PARTIAL = ".colorfuse-"
_OWNER = re.compile(r"\.colorfuse-([0-9a-f]{8})-(\d+)-(\d+)-")
"""The machine, the process, and when that was started, of a file that is being written."""

_FORGOTTEN = 24 * 60 * 60
"""Seconds after which a file that a process of another machine was writing is taken for left behind."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, renamed to it when the block ends well and removed when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{_owned()}{secrets.token_hex(4)}{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


class Claim:
    """The right to write a file or folder, which one living process has at a time.

    It is a small file beside, which is removed when the claim is released, or when its process has ended.

    Args:
        path: What is to be written.

    Attributes:
        holder: The process that has the claim, if it is another.
    """

    def __init__(self, path: Path) -> None:
        digest = blake2b(path.name.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        self._file = path.with_name(f"{_PARTIAL}claim-{digest}")
        self.holder: int | None = None
        self.is_mine = self._take() or (self._is_left_behind() and self._take())

    def release(self) -> None:
        """Let others have it."""
        if self.is_mine:
            self._file.unlink(missing_ok=True)
            self.is_mine = False

    def _take(self) -> bool:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        own = self._file.with_name(f"{_owned()}{secrets.token_hex(4)}")
        try:
            own.write_text(_owned())
            os.link(own, self._file)  # whole from the start, unlike a file that is opened and then written
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
                raise
            return True  # on a file system without links, where each works for itself
        finally:
            own.unlink(missing_ok=True)
        return True

    def _is_left_behind(self) -> bool:
        try:
            owner = self._file.read_text()
            if _is_written(owner, self._file):
                self.holder = int(owner.split("-")[2])
                return False
            self._file.unlink()
        except FileNotFoundError:
            pass
        return True


def remove_partial(paths: Iterable[Path]) -> None:
    """Remove those of some files that were being written when the process that wrote them was killed."""
    for path in paths:
        if path.name.startswith(_PARTIAL):
            with contextlib.suppress(FileNotFoundError):
                owner = path.read_text() if path.name.startswith(f"{_PARTIAL}claim-") else path.name
                if not _is_written(owner, path):
                    path.unlink()


def _owned() -> str:
    """How the names of files begin that this process writes."""
    return f"{_PARTIAL}{_machine()}-{os.getpid()}-{_started(os.getpid())}-"


def _machine() -> str:
    return blake2b(platform.node().encode(), digest_size=4).hexdigest()


def _started(process: int) -> int | None:
    """When a process was started, in seconds; None if there is none. Numbers of processes are used again."""
    import psutil  # which only what is written asks for

    try:
        found = psutil.Process(process)
        return None if found.status() == psutil.STATUS_ZOMBIE else int(found.create_time())
    except psutil.NoSuchProcess:
        return None


def _is_written(owner: str, path: Path) -> bool:
    """Whether a living process is writing a file, as far as its owner's mark says."""
    known = _OWNER.match(owner)
    if known is None:
        return False
    machine, process, started = known.groups()
    if machine != _machine():
        return time.time() - path.stat().st_mtime < _FORGOTTEN
    now = _started(int(process))
    return now is not None and abs(now - int(started)) <= 1  # the clock may be set meanwhile


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file, what shares memory each by itself, with the permissions that new files have."""
    storages: set[int] = set()
    apart = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone().contiguous() if place in storages else tensor.contiguous()
        storages.add(place)
    path.write_bytes(safetensors.torch.save(apart, metadata))


@contextlib.contextmanager
def write_errors(folder: Path, when_full: str) -> Iterator[None]:
    """A block whose errors of writing name the folder and the way out.

    Args:
        folder: Where the block writes.
        when_full: What to do where the disk is full.
    """
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno is None:  # as of an encoder, which is no fault of the disk's
            raise
        if error.errno == errno.ENAMETOOLONG:
            raise OSError(error.errno, "the name is too long to be written; shorten it") from error
        advice = when_full if error.errno in _FULL else "choose another folder"
        raise OSError(error.errno, f"{folder} cannot be written to: {error.strerror or error}; {advice}") from error


def check_folder(folder: Path) -> None:
    """Make a folder, and find out whether it can be written to.

    Raises:
        OSError: It cannot; the error says why.
    """
    try:
        with write_errors(folder, "make room"):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
    except FileExistsError as error:
        raise OSError(error.errno, f"{error.filename} is a file; choose a folder to write to") from error
