"""Unpacking of downloaded archives."""

import secrets
import shutil
import zipfile
import zlib
from pathlib import Path

from tqdm import tqdm

from colorfuse.errors import DataError


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the `.npy` files of a zip into `folder`, atomically, unless it exists.

    Raises:
        DataError: The archive is damaged.
        OSError: The disk is full, or there is no permission to write next to the archive.
    """
    if folder.exists() or not archive.exists():
        return
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        partial.mkdir()
        _extract_arrays(archive, partial)
        if not any(partial.iterdir()):
            raise DataError(f"{archive} holds no .npy files; download it again")
        if not folder.exists():  # another process may have been faster
            partial.replace(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DataError(f"{archive} is damaged: {error}; download it again") from error
    except OSError as error:
        raise OSError(error.errno, f"{archive} cannot be unpacked beside it: {error.strerror}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _extract_arrays(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        for member in members.infolist():
            name = Path(member.filename).name
            if not name.endswith(".npy") or name.startswith("."):
                continue
            with (
                members.open(member) as packed,
                tqdm.wrapattr(packed, "read", member.file_size, desc=f"unpacking {name}", disable=None) as source,
                (folder / name).open("wb") as target,
            ):
                shutil.copyfileobj(source, target, 1 << 20)
