#!/usr/bin/python3
"""Detections, what the TIDE tool (tidecv 1.0.1, github.com/dbolya/tide) makes of them, and COCO's error curves by pycocotools
(2.0, github.com/cocodataset/cocoapi, on numpy 1.24.2). Seed 0.

    make_detection_errors.py TIDE PythonAPI   # the first a checkout; the second's folder after: python3 setup.py build_ext --inplace

Both programs run as they are, but for numpy's float, which is gone, and for pandas and seaborn, with which
tidecv draws.
"""
import contextlib
import copy
import io
import json
import os
import sys
import types

import numpy as np

np.float = float
for name in ["pandas", "seaborn"]:
    sys.modules[name] = types.ModuleType(name)
sys.path[:0] = sys.argv[1:3]
from pycocotools.coco import COCO  # noqa: E402
from pycocotools.cocoeval import COCOeval  # noqa: E402
from tidecv import TIDE  # noqa: E402
from tidecv import plotting  # noqa: E402
from tidecv.data import Data  # noqa: E402

plotting.Plotter = object

KINDS = {"Cls": "Classification", "Loc": "Localisation", "Both": "Both", "Dupe": "Duplicate", "Bkg": "Background", "Miss": "Missed"}
STEPS = ["C75", "C50", "Loc", "Sim", "Oth", "BG", "FN"]


def tide(images, annotations, results):
    truth, found = Data("truth"), Data("found")
    for image in images:
        truth.add_image(image, str(image))
    for a in annotations:
        (truth.add_ignore_region if a["iscrowd"] else truth.add_ground_truth)(a["image_id"], a["category_id"], a["bbox"])
    for r in results:
        found.add_detection(r["image_id"], r["category_id"], r["score"], r["bbox"])
    program = TIDE()
    run = program.evaluate(truth, found, mode=TIDE.BOX)
    gains, special = run.fix_main_errors(), run.fix_special_errors()
    return {
        "ap": run.ap / 100,
        "counts": {KINDS[kind.short_name]: count for kind, count in run.count_errors().items()},
        "gains": {KINDS[kind.short_name]: gain / 100 for kind, gain in gains.items()},
        "false_positive": next(v for k, v in special.items() if k.short_name == "FalsePos") / 100,
        "false_negative": next(v for k, v in special.items() if k.short_name == "FalseNeg") / 100,
    }


def coco(images, categories, annotations):
    truth = COCO()
    truth.dataset = {"images": [{"id": i} for i in images], "categories": [{"id": c, "name": str(c)} for c in categories],
                     "annotations": copy.deepcopy(annotations)}
    truth.createIndex()
    return truth


def precision(images, categories, annotations, results, category, scope, thresholds):
    """[thresholds, recalls, areas] of one category; objects of the others in scope are to be passed over, as it."""
    annotations = copy.deepcopy(annotations)
    for a in annotations:
        if a["category_id"] != category and a["category_id"] in scope:
            a.update(category_id=category, ignore=1, iscrowd=1)
    own = [dict(r) for r in results if r["category_id"] == category]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco(images, categories, annotations)
        found = truth.loadRes(own) if own else COCO()
        if not own:
            found.dataset = {"images": truth.dataset["images"], "categories": truth.dataset["categories"], "annotations": []}
            found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.params.maxDets = [100]
        evaluation.params.iouThrs = thresholds
        evaluation.params.catIds = [category]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"][:, :, 0, :, 0]


def curves(images, categories, annotations, results, groups):
    found = []
    for category in categories:
        group = next((g for g in groups if category in g), [category])
        args = images, categories, annotations, results, category
        plain = precision(*args, [category], [0.75, 0.5, 0.1])
        similar, others = precision(*args, group, [0.1])[0], precision(*args, categories, [0.1])[0]
        areas = []
        for area in range(4):
            if (plain[0, :, area] < 0).any():
                areas.append(None)
                continue
            steps = [plain[0, :, area], plain[1, :, area], plain[2, :, area], similar[:, area], others[:, area],
                     (others[:, area] > 0).astype(float), np.ones(101)]
            areas.append({name: [float(v) for v in step[::10]] + [float(step.mean())] for name, step in zip(STEPS, steps)})
        found.append(areas)
    return found


def scene(random, images, categories, objects, unused=()):
    annotations, results = [], []
    usable = [c for c in categories if c not in unused]
    number = 0
    for image in images:
        for _ in range(random.integers(0, objects + 1)):
            number += 1
            category, size = int(random.choice(usable)), float(np.exp(random.uniform(np.log(14), np.log(170))))
            box = [*np.round(random.uniform(0, 300, 2), 2), round(size, 2), round(size * random.uniform(0.6, 1.6), 2)]
            box = [float(v) for v in box]
            crowd = int(random.random() < 0.08)
            annotations.append({"id": number, "image_id": image, "category_id": category, "bbox": box, "area": box[2] * box[3], "iscrowd": crowd})
            for _ in range(random.integers(0, 4)):
                shift = random.choice([0.03, 0.15, 0.4, 0.9])
                x, y = np.array(box[:2]) + random.normal(0, shift, 2) * box[2:]
                width, height = np.array(box[2:]) * np.exp(random.normal(0, shift / 2, 2))
                label = category if random.random() < 0.7 else int(random.choice(categories))
                results.append({"image_id": image, "category_id": label, "bbox": [round(float(v), 2) for v in (x, y, width, height)],
                                "score": round(float(random.beta(3, 2)), 2)})
        for _ in range(random.integers(0, 3)):
            results.append({"image_id": image, "category_id": int(random.choice(categories)),
                            "bbox": [round(float(v), 2) for v in (*random.uniform(0, 300, 2), *random.uniform(10, 120, 2))],
                            "score": round(float(random.beta(2, 3)), 2)})
    return annotations, results


def main():
    random, cases = np.random.default_rng(0), []
    for name, images, categories, objects, unused, groups in [
        ("three classes, two similar", 12, [1, 2, 3], 5, (), [[1, 2]]),
        ("a class that is only predicted", 8, [1, 2, 5, 9], 4, (9,), [[1, 5]]),
        ("many objects", 6, [3, 4], 14, (), []),
    ]:
        ids = list(range(1, images + 1))
        annotations, results = scene(random, ids, categories, objects, unused)
        cases.append({
            "name": name, "images": ids, "categories": categories, "groups": groups,
            "annotations": [[a["id"], a["image_id"], a["category_id"], a["bbox"], a["area"], a["iscrowd"]] for a in annotations],
            "results": [[r["image_id"], r["category_id"], r["bbox"], r["score"]] for r in results],
            "tide": tide(ids, annotations, results),
            "curves": curves(ids, categories, annotations, results, groups)})
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "detection-errors.json"), "w") as file:
        json.dump(cases, file, separators=(",", ":"))
        file.write("\n")
    for case in cases:
        print(case["name"], case["tide"])


main()
