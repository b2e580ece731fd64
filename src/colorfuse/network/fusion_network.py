"""The network that connects encoder, backbone, fusion and decoder."""

from torch import Tensor, nn

from colorfuse.backbones.maps import ceil_div, resize


class FusionNetwork(nn.Module):
    """Predicts planes from lightness: encoder and backbone in parallel, a fusion of both, then a decoder.

    This is the only place that scales lightness for a network, so training and prediction cannot disagree.

    Args:
        encoder: Turns lightness `(N, 1, H, W)` in 0 to 1 into a list of maps, fine to coarse.
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

    def forward(self, lightness: Tensor, stride: int = 1) -> Tensor:
        """Predict the planes of lightness.

        Args:
            lightness: `(N, 1, H, W)` in 0 to 100, for any H and W.
            stride: Predict one value per plane for every `stride` x `stride` pixels, which saves work for objectives
                with many planes.

        Returns:
            `(N, planes, h, w)`, where h and w are H and W divided by `stride` and rounded up.
        """
        scaled = lightness / 100
        encoded = self.encoder(scaled)
        features = self.backbone(scaled.expand(-1, 3, -1, -1))
        height, width = lightness.shape[-2:]
        planes = self.decoder(self.fusion(encoded, features), encoded, features, (height, width))
        return resize(planes, (ceil_div(height, stride), ceil_div(width, stride)))
