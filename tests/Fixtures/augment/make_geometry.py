#!/usr/bin/python3
"""Makes geometry.json: what torchvision, OpenCV and MMDetection make of ../images/resize-source.png by perspective, elastic fields, CLAHE and pasted
objects.

Needs Debian's python3-torchvision, python3-pil and python3-opencv, and a checkout of MMDetection, of which the class CopyPaste is run as it is;
made with torchvision 0.14.1, Pillow 9.4.0, OpenCV 4.6.0, NumPy 1.24.2 and MMDetection's commit 00e07a9c. Deterministic.
    cd tests/Fixtures/augment && /usr/bin/python3 make_geometry.py PATH_OF_MMDETECTION
"""
import ast
import base64
import hashlib
import json
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode, functional as F

RGB = Image.open("../images/resize-source.png").convert("RGB")
IMAGES = {"RGB": RGB, "L": Image.fromarray(np.asarray(RGB)[..., 0].copy())}
FILTERS = {"Nearest": InterpolationMode.NEAREST, "Bilinear": InterpolationMode.BILINEAR, "Bicubic": InterpolationMode.BICUBIC}


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def packed(array):
    return base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode()


def perspective():
    cases, (width, height) = [], RGB.size
    start = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
    for end in ([[4, 7], [40, 1], [33, 24], [9, 30]], [[0, 0], [42, 5], [42, 30], [0, 20]], [[10, 3], [31, 6], [36, 29], [2, 25]]):
        for mode, image in IMAGES.items():
            for name, filter in FILTERS.items():
                result = F.perspective(image, start, end, filter, [124, 7, 201] if mode == "RGB" else [90])
                cases.append({"corners": end, "mode": mode, "filter": name, "coefficients": F._get_perspective_coeffs(start, end), "digest": digest(result)})
    return cases


def elastic():
    """A field of waves: [-1, 1] is the image."""
    cases, (width, height) = [], RGB.size
    for strength in (0.02, 0.15):
        y, x = np.mgrid[0:height, 0:width].astype(np.float64)
        field = np.stack([strength * np.sin(0.31 * x + 0.17 * y), strength * np.cos(0.23 * x - 0.29 * y)], -1).astype(np.float32)
        for mode, image in IMAGES.items():
            for name in ("Nearest", "Bilinear"):
                result = F.elastic_transform(image, torch.from_numpy(field)[None], FILTERS[name], [124, 7, 201] if mode == "RGB" else [90])
                cases.append({"strength": strength, "mode": mode, "filter": name, "pixels": packed(result)})
    return cases


def clahe():
    cases = []
    for limit, tiles in ((40.0, (8, 8)), (2.0, (3, 5)), (0.0, (4, 4)), (1.0, (1, 1)), (4.0, (31, 2))): # rows, columns
        make = cv2.createCLAHE(limit, (tiles[1], tiles[0]))
        cases.append({"limit": limit, "tiles": tiles, "channels": "Each", "mode": "L", "pixels": packed(make.apply(np.asarray(IMAGES["L"])))})
        if tiles in ((8, 8), (3, 5)):
            rgb = np.asarray(RGB)
            each = np.stack([make.apply(rgb[..., c].copy()) for c in range(3)], -1)
            cases.append({"limit": limit, "tiles": tiles, "channels": "Each", "mode": "RGB", "pixels": packed(each)})
            lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
            lab[..., 0] = make.apply(lab[..., 0].copy())
            cases.append({"limit": limit, "tiles": tiles, "channels": "Lightness", "mode": "RGB", "pixels": packed(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))})
    return cases


class Boxes:
    def __init__(self, tensor):
        self.tensor = torch.as_tensor(tensor, dtype=torch.float32).reshape(-1, 4)
        self.shape = self.tensor.shape

    def __len__(self):
        return len(self.tensor)

    def __getitem__(self, index):
        return Boxes(self.tensor[torch.as_tensor(index)])

    @staticmethod
    def cat(boxes):
        return Boxes(torch.cat([b.tensor for b in boxes]))


class BitmapMasks:
    def __init__(self, masks, height=None, width=None):
        self.masks = np.asarray(masks)

    def __len__(self):
        return len(self.masks)

    def __getitem__(self, index):
        return BitmapMasks(self.masks[index])

    def get_bboxes(self, kind):
        found = []
        for mask in self.masks:
            rows, columns = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
            found.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1] if len(rows) else [0, 0, 0, 0])
        return kind(found)


def ellipse(height, width, x, y, across, down):
    rows, columns = np.mgrid[0:height, 0:width]
    return (((columns + 0.5 - x) / across) ** 2 + ((rows + 0.5 - y) / down) ** 2 <= 1).astype(np.uint8)


def copy_paste(root):
    source = ast.parse((Path(root) / "mmdet/datasets/transforms/transforms.py").read_text())
    classes = [node for node in source.body if isinstance(node, ast.ClassDef) and node.name == "CopyPaste"]
    plain = lambda function: function
    names = {"np": np, "torch": torch, "BaseTransform": object, "BitmapMasks": BitmapMasks, "cache_randomness": plain, "autocast_box_type": lambda: plain, "BaseDataset": None,
             "TRANSFORMS": type("Registry", (), {"register_module": staticmethod(lambda: plain)})}
    exec(compile(ast.Module(classes, []), "CopyPaste", "exec"), names)
    height, width = 60, 80
    own = [(20, 20, 12, 9), (50, 30, 15, 15), (12, 50, 4, 4), (70, 52, 6, 5), (62, 12, 9, 9)] # middle, half axes
    other = [(28, 22, 8, 8), (52, 32, 14, 13), (13, 50, 6, 6), (66, 8, 5, 4)]

    def results(ellipses, first, offset):
        masks = np.stack([ellipse(height, width, *e) for e in ellipses])
        y, x, c = np.mgrid[0:height, 0:width, 0:3]
        return {"img": ((7 * x + 13 * y + 29 * c + offset) % 256).astype(np.uint8), "gt_masks": BitmapMasks(masks), "gt_bboxes": BitmapMasks(masks).get_bboxes(Boxes),
                "gt_bboxes_labels": np.arange(first, first + len(ellipses)), "gt_ignore_flags": np.arange(len(ellipses)) % 3 == 2}

    cases = []
    for options in ({}, {"bbox_occluded_thr": 2, "mask_occluded_thr": 60}, {"bbox_occluded_thr": 0, "mask_occluded_thr": 1000}):
        for chosen in ([0, 1, 2, 3], [1], [3, 0], [2, 1], []):
            transform = names["CopyPaste"](**options)
            transform._get_selected_inds = lambda count: np.array(chosen, int)
            result = transform.transform({**results(own, 0, 5), "mix_results": [results(other, 20, 131)]})
            cases.append({"bbox_occluded_thr": transform.bbox_occluded_thr, "mask_occluded_thr": transform.mask_occluded_thr, "chosen": chosen,
                          "boxes": result["gt_bboxes"].tensor.int().flatten().tolist(), "labels": result["gt_bboxes_labels"].tolist(), "ignored": result["gt_ignore_flags"].tolist(),
                          "masks": [digest(mask.astype(np.uint8)) for mask in result["gt_masks"].masks], "image": digest(result["img"].astype(np.uint8))})
    return {"height": height, "width": width, "own": own, "other": other, "cases": cases}


if len(sys.argv) != 2:
    sys.exit(__doc__)
content = {"perspective": perspective(), "elastic": elastic(), "clahe": clahe(), "copy_paste": copy_paste(sys.argv[1])}
with open("geometry.json", "w") as file:
    file.write("{\n" + ",\n".join(f'"{name}": ' + (json.dumps(value) if isinstance(value, dict) else "[\n" + ",\n".join(json.dumps(v) for v in value) + "\n]") for name, value in content.items()) + "\n}\n")
