"""Registry of colorizers by name."""

from typing import Any

from colorfuse.colorizers.base import Colorizer
from colorfuse.inference.devices import Device
from colorfuse.registry import Registry

colorizers: Registry[Colorizer] = Registry("colorizer")


def list_colorizers(pattern: str = "*") -> list[str]:
    """The names of all colorizers that match a shell-style pattern, sorted.

    They are those of colorfuse, of installed packages, and of `register_colorizer`.

    Example:
        >>> import colorfuse
        >>> "levin2004" in colorfuse.list_colorizers()
        True
    """
    return colorizers.names(pattern)


def register_colorizer(name: str) -> Any:
    """Register a `Colorizer` under a name, as a decorator; the command line's `--method` accepts the name too.

    An installed package can register one by an entry point in the group `colorfuse.colorizers` instead.

    Raises:
        ValueError: The name is taken.
        TypeError: The name is missing.
    """
    return colorizers.register(name)


def create_colorizer(name: str, *, device: Device = None, **settings: Any) -> Colorizer:
    """Create a colorizer by name, on the GPU if there is one.

    Args:
        name: From `list_colorizers()`.
        device: The device to compute on, such as "cpu"; None for the GPU if there is one.
        settings: The constructor's arguments.

    Raises:
        ValueError: The name, a setting or the device is unknown.
        TypeError: The name is no string.

    Example:
        >>> import colorfuse
        >>> colorfuse.create_colorizer("fusion", backbone="resnet18").backbone
        'resnet18'
    """
    if not isinstance(name, str):
        raise TypeError(f"the name must be one of list_colorizers(), beside which settings are given, not {name!r}")
    return colorizers.create({"name": name, **settings}).to(device)
