#!/usr/bin/python3
"""Segmentation fixtures from scikit-learn (1.2.1, numpy 1.24.2), seed 0: random maps with ignored pixels, and what it makes of them."""
import base64
import json
import os

import numpy as np
from sklearn import metrics

random = np.random.default_rng(0)


def areas(height, width, classes):
    """A map of rectangles, so that it has runs, with single pixels strewn in."""
    out = np.full((height, width), random.integers(classes), np.int64)
    for _ in range(12):
        y, x = random.integers(height), random.integers(width)
        out[y:y + random.integers(1, height + 1), x:x + random.integers(1, width + 1)] = random.integers(classes)
    noise = random.random((height, width)) < 0.1
    out[noise] = random.integers(0, classes, noise.sum())
    return out


def case(sizes, classes, kind=np.uint8, ignored=255, missing=None):
    images, truths, guesses = [], [], []
    for height, width in sizes:
        truth, guess = areas(height, width, classes), areas(height, width, classes)
        agree = random.random((height, width)) < 0.6
        guess[agree] = truth[agree]
        if missing is not None:
            truth[truth == missing] = guess[guess == missing] = (missing + 1) % classes
        truth[random.random((height, width)) < 0.15] = ignored
        images.append({"height": height, "width": width, "truth": base64.b64encode(truth.astype(kind).tobytes()).decode(),
                       "predicted": base64.b64encode(guess.astype(kind).tobytes()).decode()})
        truths.append(truth[truth != ignored])
        guesses.append(guess[truth != ignored])
    truth, guess = np.concatenate(truths), np.concatenate(guesses)
    names = range(classes)
    expected = {"aAcc": metrics.accuracy_score(truth, guess)}
    precision, recall, f, _ = metrics.precision_recall_fscore_support(truth, guess, labels=names, average=None, zero_division=0)
    beta = metrics.fbeta_score(truth, guess, beta=2, labels=names, average=None, zero_division=0)
    iou = metrics.jaccard_score(truth, guess, labels=names, average=None, zero_division=0)
    kept = [c for c in names if c != missing]
    for name, values in (("IoU", iou), ("Acc", recall), ("Dice", f), ("Fscore", beta), ("Precision", precision), ("Recall", recall)):
        expected["m" + name] = float(np.mean(values[kept]))
        expected.update({f"{name}/c{c}": values[c] for c in kept})
    return {"classes": classes, "bits": 8 * np.dtype(kind).itemsize, "missing": missing, "images": images, "expected": expected,
            "confusion": metrics.confusion_matrix(truth, guess, labels=names).tolist()}


cases = [
    case([(13, 17), (32, 40), (1, 5)], 5),
    case([(20, 33), (40, 31), (16, 16), (9, 64)], 4, missing=2),
    case([(12, 15), (31, 20)], 6, np.uint16, 65535),
    case([(16, 64)], 2),
]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "segmentation.json"), "w") as file:
    json.dump(cases, file, separators=(",", ":"))
    file.write("\n")
