#!/usr/bin/python3
"""Makes the parity fixtures of networks that only their authors' code has: HRNet and T2T-ViT.

    /usr/bin/python3 tests/Fixtures/models/make_published.py HRNET T2T

HRNET and T2T are checkouts of github.com/HRNet/HRNet-Image-Classification (f760c98) and github.com/yitu-opensource/T2T-ViT
(0f63dc9), which are run as they are and are no part of this project. Made with torch 1.13.0a0 (Debian 12). Weights and
images are make_models.py's.
"""
import importlib.util
import os
import sys
import types

import torch
from torch import nn

from make_models import digest, fill, save, values


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def record(model, taps, images):
    """What submodules give; of one that gives a list, its items under "path:item"."""
    outputs = {}

    def keep(path):
        def hook(module, inputs, output):
            for i, item in enumerate(output if isinstance(output, (list, tuple)) else [output]):
                outputs[f"{path}:{i}" if isinstance(output, (list, tuple)) else path] = digest(item)
        return hook

    hooks = [model.get_submodule(path).register_forward_hook(keep(path)) for path in taps]
    with torch.no_grad():
        outputs["logits"] = digest(model(images))
    for hook in hooks:
        hook.remove()
    return outputs


def hrnet(source):
    reference = load(os.path.join(source, "lib", "models", "cls_hrnet.py"), "cls_hrnet")

    def stage(block, modules, blocks, channels):
        return {"NUM_MODULES": modules, "NUM_BRANCHES": len(channels), "BLOCK": block, "NUM_BLOCKS": [blocks] * len(channels), "NUM_CHANNELS": channels, "FUSE_METHOD": "SUM"}

    sizes = {  # as in the checkout's experiments/*.yaml
        "hrnet_w18_small": (16, 32, (1, 1, 1), (1, 2, 2, 2)),
        "hrnet_w18_small_v2": (18, 64, (1, 3, 2), (2, 2, 2, 2)),
        "hrnet_w18": (18, 64, (1, 4, 3), (4, 4, 4, 4)),
    }
    for name, (width, planes, modules, blocks) in sizes.items():
        extra = {"STAGE1": stage("BOTTLENECK", 1, blocks[0], [planes])}
        for i in range(2, 5):
            extra[f"STAGE{i}"] = stage("BASIC", modules[i - 2], blocks[i - 1], [width << branch for branch in range(i)])
        model = reference.HighResolutionNet({"MODEL": {"EXTRA": extra}})
        print(name, sum(p.numel() for p in model.parameters()), "parameters")
        model.classifier = nn.Linear(2048, 10)
        taps = ["layer1", "stage2.0", f"stage3.{modules[1] - 1}", f"stage4.{modules[2] - 1}", "incre_modules.0", "downsamp_modules.2", "final_layer"]
        save(name, record(fill(model), taps, values("images", [2, 3, 64, 96])))


def stand_in_for_timm():
    """The little of timm 0.3 that T2T-ViT imports and a network in evaluation mode needs."""
    class DropPath(nn.Identity):
        def __init__(self, rate):
            super().__init__()

    for name, content in {
        "timm": {}, "timm.models": {}, "timm.models.helpers": {"load_pretrained": None}, "timm.models.registry": {"register_model": lambda f: f},
        "timm.models.layers": {"trunc_normal_": nn.init.trunc_normal_, "DropPath": DropPath},
    }.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(content)


def t2t(source):
    stand_in_for_timm()
    package = types.ModuleType("t2t")
    package.__path__ = [os.path.join(source, "models")]
    sys.modules["t2t"] = package
    reference = load(os.path.join(source, "models", "t2t_vit.py"), "t2t.t2t_vit")
    for name, build in {"t2t_vit_7": reference.t2t_vit_7, "t2t_vit_t_14": reference.t2t_vit_t_14}.items():
        model = build(num_classes=10, img_size=64)
        if name == "t2t_vit_7":
            save("sinusoid", digest(model.pos_embed))
        fill(model)
        for key, tensor in model.state_dict().items():
            if key.endswith("kqv.weight"):
                tensor.mul_(0.25)  # the kernels of longer keys and queries would vanish
        taps = ["tokens_to_token.attention1", "tokens_to_token.attention2", "tokens_to_token", "blocks.0", f"blocks.{len(model.blocks) - 1}", "norm"]
        save(name, record(model, taps, values("images", [2, 3, 64, 64])))
    for depth in (7, 10, 12, 14, 19, 24):
        for suffix in ("", "t_"):
            build = getattr(reference, f"t2t_vit_{suffix}{depth}", None)
            if build is not None:
                print(f"t2t_vit_{suffix}{depth}", sum(p.numel() for p in build().parameters()), "parameters")


if __name__ == "__main__":
    torch.set_num_threads(1)
    hrnet(sys.argv[1])
    t2t(sys.argv[2])
