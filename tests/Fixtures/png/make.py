#!/usr/bin/python3
"""Makes PNG files of every colour type, bit depth and interlacing in files/, and the pixels that readers must find in them.

Needs Debian's python3-pil and python3-numpy; made with Pillow 9.4.0 and NumPy 1.24.2. Deterministic.
    cd tests/Fixtures/png && /usr/bin/python3 make.py

The files are written here, since Pillow writes neither Adam7 nor most depths: each row with another of the five filters, the
data split into IDAT chunks of odd lengths. What Pillow reads is compared with what was written, and this script fails where
they differ. Pillow cuts 16-bit colours to 8 bits and doesn't apply transparent colours of 16 bits or of gray below 8: there
the pixels are those that were written, and the transparent ones follow from the specification's definition.
"""
import io
import itertools
import json
import os
import shutil
import struct
import zlib

import numpy as np
from PIL import Image

GRAY, RGB, INDEXED, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, INDEXED: 1, GRAY_ALPHA: 2, RGBA: 4}
NAMES = {GRAY: "gray", RGB: "rgb", INDEXED: "palette", GRAY_ALPHA: "gray-alpha", RGBA: "rgba"}
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
references = {}
pixels = bytearray()


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filtered(rows, distance, first):
    """Rows of bytes, each with the next of the five filters."""
    out, prior = bytearray(), None
    for kind, row in zip(itertools.islice(itertools.cycle(range(5)), first, None), rows):
        prior = prior or bytes(len(row))
        out.append(kind)
        for i, value in enumerate(row):
            a, c = (row[i - distance], prior[i - distance]) if i >= distance else (0, 0)
            b = prior[i]
            out.append((value - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) % 256)
        prior = row
    return bytes(out)


def packed(values, depth):
    """[H, W, C] values to rows of bytes."""
    if depth >= 8:
        return [row.astype(">u2" if depth == 16 else "u1").tobytes() for row in values]
    rows = []
    for row in values:
        bits = "".join(format(v, f"0{depth}b") for v in row.ravel())
        bits += "1" * (-len(bits) % 8)  # what fills the last byte means nothing
        rows.append(bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8)))
    return rows


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values, depth, color, interlaced, palette, transparency, first, split):
    h, w, channels = values.shape
    distance = max(1, channels * depth // 8)
    parts = [values[y::dy, x::dx] for y, x, dy, dx in PASSES] if interlaced else [values]
    data = zlib.compress(b"".join(filtered(packed(part, depth), distance, first) for part in parts if part.size), 9)
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, interlaced))
    file += chunk(b"tEXt", b"Comment\0not read")
    if palette is not None:
        file += chunk(b"PLTE", palette.tobytes())
    if transparency is not None:
        file += chunk(b"tRNS", transparency)
    for i in range(0, len(data), split):
        file += chunk(b"IDAT", data[i:i + split])
    return file + chunk(b"IEND", b"")


def scene(h, w, channels, most, r):
    """Ramps with edges and noise, so that filters find something to predict."""
    y, x, c = np.mgrid[0:h, 0:w, 0:channels]
    values = (x * (3 + c) + y * (5 - c)) / (8.0 * max(h, w)) * most
    values[h // 3:h // 2] = most
    values += r.normal(0, most / 30, values.shape)
    return np.clip(np.round(values), 0, most).astype(np.uint16)


def reference(name, way, array):
    array = np.ascontiguousarray(array[..., None] if array.ndim == 2 else array)
    references[name][way] = {"channels": array.shape[2], "bits": array.dtype.itemsize * 8, "offset": len(pixels)}
    pixels.extend(array.tobytes())


def with_alpha(array, transparent):
    opaque = np.iinfo(array.dtype).max
    return np.concatenate([array, np.where(transparent, 0, opaque).astype(array.dtype)[..., None]], -1)


def equal(a, b):
    assert np.array_equal(np.squeeze(np.asarray(a)), np.squeeze(np.asarray(b))), "Pillow reads something else of " + list(references)[-1]


def make(color, depth, interlaced, keyed, h, w, number):
    r = np.random.RandomState(number)
    channels, most = CHANNELS[color], 2 ** depth - 1
    palette = transparency = None
    colors = most + 1 if color == INDEXED else 0
    if color == INDEXED and depth == 8:
        colors = 200
    values = scene(h, w, channels, colors - 1 if colors else most, r)
    if colors:
        palette = r.randint(0, 256, (colors, 3)).astype(np.uint8)
    if keyed:
        values[h // 2:, :w // 2] = values[h // 2, w // 2]  # many transparent pixels
        key = values[h // 2, w // 2]
        transparency = (r.randint(0, 256, (colors * 2 + 2) // 3).astype(np.uint8).tobytes() if colors else key.astype(">u2").tobytes())
    name = f"{NAMES[color]}-{depth}{'-adam7' if interlaced else ''}{'-trns' if keyed else ''}-{w}x{h}.png"
    file = png(values, depth, color, interlaced, palette, transparency, number, 2 * number % 97 + 1)
    open(os.path.join("files", name), "wb").write(file)
    references[name] = {"height": h, "width": w}
    with Image.open(io.BytesIO(file)) as opened:
        opened.load()
        expect(name, opened, values, color, depth, palette, transparency)


def expect(name, opened, values, color, depth, palette, transparency):
    """The pixels as stored (index), with the file's own channels (unchanged) and as 8-bit RGB (color), agreed with Pillow."""
    opaque = opened.copy()
    opaque.info.pop("transparency", None)
    if color == INDEXED:
        index = values.astype(np.uint8)
        equal(opened, index)
        looked_up = palette[index[..., 0]]
        equal(opaque.convert("RGB"), looked_up)
        own = looked_up
        if transparency is not None:
            alpha = np.frombuffer(transparency.ljust(256, b"\xff"), np.uint8)[index]
            own = np.concatenate([looked_up, alpha], -1)
            equal(opened.convert("RGBA"), own)
        reference(name, "index", index)
        reference(name, "unchanged", own)
        reference(name, "color", looked_up)
        return
    stored = values.astype(np.uint16 if depth == 16 else np.uint8)
    own = (stored * (255 // (2 ** depth - 1))).astype(np.uint8) if depth < 8 else stored
    upper = (own >> 8).astype(np.uint8) if depth == 16 else own
    if color == GRAY and depth == 16:
        equal(opened, own)
    else:  # Pillow has 16-bit gray with alpha as RGBA
        equal(opened.convert("LA" if color == GRAY_ALPHA else "L" if color == GRAY else opened.mode), upper)
    reference(name, "index", stored)
    if color in (GRAY, GRAY_ALPHA):
        rgb = np.repeat(upper[..., :1], 3, -1)
    else:
        rgb = upper[..., :3]
    if depth < 16:
        equal(opaque.convert("RGB"), rgb)
    reference(name, "color", rgb)
    if transparency is not None:
        key = np.frombuffer(transparency, ">u2")
        own = with_alpha(own, (values == key).all(-1))
        if depth == 8:
            equal(opened.convert("RGBA"), np.concatenate([np.repeat(own[..., :1], 3, -1), own[..., 1:]], -1) if color == GRAY else own)
    reference(name, "unchanged", own)


shutil.rmtree("files", ignore_errors=True)
os.mkdir("files")
numbers = itertools.count(1)
KINDS = [(GRAY, d) for d in (1, 2, 4, 8, 16)] + [(INDEXED, d) for d in (1, 2, 4, 8)] + [(c, d) for c in (RGB, GRAY_ALPHA, RGBA) for d in (8, 16)]
for color, depth in KINDS:
    for interlaced in (0, 1):
        make(color, depth, interlaced, False, 19, 37, next(numbers))
        if color in (GRAY, RGB, INDEXED):
            make(color, depth, interlaced, True, 11, 13, next(numbers))
# Sizes at which passes of Adam7 are empty, and rows shorter than what is read at once
for h, w in ((1, 1), (1, 2), (2, 1), (3, 2), (4, 5), (5, 4), (1, 9), (9, 1)):
    for color, depth in ((GRAY, 1), (RGB, 8), (RGB, 16)):
        make(color, depth, 1, False, h, w, next(numbers))
make(RGB, 8, 0, False, 1, 1, next(numbers))
make(RGB, 16, 0, False, 7, 1, next(numbers))
make(GRAY_ALPHA, 8, 0, False, 5, 1, next(numbers))
json.dump(references, open("references.json", "w"), indent=0)
open("references.raw", "wb").write(zlib.compress(bytes(pixels), 9))
