"""The packages of the extra `video`."""

import importlib
from typing import Any


def import_extra(name: str) -> Any:
    """Import PyAV, `av`, or OpenCV, `cv2`.

    Raises:
        ImportError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError("films need PyAV and OpenCV: pip install 'colorfuse[video]'") from error
