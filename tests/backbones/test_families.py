"""A model of each of many families of timm's, run for real."""

import pytest
import timm
import torch
from torch import nn

from colorfuse.network import build_network

FAMILIES = {
    "byobnet": "mobileone_s1",
    "cait": "cait_xxs24_224",
    "coat": "coat_tiny",
    "convit": "convit_tiny",
    "convnext": "convnext_zepto_rms",
    "crossvit": "crossvit_tiny_240",
    "cspnet": "cs3darknet_focus_s",
    "deit": "deit_tiny_patch16_224",
    "densenet": "densenet121",
    "dla": "dla46x_c",
    "dpn": "dpn48b",
    "edgenext": "edgenext_xx_small",
    "efficientformer": "efficientformer_l1",
    "efficientformer_v2": "efficientformerv2_s0",
    "efficientnet": "mobilenetv1_100",
    "efficientvit_mit": "efficientvit_b0",
    "efficientvit_msra": "efficientvit_m0",
    "eva": "eva02_tiny_patch14_224",
    "fastvit": "fastvit_t8",
    "gcvit": "gcvit_xxtiny",
    "ghostnet": "ghostnet_050",
    "hgnet": "hgnetv2_b0",
    "hiera": "hiera_tiny_224",
    "hrnet": "hrnet_w18_small",
    "inception_next": "inception_next_atto",
    "levit": "levit_128s",
    "mambaout": "mambaout_femto",
    "maxxvit": "maxvit_pico_rw_256",
    "metaformer": "poolformerv2_s12",
    "mlp_mixer": "gmlp_ti16_224",
    "mobilenetv3": "mobilenetv3_small_050",
    "mobilevit": "mobilevit_xxs",
    "nfnet": "nf_regnet_b0",
    "pit": "pit_ti_224",
    "pvt_v2": "pvt_v2_b0",
    "regnet": "regnetx_002",
    "repghost": "repghostnet_050",
    "repvit": "repvit_m1",
    "resnest": "resnest14d",
    "resnet": "resnet10t",
    "resnetv2": "resnetv2_18",
    "rexnet": "rexnet_100",
    "senet": "legacy_seresnet18",
    "sknet": "skresnet18",
    "swin_transformer": "swin_tiny_patch4_window7_224",
    "tiny_vit": "tiny_vit_5m_224",
    "vision_transformer": "vit_tiny_patch16_224",
    "visformer": "visformer_tiny",
    "vovnet": "ese_vovnet19b_slim_dw",
    "xcit": "xcit_nano_12_p8_224",
}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_around_it_gives_planes_and_learns(family: str) -> None:
    name = FAMILIES[family]
    assert name in timm.list_models(module=family)
    network = build_network(
        encoder="conv",
        backbone=name,
        fusion="hypercolumn",
        decoder="light",
        planes=2,
        activation=nn.Tanh(),
        pretrained=False,
    )
    planes = network(torch.rand(2, 1, 64, 96) * 100)
    assert planes.shape == (2, 2, 64, 96)
    planes.square().mean().backward()
    assert all(weight.grad is not None for weight in network.backbone.parameters())
    assert all(weight.grad.isfinite().all() for weight in network.parameters() if weight.grad is not None)
