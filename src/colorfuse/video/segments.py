"""Segments of a film that are done, by which an interrupted run goes on."""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from colorfuse.files import atomic_file, write_errors, write_tensors
from colorfuse.images import Pixels
from colorfuse.video.encoding import Encoder, Encoding
from colorfuse.video.film import Film
from colorfuse.video.fingerprint import is_same
from colorfuse.video.steadying import State

LENGTH = 240
"""Frames of a segment; each begins with a frame that needs no other, as players need for going to a time."""
WHEN_FULL = "make room, and go on by the same command"


class Segments:
    """A folder of coloured segments beside the film to be.

    Args:
        output: The film to be.
        fingerprint: What the colours depend on; segments of another one are removed.
    """

    def __init__(self, output: Path, fingerprint: dict[str, Any]) -> None:
        self.folder = folder_of(output)
        note = self.folder / "film.json"
        with contextlib.suppress(OSError, ValueError):
            if is_same(json.loads(note.read_text()), fingerprint):
                return
        with self.errors():
            for path in self.folder.glob("[0-9]*"):
                path.unlink()
            with atomic_file(note) as partial:
                partial.write_text(json.dumps(fingerprint))

    def errors(self) -> contextlib.AbstractContextManager[None]:
        """Make errors of writing within a block say what to do."""
        return write_errors(self.folder.parent, WHEN_FULL)

    def remove(self) -> None:
        """Remove the folder."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def paths(self, count: int) -> list[Path]:
        """The files of the first `count` segments."""
        return [self.folder / f"{index:06}.mkv" for index in range(count)]

    def done(self, frames: int) -> int:
        """How many of a film's segments are done, from the first on."""
        paths = self.paths(-(-frames // LENGTH))
        return next((index for index, path in enumerate(paths) if not path.exists()), len(paths))

    def state(self, count: int) -> State | None:
        """What the segment after the first `count` needs; None if it is the first, or needs nothing."""
        path = self._state_path(count)
        if not count or not path.exists():
            return None
        tensors = load_file(path)
        return State(tensors["past"].numpy(), tensors["gray"].numpy())

    @contextlib.contextmanager
    def written(self, index: int, film: Film, encoding: Encoding) -> Iterator["Segment"]:
        """Write one segment; if the block fails, it is as if it had not been begun."""
        with atomic_file(self.paths(index + 1)[-1]) as partial:
            with self.errors():
                segment = Segment(Encoder(partial, film, encoding), self.errors)
            try:
                yield segment
                with self.errors():
                    segment.encoder.finish()
            except BaseException:
                segment.encoder.discard()
                raise
            if segment.state is not None:
                with self.errors(), atomic_file(self._state_path(index + 1)) as state:
                    past, gray = segment.state
                    write_tensors(state, {"past": torch.from_numpy(past), "gray": torch.from_numpy(gray)})

    def _state_path(self, count: int) -> Path:
        return self.folder / f"{count:06}.safetensors"


class Segment:
    """A segment that is being written.

    Args:
        encoder: Encodes its frames.
        errors: Makes errors of writing within a block say what to do.
    """

    def __init__(self, encoder: Encoder, errors: Callable[[], contextlib.AbstractContextManager[None]]) -> None:
        self.encoder = encoder
        self.state: State | None = None
        self._errors = errors

    def add(self, pixels: Pixels, pts: int, state: State | None) -> None:
        """Add the next frame, with what the one after it needs."""
        with self._errors():
            self.encoder.add(pixels, pts)
        self.state = state


def folder_of(output: Path) -> Path:
    """The folder of a film's segments."""
    return output.with_name(f"{output.name}.segments")
