#!/usr/bin/python3
"""Decode + random resized crop 224 + flip + normalise: Tessera beside torchvision's PIL pipeline, one core, round by round.

    benchmarks/images/compare.py [FOLDER OF JPEG PHOTOGRAPHS] [ROUNDS]

Needs Debian's python3-torch, python3-torchvision and python3-pil. Both sides read the same files from memory; both
processes are bound to one core and take turns; the figure is the median of the rounds' ratios.
"""
import glob
import io
import os
import subprocess
import sys
import time

import turns

os.environ["DOTNET_gcConcurrent"] = "0"
here = os.path.dirname(os.path.abspath(__file__))
folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../../data/camvid/train/image")
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
paths = sorted(glob.glob(os.path.join(folder, "*.jpg")))[:200]
if not paths:
    sys.exit(f"{folder}: no *.jpg in it")

subprocess.run(["dotnet", "build", "-c", "Release", "-v", "q", "-nologo", here, *os.environ.get("BUILD_ARGUMENTS", "").split()], check=True, stdout=subprocess.DEVNULL)
program = subprocess.run(["dotnet", "msbuild", here, "-p:Configuration=Release", "-getProperty:TargetPath", *os.environ.get("BUILD_ARGUMENTS", "").split()],
                         check=True, capture_output=True, text=True).stdout.strip()

os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
import torch
import torchvision
from PIL import Image
from torchvision import transforms

torch.set_num_threads(1)
files = [open(path, "rb").read() for path in paths]
pipeline = transforms.Compose([
    transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])


def torchvision_round():
    begin = time.perf_counter()
    for data in files:
        pipeline(Image.open(io.BytesIO(data)).convert("RGB"))
    return time.perf_counter() - begin


turns.compare(["dotnet", program, *paths], torchvision_round, rounds, len(files), "torchvision (PIL)",
              f"photographs, {rounds} rounds, one core; torch {torch.__version__}, torchvision {torchvision.__version__}, Pillow {Image.__version__}", "an image")
