#!/usr/bin/python3
"""Segmentation: decode photograph and labels, resize both by a random ratio, crop, flip, normalise. Tessera beside OpenCV in Python.

    benchmarks/images/camvid.py [FOLDER WITH image AND label] [ROUNDS]

Needs Debian's python3-opencv. Both sides read the same files from memory; both processes are bound to one core and take turns;
the figure is the median of the rounds' ratios. Ratio 0.5 to 2, crop 360 x 480 (smaller images are padded), mirrored half the time.
"""
import glob
import os
import random
import subprocess
import sys
import time

import turns

os.environ["DOTNET_gcConcurrent"] = "0"
here = os.path.dirname(os.path.abspath(__file__))
folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../data/camvid/train")
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
paths = sorted(glob.glob(os.path.join(folder, "image", "*.jpg")))[:200]
if not paths:
    sys.exit(f"{folder}: no image/*.jpg in it")
labels = [os.path.join(folder, "label", os.path.splitext(os.path.basename(path))[0] + ".png") for path in paths]

subprocess.run(["dotnet", "build", "-c", "Release", "-v", "q", "-nologo", here, *os.environ.get("BUILD_ARGUMENTS", "").split()], check=True, stdout=subprocess.DEVNULL)
program = subprocess.run(["dotnet", "msbuild", here, "-p:Configuration=Release", "-getProperty:TargetPath", *os.environ.get("BUILD_ARGUMENTS", "").split()],
                         check=True, capture_output=True, text=True).stdout.strip()

os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
import cv2
import numpy as np

cv2.setNumThreads(1)
read = lambda path: np.fromfile(path, np.uint8)
files = [(read(image), read(label)) for image, label in zip(paths, labels)]
MEAN = np.array([[123.675, 116.28, 103.53]])
SCALE = 1 / np.array([[58.395, 57.12, 57.375]])
HEIGHT, WIDTH = 360, 480
draw = random.Random(0)


def opencv_sample(photograph, label):
    image = cv2.imdecode(photograph, cv2.IMREAD_COLOR)
    truth = cv2.imdecode(label, cv2.IMREAD_UNCHANGED)
    ratio = draw.uniform(0.5, 2)
    size = (int(image.shape[1] * ratio + 0.5), int(image.shape[0] * ratio + 0.5))
    image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    truth = cv2.resize(truth, size, interpolation=cv2.INTER_NEAREST)
    below, beside = max(0, HEIGHT - size[1]), max(0, WIDTH - size[0])
    if below or beside:
        top, left = draw.randint(0, below), draw.randint(0, beside)
        image = cv2.copyMakeBorder(image, top, below - top, left, beside - left, cv2.BORDER_CONSTANT, value=0)
        truth = cv2.copyMakeBorder(truth, top, below - top, left, beside - left, cv2.BORDER_CONSTANT, value=255)
    top, left = draw.randint(0, image.shape[0] - HEIGHT), draw.randint(0, image.shape[1] - WIDTH)
    image, truth = image[top:top + HEIGHT, left:left + WIDTH], truth[top:top + HEIGHT, left:left + WIDTH]
    if draw.random() < 0.5:
        image, truth = cv2.flip(image, 1), cv2.flip(truth, 1)
    # As mmcv normalises: in place, in OpenCV; then planes, and labels as int64.
    image = image.astype(np.float32)
    cv2.cvtColor(image, cv2.COLOR_BGR2RGB, image)
    cv2.subtract(image, MEAN, image)
    cv2.multiply(image, SCALE, image)
    return np.ascontiguousarray(image.transpose(2, 0, 1)), truth.astype(np.int64)


def opencv_round():
    begin = time.perf_counter()
    for photograph, label in files:
        opencv_sample(photograph, label)
    return time.perf_counter() - begin


turns.compare(["dotnet", program, "segmentation", *paths, *labels], opencv_round, rounds, len(files), "OpenCV in Python",
              f"photographs with labels, {rounds} rounds, one core; OpenCV {cv2.__version__}", "a sample")
