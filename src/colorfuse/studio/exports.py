"""Many photos in colour, as one ZIP file that is sent while it is made."""

import contextlib
import dataclasses
import io
import secrets
import time
import zipfile
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from colorfuse.errors import one_line
from colorfuse.studio.coloring import Coloring, Saved
from colorfuse.studio.names import different, saved_name
from colorfuse.studio.photos import UnknownPhotoError
from colorfuse.studio.worker import Worker

_PIECE = 1 << 20
_KEPT = 8


class SavedOf(Saved):
    """A photo of an export, by its id."""

    id: str


class Asked(BaseModel):
    """The photos that are wanted."""

    photos: Annotated[list[SavedOf], Field(min_length=1, max_length=10_000)]


@dataclasses.dataclass(eq=False)
class Export:
    """Photos that are coloured one after another.

    Attributes:
        photos: What is wanted of them.
        shown: Their names.
        done: How many are coloured, or could not be.
        errors: What was wrong with those that could not be.
        finished: Whether the last one is sent, or nobody receives them any more.
    """

    photos: list[SavedOf]
    shown: list[str]
    done: int = 0
    errors: list[str] = dataclasses.field(default_factory=list)
    finished: bool = False


class _Pipe(io.RawIOBase):
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        piece = bytes(content)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


class Exports:
    """Exports by id; the oldest are forgotten."""

    def __init__(self, coloring: Coloring, worker: Worker) -> None:
        self.coloring, self.worker = coloring, worker
        self._by_id: OrderedDict[str, Export] = OrderedDict()

    def __getitem__(self, key: str) -> Export:
        try:
            return self._by_id[key]
        except KeyError:
            raise UnknownPhotoError("the studio does not know of these photos any more; colour them again") from None

    def add(self, asked: Asked) -> str:
        """Begin an export, and return its id.

        Raises:
            UnknownPhotoError: One of its photos is not known.
        """
        shown = [self.coloring.photos[photo.id].name for photo in asked.photos]
        while len(self._by_id) >= _KEPT:
            self._by_id.popitem(last=False)
        self._by_id[key := secrets.token_hex(8)] = Export(asked.photos, shown)
        return key

    async def content(self, export: Export) -> AsyncIterator[bytes]:
        """Colour the photos, and give the pieces of a ZIP file; a photo that fails is named in a file of it."""
        export.done, export.errors = 0, []
        wanted = [*zip(export.photos, export.shown, strict=True)]
        names = different(saved_name(its, photo.suffix) for photo, its in wanted)
        pipe, written = _Pipe(), list[Path]()
        with self._ending(export, written), zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
            for (photo, its), name in zip(wanted, names, strict=True):
                try:
                    path = await self.worker.do(object(), partial(self._save, photo, written))
                except (ValueError, OSError, ImportError, MemoryError, UnknownPhotoError) as error:
                    said = self.coloring.photos.without_paths(one_line(error))
                    export.errors.append(said if its in said else f"{its}: {said}")
                    export.done += 1
                    continue
                info = zipfile.ZipInfo(name, time.localtime()[:6])
                with archive.open(info, "w", force_zip64=True) as target, path.open("rb") as source:
                    while piece := source.read(_PIECE):
                        target.write(piece)
                        yield pipe.take()
                path.unlink()
                export.done += 1
            if export.errors:
                archive.writestr("not-colored.txt", "\n".join(export.errors) + "\n")
        yield pipe.take()

    def _save(self, photo: SavedOf, written: list[Path]) -> Path:
        written.append(self.coloring.save(photo.id, photo))
        return written[-1]

    @contextlib.contextmanager
    def _ending(self, export: Export, written: list[Path]) -> Iterator[None]:
        """Remove what was written, and end the export, also where its receiver went away."""
        try:
            yield
        finally:
            export.finished = True
            self.worker.submit(object(), partial(_remove, written))


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
