"""Incremental writing of the files of `LabArrays`."""

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from colorfuse.data.lab_arrays import LIGHTNESS_FILE


class RowWriter:
    """Appends rows to the files of `LabArrays`, and resumes where an interrupted writer stopped."""

    def __init__(self, root: Path, count: int, size: Sequence[int], rows_a_file: int) -> None:
        self.rows_a_file = rows_a_file
        self.lightness = _RowFile(root / LIGHTNESS_FILE, (count, *size))
        self.ab = [
            _RowFile(root / "ab" / f"ab{number}.npy", (min(rows_a_file, count - start), *size, 2))
            for number, start in enumerate(range(0, count, rows_a_file), start=1)
        ]
        self.done = min(self.lightness.done, sum(file.done for file in self.ab))
        self.lightness.cut(self.done)
        for number, file in enumerate(self.ab):
            file.cut(min(max(0, self.done - number * rows_a_file), len(file)))

    def write(self, lightness: NDArray[np.uint8], ab: NDArray[np.uint8]) -> None:
        """Append L `(n, H, W)` and ab `(n, H, W, 2)`."""
        self.lightness.append(lightness)
        while len(ab):
            file = self.ab[self.done // self.rows_a_file]
            room = len(file) - file.done
            file.append(ab[:room])
            self.done += min(room, len(ab))
            ab = ab[room:]


class _RowFile:
    """A `.npy` file whose rows are appended.

    Rows are written, not memory-mapped: with a memory map, a full disk kills the process instead of raising.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
        self.header, self.shape = header.getvalue(), shape
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self.path = path
        self.done = max(0, path.stat().st_size - len(self.header)) // math.prod(shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def cut(self, rows: int) -> None:
        """Truncate the file to this many rows."""
        self.done = rows
        with self.path.open("r+b", buffering=0) as file:
            _write(file, self.header)
            file.truncate(len(self.header) + rows * math.prod(self.shape[1:]))

    def append(self, rows: NDArray[np.uint8]) -> None:
        """Append rows to the file."""
        with self.path.open("ab", buffering=0) as file:
            _write(file, np.ascontiguousarray(rows).data.cast("B"))
        self.done += len(rows)


def _write(file: io.FileIO, values: bytes | memoryview) -> None:
    """Write all bytes; an unbuffered write may take only some of them, as on a nearly full disk."""
    while values:
        values = values[file.write(values) :]
