"""Silences decoding libraries about damaged files, which colorfuse reports itself."""

import contextlib
import logging
import threading
import warnings
from collections.abc import Iterator

_LOCK = threading.Lock()
_blocks = 0
_filters = warnings.catch_warnings()

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # else Python prints its log messages


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Suppress Pillow's warnings within a block; several threads may use it at the same time."""
    global _blocks, _filters
    with _LOCK:
        if not _blocks:
            _filters = warnings.catch_warnings()
            _filters.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
        _blocks += 1
    try:
        yield
    finally:
        with _LOCK:
            _blocks -= 1
            if not _blocks:
                _filters.__exit__(None, None, None)
