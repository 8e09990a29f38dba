#!/usr/bin/python3
"""What imagecorruptions (1.1.2, github.com/bethgelab/imagecorruptions, at c959e659) makes of an image, with scikit-image 0.19.3, OpenCV 4.6
and Pillow 9.4, from the random numbers that Tessera draws.

    make_corruptions.py CHECKOUT

numpy's global generator is replaced by Tessera's (SplitMix64, Box and Muller), and numba's compiler by nothing; otherwise the package runs as
it is. Left out: frost, which Tessera draws in code, and shot and impulse noise, whose numbers numpy and scikit-image draw otherwise.
"""
import base64
import json
import os
import sys
import types
import zlib

import numpy as np
from PIL import Image

numba = types.ModuleType("numba")
numba.njit = numba.jit = lambda *a, **k: (lambda function: function)
sys.modules["numba"] = numba
sys.path.insert(0, sys.argv[1])
from imagecorruptions import corrupt  # noqa: E402

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(z):
    z = np.asarray(z, dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


class Source:
    def __init__(self, seed, epoch, index):
        add = lambda a, b: np.uint64((int(a) + b) & MASK)
        self.state = int(mix(add(mix(add(mix(np.uint64(seed)), epoch)), index)))

    def raw(self, count):
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN) + np.uint64(self.state)
        self.state = (self.state + count * GOLDEN) & MASK
        return mix(steps)

    def doubles(self, count):
        return (self.raw(count) >> np.uint64(11)).astype(np.float64) * (1.0 / (1 << 53))

    def uniform(self, low=0.0, high=1.0, size=None):
        if size is None:
            return low + (high - low) * self.doubles(1)[0]
        return (low + (high - low) * self.doubles(int(np.prod(size)))).reshape(size)

    def normal(self, loc=0.0, scale=1.0, size=None):
        pairs = self.doubles(2 * int(np.prod(size))).reshape(-1, 2)
        return (loc + scale * (np.sqrt(-2 * np.log(1 - pairs[:, 0])) * np.cos(2 * np.pi * pairs[:, 1]))).reshape(size)

    def randint(self, low, high, size=None):
        numbers = [low + ((int(value) * (high - low)) >> 64) for value in self.raw(int(np.prod(size)))]
        return np.array(numbers).reshape(size)


def picture(height, width):
    """Gradients, edges and a little texture."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([255 * x / width, 255 * y / height, 128 + 100 * np.sin(x / 3.0) * np.cos(y / 4.0)], axis=2)
    image[6:20, 8:26] = [220, 40, 60]
    image[(y - 24) ** 2 + (x - 38) ** 2 < 70] = [30, 160, 240]
    image[28:33, 4:30] = [250, 250, 245]
    return np.clip(image, 0, 255).astype(np.uint8)


def pack(array):
    return base64.b64encode(zlib.compress(array.tobytes(), 9)).decode()


KINDS = ["gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "snow", "frost", "fog",
         "brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression", "speckle_noise", "gaussian_blur", "spatter", "saturate"]


def main():
    image = picture(36, 52)
    cases = []
    for number, kind in enumerate(KINDS):
        if kind in ("shot_noise", "impulse_noise", "frost"):
            continue
        for severity in (1, 3, 5):
            source = Source(7, number, severity)
            np.random.uniform, np.random.normal, np.random.randint = source.uniform, source.normal, source.randint
            cases.append({"kind": kind, "number": number, "severity": severity,
                          "pixels": pack(corrupt(image, corruption_name=kind, severity=severity))})
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "corruptions.json"), "w") as file:
        json.dump({"height": 36, "width": 52, "seed": 7, "image": pack(image), "cases": cases}, file, separators=(",", ":"))
        file.write("\n")
    print(len(cases), "cases")


main()
