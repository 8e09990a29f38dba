#!/usr/bin/python3
"""Makes the parity fixtures of tests/Models: what reference implementations give for weights and images made by a formula.

    /usr/bin/python3 tests/Fixtures/models/make_models.py [--timm FOLDER]

FOLDER holds a checkout of timm (its package `timm` beneath), which is not part of Debian; without it timm's fixtures stay as they are.
Made with torch 1.13.0a0 and torchvision 0.14.1a0 (Debian 12), Pillow 9.4, timm at aa4b5850 (timm_small: aa4b5850). No seed: every number comes from its tensor's
name and its own position (see `values`), so that nothing but results is stored.
"""
import json
import math
import os
import sys
import types

import numpy as np
import PIL.Image
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def seed(name):
    """FNV-1a, 64 bits."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = ((state ^ byte) * 0x100000001B3) & MASK
    return state


def uniform(name, count):
    """SplitMix64 from the name's seed, as numbers in [0, 1) of 53 bits."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed(name)) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53


def values(name, shape):
    """A tensor by its name: its range follows from the name's ending and its dimensions."""
    if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
        low, high = 0.5, 1.5
    elif len(shape) in (2, 4) and name != "images":
        high = math.sqrt(3.0 / math.prod(shape[1:]))
        low = -high
    elif len(shape) == 1:
        low, high = -0.2, 0.2
    else:
        low, high = -1.0, 1.0
    numbers = low + (high - low) * uniform(name, math.prod(shape))
    return torch.from_numpy(numbers.astype(np.float32)).reshape(shape)


def fill(model):
    state = model.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            tensor.copy_(values(name, list(tensor.shape)))
    return model.eval()


def digest(tensor):
    """Shape, norm and 48 values evenly spread (all, where there are fewer)."""
    flat = tensor.detach().flatten().double()
    step = max(1, flat.numel() // 48)
    return {"shape": list(tensor.shape), "norm": float(flat.norm()), "step": step, "values": [float(f"{v:.9g}") for v in flat[::step][:48].tolist()]}


def in_tokens(name, output):
    """The patches that a transformer's stem gives, as tokens."""
    return output.flatten(2).transpose(1, 2) if name == "stem" else output


def record(model, taps, images):
    outputs = {}
    hooks = [model.get_submodule(path).register_forward_hook(lambda m, i, o, name=name: outputs.__setitem__(name, digest(in_tokens(name, o))))
             for name, path in taps.items()]
    with torch.no_grad():
        outputs["logits"] = digest(model(images))
    for hook in hooks:
        hook.remove()
    return outputs


def save(name, content):
    with open(os.path.join(HERE, name + ".json"), "w") as file:
        json.dump(content, file, indent=None, separators=(",", ":"))
        file.write("\n")
    print(name)


class CifarBlock(nn.Module):
    """He et al., 2015, section 4.2, shortcut A, as resnet20-12fca82f.th was trained with."""

    def __init__(self, width, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(width, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shape = (stride, channels - width)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        stride, more = self.shape
        short = torch.zeros_like(y)
        kept = x[:, :, ::stride, ::stride]
        short[:, more // 2:more // 2 + kept.shape[1]] = kept
        return F.relu(y + short)


class CifarResNet(nn.Module):
    def __init__(self, depth, classes):
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[CifarBlock(16, 16, 1) for _ in range(blocks)])
        self.layer2 = nn.Sequential(*[CifarBlock(32 if i else 16, 32, 1 if i else 2) for i in range(blocks)])
        self.layer3 = nn.Sequential(*[CifarBlock(64 if i else 32, 64, 1 if i else 2) for i in range(blocks)])
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean([2, 3]))


def resnets():
    stages = {f"layer{i}": f"layer{i}" for i in range(1, 5)}
    images = values("images", [2, 3, 64, 96])
    for name, model in {
        "resnet18": torchvision.models.resnet18(num_classes=10),
        "resnet50": torchvision.models.resnet50(num_classes=10),
        "resnext50_32x4d": torchvision.models.resnext50_32x4d(num_classes=10),
        "wide_resnet50_2": torchvision.models.wide_resnet50_2(num_classes=10),
        "resnet50_stride16": torchvision.models.resnet50(num_classes=10, replace_stride_with_dilation=[False, False, True]),
        "resnet50_stride8": torchvision.models.resnet50(num_classes=10, replace_stride_with_dilation=[False, True, True]),
    }.items():
        save(name, record(fill(model), {"maxpool": "maxpool", **stages}, images))
    save("resnet20_cifar", record(fill(CifarResNet(20, 10)), {"bn1": "bn1", "layer1": "layer1", "layer2": "layer2", "layer3": "layer3"}, values("images", [2, 3, 32, 32])))


def vision_transformers():
    for name, size in {"vit_b_16": dict(image_size=64, patch_size=16, num_layers=12, num_heads=12, hidden_dim=768, mlp_dim=3072)}.items():
        model = torchvision.models.VisionTransformer(num_classes=10, **size)
        taps = {"stem": "conv_proj", **{f"block{i}": f"encoder.layers.encoder_layer_{i}" for i in (0, 5, 11)}, "norm": "encoder.ln"}
        save(name, record(fill(model), taps, values("images", [2, 3, 64, 64])))


def timm_models(folder):
    """ViT with each way of pooling, and the ResNets that torchvision lacks (C and D)."""
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

    size = dict(num_classes=10, img_size=64)
    blocks = {f"block{i}": f"blocks.{i}" for i in (0, 11)}
    images = values("images", [2, 3, 64, 64])
    save("timm_vit_tiny", record(fill(timm.create_model("vit_tiny_patch16_224", **size)), {**blocks, "norm": "norm"}, images))
    save("timm_vit_tiny_avg", record(fill(timm.create_model("vit_tiny_patch16_224", global_pool="avg", class_token=False, **size)), {**blocks, "fc_norm": "fc_norm"}, images))
    stages = {f"layer{i}": f"layer{i}" for i in range(1, 5)}
    for name in ("resnet50c", "resnet50d"):
        save("timm_" + name, record(fill(timm.create_model(name, num_classes=10)), stages, values("images", [2, 3, 64, 96])))


def timm_small(folder):
    """Networks whose forms differ between projects, small: dilated basic blocks, windows that don't divide the grid, a pyramid."""
    import timm
    from timm.models.pvt_v2 import PyramidVisionTransformerV2
    from timm.models.resnet import BasicBlock, ResNet
    from timm.models.swin_transformer import SwinTransformer

    model = ResNet(BasicBlock, [2, 2, 2, 2], num_classes=10, output_stride=8, channels=(8, 16, 32, 64), stem_width=8)
    save("timm_resnet18_dilated", record(fill(model), {f"layer{i}": f"layer{i}" for i in range(1, 5)}, values("images", [2, 3, 64, 96])))
    # 18 x 26 patches, then 9 x 13: windows of 4, shifted in every second block.
    model = SwinTransformer(img_size=(72, 104), window_size=4, embed_dim=12, depths=(2, 2), num_heads=(2, 3), num_classes=10)
    save("timm_swin_padded", record(fill(model), {"norm": "norm"}, values("images", [2, 3, 72, 104])))
    model = PyramidVisionTransformerV2(depths=(1, 1, 1, 1), embed_dims=(8, 16, 24, 32), num_heads=(1, 2, 3, 4), sr_ratios=(4, 2, 2, 1), num_classes=10)
    save("timm_pvt_v2", record(fill(model), {}, values("images", [2, 3, 64, 96])))
    # timm's own file of the network that the authors' code gives hrnet_w18_small by.
    model = timm.create_model("hrnet_w18_small", num_classes=10)
    save("timm_hrnet_w18_small", record(fill(model), {}, values("images", [2, 3, 64, 96])))


def position_embeddings():
    """Bicubic and antialiased, by Pillow, whose filter is the reference for libtorch's."""
    cases = []
    for source, target in (((4, 4), (7, 5)), ((7, 7), (4, 3)), ((6, 4), (6, 9))):
        grid = values(f"grid_{source[0]}x{source[1]}", [1, 1 + source[0] * source[1], 2]).numpy()
        resized = [np.asarray(PIL.Image.fromarray(grid[0, 1:, c].reshape(source)).resize(target[::-1], PIL.Image.BICUBIC)) for c in range(2)]
        cases.append({"from": source, "to": target, "values": np.stack(resized, -1).reshape(-1).astype(float).round(7).tolist()})
    save("position_embedding", cases)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    resnets()
    vision_transformers()
    position_embeddings()
    if "--timm" in sys.argv:
        timm_models(sys.argv[sys.argv.index("--timm") + 1])
        timm_small(sys.argv[sys.argv.index("--timm") + 1])
