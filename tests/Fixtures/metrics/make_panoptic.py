#!/usr/bin/python3
"""Panoptic maps and what panopticapi makes of them (7bb4655, github.com/cocodataset/panopticapi, on numpy 1.24.2 and Pillow 9.4), seed 0.

    make_panoptic.py PANOPTICAPI

PANOPTICAPI is a checkout, whose file evaluation.py is run as it is. Scenes are rectangles over one another: with crowds, pixels without a
segment, predictions that repeat the truth shifted, split or under another class, and images in which nothing is found.
"""
import contextlib
import io
import json
import os
import sys
import tempfile

import numpy as np
import PIL.Image

sys.path.insert(0, sys.argv[1])
from panopticapi.evaluation import PQStat, pq_compute_single_core  # noqa: E402
from panopticapi.utils import id2rgb  # noqa: E402

CATEGORIES = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 3, "name": "dog", "isthing": 1}, {"id": 7, "name": "owl", "isthing": 1},
              {"id": 40, "name": "sky", "isthing": 0}, {"id": 41, "name": "grass", "isthing": 0}, {"id": 50, "name": "never", "isthing": 0}]


def scene(random, height, width):
    """Ids and (category, crowd) of each."""
    ids, segments = np.zeros((height, width), np.uint32), {}
    used = {}
    for place in range(random.integers(0, 8)):
        top, left = random.integers(0, height - 4), random.integers(0, width - 4)
        bottom, right = random.integers(top + 2, height + 1), random.integers(left + 2, width + 1)
        category = CATEGORIES[random.integers(0, 5)]
        stuff = not category["isthing"]
        if stuff and category["id"] in used:
            segment = used[category["id"]]
        else:
            segment = 1000 + 37 * place
            used[category["id"]] = segment
            segments[segment] = (category["id"], int(not stuff and random.random() < 0.25))
        ids[top:bottom, left:right] = segment
    return ids, {key: value for key, value in segments.items() if (ids == key).any()}


def prediction(random, ids, segments):
    found, kept = np.zeros_like(ids), {}
    for segment, (category, _) in segments.items():
        mask = np.roll(ids == segment, (random.integers(-1, 2), random.integers(-1, 2)), (0, 1)) if random.random() < 0.7 else ids == segment
        if random.random() < 0.15:
            continue
        if random.random() < 0.15:
            category = CATEGORIES[random.integers(0, 5)]["id"]
        found[mask] = segment + 1
        kept[segment + 1] = category
    for extra in range(random.integers(0, 3)):
        top, left = random.integers(0, ids.shape[0] - 2), random.integers(0, ids.shape[1] - 2)
        found[top:top + random.integers(2, 9), left:left + random.integers(2, 9)] = 5 + extra
        kept[5 + extra] = CATEGORIES[random.integers(0, 5)]["id"]
    return found, {key: value for key, value in kept.items() if (found == key).any()}


def runs(ids):
    result = []
    for value in ids.flatten().tolist():
        if result and result[-1][0] == value:
            result[-1][1] += 1
        else:
            result.append([value, 1])
    return result


def evaluate(images):
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        pairs = []
        for i, (truth, segments, found, kept) in enumerate(images):
            for name, values in (("t", truth), ("p", found)):
                os.makedirs(os.path.join(folder, name), exist_ok=True)
                PIL.Image.fromarray(id2rgb(values.copy())).save(os.path.join(folder, name, f"{i}.png"))
            pairs.append(({"image_id": i, "file_name": f"{i}.png", "segments_info": [
                {"id": key, "category_id": category, "iscrowd": crowd, "area": int((truth == key).sum())} for key, (category, crowd) in segments.items()]},
                {"image_id": i, "file_name": f"{i}.png", "segments_info": [{"id": key, "category_id": category} for key, category in kept.items()]}))
        categories = {one["id"]: one for one in CATEGORIES}
        stat = PQStat()
        stat += pq_compute_single_core(0, pairs, os.path.join(folder, "t"), os.path.join(folder, "p"), categories)
        result = {}
        for name, isthing in (("all", None), ("things", True), ("stuff", False)):
            result[name], classes = stat.pq_average(categories, isthing=isthing)
            if isthing is None:
                result["classes"] = {one["name"]: [classes[one["id"]][key] for key in ("pq", "sq", "rq")] for one in CATEGORIES}
        return result


if __name__ == "__main__":
    random = np.random.default_rng(0)
    images = []
    for _ in range(24):
        height, width = int(random.integers(12, 24)), int(random.integers(12, 24))
        truth, segments = scene(random, height, width)
        images.append((truth, segments, *prediction(random, truth, segments)))
    # A truth that is not told apart: more than half of a prediction lies on a crowd, or on no segment.
    crowd = np.zeros((16, 16), np.uint32)
    crowd[:, :10] = 9
    for last in (14, 16):
        found = np.zeros_like(crowd)
        found[:8, 4:last] = 2
        images.append((crowd, {9: (1, 1)}, found, {2: 1}))
    content = {"categories": CATEGORIES, "result": evaluate(images), "images": [
        {"height": truth.shape[0], "width": truth.shape[1], "truth": runs(truth), "predicted": runs(found),
         "segments": [[int(key), *value] for key, value in segments.items()], "found": [[int(key), value] for key, value in kept.items()]}
        for truth, segments, found, kept in images]}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "panoptic.json"), "w") as file:
        json.dump(content, file, separators=(",", ":"))
        file.write("\n")
    print({key: value for key, value in content["result"].items()})
