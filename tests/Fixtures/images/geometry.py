#!/usr/bin/python3
"""Makes geometry.json and geometry.raw: what OpenCV makes of resize-source.png by warps, blurs, HSV and resizing.

Needs Debian's python3-opencv and python3-numpy; made with OpenCV 4.6.0 and NumPy 1.24.2. Deterministic.
    cd tests/Fixtures/images && /usr/bin/python3 geometry.py
"""
import json
import zlib

import cv2
import numpy as np

cv2.setNumThreads(1)
rgb = cv2.imread("resize-source.png")[..., ::-1]
red, green, blue = (rgb[..., c].copy() for c in range(3))
images = {
    "RGB": rgb.copy(),
    "L": red,
    "RGBA": np.dstack([red, green, blue, green]),
    "Words": red.astype(np.uint16) * 256 + green,
    "Floats": red.astype(np.float32) + green.astype(np.float32) / 256,
}
results, cases = bytearray(), []


def add(result, **case):
    cases.append({**case, "height": result.shape[0], "width": result.shape[1], "offset": len(results)})
    results.extend(np.ascontiguousarray(result).tobytes())


def inverse(m, pixel=0.5):
    """Of (x, y) -> (a x + c y + e, b x + d y + f) between pixel corners, the way back between pixel centres, as OpenCV takes it."""
    a, b, c, d, e, f = m
    determinant = a * d - b * c
    xx, xy, yx, yy = d / determinant, -c / determinant, -b / determinant, a / determinant
    left, top = pixel - e, pixel - f
    return np.array([[xx, xy, xx * left + xy * top - pixel], [yx, yy, yx * left + yy * top - pixel]])


# Warps: turned and enlarged; sheared, shrunk and mirrored, with a large part outside. Single precision, as the matrices are there.
maps = {"turned": (1.1, 0.35, -0.3, 1.2, 3.3, -7.1), "mirrored": (-0.55, 0.125, 0.2, 0.6, 27.5, 1.75)}
warps = {"Nearest": cv2.INTER_NEAREST, "Bilinear": cv2.INTER_LINEAR, "Bicubic": cv2.INTER_CUBIC, "Lanczos": cv2.INTER_LANCZOS4}
for name, flag in warps.items():
    for m in maps.values():
        m = [float(np.float32(v)) for v in m]
        for mode, image in images.items():
            fill = (7, 130, 255, 60) if mode in ("RGB", "RGBA") else (40,)
            result = cv2.warpAffine(image, inverse(m), (33, 27), flags=flag | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_CONSTANT, borderValue=fill)
            add(result, step="warp", filter=name, mode=mode, map=m, fill=fill[:3 if mode == "RGB" else None])

for size, sigma in ((3, 0.3), (5, 1), (9, 4.5), (23, 2)):
    for mode, image in images.items():
        if mode in ("RGB", "L") or size == 5:
            add(cv2.GaussianBlur(image, (size, size), sigma, borderType=cv2.BORDER_REPLICATE), step="blur", mode=mode, size=size, sigma=sigma)

add(cv2.cvtColor(images["RGB"], cv2.COLOR_RGB2HSV_FULL), step="to hsv", mode="RGB")
add(cv2.cvtColor(images["RGB"], cv2.COLOR_HSV2RGB_FULL), step="from hsv", mode="RGB") # any bytes are a colour

resizes = {**warps, "Box": cv2.INTER_AREA}
for name, flag in resizes.items():
    for width, height in ((20, 15), (43, 10), (50, 41), (75, 13), (21, 31), (3, 2)):
        for mode, image in images.items():
            if mode == "RGB" or (width, height) in ((20, 15), (75, 13)):
                add(cv2.resize(image, (width, height), interpolation=flag), step="resize", filter=name, mode=mode)

open("geometry.raw", "wb").write(zlib.compress(bytes(results), 9))
with open("geometry.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
