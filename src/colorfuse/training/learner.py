"""The module that is trained: a network with its objective and extra loss terms."""

from collections.abc import Sequence

from torch import Tensor, nn

from colorfuse.backbones.maps import resize_to
from colorfuse.color.precision import full_precision
from colorfuse.network import FusionNetwork
from colorfuse.network.hooks import captured_outputs
from colorfuse.objectives import Objective, Term
from colorfuse.sample import Batch


class Learner(nn.Module):
    """A network whose forward pass returns the loss, so that one distributed wrapper covers all trainable weights.

    Args:
        network: Maps lightness to output planes.
        objective: The loss, and the conversion of output planes to ab.
        terms: Extra loss terms, bound to the network; they are added in training mode only.
    """

    def __init__(self, network: FusionNetwork, objective: Objective, terms: Sequence[Term] = ()) -> None:
        super().__init__()
        self.network = network
        self.objective = objective
        self.terms = nn.ModuleList(terms)
        self._watched = {path for term in terms for path in term.watches}

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the loss, a scalar, and the output planes."""
        with captured_outputs(self.network, self._watched) as given:
            planes = self.network(batch.lightness, self.objective.stride, batch.hints, batch.global_hints)
        loss = self.objective(planes, batch.ab)
        if self.training and len(self.terms):
            with full_precision(planes.device.type):
                colors = resize_to(self.objective.read(planes), batch.ab)
            for term in self.terms:
                loss = loss + term(batch, colors, given)
        return loss, planes
