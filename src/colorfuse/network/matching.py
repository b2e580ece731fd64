"""Matches places of photos with places of reference photos, and takes their colours as hints."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from colorfuse.backbones.maps import resize
from colorfuse.network.fusion_network import FusionNetwork

_ENLARGED = 2
"""How much larger than for colours photos are for the backbone, whose maps then are twice as fine."""
_CELL = 8
"""Side of the places, in pixels of what the backbone sees."""
_COARSEST = 32
_LIKE = 0.6
"""The least cosine of the angle between descriptions of places that look alike."""
_SAME = 0.12
"""The least share of a photo's places that match if a reference shows the same thing."""
_SURE = 0.88
"""The least cosine if it does not."""
_AGREEING = 5
"""How many of the eight places around one must match near its own match."""
_NEAR = 2
"""How many places apart such matches may be, across and down."""
_PAIRS_AT_ONCE = 1 << 24
"""How many pairs of places are compared at a time, which bounds memory."""
_APART = 1000
"""Places of different references are as far apart."""
_OFF = 1
"""How many places apart a place and the match of its match may be, across and down."""


class Matcher(nn.Module):
    """Finds colours for places of a photo that look like places of references to the network's backbone.

    A place and the most similar one of all references match if it is also the most similar for the reference's, or
    beside that, and if the places around it match places around that one. A reference that shows the same thing has
    many matches; one that does not has few, of which only those that are almost certain count.

    Related are He et al. 2018, *Deep exemplar-based colorization*, who train a network on such matches, and Huang et
    al. 2022, *UniColor*, who make them hints.

    Args:
        network: A network with a backbone, which is not trained further.
        references: Lab `(1, 3, h, w)` of each reference.
    """

    descriptions: Tensor
    colors: Tensor
    places: Tensor
    """The number of the reference, the row and the column of each place `(places, 3)`."""

    def __init__(self, network: FusionNetwork, references: list[Tensor]) -> None:
        super().__init__()
        described, colors, places = [], [], []
        with torch.no_grad():
            for number, lab in enumerate(references):
                its = self._described(network, lab[:, :1])
                described.append(its.flatten(2)[0].T)
                colors.append(
                    functional.adaptive_avg_pool2d(lab[:, 1:].to(its), (its.shape[-2], its.shape[-1])).flatten(2)[0].T
                )
                rows, columns = its.shape[-2:]
                numbered = torch.cartesian_prod(
                    torch.tensor([number * _APART]), torch.arange(rows), torch.arange(columns)
                )
                places.append(numbered.to(its.device))
        self.register_buffer("descriptions", torch.cat(described))
        self.register_buffer("colors", torch.cat(colors))
        self.register_buffer("places", torch.cat(places))

    @torch.no_grad()
    def forward(self, network: FusionNetwork, lightness: Tensor) -> Tensor:
        """Find hints `(N, 3, H, W)`, ab and a mask, for lightness `(N, 1, H, W)`: a few pixels for each match."""
        described = self._described(network, lightness)
        self.to(described.device)  # the network may have been moved
        return torch.stack([self._hints(photo, lightness.shape[-2:]) for photo in described])

    def _hints(self, described: Tensor, size: torch.Size) -> Tensor:
        rows, columns = described.shape[-2:]
        cosine, match, back = self._likest(described.flatten(1).T)
        place = torch.arange(rows * columns, device=back.device)
        off = torch.maximum((back // columns - place // columns).abs(), (back % columns - place % columns).abs())
        sure = (cosine >= _LIKE) & (off <= _OFF) & (self._agreeing(match.view(rows, columns)).flatten() >= _AGREEING)
        if sure.float().mean() < _SAME:
            sure &= cosine >= _SURE
        hints = torch.zeros(3, *size, device=described.device, dtype=described.dtype)
        row = ((place[sure] // columns + 0.5) * size[0] / rows).long()
        column = ((place[sure] % columns + 0.5) * size[1] / columns).long()
        for down, right in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
            hints[:2, row + down, column + right] = self.colors[match[sure]].T.to(hints)
            hints[2, row + down, column + right] = 1
        return hints

    def _likest(self, described: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Each place's greatest cosine, the references' place that has it, and the place that is likest to that."""
        cosine = described.new_full((len(described),), -math.inf)
        match, back = (torch.zeros(len(described), dtype=torch.long, device=described.device) for _ in range(2))
        first = 0
        for some in self.descriptions.to(described).split(max(1, _PAIRS_AT_ONCE // len(described))):
            alike = described @ some.T
            its, where = alike.max(dim=1)
            better = its > cosine
            cosine[better], match[better] = its[better], first + where[better]
            back[better] = alike.argmax(dim=0)[where[better]]
            first += len(some)
        return cosine, match, back

    def _agreeing(self, match: Tensor) -> Tensor:
        """How many of the eight places around each match a place near its own match, `(h, w)`."""
        there = self.places[match].movedim(-1, 0)
        padded = functional.pad(there[None].float(), (1, 1, 1, 1), value=-9e9)[0]
        height, width = match.shape
        agreeing = torch.zeros_like(match)
        for down in range(3):
            for right in range(3):
                beside = padded[:, down : down + height, right : right + width]
                agreeing += ((beside - there).abs().amax(dim=0) <= _NEAR).long()
        return agreeing - 1

    @staticmethod
    def _described(network: FusionNetwork, lightness: Tensor) -> Tensor:
        """Describe the places of photos by vectors of unit length, `(N, channels, h, w)`."""
        like = next(network.parameters())
        height, width = (_ENLARGED * side for side in lightness.shape[-2:])
        maps = network.features(resize(lightness.to(like), (height, width)))
        places = -(-height // _CELL), -(-width // _CELL)
        fitting = [each for each in maps if height // _COARSEST <= each.shape[-2] <= places[0]]
        described = [functional.normalize(resize(each, places).float()) for each in fitting or maps[-1:]]
        return functional.normalize(torch.cat(described, dim=1))
