#!/usr/bin/python3
"""Makes the parity fixtures of MMPretrain's convolutional networks, in its own parameter names.

    /usr/bin/python3 tests/Fixtures/models/make_mmpretrain.py MMPRETRAIN MMCV [NAME ...]

MMPRETRAIN is a checkout of github.com/open-mmlab/mmpretrain (at ee7f2e8), MMCV of github.com/open-mmlab/mmcv (at a8073c7). Their files are
run as they are and are no part of this project; mmengine, which they import and Debian lacks, is stood in for by make_mmseg.py. Made with
torch 1.13.0a0 (Debian 12). Weights and images are make_models.py's; what a fixture holds is told in make_convnets.py.
"""
import importlib
import os
import sys

import torch
from torch import nn

from make_convnets import record
from make_mmseg import module, provide_mmcv, take


def provide_mmpretrain(checkout):
    """The packages whose files are imported one by one, without what their own __init__ would load."""
    registry = sys.modules["mmengine.registry"].MODELS
    root = os.path.join(checkout, "mmpretrain")
    module("mmpretrain", root)
    module("mmpretrain.registry", MODELS=registry)
    module("mmpretrain.models", os.path.join(root, "models"))
    for part in ("backbones", "heads", "utils"):
        module(f"mmpretrain.models.{part}", os.path.join(root, "models", part))
    module("mmpretrain.models.heads.cls_head", ClsHead=nn.Module)
    module("mmpretrain.structures", DataSample=dict)
    utils = "mmpretrain.models.utils"
    take(utils, "norm", "GRN", "build_norm_layer")
    take(utils, "make_divisible", "make_divisible")
    take(utils, "se_layer", "SELayer")
    take(utils, "inverted_residual", "InvertedResidual")


def backbone(file, kind, **options):
    return getattr(importlib.import_module(f"mmpretrain.models.backbones.{file}"), kind)(**options)


class Classifier(nn.Module):
    """A classifier as its checkpoints have it: the mean of the last map, which a ConvNeXt has taken, and a linear layer."""

    def __init__(self, network, width):
        super().__init__()
        self.backbone, self.head = network, nn.Module()
        self.head.fc = nn.Linear(width, 10)

    def forward(self, images):
        x = self.backbone(images)[-1]
        return self.head.fc(x if x.dim() == 2 else x.mean([2, 3]))


class Stacked(nn.Module):
    """MobileNetV3 with two linear layers, of which the first ends in a hard swish."""

    def __init__(self, network, width, hidden):
        super().__init__()
        self.backbone, self.head = network, nn.Module()
        block = importlib.import_module("mmpretrain.models.heads.stacked_head").LinearBlock
        self.head.layers = nn.ModuleList([block(width, hidden, act_cfg=dict(type="HSwish")), block(hidden, 10, act_cfg=None)])

    def forward(self, images):
        x = self.backbone(images)[-1].mean([2, 3])
        for layer in self.head.layers:
            x = layer(x)
        return x


def networks():
    def stages(names):
        return {own: f"backbone.{theirs}" for own, theirs in names.items()}

    same = lambda name, first, last: {f"{name}{i}": f"{name}{i}" for i in range(first, last + 1)}
    convnext = lambda **options: lambda: Classifier(backbone("convnext", "ConvNeXt", arch="atto", **options), 320)
    yield "mmpretrain_convnext_atto", convnext(), stages(same("stages.", 0, 3))
    yield "mmpretrain_convnext_atto_conv", convnext(linear_pw_conv=False), stages(same("stages.", 0, 3))
    yield "mmpretrain_convnextv2_atto", convnext(use_grn=True, layer_scale_init_value=0.0), stages(same("stages.", 0, 3))
    # Its levels go by stride: two of them hold two of our stages.
    levels = stages({"conv1": "layers.0", "layer1": "layers.1", "layer2": "layers.2", "layer3": "layers.3", "layer5": "layers.4", "layer7": "layers.5", "conv2": "layers.6"})
    yield "mmpretrain_efficientnet_b0", lambda: Classifier(backbone("efficientnet", "EfficientNet", arch="b0"), 1280), levels
    by_stage = stages({"conv1": "layers.0", **{f"layer{i}": f"layers.{i}" for i in range(1, 7)}, "conv2": "layers.7"})
    yield "mmpretrain_efficientnet_v2_s", lambda: Classifier(backbone("efficientnet_v2", "EfficientNetV2", arch="s"), 1280), by_stage
    yield "mmpretrain_mobilenet_v2", lambda: Classifier(backbone("mobilenet_v2", "MobileNetV2", widen_factor=0.5), 1280), stages({"conv1": "conv1", **same("layer", 1, 7), "conv2": "conv2"})
    small = {"conv1": "layer0", "layer1": "layer1", "layer2": "layer3", "layer3": "layer6", "layer4": "layer8", "layer5": "layer11", "conv2": "layer12"}
    yield "mmpretrain_mobilenet_v3_small", lambda: Stacked(backbone("mobilenet_v3", "MobileNetV3", arch="small"), 576, 1024), stages(small)
    regnet = lambda: backbone("regnet", "RegNet", arch="regnetx_400mf")
    yield "mmpretrain_regnetx_400mf", lambda: Classifier(regnet(), 384), stages(same("layer", 1, 4))
    yield "mmpretrain_densenet121", lambda: Classifier(backbone("densenet", "DenseNet", arch="121"), 1024), {"stem": "backbone.stem", **{f"stage{i}": f"backbone.stages.{i - 1}" for i in range(1, 4)}}
    res2net = dict(depth=50, scales=4, base_width=6.5, base_channels=16, stem_channels=16, deep_stem=False, avg_down=False)
    yield "mmpretrain_res2net50", lambda: Classifier(backbone("res2net", "Res2Net", **res2net), 512), stages(same("layer", 1, 4))


if __name__ == "__main__":
    torch.set_num_threads(1)
    provide_mmcv(sys.argv[2])
    provide_mmpretrain(sys.argv[1])
    wanted = sys.argv[3:]
    for name, make, taps in networks():
        if not wanted or name in wanted:
            record(name, make(), taps)
