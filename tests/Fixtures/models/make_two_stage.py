#!/usr/bin/python3
"""Makes the parity fixtures of detectors in two stages: torchvision's roi_align with its gradients, and what small Faster R-CNN and Mask
R-CNN of torchvision give for weights and images made by a formula (see make_models.py). Also the names and shapes of the published ones.

    /usr/bin/python3 tests/Fixtures/models/make_two_stage.py

Made with torch 1.13.0a0 and torchvision 0.14.1a0 (Debian 12). Samplers take everything, so that no chance is in the losses. The layers
that give boxes are scaled down, so that boxes are of a sensible size.
"""
import json
import os
import sys

import torch
import torchvision
from torchvision.models.detection import _utils, anchor_utils, faster_rcnn, mask_rcnn, roi_heads
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor

from make_models import fill, save, values

CLASSES, SIZE = 4, (96, 128)  # the background included
BOXES = [[[10.5, 12.5, 70.75, 60.25], [40.5, 30.25, 110.25, 90.5], [80.5, 5.5, 100.25, 30.25]], [[20.25, 20.5, 50.5, 80.25]]]
LABELS = [[1, 3, 2], [2]]


def numbers(tensor):
    return [float(f"{value:.8g}") for value in tensor.flatten().tolist()]


def align():
    rois = torch.tensor([[0, 3.2, 4.1, 30.7, 25.3], [1, 0, 0, 47.5, 39.25], [0, 20.25, 10.5, 21.0, 11.0], [1, -6.5, 30.0, 12.0, 52.5],
                         [0, 40.0, 32.0, 40.0, 32.0], [1, 12.0, 8.0, 44.0, 36.0]])
    cases = []
    for aligned in (False, True):
        for ratio in (-1, 2):
            for size in (2, 5):
                maps = values("images", [2, 2, 10, 12]).requires_grad_()
                pooled = torchvision.ops.roi_align(maps, rois, size, 0.25, ratio, aligned)
                weights = values("images", list(pooled.shape))
                (gradient,) = torch.autograd.grad((pooled * weights).sum(), maps)
                cases.append({"aligned": aligned, "ratio": max(ratio, 0), "size": size, "values": numbers(pooled), "gradient": numbers(gradient)})
    return {"rois": rois.tolist(), "cases": cases}


def masks():
    """Ellipses in the boxes."""
    y, x = torch.meshgrid(torch.arange(SIZE[0]) + 0.5, torch.arange(SIZE[1]) + 0.5, indexing="ij")
    return [torch.stack([((((x - (b[0] + b[2]) / 2) / (b[2] - b[0])) ** 2 + ((y - (b[1] + b[3]) / 2) / (b[3] - b[1])) ** 2) <= 0.25).to(torch.uint8)
                         for b in boxes]) for boxes in BOXES]


def build(maker, **options):
    backbone = _resnet_fpn_extractor(torchvision.models.resnet18(weights=None), 5)
    anchors = anchor_utils.AnchorGenerator(((16,), (24,), (32,), (64,), (96,)), ((0.5, 1.0, 2.0),) * 5)
    model = maker(backbone, num_classes=CLASSES, min_size=min(SIZE), max_size=max(SIZE), image_mean=[0.0] * 3, image_std=[1.0] * 3,
                  rpn_anchor_generator=anchors, rpn_batch_size_per_image=10 ** 6, rpn_positive_fraction=0.5,
                  rpn_pre_nms_top_n_train=60, rpn_post_nms_top_n_train=50, rpn_pre_nms_top_n_test=40, rpn_post_nms_top_n_test=30,
                  box_batch_size_per_image=10 ** 6, box_positive_fraction=0.5, box_score_thresh=0.05, box_detections_per_img=60, **options)
    fill(model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            for end, factor in {"bbox_pred.weight": 0.1, "cls_score.weight": 0.5, "mask_fcn_logits.weight": 2.0, "rpn.head.cls_logits.weight": 0.5}.items():
                if name.endswith(end):
                    parameter.mul_(factor)
            if name.endswith("mask_fcn_logits.bias"):
                parameter.add_(0.5)
    return model.eval()


def reference(maker, with_masks):
    model = build(maker)
    images = values("images", [2, 3, *SIZE])
    targets = [{"boxes": torch.tensor(boxes), "labels": torch.tensor(labels)} for boxes, labels in zip(BOXES, LABELS)]
    if with_masks:
        for target, mask in zip(targets, masks()):
            target["masks"] = mask
    with torch.no_grad():
        detections = model(list(images))
        # The norms' statistics stay: only the two heads train.
        model.rpn.training, model.roi_heads.training = True, True
        batch = torchvision.models.detection.image_list.ImageList(images, [SIZE, SIZE])
        features = model.backbone(images)
        proposals, losses = model.rpn(batch, features, targets)
        losses.update(model.roi_heads(features, proposals, batch.image_sizes, targets)[1])
    result = {"losses": {name: float(value) for name, value in losses.items()}, "proposals": [len(p) for p in proposals],
              "detections": [{"boxes": [[round(v, 4) for v in box] for box in d["boxes"].tolist()], "scores": numbers(d["scores"]),
                              "labels": d["labels"].tolist()} for d in detections]}
    if with_masks:
        for found, d in zip(result["detections"], detections):
            inside = (d["masks"][:, 0] >= 0.5)
            found["areas"] = inside.sum((1, 2)).tolist()
            found["rows"] = [[int(n) for n in row] for row in inside.sum(2)[:5].tolist()]
    return result


def keys(name):
    model = getattr(torchvision.models.detection, name)(weights=None, weights_backbone=None, num_classes=91)
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, name + ".keys.json"), "w") as file:
        json.dump({key: list(value.shape) for key, value in model.state_dict().items()}, file, indent=0)
        file.write("\n")


def small_keys(maker):
    return {key: list(value.shape) for key, value in build(maker).state_dict().items() if not key.endswith("num_batches_tracked")}


if __name__ == "__main__":
    torch.set_num_threads(1)
    save("roi_align", align())
    for name, maker in {"faster_rcnn": faster_rcnn.FasterRCNN, "mask_rcnn": mask_rcnn.MaskRCNN}.items():
        content = reference(maker, name == "mask_rcnn")
        content["keys"] = small_keys(maker)
        print(name, content["losses"], content["proposals"], [(len(d["scores"]), d["scores"][:4], d["labels"][:8], d["boxes"][:2], d.get("areas", [])[:5]) for d in content["detections"]], file=sys.stderr)
        save(name, content)
    keys("fasterrcnn_resnet50_fpn")
    keys("maskrcnn_resnet50_fpn")
