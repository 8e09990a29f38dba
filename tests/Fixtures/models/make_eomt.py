#!/usr/bin/python3
"""Makes the parity fixture of EoMT, and the names and shapes of the published networks.

    /usr/bin/python3 tests/Fixtures/models/make_eomt.py EOMT TIMM TRANSFORMERS
    /usr/bin/python3 tests/Fixtures/models/make_eomt.py EOMT TIMM         (eomt_registers.json alone, which needs no losses)

EOMT is a checkout of github.com/tue-mps/eomt (7bd19dd), TIMM one of timm (aa4b5850), TRANSFORMERS one of transformers 4.27.1, of which
models/mask2former/modeling_mask2former.py alone is read. Their files are run as they are and are no part of this project: network, blocks,
matcher, losses and the making of panoptic maps are the authors' own. Changed from outside: what these files import but do not need here is
made of empty names; torch.rand gives numbers by a formula, by the number of its call. Made with torch 1.13.0a0 and scipy 1.10.1 (Debian 12).
No seed: weights and images are make_models.py's; there is no dropout.
"""
import importlib.util
import json
import os
import sys
import types

import torch
from torch import nn

from make_models import HERE, digest, fill, save, uniform, values

CLASSES, QUERIES, BLOCKS, POINTS = 5, 7, 2, 40
WIDTH, DEPTH, HEADS, PATCH, SIDES = 32, 3, 4, 8, (48, 64)
FACTORS = {"q.weight": 8, "mask_head.4.weight": 6, "class_head.weight": 2}  # so that queries differ
GRADIENTS = ["q.weight", "class_head.weight", "class_head.bias", "mask_head.0.weight", "mask_head.4.bias", "upscale.0.conv1.weight",
             "upscale.0.conv2.weight", "upscale.0.norm.weight", "encoder.backbone.norm.bias", "encoder.backbone.blocks.2.attn.qkv.weight",
             "encoder.backbone.blocks.1.mlp.fc1.weight", "encoder.backbone.blocks.0.norm1.weight", "encoder.backbone.patch_embed.proj.weight",
             "encoder.backbone.pos_embed"]
# Boxes (top, left, bottom, right) that are masks, one above another being no concern of theirs, and their classes.
MASKS = [[(2, 3, 30, 28), (20, 30, 46, 60), (0, 40, 12, 64)], [(10, 8, 40, 50)]]
LABELS = [[0, 4, 1], [2]]
CASES = {"both": ([3, 1], [1.0, 1.0]), "one": ([3, 0], [0.0, 0.0]), "late": ([2, 1], [0.0, 1.0])}
SEMANTIC_THRESHOLDS = [(0.25, 0.5), (0.18, 0.0), (0.2, 0.95)]


def empty(name, **known):
    module = types.ModuleType(name)
    module.__path__ = []
    module.__getattr__ = lambda key: type(key, (), {})
    for key, value in known.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return module


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def imports(eomt, timm, transformers=None):
    sys.path.insert(0, timm)
    for name in ("huggingface_hub", "safetensors", "safetensors.torch", "yaml", "torch_mlu"):
        try:
            __import__(name)
        except ImportError:
            empty(name)
    for part in ("", ".activations", ".modeling_outputs", ".modeling_utils", ".utils", ".models", ".models.mask2former",
                 ".models.mask2former.configuration_mask2former"):
        empty("transformers" + part)
    for kind in ("BaseModelOutput", "BaseModelOutputWithCrossAttentions"):
        setattr(sys.modules["transformers.modeling_outputs"], kind, type(kind, (), {}))
    sys.modules["transformers.modeling_utils"].PreTrainedModel = nn.Module
    sys.modules["transformers.utils"].logging = types.SimpleNamespace(get_logger=lambda name: None)
    decorate = lambda *a, **k: lambda f: f
    empty("transformers.file_utils", ModelOutput=type("ModelOutput", (), {}), add_start_docstrings=decorate,
          add_start_docstrings_to_model_forward=decorate, replace_return_docstrings=decorate, is_scipy_available=lambda: True,
          requires_backends=lambda *a: None)
    if transformers:
        load("transformers.models.mask2former.modeling_mask2former", transformers + "/src/transformers/models/mask2former/modeling_mask2former.py")
    sys.path.insert(0, eomt)
    torch.compiler = types.SimpleNamespace(disable=lambda f: f)
    for name in ("lightning", "lightning.fabric", "lightning.fabric.utilities", "lightning.pytorch", "lightning.pytorch.utilities",
                 "lightning.pytorch.callbacks", "lightning.pytorch.loops", "lightning.pytorch.loops.training_epoch_loop",
                 "lightning.pytorch.loops.fetchers", "lightning.pytorch.utilities.rank_zero", "torchmetrics", "torchmetrics.detection",
                 "torchmetrics.classification", "torchmetrics.functional", "torchmetrics.functional.detection",
                 "torchmetrics.functional.detection._panoptic_quality_common", "wandb", "matplotlib", "matplotlib.pyplot", "matplotlib.colors",
                 "matplotlib.lines", "torchvision.transforms.v2", "torchvision.transforms.v2.functional"):
        empty(name)
    sys.modules["lightning"].LightningModule = nn.Module
    torch.optim.lr_scheduler.LRScheduler = torch.optim.lr_scheduler._LRScheduler  # its newer name


class Encoder(nn.Module):
    """models/vit.py's, whose mean and deviation change nothing here, over timm's transformer."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.register_buffer("pixel_mean", torch.zeros(1, 3, 1, 1))
        self.register_buffer("pixel_std", torch.ones(1, 3, 1, 1))


def network(classes, queries, blocks, **size):
    from models.eomt import EoMT
    from timm.models.vision_transformer import VisionTransformer
    return EoMT(Encoder(VisionTransformer(num_classes=0, init_values=0.1, **size)), classes, queries, num_blocks=blocks)


def criterion(points):
    from training.mask_classification_loss import MaskClassificationLoss
    return MaskClassificationLoss(num_points=points, oversample_ratio=3.0, importance_sample_ratio=0.75, mask_coefficient=5.0, dice_coefficient=5.0,
                                  class_coefficient=2.0, num_labels=CLASSES, no_object_coefficient=0.1)


class Draws:
    """torch.rand by the number of its call."""

    def __init__(self):
        self.count = 0

    def __call__(self, *shape, **_):
        shape = list(shape[0]) if shape and isinstance(shape[0], (list, tuple)) else list(shape)
        self.count += 1
        return torch.from_numpy(uniform(f"draw{self.count}", int(torch.tensor(shape).prod())).astype("float32")).reshape(shape)


def targets(counts):
    found = []
    for boxes, labels, count in zip(MASKS, LABELS, counts):
        masks = torch.zeros(count, *SIDES, dtype=torch.bool)
        for mask, (top, left, bottom, right) in zip(masks, boxes):
            mask[top:bottom, left:right] = True
        found.append({"masks": masks, "labels": torch.tensor(labels[:count], dtype=torch.int64)})
    return found


def formula(model):
    """Weights by the names that a checkpoint of the authors' has."""
    wrapper = nn.Module()
    wrapper.network = model
    state = wrapper.state_dict()
    with torch.no_grad():
        for name, tensor in state.items():
            if name.endswith(("pixel_mean", "pixel_std", "attn_mask_probs")):
                continue
            tensor.copy_(values(name, list(tensor.shape)))
            tensor.mul_(FACTORS.get(name[len("network."):], 1))
    return model.eval()


def losses_of(model, images, counts):
    loss = criterion(POINTS)
    weight = {"loss_mask": 5.0, "loss_dice": 5.0, "loss_cross_entropy": 2.0}
    total = {}
    for block, (masks, classes) in enumerate(zip(*model(images))):
        for name, value in loss(masks_queries_logits=masks, class_queries_logits=classes, targets=targets(counts)).items():
            total[f"{name}_{block}"] = value * weight[name]
    return total


def panoptic(masks, classes):
    from training.lightning_module import LightningModule
    holder = types.SimpleNamespace(num_classes=CLASSES)
    maps = []
    for mask_thresh, overlap_thresh in SEMANTIC_THRESHOLDS:
        large = [torch.nn.functional.interpolate(one[None], SIDES, mode="bilinear")[0] for one in masks]
        found = LightningModule.to_per_pixel_preds_panoptic(holder, large, classes, [3, 4], mask_thresh, overlap_thresh)
        maps.append({"mask_thresh": mask_thresh, "overlap_thresh": overlap_thresh,
                     "images": [{"classes": runs(one[..., 0]), "segments": runs(one[..., 1])} for one in found]})
    return maps


def runs(image):
    """Values and lengths, pixel by pixel along the rows."""
    flat = image.flatten().tolist()
    found = []
    for value in flat:
        if found and found[-1][0] == value:
            found[-1][1] += 1
        else:
            found.append([value, 1])
    return found


def semantic(masks, classes):
    from training.lightning_module import LightningModule
    large = torch.nn.functional.interpolate(masks, SIDES, mode="bilinear")
    return LightningModule.to_per_pixel_logits_semantic(large, classes)


def annealing():
    from training.lightning_module import LightningModule
    holder = types.SimpleNamespace(device="cpu", poly_power=0.9, network=types.SimpleNamespace(attn_mask_probs=torch.ones(1)))
    return [[step, *(float(LightningModule.mask_annealing(holder, start, step, end)) for start, end in ((10, 30), (30, 30)))]
            for step in (0, 9, 10, 11, 20, 29, 30, 31, 50)]


def reference():
    model = formula(network(CLASSES, QUERIES, BLOCKS, img_size=SIDES, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS))
    wrapper = nn.Module()
    wrapper.network = model
    images = values("images", [2, 3, *SIDES])
    content = {"keys": {key: list(value.shape) for key, value in wrapper.state_dict().items()}, "annealing": annealing(), "cases": {}}
    for name, (counts, shares) in CASES.items():
        model.attn_mask_probs.copy_(torch.tensor(shares))
        with torch.no_grad():
            masks, classes = model(images)
        own = torch.rand
        torch.rand = Draws()
        losses = losses_of(model, images, counts)
        torch.rand = own
        model.zero_grad()
        sum(losses.values()).backward()
        parameters = dict(model.named_parameters())
        content["cases"][name] = {
            "masks": [digest(one) for one in masks], "classes": [digest(one) for one in classes],
            "losses": {key: float(value) for key, value in losses.items()},
            "gradients": {key: digest(parameters[key].grad) for key in GRADIENTS},
        }
        if name == "both":
            content["panoptic"] = panoptic(masks[-1], classes[-1])
            content["semantic"] = digest(semantic(masks[-1], classes[-1]))
            print(classes[-1].softmax(-1).max(-1), file=sys.stderr)
    return content


def registers():
    """What the published networks stand on: DINOv2's backbone with registers, whose positions are those of the patches alone."""
    model = formula(network(CLASSES, QUERIES, BLOCKS, img_size=SIDES, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS,
                            reg_tokens=4, no_embed_class=True))
    wrapper = nn.Module()
    wrapper.network = model
    masks, classes = model(values("images", [2, 3, *SIDES]))
    (masks[-1].square().mean() + classes[-1].square().mean()).backward()
    parameters = dict(model.named_parameters())
    return {
        "keys": {key: list(value.shape) for key, value in wrapper.state_dict().items()},
        "masks": [digest(one) for one in masks], "classes": [digest(one) for one in classes],
        "gradients": {key: digest(parameters[key].grad)
                      for key in ("q.weight", "encoder.backbone.reg_token", "encoder.backbone.cls_token", "encoder.backbone.pos_embed")},
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    imports(*sys.argv[1:])
    save("eomt_registers", registers())
    if len(sys.argv) < 4:
        sys.exit()
    content = reference()
    print({name: case["losses"] for name, case in content["cases"].items()}, file=sys.stderr)
    print([[len(image["segments"]) for image in case["images"]] for case in content["panoptic"]], file=sys.stderr)
    save("eomt", content)
    # The published ones stand on timm's vit_*_patch14_reg4_dinov2 with patches of 16.
    import timm
    sizes = {}
    for name, queries, blocks in (("small", 200, 3), ("base", 200, 3), ("large", 200, 4)):
        from models.eomt import EoMT
        wrapper = nn.Module()
        wrapper.network = EoMT(Encoder(timm.create_model(f"vit_{name}_patch14_reg4_dinov2", img_size=640, patch_size=16, num_classes=0)), 133, queries,
                               num_blocks=blocks)
        sizes[name] = {key: list(value.shape) for key, value in wrapper.state_dict().items()}
    # Blocks are alike: the first two stand for all.
    with open(os.path.join(HERE, "eomt_coco_panoptic.keys.json"), "w") as file:
        json.dump({name: {key: shape for key, shape in one.items() if ".blocks." not in key or ".blocks.0." in key or ".blocks.1." in key}
                   for name, one in sizes.items()}, file, indent=0)
        file.write("\n")
