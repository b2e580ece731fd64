"""Modules that map lightness to colours."""

import torch
from torch import Tensor, nn

from colorfuse.inference.kriging import krige
from colorfuse.inference.rendering import RenderAb
from colorfuse.network import FusionNetwork
from colorfuse.network.referring import Referring
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

    def forward(self, lightness: Tensor, hints: Tensor | None = None, features: list[Tensor] | None = None) -> Tensor:
        """Predict ab `(N, 2, h, w)` from L `(N, 1, H, W)` in 0 to 100, with the dtype and device of L.

        Args:
            lightness: L.
            hints: `(N, 3, H, W)`: ab in CIELAB units and a mask.
            features: What the method `features` returned, if it is known.
        """
        return self._read(self.planes(lightness, hints, features), lightness, hints)

    def with_certainty(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """Predict ab and a third plane, from 0 to 1: how certain the colours are.

        It is 1 / the perplexity of the distribution over colours; 1 everywhere if the objective predicts none.
        """
        planes = self.planes(lightness, hints)
        ab = self._read(planes, lightness, hints)
        if type(self.objective).distribution is Objective.distribution:
            return torch.cat([ab, torch.ones_like(ab[:, :1])], dim=1)
        shares = self.objective.distribution(planes.float()).shares
        certainty = torch.special.entr(shares).sum(dim=1, keepdim=True).neg().exp()
        return torch.cat([ab, certainty.to(ab)], dim=1)

    def _read(self, planes: Tensor, lightness: Tensor, hints: Tensor | None) -> Tensor:
        # Decode in the dtype of lightness, since colours need its precision, and in its layout, since channels-last
        # is slow for few channels. Do not move the objective: training may be using it on its device.
        device = next(self.objective.buffers(), planes).device
        ab: Tensor = self.objective.read(planes.to(device, lightness.dtype)).to(lightness).contiguous()
        return ab if hints is None else krige(ab, lightness, hints)

    def features(self, lightness: Tensor) -> list[Tensor] | None:
        """What the network computes of lightness alone, whatever the hints; None if it does not tell."""
        if not isinstance(self.network, FusionNetwork | Referring):
            return None
        with torch.no_grad():
            return self.network.features(lightness.to(next(self.network.parameters())))

    def planes(self, lightness: Tensor, hints: Tensor | None = None, features: list[Tensor] | None = None) -> Tensor:
        """Predict planes `(N, planes, h, w)`; the arguments are those of `forward`."""
        like = next(self.network.parameters())
        given = {} if hints is None else {"hints": hints.to(like)}
        known = {} if features is None else {"features": features}
        planes: Tensor = self.network(lightness.to(like), self.objective.stride, **given, **known)
        return planes


class FunctionColors(nn.Module):
    """Wraps a function from lightness `(N, 1, h, w)` to ab `(N, 2, h, w)` in a module.

    Args:
        render_ab: The function; its second argument, if there are any, are hints `(N, 3, h, w)`.
    """

    def __init__(self, render_ab: RenderAb) -> None:
        super().__init__()
        self.render_ab = render_ab

    def forward(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """Call the function."""
        return self.render_ab(lightness) if hints is None else self.render_ab(lightness, hints)
