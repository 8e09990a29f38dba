#!/usr/bin/python3
"""Detections and masks, and what lvis-api makes of them: federated AP and AR of 300. numpy 1.24.2, seed 0.

    make_lvis.py LVIS-API COCOAPI

LVIS-API is a checkout of github.com/lvis-dataset/lvis-api at 7d7f07def11da91f8b2710ce352c62a78fd5a7ad, COCOAPI one of
github.com/ppwwyyxx/cocoapi at ac87f5077ad6b8864c2dc5e93d14cae62d1db05a. Their evaluation is run as it is; maskApi.c is compiled and
called by mask_api.py.
"""
import copy
import json
import os
import sys
import types

import numpy as np

import mask_api

mask_api.use(sys.argv[2])


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    return made


module("pycocotools", mask=module("pycocotools.mask", **mask_api.FUNCTIONS))
module("lvis", __path__=[os.path.join(sys.argv[1], "lvis")])  # not its __init__, which draws
for name in ("coco", "cocoeval"):
    module(f"pycocotools.{name}", COCO=None, COCOeval=None)  # make_coco.py asks for them; its scenes alone are used
from make_coco import scene as box_scene  # noqa: E402
from lvis.eval import LVISEval  # noqa: E402
from lvis.lvis import LVIS  # noqa: E402
from lvis.results import LVISResults  # noqa: E402


def truth_of(images, categories, annotations):
    truth = LVIS.__new__(LVIS)
    truth.logger = types.SimpleNamespace(info=lambda *_: None)
    truth.dataset = copy.deepcopy({"images": images, "categories": categories, "annotations": annotations})
    truth._create_index()
    return truth


def evaluate(kind, images, categories, annotations, results):
    truth = truth_of(images, categories, annotations)
    evaluation = LVISEval(truth, LVISResults(truth, copy.deepcopy(results)), kind)
    evaluation.run()
    precision = evaluation.eval["precision"]
    mean = lambda values: None if (values < 0).any() else float(values.mean())
    names = {"AR@300": "AR300", "ARs@300": "ARs", "ARm@300": "ARm", "ARl@300": "ARl"}
    stats = {names.get(name, name): None if value < 0 else float(value) for name, value in evaluation.results.items()}
    return stats, [{"AP": mean(precision[:, :, c, 0]), "AP50": mean(precision[0, :, c, 0])} for c in range(len(categories))]


def federated(random, ids, categories, annotations):
    """Which categories were looked for in vain in each image, and which are incomplete."""
    images = []
    for image in ids:
        present = {a["category_id"] for a in annotations if a["image_id"] == image}
        absent = [c for c in categories if c not in present and random.random() < 0.4]
        partly = [c for c in categories if (c in present or c in absent) and random.random() < 0.3]
        images.append({"id": image, "neg_category_ids": absent, "not_exhaustive_category_ids": partly})
    return images


def boxes(name, random, ids, categories, frequencies, annotations, results):
    annotations = [{**a, "iscrowd": 0} for a in annotations]
    images = federated(random, ids, categories, annotations)
    listed = [{"id": c, "name": str(c), "frequency": f} for c, f in zip(categories, frequencies)]
    stats, classes = evaluate("bbox", images, listed, annotations, results)
    return {
        "name": name, "images": ids, "categories": categories, "frequencies": frequencies,
        "negative": [image["neg_category_ids"] for image in images],
        "not_exhaustive": [image["not_exhaustive_category_ids"] for image in images],
        "annotations": [[a["id"], a["image_id"], a["category_id"], a["bbox"], a["area"], 0] for a in annotations],
        "results": [[r["image_id"], r["category_id"], r["bbox"], r["score"]] for r in results],
        "expected": stats, "classes": classes}


def star(random, x, y, size, points):
    angle = np.sort(random.uniform(0, 2 * np.pi, points))
    radius = size * random.uniform(0.4, 1, points)
    return np.round(np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1), 2).ravel().tolist()


def masks(random):
    categories, frequencies, sizes = [3, 5, 8, 20], ["f", "r", "c", "c"], {}
    annotations, results = [], []
    for image in (2, 3, 7, 11, 13):
        h, w = sizes[image] = int(random.integers(120, 200)), int(random.integers(140, 240))
        for _ in range(random.integers(1, 6) if image != 13 else 0):
            category = int(random.choice(categories))
            x, y, size = random.uniform(0.1, 0.9) * w, random.uniform(0.1, 0.9) * h, random.choice([10, 35, 100]) * random.uniform(0.7, 1.3)
            polygons = [star(random, x, y, size, 9)] + ([star(random, x + size, y, size / 2, 6)] if random.random() < 0.3 else [])
            mask = mask_api.merge(mask_api.fr_py_objects(polygons, h, w))
            if mask_api.area(mask) == 0:
                continue
            annotations.append({"id": len(annotations) + 1, "image_id": image, "category_id": category, "segmentation": polygons, "iscrowd": 0,
                                "bbox": mask_api.to_bbox(mask).tolist(), "area": round(float(mask_api.area(mask)) * random.uniform(0.9, 1.1), 2)})
            for _ in range(random.integers(0, 4)):
                moved = [(np.array(p) + random.normal(0, random.choice([0.3, 1, 4]), len(p))).tolist() for p in polygons]
                results.append(found(mask_api.merge(mask_api.fr_py_objects(moved, h, w)), image,
                                     category if random.random() < 0.8 else int(random.choice(categories)), random))
        for _ in range(random.integers(1, 4)):
            results.append(found(mask_api.merge(mask_api.fr_py_objects([star(random, random.uniform(0, w), random.uniform(0, h), 20, 7)], h, w)),
                                 image, int(random.choice(categories)), random))
    images = [{**image, "height": sizes[image["id"]][0], "width": sizes[image["id"]][1]}
              for image in federated(random, list(sizes), categories, annotations)]
    listed = [{"id": c, "name": str(c), "frequency": f} for c, f in zip(categories, frequencies)]
    stats, classes = evaluate("segm", images, listed, annotations, results)
    return {"images": images, "categories": categories, "frequencies": frequencies,
            "negative": [image["neg_category_ids"] for image in images],
            "not_exhaustive": [image["not_exhaustive_category_ids"] for image in images],
            "annotations": annotations, "results": results, "expected": stats, "classes": classes}


def found(mask, image, category, random):
    return {"image_id": image, "category_id": category, "score": round(float(random.integers(1, 17)) / 16, 4),
            "segmentation": {"size": mask["size"], "counts": mask["counts"].decode()}}


def main():
    random = np.random.default_rng(0)
    eighths = lambda where: [round(float(v) * 8) / 8 for v in where]
    decimals = lambda where: [round(float(v), 2) for v in where]
    cases = []
    ids, categories = sorted(random.permutation(500)[:24].tolist()), [2, 3, 7, 90, 95, 1203]
    cases.append(boxes("ties, empty images, a class without objects", random, ids, categories, ["r", "c", "f", "f", "r", "c"],
                       *box_scene(random, ids, categories, eighths, lambda: float(random.integers(1, 9)) / 8, 5, 4, 3, unused=[7])))
    ids = sorted(random.permutation(5000)[:30].tolist())
    cases.append(boxes("decimals, no class is rare", random, ids, [1, 2, 4], ["f", "c", "c"],
                       *box_scene(random, ids, [1, 2, 4], decimals, lambda: round(float(random.random()), 4), 4, 3, 3)))
    annotations, results = [], []
    for n in range(340):  # more than count: those of low or late equal scores are left out, whatever their class
        results.append({"image_id": 1, "category_id": 1 + n % 3, "bbox": [float(n), float(n % 7), 40, 40], "score": (n * 37 % 64) / 64})
    for n in range(0, 300, 20):
        annotations.append({"id": 500 - n, "image_id": 1, "category_id": 1 + n % 3, "bbox": [float(n), float(n % 7), 40, 36], "area": 1440})
    annotations += [{"id": 900, "image_id": 1, "category_id": 1, "bbox": [5, 5, 0, 30], "area": 0},  # without area: not asked for
                    {"id": 901, "image_id": 2, "category_id": 2, "bbox": [5, 5, 30, 30], "area": 900, "ignore": 0}]
    results += [{"image_id": 2, "category_id": 2, "bbox": [5, 5, 30, 0], "score": 0.9},
                {"image_id": 2, "category_id": 2, "bbox": [5, 5, 30, 28], "score": 0.8}]
    cases.append(boxes("more than 300, without area", random, [1, 2, 3], [1, 2, 3], ["r", "c", "f"], annotations, results))
    made = {"boxes": cases, "masks": [masks(random) for _ in range(3)]}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lvis.json")
    with open(path, "w") as file:
        json.dump(made, file, separators=(",", ":"))
        file.write("\n")
    print([c["expected"] for c in cases + made["masks"]], os.path.getsize(path))


if __name__ == "__main__":
    main()
