#!/usr/bin/python3
"""Warp, blur, HSV and resize: Tessera beside OpenCV and Pillow, one thread each, by turns.

    benchmarks/images/operations.py [ROUNDS] [WORD IN THE OPERATION'S NAME ...]

Needs Debian's python3-opencv, python3-pil and python3-numpy. The picture is 480 x 360, RGB, 8 bits: a photograph-like scene made here. The
warp turns it by 10 degrees about its middle. Both processes are bound to one core; the ratio is the peer's time over Tessera's.
DOTNET_EnableAVX2=0 shows the vectors of 128 bits, DOTNET_EnableHWIntrinsic=0 plain C#.
"""
import os
import subprocess
import sys
import tempfile
import time

import turns

os.environ["DOTNET_gcConcurrent"] = "0"
here = os.path.dirname(os.path.abspath(__file__))
rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
words = sys.argv[2:]

subprocess.run(["dotnet", "build", "-c", "Release", "-v", "q", "-nologo", here, *os.environ.get("BUILD_ARGUMENTS", "").split()], check=True, stdout=subprocess.DEVNULL)
program = subprocess.run(["dotnet", "msbuild", here, "-p:Configuration=Release", "-getProperty:TargetPath", *os.environ.get("BUILD_ARGUMENTS", "").split()],
                         check=True, capture_output=True, text=True).stdout.strip()

os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
import cv2
import numpy as np
from PIL import Image

cv2.setNumThreads(1)
H, W, COUNT = 360, 480, 20
y, x = np.mgrid[0:H, 0:W]
scene = np.stack([x * 255 / W, y * 255 / H, 127 + 127 * np.sin(x / 9) * np.cos(y / 7)], -1)
scene[H // 4:H // 2, W // 3:W // 2] = (250, 20, 20)
scene = np.clip(scene + np.random.RandomState(0).normal(0, 9, scene.shape), 0, 255).astype(np.uint8)
photograph = Image.fromarray(scene)

# Tessera's pixel corners lie at integers, OpenCV's centres.
turn = cv2.getRotationMatrix2D(((W - 1) / 2, (H - 1) / 2), 10, 1)


def warp(flag):
    return lambda: cv2.warpAffine(scene, turn, (W, H), flags=flag, borderMode=cv2.BORDER_CONSTANT, borderValue=(114, 114, 114))


def blur(size, sigma):
    return lambda: cv2.GaussianBlur(scene, (size, size), sigma, borderType=cv2.BORDER_REPLICATE)


def resize(up, down, flag):
    return lambda: cv2.resize(scene, (W * up // down, H * up // down), interpolation=flag)


operations = {
    "warp nearest": warp(cv2.INTER_NEAREST), "warp bilinear": warp(cv2.INTER_LINEAR), "warp bicubic": warp(cv2.INTER_CUBIC), "warp lanczos": warp(cv2.INTER_LANCZOS4),
    "blur 5": blur(5, 1), "blur 23": blur(23, 2), "blur 23 wide": blur(23, 4),
    "hsv": lambda: cv2.cvtColor(cv2.cvtColor(scene, cv2.COLOR_RGB2HSV_FULL), cv2.COLOR_HSV2RGB_FULL),
    "resize bilinear": resize(3, 4, cv2.INTER_LINEAR), "resize bicubic": resize(3, 2, cv2.INTER_CUBIC),
    "resize lanczos": resize(3, 2, cv2.INTER_LANCZOS4), "resize box": resize(5, 9, cv2.INTER_AREA),
    "pillow bilinear": lambda: photograph.resize((W * 3 // 4, H * 3 // 4), Image.BILINEAR),
    "pillow bicubic": lambda: photograph.resize((W * 3 // 2, H * 3 // 2), Image.BICUBIC),
}

with tempfile.NamedTemporaryFile() as pixels:
    pixels.write(scene.tobytes())
    pixels.flush()
    for name, operation in operations.items():
        if words and not any(word in name for word in words):
            continue

        def peer_round():
            begin = time.perf_counter()
            for _ in range(COUNT):
                operation()
            return (time.perf_counter() - begin) / COUNT

        peer = "Pillow" if name.startswith("pillow") else "OpenCV in Python"
        turns.compare(["dotnet", program, "operation", name, str(COUNT), pixels.name, str(H), str(W)], peer_round, rounds, 1, peer,
                      f"image {W} x {H}: {name}; {rounds} rounds, one core; OpenCV {cv2.__version__}, Pillow {Image.__version__}", "an image")
