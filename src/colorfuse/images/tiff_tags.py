"""Repair of TIFF tags whose integers some programs write with a non-standard type."""

import io
import struct
from typing import IO

_NUMBERS = {254, 255, 256, 257, 258, 259, 262, 266, 274, 277, 278, 284, 296, 317, 338, 339}
"""Tags of a single integer; decoders may reject files in which these have another type."""

_SHORT, _LONG = 3, 4
_TYPES = {1: "B", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d"}
"""Non-standard types that occur for such an integer, with their struct codes."""

_MOST_DIRECTORIES = 10_000


def with_standard_numbers(file: IO[bytes]) -> IO[bytes]:
    """Rewrite these integers of a classic TIFF as SHORT or LONG; return the file itself if nothing changes."""
    changes = {}
    try:
        file.seek(0)
        order = "<" if file.read(2) == b"II" else ">"
        if _read(file, order + "H", 2) == 42:
            changes = _find(file, order)
    except (struct.error, ValueError, OverflowError):  # a damaged file, which its decoder will report
        pass
    file.seek(0)
    if not changes:
        return file
    content = bytearray(file.read())
    for place, packed in changes.items():
        content[place : place + len(packed)] = packed
    return io.BytesIO(bytes(content))


def _find(file: IO[bytes], order: str) -> dict[int, bytes]:
    """Find the bytes to write at each file offset, in the whole chain of IFDs."""
    changes = {}
    directory, seen = _read(file, order + "I", 4), set[int]()
    while directory and directory not in seen and len(seen) < _MOST_DIRECTORIES:
        seen.add(directory)
        count = _read(file, order + "H", directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            file.seek(entry)
            tag, kind, values = struct.unpack(order + "HHI", file.read(8))
            if tag in _NUMBERS and kind in _TYPES and values == 1:
                place = _read(file, order + "I", entry + 8) if _TYPES[kind] == "d" else entry + 8
                number = int(_read(file, order + _TYPES[kind], place))
                if 0 <= number < 1 << 32:
                    new, code = (_SHORT, "H2x") if number < 1 << 16 else (_LONG, "I")
                    changes[entry + 2] = struct.pack(f"{order}HI{code}", new, 1, number)
        directory = _read(file, order + "I", directory + 2 + 12 * count)
    return changes


def _read(file: IO[bytes], code: str, place: int) -> int:
    file.seek(place)
    (value,) = struct.unpack(code, file.read(struct.calcsize(code)))
    return value  # type: ignore[no-any-return]  # the code determines the type
