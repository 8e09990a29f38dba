#!/usr/bin/python3
"""Makes the parity fixtures of the detectors: what torchvision's RetinaNet and FCOS give for weights and images made by a
formula (see make_models.py).

    /usr/bin/python3 tests/Fixtures/models/make_detection.py

Made with torch 1.13.0a0 and torchvision 0.14.1a0 (Debian 12). The layers that give scores and boxes are scaled down, so that
scores differ and boxes are of a sensible size.
"""
import sys

import torch
import torchvision
from torchvision import ops

from make_models import digest, fill, save, values

CLASSES, SIZE = 7, (128, 160)
BOXES = [[[10.5, 12.5, 70.75, 60.25], [40.5, 30.25, 150.25, 120.5], [100.5, 5.5, 120.25, 30.25], [3.5, 90.25, 40.5, 126.5]], [[20.25, 20.5, 50.5, 100.25], [60.25, 64.5, 128.5, 127.25]]]
# At fractions of pixels: a distance that is just a bound of a map's range belongs to both maps in the paper, to none in torchvision.
LABELS = [[1, 3, 6, 0], [2, 5]]


def build(maker):
    model = fill(maker(weights=None, weights_backbone=None, num_classes=CLASSES, min_size=min(SIZE), max_size=max(SIZE),
                       image_mean=[0.0, 0.0, 0.0], image_std=[1.0, 1.0, 1.0]))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("cls_logits.weight", "bbox_reg.weight", "bbox_ctrness.weight")):
                parameter.mul_(0.3 if "bbox_reg" not in name else 0.1)
            if name.endswith("bbox_reg.bias") and isinstance(model, torchvision.models.detection.FCOS):
                parameter.fill_(2.0)
    return model


def reference(maker):
    model = build(maker)
    images = values("images", [2, 3, *SIZE])
    targets = [{"boxes": torch.tensor(boxes), "labels": torch.tensor(labels)} for boxes, labels in zip(BOXES, LABELS)]
    kept = {}
    model.head.register_forward_hook(lambda module, inputs, output: kept.update(output))
    model.anchor_generator.register_forward_hook(lambda module, inputs, output: kept.update(anchors=output[0]))
    with torch.no_grad():
        detections = model(list(images))
        result = {name: digest(value) for name, value in kept.items()}
        # Losses in evaluation mode, so that the norms' statistics stay: what its forward does when training.
        features = list(model.backbone(images).values())
        outputs = model.head(features)
        anchors = [kept["anchors"]] * 2
        if "cls_logits" in outputs and "bbox_ctrness" in outputs:
            losses = model.compute_loss(targets, outputs, anchors, [f.shape[2] * f.shape[3] for f in features])
        else:
            losses = model.compute_loss(targets, outputs, anchors)
    result["losses"] = {name: float(value) for name, value in losses.items()}
    result["detections"] = [{"boxes": [[round(v, 5) for v in box] for box in d["boxes"].tolist()], "scores": [float(f"{s:.8g}") for s in d["scores"].tolist()],
                             "labels": d["labels"].tolist()} for d in [{k: v[:60] for k, v in d.items()} for d in detections]]
    result["counts"] = [len(d["scores"]) for d in detections]
    return result


def box_losses():
    """torchvision.ops' losses on random pairs, with gradients."""
    a = torch.cat([values("boxes_a", [12, 2]) * 20 + 40, values("boxes_b", [12, 2]) * 20 + 90], 1).requires_grad_()
    b = torch.cat([values("boxes_c", [12, 2]) * 20 + 45, values("boxes_d", [12, 2]) * 20 + 85], 1)
    result = {"a": a.tolist(), "b": b.tolist()}
    for name, loss in {"GIoULoss": ops.generalized_box_iou_loss, "DIoULoss": ops.distance_box_iou_loss, "CIoULoss": ops.complete_box_iou_loss}.items():
        value = loss(a, b, reduction="sum")
        (gradient,) = torch.autograd.grad(value, a)
        result[name] = {"value": float(value), "gradient": gradient.tolist()}
    return result


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, maker in {"retinanet_resnet50_fpn": torchvision.models.detection.retinanet_resnet50_fpn,
                        "fcos_resnet50_fpn": torchvision.models.detection.fcos_resnet50_fpn}.items():
        content = reference(maker)
        print(content["losses"], content["counts"], [(d["scores"][:3], d["scores"][-1], d["boxes"][:2]) for d in content["detections"]], file=sys.stderr)
        save(name, content)
    save("box_losses", box_losses())
