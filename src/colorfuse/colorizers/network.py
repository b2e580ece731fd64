"""Base class of colorizers built on a network."""

import copy
from typing import Any, Self

import torch
from torch import Tensor

from colorfuse.colorizers.learnt import LearntColorizer
from colorfuse.colorizers.references import References, read_references
from colorfuse.hints.overall import global_hints
from colorfuse.inference.devices import Device
from colorfuse.inference.network_colors import NetworkColors
from colorfuse.inference.on_device import OnDevice
from colorfuse.inference.predictor import Predictor
from colorfuse.inference.prepared import PreparedNetwork, PreparedSystem
from colorfuse.network import FusionNetwork
from colorfuse.objectives import Objective
from colorfuse.options import Share, check_value


class NetworkColorizer(LearntColorizer):
    """A colorizer whose network outputs planes that an objective decodes to colours.

    Attributes:
        network_: Maps lightness to planes.
        objective_: Decodes planes to ab.
    """

    network_: FusionNetwork
    objective_: Objective
    simulated_hints: dict[str, Any] | None
    _built_of: dict[str, Any]
    """The settings that the network was built from; copies that only predict have none."""

    @property
    def takes_hints(self) -> bool:  # type: ignore[override]  # known once there is a network
        """Whether the network takes hints, and has learnt with any."""
        return hasattr(self, "network_") and self.network_.takes_hints and self.simulated_hints is not None

    @property
    def takes_reference(self) -> bool:  # type: ignore[override]  # known once there is a network
        """Whether the network takes references, as hints at places that look alike or as global hints."""
        return self._matches_places or getattr(self._plain_network, "takes_global_hints", False)

    @property
    def _matches_places(self) -> bool:
        return self.takes_hints and bool(getattr(getattr(self._plain_network, "backbone", None), "maps", ()))

    @property
    def _plain_network(self) -> Any:
        """The network without references; None if there is none yet."""
        network = getattr(self, "network_", None)
        return getattr(network, "unreferred", network)

    @torch.no_grad()
    def render_ab(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """Predict ab `(N, 2, h, w)` from L `(N, 1, h, w)` and hints `(N, 3, h, w)`."""
        ab: Tensor = NetworkColors(self.network_, self.objective_)(lightness, hints)
        return ab

    @torch.no_grad()
    def render_with_certainty(self, lightness: Tensor, hints: Tensor | None = None) -> Tensor:
        """Predict ab with its certainty: 1 / the perplexity of each pixel's distribution over colours, if known."""
        return NetworkColors(self.network_, self.objective_).with_certainty(lightness, hints)

    def with_reference(self, reference: References, *, render_size: int | None = None) -> Self:
        """Return a copy that takes its colours from references; it cannot be saved or exported.

        A network that has learnt with hints gets the references' colours as hints, for those places of a photo that
        look like places of a reference to its backbone. One that takes global hints gets the histogram of the first
        reference's colours and their mean saturation.

        Args:
            reference: A colour photo, as `predict` takes photos, several in a list, or a folder of them.
            render_size: References are resized to about `render_size ** 2` pixels, as the photos that are compared
                with them should be; None for the colorizer's own setting.

        Raises:
            NotFittedError: There is no network yet.
            ValueError: The network takes neither kind of hints, or has no backbone to compare photos with; or this
                copy is `mirrored` or averaged.
            PhotoError: A reference cannot be read, or is gray or toned.
        """
        self.check_fitted()
        network = self._plain_network
        if not isinstance(network, FusionNetwork):
            raise ValueError(
                "a mirrored or averaged copy takes no reference; give the reference to the colorizer it was made of"
            )
        if self.takes_hints and not self.takes_reference:
            raise ValueError("this network has no backbone to compare photos with, so it takes no reference")
        if not self.takes_reference:
            return super().with_reference(reference, render_size=render_size)
        from colorfuse.network.matching import Matcher
        from colorfuse.network.referring import Referring

        side = self.render_size if render_size is None else render_size
        labs = [torch.from_numpy(each.lab)[None] for each in read_references(reference, side)]
        takes_whole = network.takes_global_hints
        whole = global_hints(labs[0][:, :1], labs[0][:, 1:]).to(self.device) if takes_whole else None
        matcher = Matcher(network, labs) if self._matches_places else None
        return self._only_predicting(Referring(network, matcher, whole))

    def _prepared(self, lightness: Tensor) -> PreparedSystem:
        return PreparedNetwork(NetworkColors(self.network_, self.objective_), lightness)

    def to_module(self) -> NetworkColors:
        """Combine the network and the objective into one module, for export.

        Raises:
            ValueError: This copy only predicts: it is `optimized`, `mirrored` or averaged, or takes the colours of
                references.
        """
        self._check_whole()
        return NetworkColors(self.network_, self.objective_)

    def predictor(self, saturation: float, upsample: str | None, render_size: int | None) -> Predictor:
        """Make a predictor with these options of `predict`."""
        predictor = super().predictor(saturation, upsample, render_size)
        return predictor if self.device.type == "cpu" else predictor.on(OnDevice(self.device))

    def to(self, device: Device) -> Self:
        """Move the network to another device.

        Args:
            device: "cpu", "cuda", "mps" or another torch device; "auto" for the GPU if there is one.

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
        """The device that the network is on, or will be built on."""
        return next(self.network_.parameters()).device if hasattr(self, "network_") else super().device

    def optimized(self, dtype: torch.dtype | None = None, *, compiled: bool = False) -> Self:
        """Return a copy that predicts faster, but cannot be saved or exported.

        Batch norms are folded into the preceding convolutions, and weights use the channels-last layout.

        Args:
            dtype: The dtype of the network; None for bfloat16 if the device supports it in hardware, else float32.
            compiled: Compile the network with `torch.compile`, which is slow for the first photo of each shape.

        Raises:
            NotFittedError: There is no network yet.
            ValueError: The dtype is not floating-point.

        Example:
            >>> from skimage import data
            >>> from colorfuse import FusionColorizer
            >>> FusionColorizer.from_pretrained().optimized().predict(data.camera()).shape
            (512, 512, 3)
        """
        from colorfuse.network.folding import best_dtype, for_inference  # imports timm, which is slow

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
        """Return a copy that averages the predictions for each photo and its mirror image.

        Its colours are slightly more accurate, and the network takes twice the time. The copy cannot be saved or
        exported.

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

    def averaged_with(self, other: Self, share: float = 0.5) -> Self:
        """Return a copy that averages its predictions with those of another colorizer.

        Networks that were trained apart err in different ways, so the mean of their distributions over colours is
        closer to the true colours than either. Both networks run for each photo, and both get its hints if they take
        any. All settings are this colorizer's. The copy cannot be saved or exported, but it can be averaged again.

        Args:
            other: A colorizer whose network predicts planes of the same meaning, as with the same objective.
            share: Its weight in the mean, from 0 to 1.

        Raises:
            NotFittedError: There is no network yet.
            ValueError: The planes of the networks differ in meaning, or the share is out of range.

        Example:
            >>> from skimage import data
            >>> from colorfuse import FusionColorizer
            >>> one, other = map(FusionColorizer.from_pretrained, ("interactive", "mobile"))
            >>> one.averaged_with(other).predict(data.camera()).shape
            (512, 512, 3)
        """
        from colorfuse.network.averaged import NetworksAveraged

        check_value(share, Share, "share", "a mean of two networks")
        for each in (self, other):
            each.check_fitted()
        own, its = self.objective_, other.objective_
        if own.planes != its.planes or type(own).read is not type(its).read:
            raise ValueError(
                f"{type(own).__name__} with {own.planes} planes and {type(its).__name__} with {its.planes} cannot be "
                "averaged; both networks must be trained for the same objective"
            )
        return self._only_predicting(NetworksAveraged(self.network_, other.network_, share, other.takes_hints))

    def _only_predicting(self, network: Any) -> Self:
        """Return a copy with another network, which its settings no longer describe."""
        changed = copy.copy(self)
        changed.network_ = network
        vars(changed).pop("_built_of", None)
        return changed

    def _check_whole(self) -> None:
        self.check_fitted()
        if not hasattr(self, "_built_of"):
            raise ValueError(
                "a copy that is optimized, mirrored, averaged or given a reference only predicts; use the one it was "
                "made of"
            )
