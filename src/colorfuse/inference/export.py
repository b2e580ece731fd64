"""Export of colorizers to ONNX and `torch.export`."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.nn import functional

from colorfuse.backbones.maps import ceil_div
from colorfuse.color import gray_to_lightness, lab_to_rgb, reduce_chroma
from colorfuse.errors import first_line
from colorfuse.files import atomic_file
from colorfuse.hints.geometry import overlaps
from colorfuse.inference.obeying import obeying
from colorfuse.inference.rendering import render, to_render_size
from colorfuse.inference.upsampling import find_upsampling

TORCH_NEEDED = "2.14"
"""Older versions cannot export sizes computed from dynamic sizes, or cannot translate them to ONNX."""

_OPSET = 20
_SHAPE = (2, 1, 96, 120)
"""Shape of the example input. Dynamic sizes are distinct and not 1, or tracing would specialise on them."""


class Program(nn.Module):
    """The whole pipeline of `predict` as a module, from gray photos to RGB.

    Args:
        render_ab: Maps L `(N, 1, h, w)` at working size to ab `(N, 2, h, w)`. It is copied.
        render_size: Photos are resized to about `render_size ** 2` pixels for it.
        upsample: How colours are upsampled to the photo's size.
        takes_hints: Whether the program has a second input, for hints.
    """

    def __init__(self, render_ab: nn.Module, render_size: int, upsample: str, takes_hints: bool = False) -> None:
        super().__init__()
        self.render_ab = copy.deepcopy(render_ab).cpu().float().eval()
        _ease_padding(self.render_ab)
        self.render_size = render_size
        self.takes_hints = takes_hints
        self.upsample = find_upsampling(upsample)

    def forward(self, gray: Tensor, hints: Tensor | None = None) -> Tensor:
        """Colour gray photos.

        Args:
            gray: `(N, 1, H, W)`, float32 sRGB in 0 to 1.
            hints: `(N, 3, H, W)`: ab in CIELAB units, and a mask that is 1 where there is a hint; all 0 for none.

        Returns:
            RGB `(N, 3, H, W)`, float32 sRGB in 0 to 1.
        """
        lightness = gray_to_lightness(gray)
        small = to_render_size(lightness, self.render_size)
        if hints is None:
            ab = self.upsample(*render(self.render_ab, small), gray.shape[-2])(lightness, 0)
        else:
            drawn = _smaller_hints(hints, small)
            rendered = render(self.render_ab, small, drawn)
            ab = obeying(rendered, small, drawn, self.upsample, gray.shape[-2])(lightness, 0)
            ab = torch.where(hints[:, 2:] > 0, hints[:, :2], ab)
        return lab_to_rgb(reduce_chroma(torch.cat([lightness, ab], dim=1)))


def _smaller_hints(hints: Tensor, small: Tensor) -> Tensor:
    """Scale hints to the size of `small`: the mean of the marks in each pixel."""
    ab, mask = hints.split((2, 1), dim=1)
    down, across = (overlaps(hints.shape[axis], small.shape[axis]) for axis in (-2, -1))
    total = down @ torch.cat([ab * mask, mask], dim=1) @ across.mT
    marked = (total[:, 2:] > 0).to(total.dtype)
    return torch.cat([total[:, :2] / total[:, 2:].clamp(min=1e-6), marked], dim=1)


class _SameConv(nn.Module):
    """timm's `Conv2dSame`, convolution with TensorFlow's "same" padding, in integer arithmetic only.

    timm uses float division and a maximum. Stacked over many layers, these make symbolic sizes that take hours to
    compare in tracing. Here the padding cancels out: the output size is the input size divided by the stride.
    """

    def __init__(self, conv: Conv2dSame) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, maps: Tensor) -> Tensor:
        conv, padding = self.conv, list[Any]()
        for side, kernel, stride, dilation in zip(
            maps.shape[:1:-1], conv.kernel_size[::-1], conv.stride[::-1], conv.dilation[::-1], strict=True
        ):
            total: Any = (ceil_div(side, stride) - 1) * stride + dilation * (kernel - 1) + 1 - side
            if dilation * (kernel - 1) + 1 < stride:  # a stride that skips pixels would give negative padding
                total = torch.sym_max(total, 0)
            padding += [total // 2, total - total // 2]
        padded = functional.pad(maps, padding)
        return functional.conv2d(padded, conv.weight, conv.bias, conv.stride, 0, conv.dilation, conv.groups)


def _ease_padding(network: nn.Module) -> None:
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Conv2dSame):
                setattr(parent, name, _SameConv(child))


def write_program(program: Program, path: Path) -> None:
    """Write a program in the format given by the suffix of `path`.

    Raises:
        ValueError: The suffix is neither `.onnx` nor `.pt2`, or a part of the colorizer cannot be exported.
        ImportError: torch is too old, or the packages for ONNX are not installed.
    """
    writers: dict[str, Callable[[Program, Path], None]] = {".onnx": _write_onnx, ".pt2": _write_pt2}
    if path.suffix not in writers:
        raise ValueError(f"{path} names no format to export to; use one of {', '.join(writers)}")
    if torch.__version__ < TORCH_NEEDED:
        raise ImportError(f"to export a network, install torch {TORCH_NEEDED} or newer; this is {torch.__version__}")
    with atomic_file(path) as partial:
        writers[path.suffix](program, partial)


def _exported(program: Program) -> ExportedProgram:
    sides: Any = {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}
    inputs = ["gray", "hints"] if program.takes_hints else ["gray"]
    gray = torch.rand(_SHAPE, dtype=torch.float32, device="cpu")
    hints = torch.zeros(_SHAPE[0], 3, *_SHAPE[2:], dtype=torch.float32, device="cpu")
    hints[..., 5, 7] = 1
    try:
        with torch.no_grad():
            return torch.export.export(
                program, (gray, hints)[: len(inputs)], dynamic_shapes=dict.fromkeys(inputs, sides), strict=False
            )
    except Exception as error:  # tracing a custom part may raise anything
        raise ValueError(f"this colorizer cannot be exported: {first_line(error)}") from error


def _write_pt2(program: Program, path: Path) -> None:
    torch.export.save(_exported(program), path)


def _write_onnx(program: Program, path: Path) -> None:
    try:
        import onnxscript  # noqa: F401  # torch.onnx needs it
    except ImportError as error:
        raise ImportError("to export to ONNX, install colorfuse[onnx]") from error
    written: Any = torch.onnx.export(
        _exported(program),
        dynamo=True,
        opset_version=_OPSET,
        input_names=["gray", "hints"] if program.takes_hints else ["gray"],
        output_names=["rgb"],
        verbose=False,
    )
    written.save(path)
    if program.takes_hints:
        _make_hints_optional(path)


def _make_hints_optional(path: Path) -> None:
    """Give the input `hints` a default of no hints, which is expanded to the size of the photos."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path)
    graph = model.graph
    for node in graph.node:
        node.input[:] = ["hints_of_size" if name == "hints" else name for name in node.input]
    nodes = [
        helper.make_node("Shape", ["gray"], ["gray_size"]),
        helper.make_node("Mul", ["gray_size", "planes_of_hints"], ["hints_size"]),
        helper.make_node("Expand", ["hints", "hints_size"], ["hints_of_size"]),
    ]
    for node in reversed(nodes):
        graph.node.insert(0, node)
    constants = {"planes_of_hints": np.array([1, 3, 1, 1]), "hints": np.zeros((1, 3, 1, 1), np.float32)}
    graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in constants.items())
    given = next(each for each in graph.input if each.name == "hints")
    for axis, name in ((0, "hints_count"), (2, "hints_height"), (3, "hints_width")):
        given.type.tensor_type.shape.dim[axis].dim_param = name
    onnx.save(model, path)
