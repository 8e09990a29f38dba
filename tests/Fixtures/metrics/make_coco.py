#!/usr/bin/python3
"""Detections and what pycocotools (2.0, github.com/cocodataset/cocoapi, on numpy 1.24.2) makes of them, seed 0.

    make_coco.py PythonAPI        # its folder, after: python3 setup.py build_ext --inplace

The one change to it: np.float, which numpy no longer has, is float.
"""
import contextlib
import io
import json
import os
import sys

import numpy as np

np.float = float
sys.path.insert(0, sys.argv[1])
from pycocotools.coco import COCO  # noqa: E402
from pycocotools.cocoeval import COCOeval  # noqa: E402

NAMES = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


def evaluate(images, categories, annotations, results):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"images": [{"id": i} for i in images], "categories": [{"id": c, "name": str(c)} for c in categories],
                         "annotations": [dict(a) for a in annotations]}
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes([dict(r) for r in results]), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]
    mean = lambda values: None if (values < 0).any() else float(values.mean())
    classes = [{"AP": mean(precision[:, :, c, 0, 2]), "AP50": mean(precision[0, :, c, 0, 2]), "AP75": mean(precision[5, :, c, 0, 2]),
                "APs": mean(precision[:, :, c, 1, 2]), "APm": mean(precision[:, :, c, 2, 2]), "APl": mean(precision[:, :, c, 3, 2]),
                "AR100": mean(recall[:, c, 0, 2])} for c in range(len(categories))]
    return {name: None if value < 0 else float(value) for name, value in zip(NAMES, evaluation.stats)}, classes


def case(name, images, categories, annotations, results):
    stats, classes = evaluate(images, categories, annotations, results)
    return {
        "name": name, "images": images, "categories": categories,
        "annotations": [[a["id"], a["image_id"], a["category_id"], a["bbox"], a["area"], a["iscrowd"]] for a in annotations],
        "results": [[r["image_id"], r["category_id"], r["bbox"], r["score"]] for r in results],
        "expected": stats, "classes": classes}


def scene(random, images, categories, box, score, objects, per_object, stray, unused=()):
    """Objects strewn over images, detections around them; some images have neither."""
    annotations, results = [], []
    ids = iter(random.permutation(np.arange(1, 10000)).tolist())
    for image in images:
        for _ in range(random.integers(0, objects + 1)):
            category = int(random.choice([c for c in categories if c not in unused]))
            size = float(np.exp(random.uniform(np.log(12), np.log(160))))
            where = [*random.uniform(0, 300, 2), size, size * random.uniform(0.5, 2)]
            crowd = int(random.random() < 0.12)
            if crowd:
                where[2:] = [2 * side for side in where[2:]]
            where = box(where)
            annotations.append({"id": next(ids), "image_id": image, "category_id": category, "bbox": where,
                                "area": round(where[2] * where[3] * random.uniform(0.5, 1), 2), "iscrowd": crowd})
            for _ in range(random.integers(0, per_object + 1)):
                x, y, w, h = where
                noise = random.normal(0, random.choice([0.02, 0.08, 0.2]), 4)
                results.append({"image_id": image, "category_id": category if random.random() < 0.9 else int(random.choice(categories)),
                                "bbox": box([x + w * noise[0], y + h * noise[1], w * np.exp(noise[2]), h * np.exp(noise[3])]), "score": score()})
        for _ in range(random.integers(0, stray + 1)):
            results.append({"image_id": image, "category_id": int(random.choice(categories)),
                            "bbox": box([*random.uniform(0, 300, 2), *np.exp(random.uniform(2, 5, 2))]), "score": score()})
    random.shuffle(annotations)
    order = random.permutation(len(results))
    return annotations, [results[i] for i in order]


def main():
    random = np.random.default_rng(0)
    eighths = lambda where: [round(float(v) * 8) / 8 for v in where]
    decimals = lambda where: [round(float(v), 2) for v in where]
    cases = []
    images, categories = sorted(random.permutation(500)[:24].tolist()), [2, 3, 7, 90]
    cases.append(case("ties, crowds, empty images, a class without objects", images, categories,
                      *scene(random, images, categories, eighths, lambda: float(random.integers(1, 9)) / 8, 5, 4, 3, unused=[7])))
    images = sorted(random.permutation(5000)[:40].tolist())
    cases.append(case("decimals", images, [1, 2], *scene(random, images, [1, 2], decimals, lambda: round(float(random.random()), 4), 4, 3, 3)))

    # Overlaps that fall on the thresholds, objects on the borders between the sizes, more detections than count.
    annotations, results = [], []
    for n in range(1, 31):
        height = [50, 55, 60, 65, 70, 75, 80, 85, 90, 95][n % 10]
        annotations.append({"id": 100 - n, "image_id": n, "category_id": 1, "bbox": [10 * n, 5, 100, 100], "area": [1024, 9216, 9216.5][n % 3], "iscrowd": 0})
        results.append({"image_id": n, "category_id": 1, "bbox": [10 * n, 5, 100, height], "score": 0.5 + n % 7 / 16})
        results.append({"image_id": n, "category_id": 1, "bbox": [10 * n, 5 + 100 - height, 100, height], "score": 0.5 + n % 5 / 16})
        results.append({"image_id": n, "category_id": 1, "bbox": [400, 5, 32 if n % 2 else 96, 32 if n % 2 else 96], "score": 0.75})
    for n in range(120):
        results.append({"image_id": 31, "category_id": 1, "bbox": [float(n), 0, 40, 40], "score": 1 - n / 128})
    annotations.append({"id": 200, "image_id": 31, "category_id": 1, "bbox": [110, 0, 40, 40], "area": 1600, "iscrowd": 0})
    cases.append(case("on the thresholds", list(range(1, 32)), [1], annotations, results))

    cases.append(case("nothing found", [1, 2], [1, 2], [{"id": 5, "image_id": 2, "category_id": 2, "bbox": [0, 0, 50, 50], "area": 2500, "iscrowd": 0}],
                      [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5], "score": 0.5}]))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pycocotools.json")
    with open(path, "w") as file:
        file.write("[" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "]\n")
    print([c["expected"] for c in cases], os.path.getsize(path))


if __name__ == "__main__":
    main()
