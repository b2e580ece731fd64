"""Context managers for eval mode and for capturing the outputs of modules."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn


@contextlib.contextmanager
def eval_mode(network: nn.Module) -> Iterator[None]:
    """Put `network` in eval mode, without gradients, and restore its mode afterwards."""
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        network.train(training)


@contextlib.contextmanager
def captured_outputs(network: nn.Module, paths: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield a dict that collects, by path, the outputs of the modules at `paths` while the block runs.

    Raises:
        ValueError: There is no module at a path, or it did not run.
    """
    given: dict[str, Any] = {}
    with contextlib.ExitStack() as hooks:
        for path in set(paths):
            try:
                module = network.get_submodule(path)
            except AttributeError as error:
                raise _no_module(path) from error

            def keep(module: nn.Module, inputs: Any, output: Any, path: str = path) -> None:
                given[path] = output

            hooks.callback(module.register_forward_hook(keep).remove)
        yield given
    for path in paths:
        if path not in given:
            raise _no_module(path)


def _no_module(path: str) -> ValueError:
    return ValueError(f"the network has no module {path!r} that runs; see network_.named_modules()")
