"""A network and the objective that reads its planes, as one module."""

from torch import Tensor, nn

from colorfuse.inference.rendering import RenderAb
from colorfuse.objectives import Objective


class NetworkColors(nn.Module):
    """From lightness to ab.

    Args:
        network: From lightness `(N, 1, H, W)` and a stride to planes: a `FusionNetwork`, or one made of it.
        objective: Reads planes as ab.
    """

    def __init__(self, network: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.network = network
        self.objective = objective

    def forward(self, lightness: Tensor) -> Tensor:
        """The ab `(N, 2, h, w)` of L `(N, 1, H, W)` in 0 to 100, with its dtype and on its device."""
        planes = self.network(lightness.to(next(self.network.parameters())), self.objective.stride)
        # In the precision and layout of lightness: colours need it, and few channels are slow to read channels-last.
        # On the objective's device, since a training may be using it there.
        device = next(self.objective.buffers(), planes).device
        ab: Tensor = self.objective.read(planes.to(device, lightness.dtype)).to(lightness).contiguous()
        return ab


class FunctionColors(nn.Module):
    """Any function from lightness `(N, 1, h, w)` to ab `(N, 2, h, w)` as a module.

    Args:
        render_ab: The function.
    """

    def __init__(self, render_ab: RenderAb) -> None:
        super().__init__()
        self.render_ab = render_ab

    def forward(self, lightness: Tensor) -> Tensor:
        """What the function gives."""
        return self.render_ab(lightness)
