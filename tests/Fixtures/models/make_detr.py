#!/usr/bin/python3
"""Makes the parity fixture of DETR, and the names and shapes of the published detr-r50.

    /usr/bin/python3 tests/Fixtures/models/make_detr.py DETR

DETR is a checkout of github.com/facebookresearch/detr (29901c5). Its files models/*.py and util/*.py are run as they are and are no part of
this project: network, matcher, losses and post-processing are the authors' own. Changed from outside: torchvision's ResNet is built without
a download; where they are missing, scipy.optimize.linear_sum_assignment tries all pairings of the few boxes, and packaging reads versions. Made with torch 1.13.0a0 and
torchvision 0.14.1a0 (Debian 12). No seed: weights and images are make_models.py's; there is no dropout.
"""
import argparse
import itertools
import json
import os
import sys
import types

import numpy as np
import torch
import torchvision

from make_models import HERE, digest, fill, save, values

SIZES = [(96, 128), (64, 80)]  # the second is padded
CLASSES, QUERIES = 5, 7
BOXES = [[[10.5, 12.5, 70.75, 60.25], [40.5, 30.25, 110.25, 90.5], [80.5, 5.5, 100.25, 30.25]], [[8.25, 20.5, 50.5, 60.25]]]
LABELS = [[0, 4, 1], [2]]
FACTORS = {"query_embed.weight": 8, "bbox_embed.layers.2.weight": 3}  # so that queries differ
CASES = {"both": [3, 1], "one": [3, 0], "none": [0, 0]}
GRADIENTS = ["transformer.encoder.layers.0.self_attn.in_proj_weight", "transformer.decoder.layers.1.multihead_attn.in_proj_bias",
             "transformer.decoder.layers.0.linear1.weight", "transformer.decoder.norm.weight", "query_embed.weight", "class_embed.bias",
             "bbox_embed.layers.2.weight", "input_proj.weight", "backbone.0.body.layer4.0.conv1.weight"]


def assignment(costs):
    """The least of all pairings; columns are the few."""
    costs = np.asarray(costs)
    best = min(itertools.permutations(range(costs.shape[0]), costs.shape[1]), key=lambda rows: costs[list(rows), range(costs.shape[1])].sum())
    order = np.argsort(best)
    return np.asarray(best, dtype=np.int64)[order], order.astype(np.int64)


def shims():
    try:
        import scipy.optimize  # noqa: F401
    except ImportError:
        optimize = types.ModuleType("scipy.optimize")
        optimize.linear_sum_assignment = assignment
        scipy = types.ModuleType("scipy")
        scipy.optimize = optimize
        sys.modules.update({"scipy": scipy, "scipy.optimize": optimize})
    try:
        import packaging.version  # noqa: F401
    except ImportError:
        version = types.ModuleType("packaging.version")
        version.parse = lambda text: tuple(int(part) for part in text.split(".")[:2])
        packaging = types.ModuleType("packaging")
        packaging.version = version
        sys.modules.update({"packaging": packaging, "packaging.version": version})
    for name in ("resnet18", "resnet50"):
        maker = getattr(torchvision.models, name)
        setattr(torchvision.models, name, lambda maker=maker, pretrained=False, **options: maker(weights=None, **options))


def build(backbone, classes, queries, width, heads, hidden, layers):
    from models.backbone import build_backbone
    from models.detr import DETR, PostProcess, SetCriterion
    from models.matcher import build_matcher
    from models.transformer import build_transformer
    args = argparse.Namespace(hidden_dim=width, position_embedding="sine", lr_backbone=1e-5, masks=False, backbone=backbone, dilation=False,
                              dropout=0.0, nheads=heads, dim_feedforward=hidden, enc_layers=layers, dec_layers=layers, pre_norm=False,
                              set_cost_class=1, set_cost_bbox=5, set_cost_giou=2)
    model = DETR(build_backbone(args), build_transformer(args), num_classes=classes, num_queries=queries, aux_loss=True)
    criterion = SetCriterion(classes, build_matcher(args), {}, eos_coef=0.1, losses=["labels", "boxes"])
    return model, criterion, PostProcess()


def shapes(model):
    return {key: list(value.shape) for key, value in model.state_dict().items()}


def targets(counts):
    found = []
    for count, (height, width), boxes, labels in zip(counts, SIZES, BOXES, LABELS):
        corners = torch.tensor(boxes[:count]).reshape(-1, 4) / torch.tensor([width, height, width, height], dtype=torch.float32)
        relative = torch.cat([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], 1)
        found.append({"boxes": relative, "labels": torch.tensor(labels[:count], dtype=torch.int64)})
    return found


def losses_of(criterion, outputs, wanted):
    weights = {"loss_ce": 1, "loss_bbox": 5, "loss_giou": 2}
    losses = criterion(outputs, wanted)
    return {name: value * weights[name.rsplit("_", 1)[0] if name[-1].isdigit() else name] for name, value in losses.items() if name.startswith("loss")}


def reference():
    model, criterion, post = build("resnet18", CLASSES, QUERIES, 32, 4, 48, 2)
    fill(model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.mul_(FACTORS.get(name, 1))
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    images = [values("images", [2, 3, *SIZES[0]])[i, :, :height, :width] for i, (height, width) in enumerate(SIZES)]
    outputs = model(images)
    content = {"keys": shapes(model), "logits": digest(outputs["pred_logits"]), "boxes": digest(outputs["pred_boxes"]),
               "first": digest(outputs["aux_outputs"][0]["pred_boxes"]), "cases": {}}
    for name, counts in CASES.items():
        losses = losses_of(criterion, outputs, targets(counts))
        model.zero_grad()
        sum(losses.values()).backward(retain_graph=True)
        parameters = dict(model.named_parameters())
        content["cases"][name] = {"losses": {key: float(value) for key, value in losses.items()},
                                  "gradients": {key: digest(parameters[key].grad) for key in GRADIENTS}}
    content["found"] = [{key: digest(value) for key, value in one.items()} for one in post(outputs, torch.tensor(SIZES))]
    return content


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    torch.set_num_threads(1)
    shims()
    content = reference()
    print({name: case["losses"] for name, case in content["cases"].items()}, content["boxes"]["values"][:16], content["logits"]["values"][:12], file=sys.stderr)
    save("detr", content)
    with open(os.path.join(HERE, "detr_r50.keys.json"), "w") as file:
        json.dump(shapes(build("resnet50", 91, 100, 256, 8, 2048, 6)[0]), file, indent=0)
        file.write("\n")
