#!/usr/bin/python3
"""The example of Weighted-Boxes-Fusion's README (1.0.9, github.com/ZFTurbo/Weighted-Boxes-Fusion), fused by its other methods.

    make_box_fusion.py CHECKOUT

The package runs as it is, but for numba's compiler. It stores boxes in single precision. Its soft-NMS keeps the old scores, so only its
choice of boxes is told.
"""
import json
import os
import sys
import types

import numpy as np

numba = types.ModuleType("numba")
numba.jit = numba.njit = lambda *a, **k: (lambda function: function)
sys.modules["numba"] = numba
sys.path.insert(0, sys.argv[1])
from ensemble_boxes import nms, non_maximum_weighted  # noqa: E402

BOXES = [[[0.00, 0.51, 0.81, 0.91], [0.10, 0.31, 0.71, 0.61], [0.01, 0.32, 0.83, 0.93], [0.02, 0.53, 0.11, 0.94], [0.03, 0.24, 0.12, 0.35]],
         [[0.04, 0.56, 0.84, 0.92], [0.12, 0.33, 0.72, 0.64], [0.38, 0.66, 0.79, 0.95], [0.08, 0.49, 0.21, 0.89]]]
SCORES = [[0.9, 0.8, 0.2, 0.4, 0.7], [0.5, 0.8, 0.7, 0.3]]
LABELS = [[0, 1, 0, 1, 1], [1, 1, 1, 0]]


def told(boxes, scores, labels):
    rows = [[*map(float, box), float(score), int(label)] for box, score, label in zip(boxes, scores, labels)]
    return sorted(rows, key=lambda row: -row[4])


def main():
    copy = lambda lists: [list(values) for values in lists]
    found = {
        "nmw": told(*non_maximum_weighted(copy(BOXES), copy(SCORES), copy(LABELS), weights=[2, 1], iou_thr=0.5, skip_box_thr=1e-4)),
        "nms": told(*nms(copy(BOXES), copy(SCORES), copy(LABELS), iou_thr=0.5)),
    }
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "box-fusion.json"), "w") as file:
        json.dump(found, file, indent=1)
        file.write("\n")
    print(found)


main()
