"""Compiled twins of kernels: of functions on arrays, which NumPy runs, ones that Numba compiles to the same bits.

That of `color.kernels.lab_from_bytes` is `color.kernels_compiled.lab_from_bytes`. To import Numba and what it has
compiled takes as long as NumPy takes for some megapixels; so twins are used after that many.
"""

import functools
import importlib
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor
from torch.autograd import forward_ad

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_PAYS_FROM = 16_000_000


class _Seen:
    pixels = 0


def count_pixels(pixels: int) -> None:
    """Tell that so many pixels were converted."""
    _Seen.pixels += pixels


def fastest(kernel: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return the compiled twin of a kernel, if it pays and Numba is there, or else the kernel itself."""
    twins = _compiled(kernel.__module__) if _Seen.pixels >= _PAYS_FROM else None
    twin: Callable[Arguments, Result] = getattr(twins, kernel.__name__, kernel)
    return twin


@functools.cache
def _compiled(module: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"{module}_compiled")
    except ImportError:
        return None
    except RuntimeError as error:  # Numba finds no folder to keep in what it compiles
        warnings.warn(f"photos are coloured without compiled code: {error}; set NUMBA_CACHE_DIR", stacklevel=3)
        return None


def is_plain(values: Tensor) -> bool:
    """Whether this is an ordinary CPU tensor that is not being differentiated, traced, compiled or vmapped."""
    return (
        not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]  # torch leaves it untyped
        and torch._C._len_torch_dispatch_stack() == 0
        and values.device.type == "cpu"
        and type(values) is Tensor
        and not (values.requires_grad and torch.is_grad_enabled())
        and forward_ad.unpack_dual(values).tangent is None
        and not torch._C._functorch.is_functorch_wrapped_tensor(values)
    )
