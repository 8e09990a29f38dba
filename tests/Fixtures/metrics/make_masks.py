#!/usr/bin/python3
"""Masks and what pycocotools makes of them: run lengths, texts, boxes, overlaps, AP of masks and of boundaries. numpy 1.24.2, seed 0.

    make_masks.py COCOAPI BOUNDARY-IOU-API

COCOAPI is a checkout of github.com/ppwwyyxx/cocoapi at ac87f5077ad6b8864c2dc5e93d14cae62d1db05a (pycocotools 2.0),
BOUNDARY-IOU-API one of github.com/bowenc0221/boundary-iou-api at 37d25586a677b043ed585f10e5c42d4e80176ea9. Their evaluation is run as
it is. common/maskApi.c is compiled with gcc and called through ctypes, in place of the Cython module around it; of cv2, which the
second needs for two calls, those two are written here in numpy.
"""
import contextlib
import io
import json
import os
import sys
import types

import numpy as np

import mask_api
from mask_api import area, decode, encode, fr_py_objects, iou, merge, runs, to_bbox

np.float = float
mask_api.use(sys.argv[1])


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    return made


def erode(mask, kernel, iterations):
    for _ in range(iterations):
        padded = np.pad(mask, 1, constant_values=255)  # as cv2: what lies outside doesn't erode
        mask = np.min([padded[y:y + mask.shape[0], x:x + mask.shape[1]] for y in range(3) for x in range(3)], axis=0)
    return mask


sys.path.insert(0, os.path.join(sys.argv[1], "PythonAPI"))
package = module("pycocotools", __path__=[os.path.join(sys.argv[1], "PythonAPI", "pycocotools")])
package.mask = module("pycocotools.mask", **mask_api.FUNCTIONS)
module("cv2", BORDER_CONSTANT=0, erode=erode, copyMakeBorder=lambda mask, *sides, value: np.pad(mask, 1, constant_values=value))
for name in ["matplotlib", "matplotlib.pyplot", "matplotlib.collections", "matplotlib.patches"]:
    module(name, PatchCollection=None, Polygon=None)
sys.path.insert(0, sys.argv[2])
from pycocotools.coco import COCO  # noqa: E402
from pycocotools.cocoeval import COCOeval  # noqa: E402
from boundary_iou.coco_instance_api.coco import COCO as BoundaryCOCO  # noqa: E402
from boundary_iou.coco_instance_api.cocoeval import COCOeval as BoundaryEval  # noqa: E402
from boundary_iou.utils.boundary_utils import mask_to_boundary  # noqa: E402

NAMES = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


def evaluate(kind, images, categories, annotations, results):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = (BoundaryCOCO if kind == "boundary" else COCO)()
        truth.dataset = {"images": images, "categories": [{"id": c, "name": str(c)} for c in categories],
                         "annotations": [dict(a) for a in annotations]}
        if kind == "boundary":
            truth.get_boundary = True
        truth.createIndex()
        evaluation = (BoundaryEval if kind == "boundary" else COCOeval)(truth, truth.loadRes([dict(r) for r in results]), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"]
    mean = lambda values: None if (values < 0).any() else float(values.mean())
    classes = [{"AP": mean(precision[:, :, c, 0, 2]), "AP50": mean(precision[0, :, c, 0, 2])} for c in range(len(categories))]
    return {name: None if value < 0 else float(value) for name, value in zip(NAMES, evaluation.stats)}, classes


def plain(entry):
    return entry["counts"].decode()


def star(random, x, y, size, points):
    """A polygon around a point; with few, wild points it crosses itself."""
    angle = np.sort(random.uniform(0, 2 * np.pi, points)) if random.random() < 0.7 else random.uniform(0, 2 * np.pi, points)
    radius = size * random.uniform(0.4, 1, points)
    return np.round(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1), 2).ravel().tolist()


def codec(random):
    entries = []
    for i in range(40):
        h, w = int(random.integers(1, 60)), int(random.integers(1, 60))
        if i % 4 == 0:  # corners on whole and half pixels
            points = (random.integers(-4, 2 * max(h, w) + 4, 2 * random.integers(3, 7)) / 2).tolist()
        else:
            points = star(random, random.uniform(-0.2, 1.2) * w, random.uniform(-0.2, 1.2) * h, random.uniform(0.5, 40), random.integers(3, 12))
        entries.append(([points], h, w))
    entries += [([[1, 1, 5, 1, 5, 4, 1, 4], [4, 2, 9, 2, 9, 9, 4, 9]], 10, 12), ([[0, 0, 12, 0, 12, 10, 0, 10]], 10, 12),
                ([[2.5, 2.5, 2.5, 2.5, 7.5, 2.5, 7.5, 7.5, 2.5, 7.5]], 10, 12), ([[20, 20, 30, 20, 30, 30]], 10, 12), ([[3, 3, 3, 3, 3, 3]], 10, 12)]
    found = []
    for polygons, h, w in entries:
        mask = merge(fr_py_objects(polygons, h, w))
        boundary = encode(mask_to_boundary(np.ascontiguousarray(decode(mask)), 0.05))
        found.append({"polygons": polygons, "size": [h, w], "counts": plain(mask), "runs": runs(mask), "area": int(area(mask)),
                      "box": to_bbox(mask).tolist(), "boundary": plain(boundary)})
    return found


def overlaps(random):
    h, w = 30, 40
    masks = [merge(fr_py_objects([star(random, *random.uniform(5, 30, 2), random.uniform(3, 15), 6)], h, w)) for _ in range(8)]
    crowd = [int(i % 3 == 0) for i in range(4)]
    return {"size": [h, w], "masks": [plain(mask) for mask in masks], "crowd": crowd, "iou": iou(masks[4:], masks[:4], crowd).tolist(),
            "union": plain(merge(masks[:3])), "intersection": plain(merge(masks[1:3], 1))}


def scene(random):
    categories = [2, 5, 9]
    images = [{"id": i, "height": int(random.integers(150, 240)), "width": int(random.integers(180, 300))} for i in (1, 3, 4, 8, 9, 12)]
    annotations, results = [], []
    for image in images[:-1]:
        h, w = image["height"], image["width"]
        for _ in range(random.integers(1, 6)):
            category, crowd = int(random.choice(categories)), int(random.random() < 0.2)
            x, y, size = random.uniform(0.1, 0.9) * w, random.uniform(0.1, 0.9) * h, random.choice([10, 35, 120]) * random.uniform(0.7, 1.3)
            polygons = [star(random, x, y, size, 9)] + ([star(random, x + size, y, size / 2, 6)] if random.random() < 0.3 else [])
            mask = merge(fr_py_objects(polygons, h, w))
            if area(mask) == 0:
                continue
            segmentation = polygons
            if crowd:
                segmentation = {"size": [h, w], "counts": runs(mask)}
            elif random.random() < 0.3:
                segmentation = {"size": [h, w], "counts": plain(mask)}
            annotations.append({"id": len(annotations) + 1, "image_id": image["id"], "category_id": category, "iscrowd": crowd,
                                "segmentation": segmentation, "bbox": to_bbox(mask).tolist(),
                                "area": round(float(area(mask)) * random.uniform(0.9, 1.1), 2)})
            for _ in range(random.integers(0, 4)):
                moved = [(np.array(p) + random.normal(0, random.choice([0.3, 1, 4]), len(p))).tolist() for p in polygons]
                found = merge(fr_py_objects(moved, h, w))
                results.append({"image_id": image["id"], "category_id": category if random.random() < 0.9 else int(random.choice(categories)),
                                "segmentation": {"size": [h, w], "counts": plain(found)}, "score": round(random.random(), 2)})
        for _ in range(random.integers(0, 3)):
            stray = merge(fr_py_objects([star(random, random.uniform(0, w), random.uniform(0, h), random.uniform(2, 40), 7)], h, w))
            results.append({"image_id": image["id"], "category_id": int(random.choice(categories)),
                            "segmentation": {"size": [h, w], "counts": plain(stray)}, "score": round(random.random(), 2)})
    expected = {kind: dict(zip(["stats", "classes"], evaluate(kind, images, categories, annotations, results))) for kind in ["segm", "boundary"]}
    return {"images": images, "categories": categories, "annotations": annotations, "results": results, "expected": expected}


def main():
    random = np.random.default_rng(0)
    made = {"codec": codec(random), "overlaps": overlaps(random), "scenes": [scene(random) for _ in range(3)]}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "masks.json"), "w") as file:
        json.dump(made, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
