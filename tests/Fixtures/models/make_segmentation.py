#!/usr/bin/python3
"""Makes the parity fixtures of segmentors: torchvision's whole models, weights and images by formula.

    /usr/bin/python3 tests/Fixtures/models/make_segmentation.py

Made with torch 1.13.0a0 and torchvision 0.14.1a0 (Debian 12). See make_models.py.
"""
import torch
import torchvision

from make_models import digest, fill, save, values

if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in ("fcn_resnet50", "deeplabv3_resnet50"):
        model = fill(getattr(torchvision.models.segmentation, name)(weights=None, weights_backbone=None, num_classes=6, aux_loss=True))
        with torch.no_grad():
            # 65 x 97: neither is a multiple of the stride.
            outputs = model(values("images", [2, 3, 65, 97]))
        save(name, {"logits": digest(outputs["out"]), "auxiliary": digest(outputs["aux"])})
