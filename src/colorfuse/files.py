"""Files that are written whole or not at all."""

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import safetensors.torch
from torch import Tensor

_PARTIAL = ".colorfuse-"


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, renamed to it when the block ends well and removed when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{_PARTIAL}{secrets.token_hex(8)}{path.suffix}")  # no longer than most names are
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def remove_partial(paths: Iterable[Path]) -> None:
    """Remove those of some files that were being written when the process that wrote them was killed."""
    for path in paths:
        if path.name.startswith(_PARTIAL):
            path.unlink(missing_ok=True)


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
def write_errors(folder: Path, way_out: str) -> Iterator[None]:
    """Name the folder, and what to do, in the error of what cannot be written there."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno is None:  # as of an encoder, which is no fault of the disk's
            raise
        raise OSError(error.errno, f"{folder} cannot be written to: {error.strerror or error}; {way_out}") from error
