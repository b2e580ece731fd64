"""Summaries of a network: output shapes, parameters and multiply-adds of its parts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from colorfuse.network.hooks import captured_outputs, eval_mode

_COLUMNS = ("part", "name", "parameters", "multiply-adds", "output")


@dataclass(frozen=True)
class PartSummary:
    """Summary of one part of a network.

    Attributes:
        part: "encoder", "backbone", "fusion" or "decoder".
        name: Name of the part.
        parameters: Number of parameters, frozen ones included.
        multiply_adds: Multiply-adds of its convolutions and matrix products for one photo.
        output: Channels, height and width of each map that it returns, or of the planes.
    """

    part: str
    name: str
    parameters: int
    multiply_adds: int
    output: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Summary:
    """The parts of a network in the order they run, for one photo size; `str()` formats it as a table.

    Attributes:
        height: Height of the photo in pixels.
        width: Width of the photo in pixels.
        parts: One summary per part.
    """

    height: int
    width: int
    parts: tuple[PartSummary, ...]

    @property
    def parameters(self) -> int:
        """Number of parameters of all parts."""
        return sum(part.parameters for part in self.parts)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all parts."""
        return sum(part.multiply_adds for part in self.parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as a dict that can be written as JSON."""
        return asdict(self) | {"parameters": self.parameters, "multiply_adds": self.multiply_adds}

    def __str__(self) -> str:
        rows = [
            (part.part, part.name, f"{part.parameters:,}", f"{part.multiply_adds:,}", _listed(part.output))
            for part in self.parts
        ]
        seen = f"for 1 x {self.height} x {self.width}"
        table = [_COLUMNS, *rows, ("all", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", seen)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if 1 < column < 4 else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        )


def summarize(network: nn.Module, names: Mapping[str, str], height: int, width: int) -> Summary:
    """Summarize `network` by running it once on a black photo.

    Args:
        network: A `FusionNetwork`.
        names: Name of each part, with the keys "encoder", "backbone", "fusion" and "decoder".
        height: Height of the photo in pixels.
        width: Width of the photo in pixels.
    """
    from torch.utils.flop_counter import FlopCounterMode  # imported here, since it imports triton

    parts = dict(network.named_children())
    with eval_mode(network), FlopCounterMode(display=False) as counter, captured_outputs(network, parts) as given:
        network(torch.zeros(1, 1, height, width).to(next(network.parameters())))
    operations = counter.get_flop_counts()
    return Summary(
        height,
        width,
        tuple(
            PartSummary(
                name,
                names[name],
                sum(parameter.numel() for parameter in part.parameters()),
                sum(operations.get(f"{type(network).__name__}.{name}", {}).values()) // 2,
                _shapes(given[name]),
            )
            for name, part in parts.items()
        ),
    )


def _shapes(given: Tensor | list[Tensor]) -> tuple[tuple[int, int, int], ...]:
    maps = [given] if isinstance(given, Tensor) else given
    return tuple((channels, height, width) for _, channels, height, width in (maps.shape for maps in maps))


def _listed(shapes: tuple[tuple[int, int, int], ...]) -> str:
    return ", ".join(" x ".join(map(str, shape)) for shape in shapes) or "none"
