#!/usr/bin/python3
"""Makes the image files in this folder and, beside each, what Pillow makes of it (NAME.raw).

Needs Debian's python3-pil and python3-numpy; made with Pillow 9.4.0 and NumPy 1.24.2. Deterministic.
    cd tests/Fixtures/images && /usr/bin/python3 make.py
"""
import io
import json
import struct
import zlib

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

rng = np.random.RandomState(0)
H, W = 37, 53


def scene(h, w, seed=1):
    """Smooth gradients, hard edges and some noise: what filters and codecs trip over."""
    r = np.random.RandomState(seed)
    y, x = np.mgrid[0:h, 0:w]
    a = np.stack([x * 255 / (w - 1), y * 255 / (h - 1), 127 + 127 * np.sin(x / 3) * np.cos(y / 4)], -1)
    a[h // 4:h // 2, w // 3:w // 2] = (250, 20, 20)
    a[h // 2:h * 3 // 4, w // 2:w * 5 // 6] = (0, 255, 255)
    a[:, w - 3:] = 255 * ((y[:, w - 3:] + x[:, w - 3:]) % 2)[..., None]
    a += r.normal(0, 6, a.shape)
    return np.clip(a, 0, 255).astype(np.uint8)


rgb = Image.fromarray(scene(H, W))
gray = rgb.convert("L")
alpha = Image.fromarray(np.linspace(0, 255, H * W).astype(np.uint8).reshape(H, W))
rgba = Image.merge("RGBA", (*rgb.split(), alpha))
references = {}


def save(name, image, reference=None, **options):
    image.save(name, **options)
    with Image.open(name) as read:
        write_reference(name, reference or read.convert("RGB"))


def write_reference(name, image):
    """The expected pixels, row by row, compressed by zlib."""
    a = np.asarray(image)
    references[name] = {"height": a.shape[0], "width": a.shape[1], "channels": 1 if a.ndim == 2 else a.shape[2],
                        "bits": a.dtype.itemsize * 8, "file": name + ".raw"}
    open(name + ".raw", "wb").write(zlib.compress(a.tobytes(), 9))


# JPEG
save("baseline.jpg", rgb, quality=85)
save("full-colour.jpg", rgb, quality=95, subsampling=0)
save("progressive.jpg", rgb, quality=85, progressive=True)
save("gray.jpg", gray, quality=85)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    name = f"orientation-{orientation}.jpg"
    rgb.resize((40, 24)).save(name, quality=90, exif=exif)
    write_reference(name, ImageOps.exif_transpose(Image.open(name)).convert("RGB"))

# PNG: written by hand where Pillow can't
save("rgb.png", rgb)
save("rgba.png", rgba)
save("gray.png", gray)
gray_alpha = Image.merge("LA", (gray, alpha))
save("gray-alpha.png", gray_alpha)
palette = rgb.quantize(16)
save("palette.png", palette)
palette.save("palette-transparent.png", transparency=bytes([0, 128]))
write_reference("palette-transparent.png", Image.open("palette-transparent.png").convert("RGB"))
write_reference("palette-transparent.png+rgba", Image.open("palette-transparent.png").convert("RGBA"))
write_reference("palette.png+index", palette)
save("bit.png", gray.point(lambda v: 255 * (v > 128)).convert("1"))
save("palette-2-bit.png", rgb.quantize(4), bits=2)


def png(name, pixels, depth, colour, interlace=0, extra=b""):
    """A PNG of rows already packed to bytes (no interlace) or Adam7 passes of a [H, W, bytes] array."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    if interlace:
        h, w = pixels.shape[:2]
        rows = b""
        for y0, x0, dy, dx in ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)):
            part = pixels[y0::dy, x0::dx]
            if part.size:
                rows += b"".join(b"\0" + row.tobytes() for row in part)
    else:
        h, w = pixels[0]
        rows = b"".join(b"\0" + row for row in pixels[1])
    open(name, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlace))
                           + extra + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


png("interlaced.png", np.asarray(rgb), 8, 2, interlace=1)
write_reference("interlaced.png", rgb)
deep = (np.asarray(gray).astype(np.uint32) * 257 + rng.randint(0, 99, (H, W))).clip(0, 65535).astype(np.uint16)
png("gray-16.png", ((H, W), [row.astype(">u2").tobytes() for row in deep]), 16, 0)
write_reference("gray-16.png", deep)
deep_rgb = (np.asarray(rgb).astype(np.uint32) * 256 + rng.randint(0, 256, (H, W, 3))).astype(np.uint16)
png("rgb-16.png", ((H, W), [row.astype(">u2").tobytes() for row in deep_rgb]), 16, 2)
write_reference("rgb-16.png", deep_rgb)
for depth in (2, 4):
    values = np.asarray(gray) >> (8 - depth)
    packed = []
    for row in values:
        bits = "".join(format(v, f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        packed.append(bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8)))
    png(f"gray-{depth}.png", ((H, W), packed), depth, 0)
    write_reference(f"gray-{depth}.png", (values * (255 // (2 ** depth - 1))).astype(np.uint8))
    write_reference(f"gray-{depth}.png+index", values.astype(np.uint8))
exif = Image.Exif()
exif[0x0112] = 6
rgb.save("orientation-6.png", exif=exif)
write_reference("orientation-6.png", ImageOps.exif_transpose(Image.open("orientation-6.png")).convert("RGB"))

# WebP
save("lossy.webp", rgb, quality=80)
save("lossless.webp", rgb, lossless=True)
rgba.save("alpha.webp", lossless=True, exact=True)
write_reference("alpha.webp", rgb)
write_reference("alpha.webp+rgba", rgba)
rgb.save("orientation-8.webp", lossless=True, exif=b"Exif\0\0" + (lambda e: (e.__setitem__(0x0112, 8), e.tobytes())[1])(Image.Exif())[6:])
write_reference("orientation-8.webp", rgb.transpose(Image.Transpose.ROTATE_90))
rgb.resize((8, 8)).save("animated.webp", save_all=True, append_images=[gray.convert("RGB").resize((8, 8))])

# BMP
save("rgb.bmp", rgb)
save("gray.bmp", gray)
save("palette.bmp", palette)
save("bit.bmp", gray.point(lambda v: 255 * (v > 128)).convert("1"))
rgba.save("rgba.bmp")
write_reference("rgba.bmp", rgb)
top_down = bytearray(open("rgb.bmp", "rb").read())
stride = (W * 3 + 3) // 4 * 4
struct.pack_into("<i", top_down, 22, -H)
begin = struct.unpack_from("<I", top_down, 10)[0]
rows = [bytes(top_down[begin + i * stride:begin + (i + 1) * stride]) for i in range(H)]
top_down[begin:] = b"".join(reversed(rows))
open("top-down.bmp", "wb").write(top_down)
write_reference("top-down.bmp", rgb)
five = np.asarray(rgb).astype(np.uint16)
packed565 = (five[..., 0] >> 3 << 11) | (five[..., 1] >> 2 << 5) | (five[..., 2] >> 3)
stride = (W * 2 + 3) // 4 * 4
body = b"".join(row.astype("<u2").tobytes().ljust(stride, b"\0") for row in packed565[::-1])
open("565.bmp", "wb").write(b"BM" + struct.pack("<IHHI", 66 + len(body), 0, 0, 66) + struct.pack("<IiiHHIIiiII", 40, W, H, 1, 16, 3, len(body), 0, 0, 0, 0)
                            + struct.pack("<III", 0xF800, 0x07E0, 0x001F) + body)
write_reference("565.bmp", np.stack([(five[..., 0] >> 3) * 255 // 31, (five[..., 1] >> 2) * 255 // 63, (five[..., 2] >> 3) * 255 // 31], -1).astype(np.uint8))

# Resizing, by Pillow. Sizes: shrink, grow, both, not at all along one axis, far down.
source = Image.fromarray(scene(31, 43, seed=2))
source.save("resize-source.png")
filters = {"Nearest": 0, "Lanczos": 1, "Bilinear": 2, "Bicubic": 3, "Box": 4, "Hamming": 5}
resized = bytearray()
cases = []
for name, number in filters.items():
    for width, height in ((20, 15), (43, 10), (60, 50), (17, 31), (75, 13), (4, 3), (1, 1), (44, 32)):
        for mode in ("RGB", "L", "RGBA", "F"):
            if mode != "RGB" and (width, height) not in ((20, 15), (75, 13)):
                continue
            image = source.convert("RGB")
            image = Image.merge("RGBX", (*image.split(), image.split()[1])) if mode == "RGBA" else image.convert(mode)
            pixels = np.asarray(image.resize((width, height), number))
            cases.append({"filter": name, "width": width, "height": height, "mode": mode, "offset": len(resized)})
            resized += pixels.tobytes()
for name in ("Bilinear", "Bicubic"):
    box = (5.25, 2.5, 35.75, 25.125)
    cases.append({"filter": name, "width": 24, "height": 24, "mode": "RGB", "offset": len(resized), "box": box})
    resized += np.asarray(source.resize((24, 24), filters[name], box=box)).tobytes()
    crop = (6, 3, 36, 27)
    cases.append({"filter": name, "width": 24, "height": 24, "mode": "RGB", "offset": len(resized), "crop": crop})
    resized += np.asarray(source.crop(crop).resize((24, 24), filters[name])).tobytes()
open("resize.raw", "wb").write(zlib.compress(bytes(resized), 9))
json.dump(cases, open("resize.json", "w"), indent=0)

# Colour, by Pillow's own enhancers (which torchvision's PIL back end calls)
small = source.crop((9, 4, 33, 28))
small.save("colour-source.png")
colours = bytearray()
steps = []


def colour(step, value, image):
    steps.append({"step": step, "value": value, "offset": len(colours)})
    colours.extend(np.asarray(image.convert("RGB")).tobytes())


def hue(image, shift):
    h, s, v = image.convert("HSV").split()
    h = Image.fromarray(((np.asarray(h).astype(np.int32) + int(shift * 255)) % 256).astype(np.uint8))
    return Image.merge("HSV", (h, s, v)).convert("RGB")


for value in (0.0, 0.4, 1.0, 1.7):
    colour("brightness", value, ImageEnhance.Brightness(small).enhance(value))
    colour("contrast", value, ImageEnhance.Contrast(small).enhance(value))
    colour("saturation", value, ImageEnhance.Color(small).enhance(value))
    colour("sharpness", value, ImageEnhance.Sharpness(small).enhance(value))
for value in (-0.5, -0.1, 0.25, 0.5):
    colour("hue", value, hue(small, value))
for value in (0, 1, 3, 6):
    colour("posterize", value, ImageOps.posterize(small, max(1, value)))
for value in (0, 100, 255):
    colour("solarize", value, ImageOps.solarize(small, value))
colour("autocontrast", 0, ImageOps.autocontrast(small))
dull = small.point(lambda v: 60 + v // 3)
colour("dull", 0, dull)
colour("autocontrast-dull", 0, ImageOps.autocontrast(dull))
colour("equalize", 0, ImageOps.equalize(small))
colour("equalize-dull", 0, ImageOps.equalize(dull))
colour("invert", 0, ImageOps.invert(small))
colour("grayscale", 0, small.convert("L"))
open("colour.raw", "wb").write(zlib.compress(bytes(colours), 9))
json.dump(steps, open("colour.json", "w"), indent=0)

json.dump(references, open("references.json", "w"), indent=0)
