"""The photos of the studio: those of a folder, and those that the page sends."""

import dataclasses
import os
import re
import secrets
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterable, Iterable
from hashlib import blake2b
from pathlib import Path

from colorfuse.images import Photo, read_photo
from colorfuse.images.finding import find_photos_below, plug_in_for
from colorfuse.studio.previews import Opened, opened

MOST_BYTES = 1 << 30
"""Of one file that is sent."""
_KEPT_BYTES = 4 << 30
"""Of all files that were sent. The oldest are removed first; the page sends them again when it needs them."""
_OPEN = 2
"""How many photos stay prepared."""
_LONGEST_NAME = 150


class UnknownPhotoError(LookupError):
    """Raised when there is no photo of an id, as after the server was restarted."""


class TooLargeError(ValueError):
    """Raised when a file that is sent is too large."""


@dataclasses.dataclass(frozen=True)
class Listed:
    """A photo that can be opened.

    Attributes:
        id: What the page knows it by, which tells nothing of this machine.
        name: The name of its file, below the folder if it is in one.
        path: Where it is.
    """

    id: str
    name: str
    path: Path


class Photos:
    """Photos by id.

    Args:
        source: A photo, or a folder of photos; None for none but those that are sent.

    Attributes:
        folder: The photos of the source, in order.

    Raises:
        FileNotFoundError: There is nothing at the source's path.
        DataError: The folder has no photos.
    """

    def __init__(self, source: Path | None = None) -> None:
        self.folder = [] if source is None else [_listed(*found) for found in _inside(source)]
        self._by_id = {each.id: each for each in self.folder}
        self._sent: OrderedDict[str, int] = OrderedDict()
        self._open: OrderedDict[str, Opened] = OrderedDict()
        self._temporary = tempfile.TemporaryDirectory(prefix="colorfuse-studio-")
        self._root = source

    def __getitem__(self, key: str) -> Listed:
        try:
            return self._by_id[key]
        except KeyError:
            raise UnknownPhotoError("the studio does not have this photo any more; open it again") from None

    async def receive(self, name: str, content: AsyncIterable[bytes]) -> Listed:
        """Keep a file that is sent, in a temporary folder.

        Raises:
            TooLargeError: It has more than a gibibyte.
            OSError: The disk is full.
        """
        name = _plain(name)
        suffix = Path(name).suffix if plug_in_for(name) else ""  # for the message of a format that is not read
        listed = Listed(key := secrets.token_hex(8), name, self.new_file(suffix))
        try:
            size = 0
            with listed.path.open("wb") as file:
                async for some in content:
                    size += len(some)
                    if size > MOST_BYTES:
                        raise TooLargeError(f"{listed.name} has more than {MOST_BYTES >> 30} GiB")
                    file.write(some)
        except BaseException:
            listed.path.unlink(missing_ok=True)
            raise
        self._by_id[key] = listed
        self._sent[key] = size
        while sum(self._sent.values()) > _KEPT_BYTES and len(self._sent) > 1:
            self._forget(next(iter(self._sent)))
        return listed

    def _forget(self, key: str) -> None:
        del self._sent[key]
        self._open.pop(key, None)
        self._by_id.pop(key).path.unlink(missing_ok=True)

    def read(self, key: str) -> Photo:
        """Read a photo at full size.

        Raises:
            UnknownPhotoError: There is none of this id, or it was removed meanwhile.
            OSError: It cannot be read.
            PhotoError: It is no photo, or damaged.
            MemoryError: There is too little memory to colour it.
        """
        listed = self[key]
        try:
            return dataclasses.replace(read_photo(listed.path), name=listed.name)
        except FileNotFoundError:
            self[key]  # which says so if the file was removed to make room
            raise

    def open(self, key: str) -> Opened:
        """Read a photo and make its previews, unless it is open; the one that was used least recently is closed.

        Raises:
            Exception: As `read`.
        """
        found = self._open.pop(key, None)
        if found is None:
            while len(self._open) >= _OPEN:
                self._open.popitem(last=False)
            found = opened(self.read(key))
        self._open[key] = found
        return found

    def new_file(self, suffix: str = "") -> Path:
        """A path in the temporary folder where there is no file yet."""
        return Path(self._temporary.name, secrets.token_hex(16) + suffix)

    def without_paths(self, message: str) -> str:
        """Replace the paths of this machine in a message by the photos' names."""
        for listed in self._by_id.values():
            message = message.replace(str(listed.path), listed.name)
        for root in filter(None, (self._temporary.name, self._root and str(self._root.parent))):
            message = message.replace(f"{root}{os.sep}", "")
        return message

    def close(self) -> None:
        """Remove all files that were sent."""
        self._temporary.cleanup()


def _inside(source: Path) -> Iterable[tuple[Path, Path]]:
    """The photos of a folder, with their paths below it, apart from links to what is outside."""
    root = source.resolve() if source.is_dir() else source.resolve().parent
    found = find_photos_below(source)
    return found if source.is_file() else [each for each in found if each[0].resolve().is_relative_to(root)]


def _listed(path: Path, below: Path) -> Listed:
    place = str(path.resolve()).encode("utf-8", "surrogateescape")
    return Listed(blake2b(place, digest_size=8).hexdigest(), _shown(below.as_posix()), path)


def _plain(name: str) -> str:
    """The last part of a name, without what no file name has."""
    return _shown(re.split(r"[\\/]", name)[-1])[-_LONGEST_NAME:] or "photo"


def _shown(name: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in name)
