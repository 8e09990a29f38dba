#!/usr/bin/python3
"""Makes the parity fixtures of CrossFormer: what its authors' own code gives for weights and images made by a formula.

    /usr/bin/python3 tests/Fixtures/models/make_crossformer.py CROSSFORMER_PY CROSSFORMER_BACKBONE_DET_PY [--counts]

The arguments are models/crossformer.py and models/crossformer_backbone_det.py of github.com/cheerss/CrossFormer (7952010), which are run
as they are and are no part of this project. They ask for timm, mmdet and mmcv, of which they need the helpers that are given here. With
--counts, prints the number of parameters of every published size.
Made with torch 1.13.0a0 (Debian 12). No seed: see make_models.py.
"""
import sys
import types

import torch
from torch import nn

from make_models import digest, fill, record, save, values

ARCHES = {
    "tiny": (64, [1, 1, 8, 6], [2, 4, 8, 16], False),
    "small": (96, [2, 2, 6, 2], [3, 6, 12, 24], False),
    "base": (96, [2, 2, 18, 2], [3, 6, 12, 24], False),
    "large": (128, [2, 2, 18, 2], [4, 8, 16, 32], False),
    "plus_small": (64, [2, 2, 18, 2], [2, 4, 8, 16], True),
    "plus_base": (96, [2, 2, 18, 2], [3, 6, 12, 24], True),
    "plus_large": (128, [2, 2, 18, 2], [4, 8, 16, 32], True),
    "plus_huge": (128, [6, 6, 18, 2], [4, 8, 16, 32], True),
}
SMALL = (48, [2, 2, 4, 2], [1, 2, 4, 4])


def provide_helpers():
    """What the files import; dropping paths does nothing in evaluation, and weights are filled by the formula."""
    class DropPath(nn.Identity):
        def __init__(self, rate=0.0):
            super().__init__()

    log = types.SimpleNamespace(info=lambda text: None, warn=lambda text: None)
    given = {
        "timm.models.layers": {"DropPath": DropPath, "trunc_normal_": lambda tensor, std=0.02: tensor,
                               "to_2tuple": lambda x: tuple(x) if isinstance(x, (tuple, list)) else (x, x)},
        "mmdet.utils": {"get_root_logger": lambda: log},
        "mmcv.runner": {"load_checkpoint": None, "BaseModule": nn.Module, "ModuleList": nn.ModuleList, "_load_checkpoint": None},
        "mmcv.cnn": {"build_norm_layer": None, "constant_init": None, "trunc_normal_init": None},
        "mmcv.cnn.bricks.transformer": {"FFN": None, "build_dropout": None},
        "mmcv.cnn.utils.weight_init": {"trunc_normal_": lambda tensor, std=0.02: tensor},
    }
    for name, members in given.items():
        parts = name.split(".")
        for i in range(1, len(parts) + 1):
            path = ".".join(parts[:i])
            sys.modules.setdefault(path, types.ModuleType(path))
        sys.modules[name].__dict__.update(members)


def load(path, name):
    module = types.ModuleType(name)
    with open(path) as file:
        exec(compile(file.read(), path, "exec"), module.__dict__)
    module.print = lambda *text: None  # of the group sizes
    return module


def allow_oblong(module):
    """The authors take the width of the grid for its height, too."""
    class Embed(module.PatchEmbed):
        def __init__(self, img_size=224, patch_size=(4,), **more):
            super().__init__(img_size=img_size, patch_size=patch_size, **more)
            self.patches_resolution = [side // patch_size[0] for side in self.img_size]
    module.PatchEmbed = Embed


def make(module, size, sizes, plus, classes, per_stage_ratio=True):
    width, depths, heads = sizes
    return module.CrossFormer(
        img_size=size, patch_size=[4, 8, 16, 32], num_classes=classes, embed_dim=width, depths=depths, num_heads=heads,
        group_size=[4, 4, 14, 7] if plus else [7, 7, 7, 7], crs_interval=[4, 2, 1, 1] if plus else [8, 4, 2, 1],
        mlp_ratio=[4.0] * 4 if per_stage_ratio else 4, merge_size=[[2, 4], [2, 4], [2, 4]], use_acl=plus)


def main():
    torch.set_num_threads(1)
    provide_helpers()
    classifier, detector = load(sys.argv[1], "classifier"), load(sys.argv[2], "detector")
    allow_oblong(classifier)
    if "--counts" in sys.argv:
        for name, (*sizes, plus) in ARCHES.items():
            model = make(classifier, 224, sizes, plus, 1000)
            print(name, sum(parameter.numel() for parameter in model.parameters()))
        return

    taps = {"stem": "patch_embed.norm", **{f"stage{i}": f"layers.{i}.blocks.{depth - 1}" for i, depth in enumerate(SMALL[1])},
            "norm": "norm"}
    for plus in (False, True):
        cases = {}
        for height, width in ((224, 224), (96, 96), (160, 224)):
            model = fill(make(classifier, (height, width), SMALL, plus, 10))
            outputs = record(model, {key: path for key, path in taps.items() if key != "stem"}, values("images", [2, 3, height, width]))
            with torch.no_grad():
                stem = model.patch_embed(values("images", [2, 3, height, width]))
            cases[f"{height}x{width}"] = {"stem": digest(stem), **outputs}
        # Detection: any size, one group where a grid is small, maps without norms.
        model = make(detector, 224, SMALL, plus, 0, per_stage_ratio=False)
        fill(model)
        with torch.no_grad():
            maps = model(values("images", [2, 3, 160, 224]))
        cases["maps"] = {f"stage{i}": digest(map) for i, map in enumerate(maps)}
        save("crossformer_plus" if plus else "crossformer", cases)


if __name__ == "__main__":
    main()
