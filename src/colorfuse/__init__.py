"""Colour gray photographs, with a network whose every part you can swap."""

from importlib import metadata

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(
    __name__, __file__
)  # imports what is in __init__.pyi when used

__version__ = metadata.version("colorfuse")
