#!/usr/bin/python3
"""Makes JPEG, WebP and TIFF files and what Pillow makes of them (references.json tells where in references.raw).

Needs Debian's python3-pil, python3-numpy and libturbojpeg0; made with Pillow 9.4.0, NumPy 1.24.2 and libjpeg-turbo 2.1.5.
Deterministic.
    cd tests/Fixtures/codecs && /usr/bin/python3 make.py
Pillow can't read TIFF files of 16 bits and several channels, nor separate planes of all kinds: there the expected pixels
are those that were written, and Pillow's are compared where it reads them.
"""
import ctypes
import io
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

H, W = 37, 53
references = {}
raw = bytearray()


def scene(h, w, seed=1):
    """Smooth gradients, hard edges and some noise."""
    r = np.random.RandomState(seed)
    y, x = np.mgrid[0:h, 0:w]
    a = np.stack([x * 255 / (w - 1), y * 255 / (h - 1), 127 + 127 * np.sin(x / 3) * np.cos(y / 4)], -1)
    a[h // 4:h // 2, w // 3:w // 2] = (250, 20, 20)
    a[h // 2:h * 3 // 4, w // 2:w * 5 // 6] = (0, 255, 255)
    return np.clip(a + r.normal(0, 6, a.shape), 0, 255).astype(np.uint8)


def expect(name, pixels):
    a = np.ascontiguousarray(pixels)
    references[name] = {"height": a.shape[0], "width": a.shape[1], "channels": 1 if a.ndim == 2 else a.shape[2],
                        "bits": a.dtype.itemsize * 8, "offset": len(raw), "length": a.nbytes}
    raw.extend(a.tobytes())


def write(name, data, pixels=None):
    open("files/" + name, "wb").write(data)
    with Image.open(io.BytesIO(data)) as image:
        expect(name, np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB")) if pixels is None else pixels)


def save(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


rgb = Image.fromarray(scene(H, W))
gray = rgb.convert("L")
alpha = Image.fromarray(np.linspace(0, 255, H * W).astype(np.uint8).reshape(H, W))
rgba = Image.merge("RGBA", (*rgb.split(), alpha))
ink = Image.fromarray(np.dstack([scene(H, W, 3), scene(H, W, 4)[..., 1]]), "CMYK")

# JPEG, by Pillow and by libjpeg-turbo itself
turbo = ctypes.CDLL("libturbojpeg.so.0")
turbo.tjInitCompress.restype = ctypes.c_void_p
RGB, CMYK = 0, 11
S444, S422, S420, S440, S411 = 0, 1, 2, 4, 5
PROGRESSIVE = 16384


def turbo_jpeg(pixels, kind, subsampling, flags=0, **environment):
    """kind: RGB, or CMYK, of which libjpeg-turbo makes YCCK."""
    for key, value in environment.items():
        os.environ[key] = value
    a = np.ascontiguousarray(pixels)
    out, size = ctypes.POINTER(ctypes.c_ubyte)(), ctypes.c_ulong(0)
    failed = turbo.tjCompress2(ctypes.c_void_p(turbo.tjInitCompress()), a.ctypes.data_as(ctypes.c_void_p), a.shape[1], 0, a.shape[0],
                               kind, ctypes.byref(out), ctypes.byref(size), subsampling, 85, flags)
    assert not failed
    for key in environment:
        del os.environ[key]
    return bytes(out[:size.value])


def without_marker(data, marker):
    at = data.index(bytes([0xFF, marker]))
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]:]


def with_adobe(data, transform):
    return data[:2] + b"\xff\xee" + struct.pack(">H", 14) + b"Adobe" + struct.pack(">HHHB", 100, 0, 0, transform) + data[2:]


inverted = 255 - np.asarray(ink)  # as Adobe stores it
write("cmyk.jpg", save(ink, "JPEG", quality=85))
write("cmyk-progressive.jpg", save(ink, "JPEG", quality=85, progressive=True))
write("cmyk-no-adobe.jpg", without_marker(save(ink, "JPEG", quality=85), 0xEE))
write("ycck-444.jpg", turbo_jpeg(inverted, CMYK, S444))
write("ycck-420.jpg", turbo_jpeg(inverted, CMYK, S420))
write("ycck-progressive.jpg", turbo_jpeg(inverted, CMYK, S420, PROGRESSIVE))
for name, subsampling in (("444", S444), ("422", S422), ("420", S420), ("440", S440), ("411", S411)):
    write(f"rgb-{name}.jpg", turbo_jpeg(np.asarray(rgb), RGB, subsampling))
    write(f"rgb-{name}-progressive.jpg", turbo_jpeg(np.asarray(rgb), RGB, subsampling, PROGRESSIVE))
write("restart.jpg", turbo_jpeg(np.asarray(rgb), RGB, S420, TJ_RESTART="1"))
write("arithmetic.jpg", turbo_jpeg(np.asarray(rgb), RGB, S420, TJ_ARITHMETIC="1"))
write("adobe-rgb.jpg", with_adobe(without_marker(save(rgb, "JPEG", quality=95, subsampling=0), 0xE0), 0))
write("gray-progressive.jpg", save(gray, "JPEG", quality=85, progressive=True))
write("trailing-bytes.jpg", save(rgb, "JPEG", quality=85) + b"\xff\xd8\xff" + bytes(range(256)))
write("fill-bytes.jpg", save(rgb, "JPEG", quality=85)[:-2] + b"\xff\xff\xff\xd9")
exif_long = b"Exif\0\0MM\0*" + struct.pack(">IHHHIII", 8, 1, 0x0112, 4, 1, 6, 0)
write("orientation-long.jpg", save(rgb, "JPEG", quality=85, exif=exif_long), np.asarray(Image.open(io.BytesIO(save(rgb, "JPEG", quality=85))).transpose(Image.Transpose.ROTATE_270)))

# A profile in which red and blue are exchanged: whoever applies it gets quite other pixels
profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
profile[24:36] = bytes(12)  # the date of its making
red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
profile[red:red + 4], profile[blue:blue + 4] = b"bXYZ", b"rXYZ"
profile = bytes(profile)
write("profile.jpg", save(rgb, "JPEG", quality=85, icc_profile=profile))
write("profile-lossless.webp", save(rgb, "WEBP", lossless=True, icc_profile=profile))
write("profile-lossy.webp", save(rgb, "WEBP", quality=80, icc_profile=profile))
write("profile.tif", save(rgb, "TIFF", icc_profile=profile))

# WebP
write("lossy-alpha.webp", save(rgba, "WEBP", quality=80))
with Image.open("files/lossy-alpha.webp") as image:
    expect("lossy-alpha.webp+rgba", np.asarray(image))
write("one.webp", save(rgb.crop((0, 0, 1, 1)), "WEBP", lossless=True))
write("one-lossy.webp", save(rgb.crop((0, 0, 1, 1)), "WEBP", quality=80))
write("orientation-long.webp", save(rgb, "WEBP", lossless=True, exif=exif_long), np.asarray(rgb.transpose(Image.Transpose.ROTATE_270)))

# TIFF


def lzw(data):
    """TIFF's LZW: codes of 9 to 12 bits from the highest bit on, one code early."""
    out, bits, held = bytearray(), 0, 0

    def put(code, width):
        nonlocal bits, held
        held, bits = held << width | code, bits + width
        while bits >= 8:
            bits -= 8
            out.append(held >> bits & 255)
        held &= (1 << bits) - 1
    table, width, word = {bytes([i]): i for i in range(256)}, 9, b""
    put(256, width)
    following = 258
    for value in data:
        longer = word + bytes([value])
        if longer in table:
            word = longer
            continue
        put(table[word], width)
        table[longer] = following
        following += 1
        if following == 4094:
            put(256, width)
            table, width, following = {bytes([i]): i for i in range(256)}, 9, 258
        elif following in (512, 1024, 2048):
            width += 1
        word = bytes([value])
    if word:
        put(table[word], width)
        following += 1
        if following in (512, 1024, 2048):
            width += 1
    put(257, width)
    if bits:
        out.append(held << (8 - bits) & 255)
    return bytes(out)


def packbits(data):
    out = bytearray()
    for i in range(0, len(data), 128):
        part = data[i:i + 128]
        out += bytes([len(part) - 1]) + part
    return bytes(out)


COMPRESS = {1: lambda b: b, 5: lzw, 8: lambda b: zlib.compress(b, 9), 32946: lambda b: zlib.compress(b, 9), 32773: packbits}


def tiff(pixels, photometric, compression=1, rows=None, tile=None, separate=False, predictor=1, order="<", bits=None, extra=None, palette=None, more=()):
    """pixels: [H, W] or [H, W, C] of 8 or 16 bits; of fewer bits where `bits` says so."""
    a = pixels if pixels.ndim == 3 else pixels[..., None]
    h, w, c = a.shape
    bits = bits or a.dtype.itemsize * 8
    ch, cw = tile or (rows or h, w)
    chunks = []
    for plane in ([a[..., i:i + 1] for i in range(c)] if separate else [a]):
        for y in range(0, h, ch):
            for x in range(0, w, cw):
                part = plane[y:y + ch, x:x + cw]
                if tile:
                    part = np.pad(part, ((0, ch - part.shape[0]), (0, cw - part.shape[1]), (0, 0)), mode="edge")
                if predictor == 2:
                    part = np.concatenate([part[:, :1], part[:, 1:] - part[:, :-1]], 1)
                if bits < 8:
                    spread = ((part.reshape(part.shape[0], -1)[..., None] >> np.arange(bits)[::-1]) & 1).astype(np.uint8)
                    data = np.packbits(spread.reshape(part.shape[0], -1), axis=1).tobytes()
                else:
                    data = part.astype(order + f"u{bits // 8}").tobytes()
                chunks.append(COMPRESS[compression](data))
    entries = {256: (4, [w]), 257: (4, [h]), 258: (3, [bits] * c), 259: (3, [compression]), 262: (3, [photometric]), 277: (3, [c]), 284: (3, [2 if separate else 1])}
    offset, offsets = 8, []
    for chunk in chunks:
        offsets.append(offset)
        offset += len(chunk) + len(chunk) % 2
    if tile:
        entries.update({322: (4, [cw]), 323: (4, [ch]), 324: (4, offsets), 325: (4, [len(k) for k in chunks])})
    else:
        entries.update({273: (4, offsets), 278: (4, [ch]), 279: (4, [len(k) for k in chunks])})
    if predictor != 1:
        entries[317] = (3, [predictor])
    if extra is not None:
        entries[338] = (3, extra)
    if palette is not None:
        entries[320] = (3, palette)
    entries.update(dict(more))
    body = b"".join(k + b"\0" * (len(k) % 2) for k in chunks)
    table, far = b"", b""
    begin = offset + 2 + 12 * len(entries) + 4
    for tag in sorted(entries):
        kind, values = entries[tag]
        data = struct.pack(order + str(len(values)) + {3: "H", 4: "I"}[kind], *values)
        if len(data) > 4:
            data, far = struct.pack(order + "I", begin + len(far)), far + data + b"\0" * (len(data) % 2)
        table += struct.pack(order + "HHI", tag, kind, len(values)) + data.ljust(4, b"\0")
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", offset) + body + struct.pack(order + "H", len(entries)) + table + b"\0\0\0\0" + far


def write_tiff(name, data, pixels):
    open("files/" + name, "wb").write(data)
    expect(name, pixels)
    if pixels.dtype == np.uint8 or pixels.ndim == 2:
        with Image.open("files/" + name) as image:
            theirs = np.asarray(image if image.mode in ("L", "RGB", "RGBA", "I;16") else image.convert("L" if image.mode == "1" else "RGB"))
            assert theirs.shape == pixels.shape and (theirs == pixels).all(), name


colors, light, four = np.asarray(rgb), np.asarray(gray), np.asarray(rgba)
random = np.random.RandomState(5)
deep_light = light.astype(np.uint16) * 256 + random.randint(0, 256, light.shape).astype(np.uint16)
deep = colors.astype(np.uint16) * 256 + random.randint(0, 256, colors.shape).astype(np.uint16)
deep_four = np.dstack([deep, deep_light])
WHITE, BLACK, COLORS, PALETTE = range(4)
for label, compression in (("none", 1), ("lzw", 5), ("deflate", 8), ("old-deflate", 32946), ("packbits", 32773)):
    write_tiff(f"rgb-{label}.tif", tiff(colors, COLORS, compression, rows=10), colors)
    write_tiff(f"gray-{label}.tif", tiff(light, BLACK, compression, rows=16), light)
    write_tiff(f"rgb-16-{label}.tif", tiff(deep, COLORS, compression, rows=7), deep)
    write_tiff(f"gray-16-{label}.tif", tiff(deep_light, BLACK, compression), deep_light)
for label, compression in (("none", 1), ("lzw", 5), ("deflate", 8)):
    write_tiff(f"rgb-tiles-{label}.tif", tiff(colors, COLORS, compression, tile=(16, 32)), colors)
    write_tiff(f"gray-16-tiles-{label}.tif", tiff(deep_light, BLACK, compression, tile=(16, 16)), deep_light)
    write_tiff(f"rgb-predictor-{label}.tif", tiff(colors, COLORS, compression, rows=9, predictor=1 if compression == 1 else 2), colors)
    write_tiff(f"rgb-16-predictor-{label}.tif", tiff(deep, COLORS, compression, predictor=1 if compression == 1 else 2), deep)
    write_tiff(f"rgb-big-endian-{label}.tif", tiff(colors, COLORS, compression, rows=10, order=">"), colors)
    write_tiff(f"rgb-16-big-endian-{label}.tif", tiff(deep, COLORS, compression, rows=10, order=">"), deep)
write_tiff("rgb-16-big-endian-predictor-lzw.tif", tiff(deep, COLORS, 5, predictor=2, order=">"), deep)
write_tiff("rgb-planes.tif", tiff(colors, COLORS, 1, rows=12, separate=True), colors)
write_tiff("rgb-planes-lzw.tif", tiff(colors, COLORS, 5, rows=12, separate=True), colors)
write_tiff("rgb-16-planes-tiles-deflate.tif", tiff(deep, COLORS, 8, tile=(32, 32), separate=True), deep)
write_tiff("rgba.tif", tiff(four, COLORS, 5, extra=[2]), four)
write_tiff("rgba-planes.tif", tiff(four, COLORS, 8, extra=[2], separate=True, rows=8), four)
write_tiff("rgba-16.tif", tiff(deep_four, COLORS, 8, extra=[2]), deep_four)
write_tiff("rgbx.tif", tiff(four, COLORS, 1, extra=[0]), colors)
write_tiff("gray-alpha.tif", tiff(np.dstack([deep_light, deep[..., 0]]), BLACK, 8, extra=[2]), np.dstack([deep_light, deep[..., 0]]))
premultiplied = np.dstack([(colors * (four[..., 3:] / 255.0)).astype(np.uint8), four[..., 3]])
divided = np.asarray(Image.frombytes("RGBa", (W, H), premultiplied.tobytes()).convert("RGBA"))
write_tiff("rgba-premultiplied.tif", tiff(premultiplied, COLORS, 5, extra=[1]), divided)
write_tiff("white-is-zero.tif", tiff(255 - light, WHITE, 1), light)
open("files/white-is-zero-16.tif", "wb").write(tiff(65535 - deep_light, WHITE, 8))
expect("white-is-zero-16.tif", deep_light)
for bits in (1, 2, 4):
    values = light >> (8 - bits)
    write_tiff(f"gray-{bits}.tif", tiff(values, BLACK, 5, rows=11, bits=bits), (values * (255 // (2 ** bits - 1))).astype(np.uint8))
    expect(f"gray-{bits}.tif+index", values)
    open(f"files/gray-{bits}-tiles.tif", "wb").write(tiff(values, BLACK, 8, tile=(16, 16), bits=bits))
    expect(f"gray-{bits}-tiles.tif", (values * (255 // (2 ** bits - 1))).astype(np.uint8))
for bits in (2, 4, 8):
    quantized = rgb.quantize(2 ** bits)
    table = np.zeros((2 ** bits, 3), np.uint8)
    entries = np.frombuffer(quantized.palette.palette, np.uint8).reshape(-1, 3)
    table[:len(entries)] = entries
    values = np.asarray(quantized)
    file = tiff(values, PALETTE, 5, rows=11, bits=bits, palette=[int(v) * 257 for v in table.T.reshape(-1)])
    write_tiff(f"palette-{bits}.tif", file, table[values])
    expect(f"palette-{bits}.tif+index", values)
open("files/orientation.tif", "wb").write(tiff(colors, COLORS, 1, more={274: (3, [6])}.items()))
expect("orientation.tif", np.rot90(colors, -1))
# by Pillow's libtiff
write_tiff("pillow-lzw.tif", save(rgb, "TIFF", compression="tiff_lzw"), colors)
write_tiff("pillow-deflate.tif", save(rgb, "TIFF", compression="tiff_adobe_deflate"), colors)
for name, data in (("refused-float.tif", tiff(deep_light, BLACK, more={339: (3, [3])}.items())),
                   ("refused-cmyk.tif", save(ink, "TIFF")),
                   ("refused-jpeg.tif", save(rgb, "TIFF", compression="jpeg")),
                   ("refused-fax.tif", save(gray.convert("1"), "TIFF", compression="group4"))):
    open("files/" + name, "wb").write(data)

json.dump(references, open("references.json", "w"), indent=0)
open("references.raw", "wb").write(zlib.compress(bytes(raw), 9))
