#!/usr/bin/python3
"""Makes the parity fixtures of ConvNeXt, EfficientNet, MobileNet, RegNet, DenseNet and Res2Net.

    /usr/bin/python3 tests/Fixtures/models/make_convnets.py TIMM [NAME ...]

TIMM is a checkout of github.com/huggingface/pytorch-image-models (aa4b5850), which is run as it is and is no part of this project. Made
with torch 1.13.0a0 and torchvision 0.14.1a0 (Debian 12). Weights and images are make_models.py's. Each fixture holds the checkpoint's
tensors with their shapes, what the stages give in evaluation mode (by the names that the modules have here), and, from one step in
training mode without dropout, the logits, some gradients and the norms' statistics. That step is in double precision: norms over the
few pixels of the last maps make much of rounding.
"""
import sys
import types

import torch
import torchvision.models as tv
from torch import nn

from make_models import digest, save, values

SIZE = (75, 53)  # no stride divides it
GRADIENTS = 6
STATISTICS = 3


def fill(model):
    state = model.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            tensor.copy_(values(name, list(tensor.shape)))


def without_chance(model):
    for module in model.modules():
        for rate in ("p", "drop_prob", "drop_rate"):
            if isinstance(getattr(module, rate, None), float):
                setattr(module, rate, 0.0)
    return model.train()


def spread(items, count):
    return [items[i * (len(items) - 1) // (count - 1)] for i in range(count)]


def record(name, model, taps, size=SIZE, training=True):
    """taps: the modules' names here, with the reference's."""
    with torch.no_grad():
        fill(model)
    model.eval()
    state = model.state_dict()
    counters = [key for key in state if key.endswith("num_batches_tracked")]
    outputs = {}
    hooks = [model.get_submodule(path).register_forward_hook(lambda m, i, o, own=own: outputs.__setitem__(own, digest(o))) for own, path in taps.items()]
    images = values("images", [2, 3, *size])
    with torch.no_grad():
        outputs["logits"] = digest(model(images))
    for hook in hooks:
        hook.remove()
    content = {
        "size": list(size),
        "tensors": {key: list(tensor.shape) for key, tensor in state.items() if key not in counters},
        "others": counters,
        "outputs": outputs,
    }
    if training:
        without_chance(model).double()
        images = images.double().requires_grad_()
        logits = model(images)
        (logits * values("targets", list(logits.shape))).sum().backward()
        # A bias before a norm has none but rounding.
        most = max(p.grad.abs().max() for p in model.parameters())
        parameters = {key: p for key, p in model.named_parameters() if p.grad.abs().max() > 1e-6 * most}
        state = model.state_dict()
        means = [key for key in state if key.endswith("running_mean") or key.endswith("running_var")]
        content["training"] = {
            "logits": digest(logits),
            "gradients": {"images": digest(images.grad), **{key: digest(parameters[key].grad) for key in spread(list(parameters), GRADIENTS)}},
            "statistics": {key: digest(state[key]) for key in spread(means, STATISTICS)} if means else {},
        }
    save(name, content)


def torchvision_models():
    def stages(count, first=1):
        return {"conv1": "features.0", **{f"layer{i}": f"features.{i}" for i in range(first, count + 1)}, "conv2": f"features.{count + 1}"}

    yield "tv_convnext_tiny", lambda: tv.convnext_tiny(num_classes=10), {"downsample_layers.0": "features.0", **{f"stages.{i}": f"features.{2 * i + 1}" for i in range(4)}}
    yield "tv_efficientnet_b0", lambda: tv.efficientnet_b0(num_classes=10), stages(7)
    yield "tv_efficientnet_v2_s", lambda: tv.efficientnet_v2_s(num_classes=10), stages(6)
    yield "tv_mobilenet_v2", lambda: tv.mobilenet_v2(num_classes=10), {
        "conv1": "features.0", "layer1": "features.1", "layer2": "features.3", "layer3": "features.6", "layer4": "features.10",
        "layer5": "features.13", "layer6": "features.16", "layer7": "features.17", "conv2": "features.18"}
    yield "tv_mobilenet_v3_small", lambda: tv.mobilenet_v3_small(num_classes=10), {
        "conv1": "features.0", "layer1": "features.1", "layer2": "features.3", "layer3": "features.6", "layer4": "features.8", "layer5": "features.11", "conv2": "features.12"}
    yield "tv_mobilenet_v3_large", lambda: tv.mobilenet_v3_large(num_classes=10), {
        "conv1": "features.0", "layer1": "features.1", "layer2": "features.3", "layer3": "features.6", "layer4": "features.10", "layer5": "features.12",
        "layer6": "features.15", "conv2": "features.16"}
    yield "tv_mobilenet_v3_small_dilated", lambda: tv.mobilenet_v3_small(num_classes=10, dilated=True), {"layer4": "features.8", "layer5": "features.11"}
    yield "tv_regnet_x_400mf", lambda: tv.regnet_x_400mf(num_classes=10), {"stem": "stem", **{f"layer{i}": f"trunk_output.block{i}" for i in range(1, 5)}}
    yield "tv_regnet_y_400mf", lambda: tv.regnet_y_400mf(num_classes=10), {"stem": "stem", **{f"layer{i}": f"trunk_output.block{i}" for i in range(1, 5)}}
    yield "tv_densenet121", lambda: tv.densenet121(num_classes=10), {"stem": "features.pool0", **{f"stage{i}": f"features.denseblock{i}" for i in range(1, 4)}}


def timm_models(folder):
    sys.path.insert(0, folder)
    for name in ("huggingface_hub", "safetensors", "safetensors.torch", "yaml"):  # for downloads, which nothing here needs
        try:
            __import__(name)
        except ImportError:
            module = types.ModuleType(name)
            module.__path__ = []
            module.__getattr__ = lambda key: type(key, (), {})
            sys.modules[name] = module
    import timm
    from timm.models.res2net import Bottle2neck
    from timm.models.resnet import ResNet

    def create(name, **options):
        return lambda: timm.create_model(name, num_classes=10, **options)

    def blocks(count):
        return {f"layer{i}": f"blocks.{i - 1}" for i in range(1, count + 1)}

    layers = {f"layer{i}": f"layer{i}" for i in range(1, 5)}
    regnet = {"stem": "stem", **{f"layer{i}": f"s{i}" for i in range(1, 5)}}
    yield "timm_convnextv2_atto", create("convnextv2_atto"), {f"stages.{i}": f"stages.{i}" for i in range(4)}
    yield "timm_convnext_atto", create("convnext_atto"), {f"stages.{i}": f"stages.{i}" for i in range(4)}
    yield "timm_efficientnet_b0_stride16", create("efficientnet_b0", output_stride=16), blocks(7)
    yield "timm_tf_efficientnet_b0", create("tf_efficientnet_b0"), blocks(7)
    yield "timm_tf_efficientnetv2_s", create("tf_efficientnetv2_s"), blocks(6)
    yield "timm_mobilenetv2_050", create("mobilenetv2_050"), blocks(7)
    yield "timm_mobilenetv3_small_100", create("mobilenetv3_small_100"), blocks(5)
    yield "timm_regnetx_002", create("regnetx_002"), regnet
    yield "timm_regnety_008_tv", create("regnety_008_tv"), regnet
    yield "timm_regnety_002_stride8", create("regnety_002", output_stride=8), regnet
    small = dict(num_classes=10, channels=(16, 32, 64, 128), base_width=26, block_args=dict(scale=4))
    yield "timm_res2net_stride16", lambda: ResNet(Bottle2neck, [1, 2, 2, 2], output_stride=16, **small), layers
    yield "timm_res2net_d", lambda: ResNet(Bottle2neck, [2, 1, 2, 1], stem_width=8, stem_type="deep", avg_down=True, **small), layers
    yield "timm_res2next", lambda: ResNet(Bottle2neck, [1, 1, 2, 1], cardinality=8, **{**small, "base_width": 4, "channels": (32, 64, 128, 256)}), layers


if __name__ == "__main__":
    torch.set_num_threads(1)
    wanted = sys.argv[2:]
    for source in (torchvision_models(), timm_models(sys.argv[1])):
        for name, make, taps in source:
            if not wanted or name in wanted:
                record(name, make(), taps)
