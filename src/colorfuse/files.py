"""Files that are written whole or not at all."""

import contextlib
import hashlib
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

_PARTIAL = ".colorfuse-"
_CHECKSUM = "sha256"


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


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a safetensors file, with a checksum of its tensors and the permissions that new files have.

    What shares memory is written each by itself.
    """
    storages: set[int] = set()
    apart = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone().contiguous() if place in storages else tensor.contiguous()
        storages.add(place)
    path.write_bytes(safetensors.torch.save(apart, {_CHECKSUM: _checksum(apart)}))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file, and check it if it has a checksum.

    Raises:
        ValueError: The tensors are not those that were written.
        OSError, safetensors.SafetensorError: The file cannot be read.
    """
    with safetensors.safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
        written = (file.metadata() or {}).get(_CHECKSUM)
    if written not in (None, _checksum(tensors)):
        raise ValueError("its tensors do not have its checksum, so it was damaged; save or download it again")
    return tensors


def _checksum(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


@contextlib.contextmanager
def room_in(folder: Path, way_out: str) -> Iterator[None]:
    """Name the folder, and what to do, in the error of what cannot be written there."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"{folder} cannot be written to: {error.strerror or error}; {way_out}") from error
