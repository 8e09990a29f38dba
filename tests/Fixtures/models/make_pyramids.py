#!/usr/bin/python3
"""Makes the parity fixtures of PVT and Swin: what their authors' own code gives for weights and images made by a formula.

    /usr/bin/python3 tests/Fixtures/models/make_pyramids.py PVT_CHECKOUT SWIN_CHECKOUT [--counts]

PVT_CHECKOUT is whai362/PVT's repository, SWIN_CHECKOUT microsoft/Swin-Transformer's. Both ask for timm, of which they need
three helpers that are given here. With --counts, prints the number of parameters of every published size.
Made with torch 1.13.0a0 (Debian 12). No seed: see make_models.py.
"""
import os
import sys
import types

import torch
from torch import nn

from make_models import fill, record, save, values


def provide_timm():
    """The helpers of timm that the two repositories import; dropping paths does nothing in evaluation."""
    class DropPath(nn.Identity):
        def __init__(self, rate=0.0):
            super().__init__()

    modules = {name: types.ModuleType(name) for name in
               ("timm", "timm.models", "timm.models.layers", "timm.models.registry", "timm.models.vision_transformer")}
    layers = modules["timm.models.layers"]
    layers.DropPath, layers.trunc_normal_ = DropPath, lambda tensor, std=0.02: tensor  # filled below
    layers.to_2tuple = lambda x: x if isinstance(x, tuple) else (x, x)
    modules["timm.models.registry"].register_model = lambda function: function
    modules["timm.models.vision_transformer"]._cfg = lambda **options: options
    sys.modules.update(modules)


def load(path, name):
    module = types.ModuleType(name)
    with open(path) as file:
        exec(compile(file.read(), path, "exec"), module.__dict__)
    return module


def main():
    torch.set_num_threads(1)
    provide_timm()
    pvt = load(os.path.join(sys.argv[1], "classification", "pvt.py"), "pvt")
    pvt2 = load(os.path.join(sys.argv[1], "classification", "pvt_v2.py"), "pvt_v2")
    swin = load(os.path.join(sys.argv[2], "models", "swin_transformer.py"), "swin")
    if "--counts" in sys.argv:
        count = lambda model: sum(p.numel() for p in model.parameters())
        for name in ("pvt_tiny", "pvt_small", "pvt_medium", "pvt_large"):
            print(name, count(getattr(pvt, name)()))
        for name in ("b0", "b1", "b2", "b2_li", "b3", "b4", "b5"):
            print("pvt_v2", name, count(getattr(pvt2, "pvt_v2_" + name)()))
        for name, depths, width, heads in (("tiny", [2, 2, 6, 2], 96, [3, 6, 12, 24]), ("small", [2, 2, 18, 2], 96, [3, 6, 12, 24]), ("base", [2, 2, 18, 2], 128, [4, 8, 16, 32])):
            print("swin", name, count(swin.SwinTransformer(depths=depths, embed_dim=width, num_heads=heads)))
        return

    # PVT resizes its positional embeddings wherever the image is not of the size it was built for.
    images = values("images", [2, 3, 64, 96])
    stages = lambda count, name: {f"stage{i}": f"block{i}.{count - 1}" for i in range(1, 5)}
    model = fill(pvt.pvt_tiny(img_size=64, num_classes=10))
    save("pvt_tiny", record(model, {**stages(2, "block"), "norm": "norm"}, images))
    for name, linear in (("pvt_v2_b0", False), ("pvt_v2_b0_li", True)):
        model = pvt2.PyramidVisionTransformerV2(
            embed_dims=[32, 64, 160, 256], num_heads=[1, 2, 5, 8], mlp_ratios=[8, 8, 4, 4], qkv_bias=True,
            norm_layer=lambda width: nn.LayerNorm(width, eps=1e-6), depths=[2, 2, 2, 2], sr_ratios=[8, 4, 2, 1], linear=linear, num_classes=10)
        save(name, record(fill(model), {**stages(2, "block"), **{f"norm{i}": f"norm{i}" for i in range(1, 5)}}, images))

    # 28 x 56 patches of 4 pixels, then 14 x 28: windows of 7, shifted in every second block.
    model = swin.SwinTransformer(img_size=(112, 224), depths=[2, 2], num_heads=[3, 6], num_classes=10)
    buffers = {name: tensor.clone() for name, tensor in model.state_dict().items() if name.endswith(("relative_position_index", "attn_mask"))}
    state = model.state_dict()
    for name, tensor in state.items():
        tensor.copy_(buffers[name] if name in buffers else values(name, list(tensor.shape)))
    taps = {f"block{i}{j}": f"layers.{i}.blocks.{j}" for i in range(2) for j in range(2)}
    save("swin_two_stages", record(model.eval(), {**taps, "norm": "norm"}, values("images", [2, 3, 112, 224])))


if __name__ == "__main__":
    main()
