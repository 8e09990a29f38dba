"""pycocotools.mask without Cython: maskApi.c, compiled with gcc and called through ctypes."""
import ctypes
import os
import subprocess
import tempfile

import numpy as np

class Rle(ctypes.Structure):
    _fields_ = [("h", ctypes.c_ulong), ("w", ctypes.c_ulong), ("m", ctypes.c_ulong), ("cnts", ctypes.POINTER(ctypes.c_uint))]


def compile_mask_api(folder):
    target = os.path.join(tempfile.mkdtemp(), "maskApi.so")
    subprocess.check_call(["gcc", "-O2", "-shared", "-fPIC", "-o", target, os.path.join(folder, "common", "maskApi.c"), "-lm"])
    return ctypes.CDLL(target)


C = None
SIZE = ctypes.c_ulong


def use(folder):
    """Compiles FOLDER/common/maskApi.c; FOLDER is a checkout of github.com/ppwwyyxx/cocoapi."""
    global C
    C = compile_mask_api(folder)
    C.rleToString.restype = ctypes.c_void_p


def text(rle):
    return {"size": [rle.h, rle.w], "counts": ctypes.string_at(C.rleToString(ctypes.byref(rle)))}


def of_text(entry):
    rle, counts = Rle(), entry["counts"]
    C.rleFrString(ctypes.byref(rle), counts.encode() if isinstance(counts, str) else counts, SIZE(entry["size"][0]), SIZE(entry["size"][1]))
    return rle


def many(entries):
    return (Rle * max(1, len(entries)))(*[of_text(entry) for entry in entries])


def runs(entry):
    rle = of_text(entry)
    return [rle.cnts[i] for i in range(rle.m)]


def polygon(points, h, w):
    rle, xy = Rle(), np.array(points, dtype=np.double)
    C.rleFrPoly(ctypes.byref(rle), xy.ctypes.data_as(ctypes.c_void_p), SIZE(len(points) // 2), SIZE(h), SIZE(w))
    return text(rle)


def uncompressed(entry):
    counts = (ctypes.c_uint * len(entry["counts"]))(*entry["counts"])
    return text(Rle(entry["size"][0], entry["size"][1], len(counts), counts))


def fr_py_objects(entry, h, w):
    if isinstance(entry, dict):
        return uncompressed(entry)
    return [polygon(points, h, w) for points in entry]


def merge(entries, intersect=0):
    rle = Rle()
    C.rleMerge(many(entries), ctypes.byref(rle), SIZE(len(entries)), ctypes.c_int(intersect))
    return text(rle)


def area(entries):
    if isinstance(entries, dict):
        return area([entries])[0]
    found = (ctypes.c_uint * len(entries))()
    C.rleArea(many(entries), SIZE(len(entries)), found)
    return np.array(found[:], dtype=np.uint32)


def to_bbox(entries):
    if isinstance(entries, dict):
        return to_bbox([entries])[0]
    found = (ctypes.c_double * (4 * len(entries)))()
    C.rleToBbox(many(entries), found, SIZE(len(entries)))
    return np.array(found[:]).reshape(-1, 4)


def iou(found, truth, crowd):
    if len(found) == 0 or len(truth) == 0:
        return []
    result = (ctypes.c_double * (len(found) * len(truth)))()
    if not isinstance(found[0], dict):  # boxes: x, y, width, height
        flat = [(ctypes.c_double * (4 * len(boxes)))(*[float(side) for box in boxes for side in box]) for boxes in (found, truth)]
        C.bbIou(flat[0], flat[1], SIZE(len(found)), SIZE(len(truth)), (ctypes.c_ubyte * len(truth))(*crowd), result)
        return np.array(result[:]).reshape((len(found), len(truth)), order="F")
    C.rleIou(many(found), many(truth), SIZE(len(found)), SIZE(len(truth)), (ctypes.c_ubyte * len(truth))(*crowd), result)
    return np.array(result[:]).reshape((len(found), len(truth)), order="F")


def encode(mask):
    if mask.ndim == 3:
        return [encode(mask[:, :, i]) for i in range(mask.shape[2])]
    rle, pixels = Rle(), np.asfortranarray(mask, dtype=np.uint8)
    C.rleEncode(ctypes.byref(rle), pixels.ctypes.data_as(ctypes.c_void_p), SIZE(mask.shape[0]), SIZE(mask.shape[1]), SIZE(1))
    return text(rle)


def decode(entry):
    (h, w), rle = entry["size"], of_text(entry)
    pixels = np.zeros((h, w), dtype=np.uint8, order="F")
    assert C.rleDecode(ctypes.byref(rle), pixels.ctypes.data_as(ctypes.c_void_p), SIZE(1)) == 1
    return pixels


FUNCTIONS = {"frPyObjects": fr_py_objects, "merge": merge, "area": area, "toBbox": to_bbox, "iou": iou, "encode": encode, "decode": decode}
