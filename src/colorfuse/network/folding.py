"""Networks prepared for fast inference."""

import copy
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from colorfuse.network.fusion_network import FusionNetwork

_SHAPE = (1, 1, 96, 128)


@torch.no_grad()
def for_inference(network: FusionNetwork, dtype: torch.dtype) -> FusionNetwork:
    """Copy a network for inference, with batch norms folded into convolutions and channels-last weights.

    If the network also uses an output between a convolution and its batch norm, folding changes what it computes. The
    copy then keeps all batch norms.

    Args:
        network: Network in eval mode; it is not changed.
        dtype: Dtype of the weights and of the computation.
    """
    copied = copy.deepcopy(network)
    lightness = 100 * torch.rand(_SHAPE, generator=torch.Generator().manual_seed(0)).to(next(network.parameters()))
    expected = network(lightness)
    _fold(copied, lightness)
    if not torch.allclose(copied(lightness), expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item()):
        copied = copy.deepcopy(network)
    return copied.to(dtype).to(memory_format=torch.channels_last)


def best_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 if the device supports it, else float32."""
    if device.type == "cuda":
        offered = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        offered = device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.bfloat16 if offered else torch.float32


def _fold(network: nn.Module, example: Tensor) -> None:
    places = {child: (parent, name) for parent in network.modules() for name, child in parent.named_children()}
    for conv, norm in _pairs(network, example):
        folded = fuse_conv_bn_eval(conv, norm)
        conv.weight, conv.bias = folded.weight, folded.bias
        parent, name = places[norm]
        # timm's batch norm also applies dropout and an activation.
        after = nn.Sequential(norm.drop, norm.act) if isinstance(norm, BatchNormAct2d) else nn.Identity()
        setattr(parent, name, after)


def _pairs(network: nn.Module, example: Tensor) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Yield each convolution with the batch norm that takes its output, where both are called exactly once."""
    calls: list[tuple[nn.Module, Tensor, Tensor]] = []

    def note(layer: nn.Module, given: tuple[Any, ...], result: Tensor) -> None:
        calls.append((layer, given[0], result))

    with ExitStack() as stack:
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d) or type(layer) in (nn.BatchNorm2d, BatchNormAct2d):
                stack.callback(layer.register_forward_hook(note).remove)
        network(example)
    layers = [layer for layer, _, _ in calls]
    giver_of = {id(result): layer for layer, _, result in calls}
    for layer, given, _ in calls:
        giver = giver_of.get(id(given))
        once = layers.count(layer) == 1 == layers.count(giver) if giver else False
        if once and isinstance(giver, nn.Conv2d) and isinstance(layer, nn.BatchNorm2d) and layer.track_running_stats:
            yield giver, layer
