"""Rights to write files and folders, which one living process has at a time."""

import contextlib
import errno
import os
import sys
import time
from hashlib import blake2b
from pathlib import Path

from colorfuse.files.processes import started_at

CLAIM = ".colorfuse-claim-"
"""What the names of claims begin with."""

_PROBED = 0.02
"""Seconds for which a claim may be locked by a process that only looks whether its holder still lives."""

_LOCKED_BYTE = 1 << 20
"""Where a claim is locked on Windows, far behind what its file says."""


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
        self._file = path.with_name(f"{CLAIM}{digest}")
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
                if time.monotonic() > until or (self.holder and started_at(self.holder)):
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


def remove_unclaimed(path: Path) -> None:
    """Remove the file of a claim unless a living process has it."""
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
