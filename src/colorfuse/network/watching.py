"""What the modules of a network give while it runs."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from torch import nn


@contextlib.contextmanager
def watching(network: nn.Module, paths: Iterable[str]) -> Iterator[dict[str, Any]]:
    """A dict in which the modules at some paths leave what they give in the block.

    Raises:
        ValueError: There is no module at a path, or it did not run.
    """
    given: dict[str, Any] = {}
    modules = dict(network.named_modules())
    with contextlib.ExitStack() as hooks:
        for path in set(paths):
            if path not in modules:
                raise _no_module(path)

            def keep(module: nn.Module, inputs: Any, output: Any, path: str = path) -> None:
                given[path] = output

            hooks.callback(modules[path].register_forward_hook(keep).remove)
        yield given
    for path in paths:
        if path not in given:
            raise _no_module(path)


def _no_module(path: str) -> ValueError:
    return ValueError(f"the network has no module {path!r} that runs; see network_.named_modules()")
