"""Modules that map lightness to colours."""

from torch import Tensor, nn

from colorfuse.inference.rendering import RenderAb
from colorfuse.objectives import Objective


class NetworkColors(nn.Module):
    """A network and the objective that decodes its planes to ab, as one module.

    Args:
        network: Maps lightness `(N, 1, H, W)` and a stride to planes: a `FusionNetwork`, or one derived from it.
        objective: Decodes planes to ab.
    """

    def __init__(self, network: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.network = network
        self.objective = objective

    def forward(self, lightness: Tensor) -> Tensor:
        """Predict ab `(N, 2, h, w)` from L `(N, 1, H, W)` in 0 to 100, with the dtype and device of L."""
        planes = self.network(lightness.to(next(self.network.parameters())), self.objective.stride)
        # Decode in the dtype of lightness, since colours need its precision, and in its layout, since channels-last
        # is slow for few channels. Do not move the objective: training may be using it on its device.
        device = next(self.objective.buffers(), planes).device
        ab: Tensor = self.objective.read(planes.to(device, lightness.dtype)).to(lightness).contiguous()
        return ab


class FunctionColors(nn.Module):
    """Wraps a function from lightness `(N, 1, h, w)` to ab `(N, 2, h, w)` in a module.

    Args:
        render_ab: The function.
    """

    def __init__(self, render_ab: RenderAb) -> None:
        super().__init__()
        self.render_ab = render_ab

    def forward(self, lightness: Tensor) -> Tensor:
        """Call the function."""
        return self.render_ab(lightness)
