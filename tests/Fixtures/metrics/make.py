#!/usr/bin/python3
"""Metric fixtures from scikit-learn (1.2.1, numpy 1.24.2), seed 0: random scores and labels with ties, and what it makes of them."""
import json
import os

import numpy as np
from sklearn import metrics

random = np.random.default_rng(0)


def single_label(samples, classes, missing=None):
    labels = random.integers(0, classes, samples)
    if missing is not None:
        labels[labels == missing] = (missing + 1) % classes
    scores = random.dirichlet(np.ones(classes), samples)
    scores[np.arange(samples), labels] += 0.15
    scores = np.round(scores / scores.sum(1, keepdims=True), 2)  # two digits: many ties
    scores += np.arange(classes)[::-1] * 1e-4                    # but none within a sample, where scikit-learn's choice differs
    scores = (scores / scores.sum(1, keepdims=True)).astype(np.float32)
    predicted = scores.argmax(1)
    out = {"scores": scores.tolist(), "labels": labels.tolist(), "expected": {}, "confusion": metrics.confusion_matrix(labels, predicted, labels=range(classes)).tolist()}
    for k in (1, 2, 3):
        if k < classes:
            out["expected"][f"accuracy/top{k}"] = metrics.top_k_accuracy_score(labels, scores if classes > 2 else scores[:, 1], k=k, labels=range(classes))
    for average in ("macro", "micro"):
        p, r, f, _ = metrics.precision_recall_fscore_support(labels, predicted, labels=range(classes), average=average, zero_division=0)
        out["expected"].update({f"precision/{average}": p, f"recall/{average}": r, f"f1/{average}": f})
    p, r, f, _ = metrics.precision_recall_fscore_support(labels, predicted, labels=range(classes), average=None, zero_division=0)
    for c in range(classes):
        out["expected"].update({f"precision/class/c{c}": p[c], f"recall/class/c{c}": r[c], f"f1/class/c{c}": f[c]})
    if missing is None:
        exact = scores.astype(np.float64)
        hot = np.eye(classes)[labels]
        area = [metrics.roc_auc_score(hot[:, c], exact[:, c]) for c in range(classes)]
        precision = [metrics.average_precision_score(hot[:, c], exact[:, c]) for c in range(classes)]
        out["expected"]["auroc"] = area[1] if classes == 2 else float(np.mean(area))
        out["expected"]["mAP"] = precision[1] if classes == 2 else float(np.mean(precision))
    return out


def multi_label(samples, classes):
    present = (random.random((samples, classes)) < random.uniform(0.1, 0.6, classes)).astype(int)
    scores = np.round(np.clip(random.normal(0.35 + 0.25 * present, 0.25), 0, 1), 2).astype(np.float32)
    exact = scores.astype(np.float64)
    predicted = (scores > 0.5).astype(int)
    out = {"scores": scores.tolist(), "present": present.tolist(), "expected": {}}
    for average in ("macro", "micro"):
        p, r, f, _ = metrics.precision_recall_fscore_support(present, predicted, average=average, zero_division=0)
        out["expected"].update({f"precision/{average}": p, f"recall/{average}": r, f"f1/{average}": f})
    for name, function in (("mAP", metrics.average_precision_score), ("auroc", metrics.roc_auc_score)):
        out["expected"][name] = function(present, exact, average="macro")
        out["expected"][f"{name}/micro"] = function(present, exact, average="micro")
        for c in range(classes):
            out["expected"][f"{name}/class/c{c}"] = function(present[:, c], exact[:, c])
    some = present.any(1)  # scikit-learn counts a sample without a class as 0
    out["expected"]["per_image_AP"] = metrics.average_precision_score(present[some], exact[some], average="samples")
    return out


def absent_classes(samples, classes, used, wrong):
    """Labels of the first few classes alone, wrong ones among one class more: the rest is neither there nor predicted."""
    labels = random.integers(0, used, samples)
    predicted = np.where(random.random(samples) < wrong, random.integers(0, used + 1, samples), labels)
    scores = np.full((samples, classes), 0.1 / (classes - 1))
    scores[np.arange(samples), predicted] = 0.9
    out = {"scores": scores.astype(np.float32).tolist(), "labels": labels.tolist(), "expected": {}}
    for average in ("macro", "micro"):
        p, r, f, _ = metrics.precision_recall_fscore_support(labels, predicted, average=average, zero_division=0)
        out["expected"].update({f"precision/{average}": p, f"recall/{average}": r, f"f1/{average}": f})
    return out


def regression(samples, targets):
    truth = random.normal(1000, 5, (samples, targets)).astype(np.float32)
    guess = (truth + random.normal(0.3, 2, (samples, targets))).astype(np.float32)
    t, g = truth.astype(np.float64), guess.astype(np.float64)
    expected = {"mae": metrics.mean_absolute_error(t, g), "rmse": metrics.mean_squared_error(t, g, squared=False), "r2": metrics.r2_score(t, g)}
    for i in range(targets if targets > 1 else 0):
        expected[f"mae/target/c{i}"] = metrics.mean_absolute_error(t[:, i], g[:, i])
        expected[f"rmse/target/c{i}"] = metrics.mean_squared_error(t[:, i], g[:, i], squared=False)
        expected[f"r2/target/c{i}"] = metrics.r2_score(t[:, i], g[:, i])
    return {"truth": truth.tolist(), "guess": guess.tolist(), "expected": expected}


cases = {
    "single": [single_label(60, 5), single_label(40, 2), single_label(50, 4, missing=2)],
    "multi": [multi_label(80, 4), multi_label(30, 6)],
    "regression": [regression(40, 1), regression(50, 3)],
}
cases["single"] += [absent_classes(30, 6, 2, 0), absent_classes(40, 6, 3, 0.4), absent_classes(30, 9, 1, 0)]  # behind the others, which stay as they are
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "scikit-learn.json"), "w") as file:
    json.dump(cases, file, separators=(",", ":"))
    file.write("\n")
