#!/usr/bin/python3
"""Makes the parity fixtures of RT-DETR and of deformable attention, and the names and shapes of the published R18 and R50.

    /usr/bin/python3 tests/Fixtures/models/make_rtdetr.py RTDETR

RTDETR is a checkout of github.com/lyuwenyu/RT-DETR (068dfde). Its files below rtdetr_pytorch/src are run as they are and are no part of this
project: backbone, encoder, decoder, denoising, matcher, losses and post-processing are the authors' own. Changed from outside: the packages'
own imports (data sets, configs) are passed over, chance in the denoising comes from make_models.py's formula, and make_detr.py says what
stands in for scipy. Made with torch 1.13.0a0 and torchvision 0.14.1a0 (Debian 12). No seed: weights and images are make_models.py's.
"""
import importlib
import json
import os
import sys
import types

import torch
from torch import nn

from make_detr import shims
from make_models import HERE, digest, fill, save, values

SIZE, CLASSES, QUERIES = 96, 5, 12
BOXES = [[[10.5, 12.5, 70.75, 60.25], [40.5, 30.25, 90.25, 90.5], [60.5, 5.5, 80.25, 30.25]], [[8.25, 20.5, 50.5, 60.25]]]
LABELS = [[0, 4, 1], [2]]
CASES = {"both": [3, 1], "one": [3, 0], "none": [0, 0]}
FACTORS = {"decoder.enc_score_head.weight": 3}
GRADIENTS = ["encoder.encoder.0.layers.0.self_attn.in_proj_weight", "encoder.fpn_blocks.0.bottlenecks.0.conv1.conv.weight",
             "encoder.pan_blocks.1.conv3.conv.weight", "decoder.decoder.layers.0.cross_attn.sampling_offsets.weight",
             "decoder.decoder.layers.1.cross_attn.attention_weights.bias", "decoder.decoder.layers.0.cross_attn.value_proj.weight",
             "decoder.denoising_class_embed.weight", "decoder.query_pos_head.layers.0.weight", "decoder.enc_output.0.weight",
             "decoder.enc_score_head.bias", "decoder.enc_bbox_head.layers.2.weight", "decoder.dec_bbox_head.0.layers.2.weight",
             "decoder.dec_score_head.1.weight", "decoder.input_proj.0.conv.weight", "backbone.conv1.conv1_1.conv.weight"]


def packages(root):
    """The folders as packages, without what their own files would import."""
    def module(name, folder=None, **content):
        made = types.ModuleType(name)
        if folder is not None:
            made.__path__ = [os.path.join(root, folder)]
        made.__dict__.update(content)
        sys.modules[name] = made
    for name in ("src", "src.zoo", "src.zoo.rtdetr", "src.nn", "src.nn.backbone", "src.misc"):
        module(name, name.replace(".", "/"))
    module("src.core", register=lambda one: one)
    module("src.misc.dist", get_world_size=lambda: 1, is_dist_available_and_initialized=lambda: False)
    return [importlib.import_module(name) for name in ("src.zoo.rtdetr.rtdetr", "src.zoo.rtdetr.hybrid_encoder", "src.zoo.rtdetr.rtdetr_decoder",
            "src.zoo.rtdetr.rtdetr_criterion", "src.zoo.rtdetr.matcher", "src.zoo.rtdetr.rtdetr_postprocessor", "src.nn.backbone.presnet",
            "src.zoo.rtdetr.utils")]


def noise(name, shape):
    return (values("denoising." + name, [1, torch.Size(shape).numel(), 1]).reshape(shape) + 1) / 2


class Chance:
    """What stands in for torch while denoising queries are made."""

    def __init__(self):
        self.steps = iter(["labels", "new_labels", "signs", "parts"])

    def __getattr__(self, name):
        return getattr(torch, name)

    def rand_like(self, like, dtype=None):
        return noise(next(self.steps), like.shape)

    def randint_like(self, like, low, high, dtype=None):
        return torch.floor(noise(next(self.steps), like.shape) * high).to(dtype or like.dtype)


def build(net, encoder, decoder, presnet, depth, widths, classes, queries, width, heads, hidden, layers, denoising, expansion, depth_mult, freeze):
    backbone = presnet.PResNet(depth, "d", 4, [1, 2, 3], freeze_at=-1, freeze_norm=freeze)
    neck = encoder.HybridEncoder(widths, [8, 16, 32], width, heads, hidden, 0.0, "gelu", [2], 1, 10000, expansion, depth_mult, "silu")
    top = decoder.RTDETRTransformer(num_classes=classes, hidden_dim=width, num_queries=queries, feat_channels=[width] * 3, feat_strides=[8, 16, 32],
                                    num_levels=3, num_decoder_points=4, nhead=heads, num_decoder_layers=layers, dim_feedforward=hidden,
                                    num_denoising=denoising)
    return net.RTDETR(backbone, neck, top)


def shapes(model):
    return {key: list(value.shape) for key, value in model.state_dict().items()}


def targets(counts):
    found = []
    for count, boxes, labels in zip(counts, BOXES, LABELS):
        corners = torch.tensor(boxes[:count]).reshape(-1, 4) / SIZE
        relative = torch.cat([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], 1)
        found.append({"boxes": relative, "labels": torch.tensor(labels[:count], dtype=torch.int64)})
    return found


def reference(parts):
    net, encoder, decoder, criterion, matcher, post, presnet, _ = parts
    model = build(net, encoder, decoder, presnet, 18, [128, 256, 512], CLASSES, QUERIES, 32, 4, 48, 2, 10, 0.5, 0.34, True)
    fill(model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.mul_(FACTORS.get(name, 1))
    images = values("images", [2, 3, SIZE, SIZE])
    outputs = model(images)
    content = {"keys": shapes(model), "logits": digest(outputs["pred_logits"]), "boxes": digest(outputs["pred_boxes"]),
               "maps": [digest(one) for one in model.encoder(model.backbone(images))], "cases": {}}
    found = post.RTDETRPostProcessor(CLASSES, True, 20)(outputs, torch.tensor([[SIZE, SIZE], [SIZE, SIZE]]))
    content["found"] = [{key: digest(value) for key, value in one.items()} for one in found]
    rule = criterion.SetCriterion(matcher.HungarianMatcher({"cost_class": 2, "cost_bbox": 5, "cost_giou": 2}, True, 0.25, 2.0),
                                  {"loss_vfl": 1, "loss_bbox": 5, "loss_giou": 2}, ["vfl", "boxes"], 0.75, 2.0, 1e-4, CLASSES)
    model.train()
    for one in model.modules():
        if isinstance(one, nn.BatchNorm2d):
            one.eval()
    parameters = dict(model.named_parameters())
    for name, counts in CASES.items():
        sys.modules["src.zoo.rtdetr.denoising"].torch = Chance()
        wanted = targets(counts)
        losses = rule(model(images, wanted), wanted)
        model.zero_grad()
        sum(losses.values()).backward()
        content["cases"][name] = {"losses": {key: float(value) for key, value in losses.items()},
                                  "gradients": {key: digest(parameters[key].grad) for key in GRADIENTS if parameters[key].grad is not None}}
    return content


def sampling(utils):
    """Values, places and weights by formula; a part of the places lies outside."""
    sizes, heads, width, queries, points = [(4, 5), (2, 3)], 2, 3, 3, 2
    cells = sum(h * w for h, w in sizes)
    inputs = [values("sampling.values", [2, cells, heads, width]), values("sampling.places", [2, queries, heads, 2, points, 2]) * 0.6 + 0.5,
              values("sampling.weights", [2, queries, heads, 2, points])]
    for one in inputs:
        one.requires_grad_()
    sums = utils.deformable_attention_core_func(inputs[0], sizes, inputs[1], inputs[2])
    factors = values("sampling.factors", [1, *sums.shape, 1]).reshape(sums.shape)
    gradients = torch.autograd.grad((sums * factors).sum(), inputs)
    return {"sums": digest(sums), "gradients": [digest(one) for one in gradients]}


if __name__ == "__main__":
    torch.set_num_threads(1)
    shims()
    parts = packages(os.path.join(sys.argv[1], "rtdetr_pytorch"))
    content = reference(parts)
    content["sampling"] = sampling(parts[-1])
    print({name: case["losses"] for name, case in content["cases"].items()}, content["found"][0]["scores"]["values"][:6], file=sys.stderr)
    save("rtdetr", content)
    for depth, widths, layers, expansion, freeze in ((18, [128, 256, 512], 3, 0.5, False), (50, [512, 1024, 2048], 6, 1.0, True)):
        model = build(*parts[:3], parts[6], depth, widths, 80, 300, 256, 8, 1024, layers, 100, expansion, 1.0, freeze)
        print(depth, sum(p.numel() for p in model.parameters()), sum(v.numel() for v in model.state_dict().values()), file=sys.stderr)
        with open(os.path.join(HERE, f"rtdetr_r{depth}vd.keys.json"), "w") as file:
            json.dump(shapes(model), file, indent=0)
            file.write("\n")
