#!/usr/bin/python3
"""Fold sizes of scikit-learn's StratifiedKFold, by class, for random labels (numpy seed 0). Written for scikit-learn 1.2.1, numpy 1.24.2.
Which sample is in which fold depends on the shuffle; how many of each class are in how many folds does not."""
import json
import os

import numpy as np
from sklearn.model_selection import StratifiedKFold

random = np.random.default_rng(0)
cases = []
for folds, samples, classes in ((2, 9, 2), (3, 31, 4), (5, 103, 3), (5, 200, 10), (10, 997, 7)):
    weights = random.dirichlet(np.full(classes, 2.0))
    # Each class has at least as many samples as there are folds: scikit-learn refuses otherwise.
    labels = np.concatenate([np.repeat(np.arange(classes), folds), random.choice(classes, max(0, samples - folds * classes), p=weights)])
    labels = random.permutation(labels)
    counts = [np.bincount(labels[held], minlength=classes).tolist()
              for _, held in StratifiedKFold(folds, shuffle=True, random_state=0).split(np.zeros(len(labels)), labels)]
    cases.append({"folds": folds, "classes": classes, "labels": labels.tolist(), "counts": counts})

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "folds.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
