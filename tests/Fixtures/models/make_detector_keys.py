#!/usr/bin/python3
"""Writes the names and shapes of all tensors of torchvision's detectors as they are published (91 outputs, ids of COCO).

    /usr/bin/python3 tests/Fixtures/models/make_detector_keys.py

Made with torch 1.13.0a0 and torchvision 0.14.1a0 (Debian 12). The weights are random: only names and shapes are kept.
"""
import json
import os

import torchvision

here = os.path.dirname(os.path.abspath(__file__))
for name in ("retinanet_resnet50_fpn", "fcos_resnet50_fpn"):
    model = getattr(torchvision.models.detection, name)(weights=None, weights_backbone=None, num_classes=91)
    state = {key: list(value.shape) for key, value in model.state_dict().items()}
    with open(os.path.join(here, name + ".keys.json"), "w") as file:
        json.dump(state, file, indent=0)
        file.write("\n")
    print(name, len(state), sum(value.numel() for value in model.state_dict().values()))
