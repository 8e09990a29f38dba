#!/usr/bin/python3
"""Makes the parity fixtures of MCTformer V1, V2 and +.

    /usr/bin/python3 tests/Fixtures/wsss/make_mctformer.py EARLIER LATER

Both are checkouts of github.com/xulianuwa/MCTformer: EARLIER at 355a4aa (V1 and V2), LATER at 0acc27a (+). Their files models.py,
vision_transformer.py and engine.py are run as they are and are no part of this project: the networks, the training step's losses and
the making of the localisation maps are the authors' own. What they import beside PyTorch (a few helpers of timm, a logger, OpenCV) is
given here in its simplest form; calls that move tensors to a GPU are switched off. Made with torch 1.13.0a0 (Debian 12). No seed: weights
and images follow from names, by tests/Fixtures/models/make_models.py's formula, so that nothing but results is stored.
"""
import importlib.util
import json
import os
import sys
import tempfile
import types

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "models"))
from make_models import values  # noqa: E402

CLASSES, WIDTH, DEPTH, HEADS, PATCH, SIDE = 4, 32, 3, 4, 8, 32
SIZES = {"trained": (32, 32), "wide": (48, 64)}
LAST = 2  # layers whose class attention is taken


class Recorder:
    """In place of the authors' logger: keeps the last values by name."""

    told = {}

    def __init__(self, **_):
        self.meters = {}

    def add_meter(self, *_):
        pass

    def log_every(self, loader, *_):
        yield from loader

    def update(self, **values):
        Recorder.told.update(values)

    def synchronize_between_processes(self):
        pass


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made


def stubs():
    module("timm")
    module("timm.data", IMAGENET_DEFAULT_MEAN=(0.485, 0.456, 0.406), IMAGENET_DEFAULT_STD=(0.229, 0.224, 0.225))
    module("timm.models")
    module("timm.models.helpers", load_pretrained=None)
    module("timm.models.registry", register_model=lambda function: function)
    module(
        "timm.models.layers",
        DropPath=nn.Identity,  # the rate is 0
        to_2tuple=lambda value: value if isinstance(value, tuple) else (value, value),
        trunc_normal_=lambda tensor, std=1.0: tensor,  # everything is filled afterwards
    )
    module("cv2")
    module("utils", MetricLogger=Recorder, SmoothedValue=lambda **_: None)
    torch.Tensor.cuda = lambda self, *_, **__: self
    torch.cuda.synchronize = lambda *_: None


def load(folder, name):
    spec = importlib.util.spec_from_file_location(name, os.path.join(folder, name + ".py"))
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made


class Functions:
    """torch.nn.functional that remembers what is resized: the maps as they leave the network and the patch affinity."""

    def __init__(self):
        self.resized = []

    def __getattr__(self, name):
        return getattr(F, name)

    def interpolate(self, tensor, **options):
        self.resized.append(tensor.detach().clone())
        return F.interpolate(tensor, **options)


def numbers(tensor):
    return [float(f"{float(value):.7g}") for value in tensor.detach().double().flatten()]


def build(models, version):
    norm = lambda width: nn.LayerNorm(width, eps=1e-6)  # noqa: E731
    shared = dict(img_size=SIDE, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, mlp_ratio=4, qkv_bias=True,
                  norm_layer=norm, num_classes=CLASSES)
    if version == "plus":
        model = models.MCTformerPlus(input_size=SIDE, **shared)
    else:
        model = (models.MCTformerV1 if version == "v1" else models.MCTformerV2)(**shared)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            tensor.copy_(values(name, tuple(tensor.shape)))
    return model


def losses(engine, model, images, targets):
    """The authors' training step without its optimizer."""
    Recorder.told = {}
    scaler = lambda loss, *_, **__: None  # noqa: E731
    scaler_args = types.SimpleNamespace(num_cct=12, loss_weight=1.0)
    optimizer = types.SimpleNamespace(zero_grad=lambda: None, param_groups=[{"lr": 0.0}])
    known = engine.train_one_epoch.__code__.co_varnames[: engine.train_one_epoch.__code__.co_argcount]
    given = dict(args=scaler_args) if "args" in known else {}
    engine.train_one_epoch(model, [(images, targets)], optimizer, torch.device("cpu"), 0, scaler, **given)
    return {name: value for name, value in Recorder.told.items() if name != "lr"}


def maps(engine, model, version, image, target, kind, refine):
    """The authors' maker of localisation maps, over an image and its mirror image."""
    engine.F = Functions()
    with tempfile.TemporaryDirectory() as folder:
        open(os.path.join(folder, "train_aug_id.txt"), "w").write("image\n")
        args = types.SimpleNamespace(
            attention_dir=None, cam_npy_dir=folder, img_list=folder, patch_size=PATCH, model=f"MCTformer{version.upper()}", layer_index=LAST,
            nb_classes=CLASSES, attention_type=kind, patch_attn_refine=refine, visualize_cls_attn=True)
        engine.generate_attention_maps_ms([([image, torch.flip(image, [-1])], target)], model, torch.device("cpu"), args)
        final = np.load(os.path.join(folder, "image.npy"), allow_pickle=True).item()
    return engine.F.resized[0][0], {str(label): numbers(torch.from_numpy(cam)) for label, cam in sorted(final.items())}


def case(models, engine, version):
    model = build(models, version)
    targets = (values("labels", (2 * CLASSES,)) > 0).float().reshape(2, CLASSES)
    result = {
        "version": version,
        "tensors": {name: list(tensor.shape) for name, tensor in model.state_dict().items()},
        "losses": losses(engine, model, values("images", (2, 3, SIDE, SIDE)), targets),
        "sizes": {},
    }
    model.eval()
    kinds = {"v1": ["mct"], "v2": ["fused", "patchcam", "mct"], "plus": ["fused", "patchcam", "mct"]}[version]
    names = {"fused": "fused", "patchcam": "patch", "mct": "class_attention"}
    for name, (height, width) in SIZES.items():
        images = values("images", (2, 3, height, width))
        with torch.no_grad():
            output = model(images)
            found = {"size": [height, width], "maps": {}, "refined": {}}
            if version == "v1":
                found["class_tokens"] = numbers(output)
            else:
                found["class_tokens"], found["patches"] = numbers(output[0]), numbers(output[-1])
            if version == "plus":
                found["tokens"] = numbers(output[1])
            for kind in kinds:
                extra = {} if version == "v1" else {"attention_type": kind}
                _, cams, _ = model(images, return_att=True, n_layers=LAST, **extra)
                found["maps"][names[kind]] = numbers(cams)
                refined = [maps(engine, model, version, images[i : i + 1], targets[i : i + 1], kind, True) for i in range(2)]
                found["refined"][names[kind]] = numbers(torch.stack([first for first, _ in refined]))
                if kind == kinds[0] and name == "trained":
                    found["final"] = [last for _, last in refined]
        result["sizes"][name] = found
    return result


def main(earlier, later):
    stubs()
    written = {}
    for folder, versions in ((earlier, ["v1", "v2"]), (later, ["plus"])):
        for name in ("vision_transformer", "models", "engine"):
            sys.modules.pop(name, None)
        load(folder, "vision_transformer")
        models, engine = load(folder, "models"), load(folder, "engine")
        for version in versions:
            written[version] = case(models, engine, version)
    with open(os.path.join(HERE, "mctformer.json"), "w") as file:
        json.dump(written, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
