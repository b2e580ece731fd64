"""The network that connects encoder, backbone, fusion and decoder."""

from torch import Tensor, nn

from colorfuse.backbones.maps import ceil_div, resize
from colorfuse.hints.overall import GLOBAL_VALUES


class FusionNetwork(nn.Module):
    """Predicts planes from lightness: encoder and backbone in parallel, a fusion of both, then a decoder.

    This is the only place that scales lightness for a network, so training and prediction cannot disagree.

    Args:
        encoder: Turns lightness `(N, 1, H, W)` in 0 to 1 into a list of maps, fine to coarse; if it takes hints, it
            also gets those.
        backbone: Turns the same lightness, repeated to three channels, into a list of maps, fine to coarse.
        fusion: Joins both lists into one map.
        decoder: Turns that map, both lists and the input size into planes; planes of another size
            are resized to it.

    Example:
        >>> import colorfuse, torch
        >>> network = colorfuse.FusionColorizer.from_recipe("paper", pretrained=False).initialize().network_
        >>> network(torch.full((1, 1, 65, 33), 50.0)).shape
        torch.Size([1, 2, 65, 33])
    """

    def __init__(self, encoder: nn.Module, backbone: nn.Module, fusion: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.backbone = backbone
        self.fusion = fusion
        self.decoder = decoder

    @property
    def takes_hints(self) -> bool:
        """Whether hints have an effect."""
        return getattr(self.encoder, "takes_hints", False)

    @property
    def takes_global_hints(self) -> bool:
        """Whether global hints have an effect."""
        return getattr(self.encoder, "takes_global_hints", False)

    def forward(
        self,
        lightness: Tensor,
        stride: int = 1,
        hints: Tensor | None = None,
        global_hints: Tensor | None = None,
        features: list[Tensor] | None = None,
    ) -> Tensor:
        """Predict the planes of lightness.

        Args:
            lightness: `(N, 1, H, W)` in 0 to 100, for any H and W.
            stride: Predict one value per plane for every `stride` x `stride` pixels, which saves work for objectives
                with many planes.
            hints: `(N, 3, H, W)`: ab in CIELAB units and a mask, both 0 where there is no hint. None for no hints.
            global_hints: `(N, 316)`, as `colorfuse.hints.overall.global_hints` makes them, or None; for encoders that
                take any.
            features: What the method `features` returned for this lightness, if it is known.

        Returns:
            `(N, planes, h, w)`, where h and w are H and W divided by `stride` and rounded up.
        """
        scaled = lightness / 100
        encoded = self._encode(scaled, hints, global_hints)
        features = self.features(lightness) if features is None else features
        height, width = lightness.shape[-2:]
        planes = self.decoder(self.fusion(encoded, features), encoded, features, (height, width))
        return resize(planes, (ceil_div(height, stride), ceil_div(width, stride)))

    def features(self, lightness: Tensor) -> list[Tensor]:
        """The maps of the backbone for lightness `(N, 1, H, W)` in 0 to 100; they do not depend on hints."""
        maps: list[Tensor] = self.backbone((lightness / 100).expand(-1, 3, -1, -1))
        return maps

    def _encode(self, scaled: Tensor, hints: Tensor | None, global_hints: Tensor | None) -> list[Tensor]:
        given: list[Tensor | None] = [hints] if self.takes_hints else []
        if self.takes_global_hints:
            none = scaled.new_zeros(1, GLOBAL_VALUES).expand(scaled.shape[0], -1)
            given.append(none if global_hints is None else global_hints.to(scaled))
        maps: list[Tensor] = self.encoder(scaled, *given)
        return maps
