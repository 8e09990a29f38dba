#!/usr/bin/python3
"""COCO's twelve figures of synthetic detections in Tessera and in pycocotools, one core each: the sides take turns, and what
counts is the median of the turns' ratios. Neither side's time includes reading the data.

    benchmarks/detection-metric/run PYTHONAPI [--images 5000] [--detections 100] [--rounds 3]

PYTHONAPI is the folder of github.com/cocodataset/cocoapi, after: python3 setup.py build_ext --inplace
"""
import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

NAMES = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


def scene(images, detections, classes):
    """About seven objects an image; half of the detections lie near one."""
    random = np.random.default_rng(0)
    counts = random.poisson(7, images)
    total = counts.sum()
    box = np.concatenate([random.uniform(0, 500, (total, 2)), np.exp(random.uniform(np.log(8), np.log(300), (total, 2)))], 1)
    objects = np.concatenate([np.repeat(np.arange(images), counts)[:, None], random.integers(0, classes, (total, 1)), box, random.random((total, 1)) < 0.02], 1)
    rows = []
    for image, own in enumerate(np.split(objects, np.cumsum(counts)[:-1])):
        near = detections // 2 if len(own) else 0
        chosen = own[random.integers(0, len(own), near)] if near else np.zeros((0, 7))
        noise = random.normal(0, 0.12, (near, 4))
        moved = np.concatenate([chosen[:, 2:4] + chosen[:, 4:6] * noise[:, :2], chosen[:, 4:6] * np.exp(noise[:, 2:])], 1)
        stray = np.concatenate([random.uniform(0, 500, (detections - near, 2)), np.exp(random.uniform(2, 5.5, (detections - near, 2)))], 1)
        label = np.concatenate([chosen[:, 1], random.integers(0, classes, detections - near)])
        rows.append(np.concatenate([np.full((detections, 1), image), label[:, None], np.concatenate([moved, stray]), random.random((detections, 1)).round(3)], 1))
    return objects, np.concatenate(rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pythonapi")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--detections", type=int, default=100)
    parser.add_argument("--classes", type=int, default=80)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--program", nargs="+", required=True)
    args = parser.parse_args()
    np.float = float  # which numpy no longer has
    sys.path.insert(0, args.pythonapi)
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    objects, detections = scene(args.images, args.detections, args.classes)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": i + 1} for i in range(args.images)], "categories": [{"id": c + 1} for c in range(args.classes)],
            "annotations": [{"id": n + 1, "image_id": int(row[0]) + 1, "category_id": int(row[1]) + 1, "bbox": row[2:6].tolist(),
                             "area": float(row[4] * row[5]), "iscrowd": int(row[6])} for n, row in enumerate(objects)]}
        truth.createIndex()
        found = truth.loadRes([{"image_id": int(row[0]) + 1, "category_id": int(row[1]) + 1, "bbox": row[2:6].tolist(), "score": float(row[6])} for row in detections])

    def theirs():
        with contextlib.redirect_stdout(io.StringIO()):
            begin = time.perf_counter()
            evaluation = COCOeval(truth, found, "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            return time.perf_counter() - begin, evaluation.stats

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "scene")
        objects.tofile(path + ".objects")
        detections.tofile(path + ".detections")
        process = subprocess.Popen(["taskset", "-c", "0", *args.program, path, str(args.images), str(args.classes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def ours():
            process.stdin.write("run\n")
            process.stdin.flush()
            seconds, *values = json.loads(process.stdout.readline())
            return seconds, np.array(values)

        ours()
        times = []
        for i in range(args.rounds):
            first, second = (ours, theirs) if i % 2 == 0 else (theirs, ours)
            turn = (first(), second())
            times.append(turn if i % 2 == 0 else turn[::-1])
        process.stdin.close()
        process.wait()
    ratios = [a[0] / b[0] for a, b in times]
    apart = max(np.abs(a[1] - b[1]).max() for a, b in times)
    print(", ".join(f"{name} {value:.4f}" for name, value in zip(NAMES, times[0][1][1])))
    print(f"{args.images} images, {args.detections} detections each: Tessera {statistics.median(a[0] for a, _ in times):.2f} s, "
          f"pycocotools {statistics.median(b[0] for _, b in times):.2f} s; ratio {statistics.median(ratios):.4f} ({min(ratios):.4f} to {max(ratios):.4f}), aim 0.1; "
          f"figures at most {apart:.1e} apart", flush=True)


if __name__ == "__main__":
    main()
