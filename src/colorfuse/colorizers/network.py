"""Colorizers around a network."""

import copy
from typing import Any, Self

import torch
from torch import Tensor

from colorfuse.colorizers.learnt import LearntColorizer
from colorfuse.inference.devices import Device
from colorfuse.inference.network_colors import NetworkColors
from colorfuse.network import FusionNetwork
from colorfuse.objectives import Objective


class NetworkColorizer(LearntColorizer):
    """A colorizer whose colours an objective reads from the planes that a network gives.

    Attributes:
        network_: From lightness to planes.
        objective_: From planes to ab.
    """

    network_: FusionNetwork
    objective_: Objective
    _built_of: dict[str, Any]
    """The settings that the network was built of; `optimized` and `mirrored` copies have none."""

    @torch.no_grad()
    def render_ab(self, lightness: Tensor) -> Tensor:
        """The ab `(N, 2, h, w)` that the network gives for L `(N, 1, h, w)`."""
        ab: Tensor = NetworkColors(self.network_, self.objective_)(lightness)
        return ab

    def to_module(self) -> NetworkColors:
        """The network with the objective that reads its planes, to be exported.

        Raises:
            ValueError: This copy is `optimized` or `mirrored`.
        """
        self._check_whole()
        return NetworkColors(self.network_, self.objective_)

    def to(self, device: Device) -> Self:
        """Move the network to another device.

        Args:
            device: "cpu", "cuda", "mps" or another of torch's; "auto" for the GPU where there is one.

        Raises:
            ValueError: There is no such device.
        """
        super().to(device)
        if hasattr(self, "network_"):
            self.network_.to(self._device)
            self.objective_.to(self._device)
        return self

    @property
    def device(self) -> torch.device:
        """Where the network is, or will be."""
        return next(self.network_.parameters()).device if hasattr(self, "network_") else super().device

    def optimized(self, dtype: torch.dtype | None = None, *, compiled: bool = False) -> Self:
        """A copy that predicts faster, and can neither be saved nor exported.

        Batch norms are folded into the convolutions before them, and weights laid out channels-last.

        Args:
            dtype: Of the network; None for bfloat16 where the processor or device computes with it, else float32.
            compiled: Let `torch.compile` translate the network, which takes long for the first photo of a shape.

        Raises:
            NotFittedError: There is no network yet.
            ValueError: The dtype is not a float.

        Example:
            >>> from skimage import data
            >>> from colorfuse import FusionColorizer
            >>> FusionColorizer.from_pretrained().optimized().predict(data.camera()).shape
            (512, 512, 3)
        """
        from colorfuse.network.folding import best_dtype, for_inference  # with timm, which takes long to import

        self.check_fitted()
        device = next(self.network_.parameters()).device
        dtype = best_dtype(device) if dtype is None else dtype
        if not dtype.is_floating_point:
            raise ValueError(f"the network computes with floats, such as torch.bfloat16, not with {dtype}")
        network = for_inference(self.network_, dtype)
        if compiled:
            network.compile()
        return self._only_predicting(network)

    def mirrored(self) -> Self:
        """A copy that also looks at each photo mirrored and takes the mean, and can neither be saved nor exported.

        Its colours are a little nearer to the true ones, and the network takes twice the time.

        Raises:
            NotFittedError: There is no network yet.

        Example:
            >>> from skimage import data
            >>> from colorfuse import FusionColorizer
            >>> FusionColorizer.from_pretrained().optimized().mirrored().predict(data.camera()).shape
            (512, 512, 3)
        """
        from colorfuse.network.mirrored import FlipAveraged

        self.check_fitted()
        return self._only_predicting(FlipAveraged(self.network_))

    def _only_predicting(self, network: Any) -> Self:
        """A copy with a network that is not what its settings describe."""
        changed = copy.copy(self)
        changed.network_ = network
        vars(changed).pop("_built_of", None)
        return changed

    def _check_whole(self) -> None:
        self.check_fitted()
        if not hasattr(self, "_built_of"):
            raise ValueError("an optimized or mirrored colorizer only predicts; use the one that it was made of")
