"""Atomic writing of files, also by several processes at the same time."""

import contextlib
import errno
import os
import platform
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

import safetensors.torch
from torch import Tensor

_PARTIAL = ".colorfuse-"
_CLAIM = f"{_PARTIAL}claim-"
_OWNER = re.compile(r"\.colorfuse-([0-9a-f]{8})-(\d+)-(\d+)-")
"""Name of a partial file: the machine, process id and process start time of its writer."""

_FORGOTTEN = 24 * 60 * 60
"""Seconds after which a partial file of another machine is considered abandoned."""

_PROBED = 0.02
"""Seconds for which a claim may be locked by a process that only looks whether its holder still lives."""

_LOCKED_BYTE = 1 << 20
"""Where a claim is locked on Windows, far behind what its file says."""

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


_locked: set[int] = set()
"""The open files of claims. A lock lasts while any process has its file open, so forked ones close them."""


def _close_locked() -> None:
    while _locked:
        os.close(_locked.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_locked)


class Claim:
    """The right to write a file or folder, which one living process has at a time.

    It is a lock on a small file beside the path. The system releases it when the process ends.

    Args:
        path: What is to be written.

    Attributes:
        holder: The process that has the claim, if it is another one and known.
    """

    def __init__(self, path: Path) -> None:
        digest = blake2b(path.name.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
        self._file = path.with_name(f"{_CLAIM}{digest}")
        self.holder: int | None = None
        self._descriptor = self._lock()

    @property
    def held_by(self) -> str:
        """Who has the claim, for messages."""
        return "another process" if self.holder is None else f"process {self.holder}"

    @property
    def is_mine(self) -> bool:
        """Whether this claim, and no other, is held."""
        return self._descriptor in _locked

    def release(self) -> None:
        """Let other processes have it."""
        if self._descriptor in _locked:  # and not closed by a fork
            _locked.discard(self._descriptor)
            _remove_and_close(self._file, self._descriptor)
        self._descriptor = None

    def _lock(self) -> int | None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        until = time.monotonic() + _PROBED
        while True:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o666)
            if not _try_lock(descriptor):
                written = os.read(descriptor, 20)
                self.holder = int(written) if written.isdigit() else None
                os.close(descriptor)
                if time.monotonic() > until or (self.holder and _started(self.holder)):
                    return None
                time.sleep(0.001)
                continue
            if _is_at(descriptor, self._file):
                with contextlib.suppress(OSError):  # of a full disk; the number is only for messages
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, str(os.getpid()).encode())
                _locked.add(descriptor)
                return descriptor
            os.close(descriptor)  # which was removed by its holder before the lock was taken


def _try_lock(descriptor: int) -> bool:
    """Lock an open file unless another one has it; where the file system has no locks, each works for itself."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)  # a locked byte cannot be read by others
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def remove_partial(paths: Iterable[Path]) -> None:
    """Remove partial files and locks whose process is no longer running."""
    for path in paths:
        if not path.name.startswith(_PARTIAL):
            continue
        with contextlib.suppress(OSError):  # of a folder, or of what another process removes at the same time
            if path.name.startswith(_CLAIM):
                _remove_unclaimed(path)
            elif not _is_written(path):
                path.unlink()


def _remove_unclaimed(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    if _try_lock(descriptor) and _is_at(descriptor, path):
        _remove_and_close(path, descriptor)
    else:
        os.close(descriptor)


def _remove_and_close(path: Path, descriptor: int) -> None:
    """Remove a file that this process has locked, while it has the lock if the system allows this, and unlock it."""
    if sys.platform == "win32":  # where an open file cannot be removed
        os.close(descriptor)
    with contextlib.suppress(OSError):
        path.unlink()
    if sys.platform != "win32":
        os.close(descriptor)


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
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _is_written(path: Path) -> bool:
    """Whether a living process is writing a file, as far as its name tells."""
    known = _OWNER.match(path.name)
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
