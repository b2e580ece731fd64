"""Atomic writing of files, also by several processes at the same time."""

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


class Claim:
    """A lock on writing a file or folder, held by one living process at a time.

    The lock is a small file next to `path`. It is removed on release; the lock of a dead process is taken over.

    Args:
        path: The file or folder to write.

    Attributes:
        holder: The id of the process that holds the lock, if it is another one.
    """

    def __init__(self, path: Path) -> None:
        digest = blake2b(path.name.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        self._file = path.with_name(f"{_PARTIAL}claim-{digest}")
        self.holder: int | None = None
        self.is_mine = self._take() or (self._is_left_behind() and self._take())

    def release(self) -> None:
        """Release the lock."""
        if self.is_mine:
            self._file.unlink(missing_ok=True)
            self.is_mine = False

    def _take(self) -> bool:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        own = self._file.with_name(f"{_owned()}{secrets.token_hex(4)}")
        try:
            own.write_text(_owned())
            os.link(own, self._file)  # atomic with its content, unlike opening and then writing
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS):
                raise
            return True  # no hard links here: go on without a lock
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
    """Remove partial files and locks whose process is no longer running."""
    for path in paths:
        if path.name.startswith(_PARTIAL):
            with contextlib.suppress(FileNotFoundError):
                owner = path.read_text() if path.name.startswith(f"{_PARTIAL}claim-") else path.name
                if not _is_written(owner, path):
                    path.unlink()


def _owned() -> str:
    """Prefix of the names of this process's partial files."""
    return f"{_PARTIAL}{_machine()}-{os.getpid()}-{_started(os.getpid())}-"


def _machine() -> str:
    return blake2b(platform.node().encode(), digest_size=4).hexdigest()


def _started(process: int) -> int | None:
    """Start time of a process in seconds, or None if it is not running. Needed since process ids are reused."""
    import psutil  # only needed for writing

    try:
        found = psutil.Process(process)
        return None if found.status() == psutil.STATUS_ZOMBIE else int(found.create_time())
    except psutil.NoSuchProcess:
        return None


def _is_written(owner: str, path: Path) -> bool:
    """Whether, by the owner's mark, a running process is still writing a file."""
    known = _OWNER.match(owner)
    if known is None:
        return False
    machine, process, started = known.groups()
    if machine != _machine():
        return time.time() - path.stat().st_mtime < _FORGOTTEN
    now = _started(int(process))
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
