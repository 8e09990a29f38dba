#!/usr/bin/python3
"""Detections and what MMDetection's OpenImagesMetric makes of them, and the matrix of its hierarchy. numpy 1.24.2, seed 0.

    make_open_images.py MMDETECTION

MMDETECTION is a checkout of github.com/open-mmlab/mmdetection, version 3.3.0. (What was run: the copy in github.com/magic2chen/mmdet at
7a8013dc5ab22439f5239c666fac61b1234b8e3e, which differs from the copy in github.com/zhihuaji/DMCA-Net in words of comments alone.)
openimages_metric.py, mean_ap.py, bbox_overlaps.py and datasets/openimages.py are run as they are; mmengine and terminaltables are stand-ins. float32
stands for float64 in them, so that figures can be compared closely. Scores are all different: the order of equal ones is not defined there.
"""
import copy
import importlib
import json
import os
import sys
import types

import numpy as np

ROOT = os.path.join(sys.argv[1], "mmdet")


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    return made


class Registry:
    def register_module(self, **_):
        return lambda made: made


class BaseMetric:
    def __init__(self, collect_device="cpu", prefix=None):
        self.results = []


class Array:
    """A tensor, as far as the metric asks."""

    def __init__(self, values):
        self.values = values

    def cpu(self):
        return self

    def numpy(self):
        return self.values


class Pool:
    def __init__(self, _):
        pass

    def starmap(self, function, arguments):
        return [function(*each) for each in arguments]

    def close(self):
        pass


class Double(types.ModuleType):
    """numpy in double precision."""

    float32 = np.float64

    def __getattr__(self, name):
        return getattr(np, name)


nothing = lambda *_, **__: None
module("mmengine", __path__=[])
module("mmengine.logging", print_log=nothing, MMLogger=types.SimpleNamespace(get_current_instance=nothing))
module("mmengine.utils", is_str=lambda value: isinstance(value, str), is_abs=os.path.isabs)
module("mmengine.evaluator", BaseMetric=BaseMetric)
module("mmengine.fileio", get_local_path=None, load=lambda path, **_: json.load(open(path)))
module("terminaltables", AsciiTable=None)
module("mmdet", __path__=[ROOT])
module("mmdet.registry", METRICS=Registry(), DATASETS=Registry())
module("mmdet.datasets", __path__=[os.path.join(ROOT, "datasets")])
module("mmdet.datasets.base_det_dataset", BaseDetDataset=object)
module("mmdet.evaluation", __path__=[os.path.join(ROOT, "evaluation")])
module("mmdet.evaluation.metrics", __path__=[os.path.join(ROOT, "evaluation", "metrics")])
functional = module("mmdet.evaluation.functional", __path__=[os.path.join(ROOT, "evaluation", "functional")])
module("mmdet.evaluation.functional.class_names", get_classes=None)
overlaps = importlib.import_module("mmdet.evaluation.functional.bbox_overlaps")
mean_ap = importlib.import_module("mmdet.evaluation.functional.mean_ap")
functional.eval_map = mean_ap.eval_map
metric = importlib.import_module("mmdet.evaluation.metrics.openimages_metric")
datasets = importlib.import_module("mmdet.datasets.openimages")
for each in (overlaps, mean_ap, metric):
    each.np = Double("numpy")
mean_ap.Pool, mean_ap.print_map_summary = Pool, nothing

# A class may lie in the tree twice: a bat is an animal and a kind of sports equipment.
HIERARCHY = {"LabelName": "/m/0", "Subcategory": [
    {"LabelName": "/m/animal", "Subcategory": [
        {"LabelName": "/m/mammal", "Subcategory": [{"LabelName": "/m/dog"}, {"LabelName": "/m/cat"}, {"LabelName": "/m/bat"}]},
        {"LabelName": "/m/bird"}]},
    {"LabelName": "/m/sports", "Subcategory": [{"LabelName": "/m/bat"}]},
    {"LabelName": "/m/tree", "Part": [{"LabelName": "/m/leaf"}]}]}
CLASSES = ["/m/dog", "/m/animal", "/m/tree", "/m/bat", "/m/mammal", "/m/bird", "/m/sports", "/m/cat"]


def relations():
    dataset = datasets.OpenImagesDataset.__new__(datasets.OpenImagesDataset)
    dataset.label_id_mapping = {label: i for i, label in enumerate(CLASSES)}
    return dataset._convert_hierarchy_tree(HIERARCHY, np.eye(len(CLASSES), len(CLASSES)))


def evaluate(images, matrix, options):
    caught = []
    metric.eval_map = lambda *args, **more: caught.append(mean_ap.eval_map(*args, **more)) or caught[-1]
    measured = metric.OpenImagesMetric(**options)
    measured.dataset_meta = {"classes": CLASSES, "RELATION_MATRIX": matrix, "dataset_type": "oid_v6"}
    for image in images:
        measured.process({}, [{
            "instances": [{"bbox": box, "bbox_label": label, "is_group_of": bool(group)} for box, label, group in copy.deepcopy(image["truth"])],
            "image_level_labels": None if image["verified"] is None else np.array(image["verified"], dtype=np.int64),
            "pred_instances": {"bboxes": Array(np.array([f[0] for f in image["found"]], dtype=float).reshape(-1, 4)),
                               "scores": Array(np.array([f[2] for f in image["found"]], dtype=float)),
                               "labels": Array(np.array([f[1] for f in image["found"]], dtype=np.int64))}}])
    if options.get("use_group_of", True):
        mean = measured.compute_metrics(measured.results)["mAP"]
    else:  # compute_metrics can't (it unpacks two of three values); groups are objects like any other for the default function
        gts, found = zip(*measured.results)
        mean, _ = metric.eval_map(found, gts, iou_thr=0.5, logger="silent", use_group_of=False)
    return {"options": options, "mAP": float(mean), "classes": [float(c["ap"]) if c["num_gts"] > 0 else None for c in caught[0][1]]}


def scene(random, count):
    scores = iter(((random.permutation(4000) + 1) / 4001).tolist())
    quarters = lambda box: [round(float(v) * 4) / 4 for v in box]
    images = []
    for _ in range(count):
        truth, found = [], []
        for _ in range(random.integers(0, 5)):
            x, y, w, h = *random.uniform(0, 200, 2), *random.uniform(20, 120, 2)
            label, group = int(random.integers(0, len(CLASSES))), int(random.random() < 0.3)
            truth.append([quarters([x, y, x + w, y + h]), label, group])
            for _ in range(random.integers(0, 4)):
                if group:  # within the group, or half outside of it
                    u, v, a, b = x + w * random.uniform(-0.3, 0.6), y + h * random.uniform(-0.3, 0.6), w * random.uniform(0.2, 0.5), h * random.uniform(0.2, 0.5)
                    box = [u, v, u + a, v + b]
                else:
                    noise = random.normal(0, random.choice([0.03, 0.1, 0.25]), 4)
                    box = [x + w * noise[0], y + h * noise[1], x + w * (1 + noise[2]), y + h * (1 + noise[3])]
                found.append([quarters(box), label if random.random() < 0.8 else int(random.integers(0, len(CLASSES))), next(scores)])
        for _ in range(random.integers(0, 3)):
            x, y, w, h = *random.uniform(0, 200, 2), *random.uniform(10, 80, 2)
            found.append([quarters([x, y, x + w, y + h]), int(random.integers(0, len(CLASSES))), next(scores)])
        order = random.permutation(len(found))
        images.append({"truth": truth, "found": [found[i] for i in order],
                       "verified": sorted(random.permutation(len(CLASSES))[:random.integers(0, 5)].tolist())})
    return images


def main():
    random = np.random.default_rng(0)
    matrix, scenes = relations(), []
    for count in (40, 1, 25):
        images = scene(random, count)
        cases = [evaluate(images, matrix, dict(use_group_of=group, get_supercategory=above, filter_labels=only))
                 for group, above, only in [(True, True, True), (False, True, True), (True, False, True), (True, True, False), (False, False, False)]]
        cases.append(evaluate(images, matrix, dict(iou_thrs=0.75, ioa_thrs=0.9)))
        scenes.append({"images": images, "cases": cases})
    made = {"labels": CLASSES, "hierarchy": HIERARCHY, "matrix": matrix.astype(int).tolist(), "scenes": scenes}
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "open-images.json")
    with open(path, "w") as file:
        json.dump(made, file, separators=(",", ":"))
        file.write("\n")
    print([[case["mAP"] for case in made["cases"]] for made in scenes], os.path.getsize(path))


if __name__ == "__main__":
    main()
