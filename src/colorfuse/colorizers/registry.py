"""Colorizers by name."""

from typing import Any

from colorfuse.colorizers.base import Colorizer
from colorfuse.inference.devices import Device
from colorfuse.registry import Registry

colorizers: Registry[Colorizer] = Registry("colorizer")

list_colorizers = colorizers.names


def register_colorizer(name: str) -> Any:
    """A decorator that makes a `Colorizer` known under a name, also to the shell's `--method`.

    An installed package does the same by an entry point in the group `colorfuse.colorizers`.

    Raises:
        ValueError: The name is taken.
        TypeError: There is no name.
    """
    return colorizers.register(name)


def create_colorizer(name: str, *, device: Device = None, **settings: Any) -> Colorizer:
    """The colorizer of a name, on the GPU where there is one.

    Args:
        name: From `list_colorizers()`.
        device: Where it computes, such as "cpu"; None for the GPU, if there is one.
        settings: The constructor's arguments.

    Raises:
        ValueError: The name, a setting or the device is unknown.

    Example:
        >>> create_colorizer("fusion", backbone="resnet18").backbone
        'resnet18'
    """
    return colorizers.create({"name": name, **settings}).to(device)
