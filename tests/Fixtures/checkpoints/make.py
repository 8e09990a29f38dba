#!/usr/bin/python3
"""Checkpoint fixtures from PyTorch (1.13, numpy 1.24), seed 0, and files that no honest program writes.

good/*            what torch.save makes, in both formats; one safetensors file made by hand after the format's specification
bad/*             malicious or damaged; every one that would run a command is first shown to run it in Python
expected.json     good: the tensors' types, shapes and bytes; bad: what the refusal must name
"""
import argparse
import collections
import datetime
import decimal
import enum
import functools
import io
import json
import os
import pathlib
import pickle
import random
import struct
import subprocess
import sys
import tempfile
import uuid
import zipfile
from types import SimpleNamespace

import numpy as np
import torch

here = os.path.dirname(os.path.abspath(__file__))
for folder in ("good", "bad"):
    os.makedirs(os.path.join(here, folder), exist_ok=True)
    for old in os.listdir(os.path.join(here, folder)):
        os.remove(os.path.join(here, folder, old))
torch.manual_seed(0)
expected = {"good": {}, "bad": {}}

NAMES = {torch.bool: "Bool", torch.uint8: "UInt8", torch.int8: "Int8", torch.int16: "Int16", torch.int32: "Int32", torch.int64: "Int64",
         torch.float16: "Float16", torch.bfloat16: "BFloat16", torch.float32: "Float32", torch.float64: "Float64",
         torch.complex64: "Complex64", torch.complex128: "Complex128"}


def content(tensor):
    tensor = tensor.detach().contiguous()
    return b"" if tensor.numel() == 0 else bytes(tensor.clone().storage().untyped())


def good(name, value, tensors, others=(), **save):
    for suffix, zipped in (("zip", True), ("legacy", False)):
        file = f"{name}.{suffix}.pth"
        torch.save(value, os.path.join(here, "good", file), _use_new_zipfile_serialization=zipped, **save)
        expected["good"][file] = {
            "tensors": {k: {"type": NAMES[t.dtype], "shape": list(t.shape), "bytes": content(t).hex()} for k, t in tensors.items()},
            "others": list(others)}


# Every type of numbers.
types = {str(t).split(".")[1]: (torch.randn(2, 3) * 10).to(t) for t in NAMES}
good("types", types, types)

# Views: order in memory, offsets, one storage under two names, a repeated element, a scalar, nothing.
base = torch.arange(24, dtype=torch.float32)
views = {"whole": base, "transposed": base.view(4, 6).t(), "part": base[5:11], "steps": base.view(4, 6)[1:3, ::2], "expanded": torch.tensor([7.0]).expand(3, 4),
         "scalar": torch.tensor(3.5), "empty": torch.zeros(0, 3), "channels_last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)}
good("views", views, views)

# What training scripts save: weights among other things, names with module. before them.
net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, bias=False), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(4, 5))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
net(torch.randn(2, 3, 3, 3)).sum().backward()
optimizer.step()
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 5])
state = collections.OrderedDict(("module." + k, v) for k, v in net.state_dict().items())
state._metadata = net.state_dict()._metadata
good("training", {
    "epoch": 3, "best_prec1": 91.78, "arch": "tiny", "state_dict": state, "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
    "loss": np.float64(0.25), "steps": np.int64(7), "array": np.arange(3), "size": torch.Size([2, 3]), "type": torch.float16, "device": torch.device("cpu"),
    "set": {1, 2}, "none": None, "flag": True, "big": 1 << 80, "list": [1, 2], "tuple": (1, "a"), "bytes": b"abc", "ünïcode": "straße"},
    state, ["epoch = 3", "best_prec1 = 91.78", "arch = \"tiny\"", "loss = 0.25", "steps = 7", "flag = True"])
good("protocol4", {"state_dict": state}, state, pickle_protocol=4)
good("parameters", collections.OrderedDict((k, p) for k, p in net.named_parameters()), dict(net.named_parameters()))
good("nested", {"model": {"backbone": {"a": torch.ones(2)}, "head": {"b": torch.zeros(3)}}, "step": 1}, {"backbone.a": torch.ones(2), "head.b": torch.zeros(3)}, ["step = 1"])

# Objects of scripts and libraries beside the weights: no weight needs them.
class Phase(enum.Enum):
    TRAIN = 1


class Tracker:
    """As a script defines one: state, and values set by key."""

    def __init__(self):
        self.best = torch.tensor(0.5)


class Options(dict):
    pass


good("objects", {
    "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("/tmp/run")), "path": pathlib.PurePosixPath("/data"), "when": datetime.datetime(2024, 1, 2, 3, 4), "phase": Phase.TRAIN,
    "tracker": Tracker(), "options": Options(a=1, b=[1, 2]), "queue": collections.deque([1, 2], 5), "space": SimpleNamespace(a=1), "partial": functools.partial(min, 3),
    "rng": torch.get_rng_state(), "python_rng": random.Random(1).getstate(), "numpy_rng": np.random.RandomState(1).get_state(), "numpy_generator": np.random.RandomState(1),
    "complex": 1 + 2j, "range": range(3), "frozen": frozenset([1]), "decimal": decimal.Decimal("1.5"), "uuid": uuid.UUID(int=5), "dtype": np.dtype("float32"), "flag": np.bool_(True),
    "best_acc1": torch.tensor(76.5), "scheduler_object": torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.zeros(1)], lr=0.1), 3), "module": torch.nn.Linear(2, 2),
    "state_dict": state}, state, ["args (an object of argparse.Namespace)", "best_acc1 (a tensor [])"])

# Safetensors after its specification, by hand: 8 bytes length, JSON, data.
header, data = {"__metadata__": {"format": "pt", "author": "ünïcode \"quoted\""}}, b""
SAFE = {"Bool": "BOOL", "UInt8": "U8", "Int8": "I8", "Int16": "I16", "Int32": "I32", "Int64": "I64", "Float16": "F16", "BFloat16": "BF16", "Float32": "F32", "Float64": "F64", "Complex64": "C64"}
tensors = {}
for name, tensor in list(types.items()) + [("scalar", torch.tensor(3.5)), ("empty", torch.zeros(0, 3))]:
    if NAMES[tensor.dtype] not in SAFE:
        continue
    raw = content(tensor)
    header[name] = {"dtype": SAFE[NAMES[tensor.dtype]], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
    tensors[name] = {"type": NAMES[tensor.dtype], "shape": list(tensor.shape), "bytes": raw.hex()}
for name, kind, size in (("u16", "U16", 2), ("u32", "U32", 4), ("u64", "U64", 8), ("e4m3", "F8_E4M3", 1), ("e5m2", "F8_E5M2", 1)):
    raw = bytes(range(3 * size))
    header[name] = {"dtype": kind, "shape": [3], "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
    tensors[name] = {"type": {"u16": "UInt16", "u32": "UInt32", "u64": "UInt64", "e4m3": "Float8E4M3", "e5m2": "Float8E5M2"}[name], "shape": [3], "bytes": raw.hex()}
text = json.dumps(header, ensure_ascii=False).encode()
text += b" " * (-len(text) % 8)
with open(os.path.join(here, "good", "by-hand.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
expected["good"]["by-hand.safetensors"] = {"tensors": tensors, "others": []}


# ---- Files that must be refused ----

def as_zip(pkl, extra=(), compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content_ in [("data.pkl", pkl), ("version", "3\n"), *extra]:
            archive.writestr(zipfile.ZipInfo("archive/" + name), content_, compression)  # dated 1980: the same file every time
    return out.getvalue()


def as_legacy(pkl, tail=b""):
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    return (pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps(system, 2) + pkl + (tail or pickle.dumps([], 2)))


def bad(name, names, raw):
    with open(os.path.join(here, "bad", name), "wb") as file:
        file.write(raw)
    expected["bad"][name] = names


def text_op(s):
    s = s.encode()
    return b"X" + struct.pack("<I", len(s)) + s


MARKER = "tessera-was-here"
COMMAND = "touch " + MARKER


def malicious(name, names, pkl):
    """Shows in Python that the pickle runs the command, then writes it in both formats."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([sys.executable, "-c", "import pickle, sys\ntry: pickle.loads(sys.stdin.buffer.read())\nexcept Exception: pass"], input=pkl, cwd=place, check=False)
        assert os.path.exists(os.path.join(place, MARKER)), f"{name} is no attack"
    bad(name + ".zip.pth", names, as_zip(pkl))
    bad(name + ".legacy.pth", names, as_legacy(pkl))


P, C = b"\x80\x02", text_op(COMMAND)
PYTHON = text_op(f"__import__('os').system('{COMMAND}')")
malicious("reduce-os-system", "os.system", P + b"cos\nsystem\n" + C + b"\x85R.")
malicious("reduce-posix-system", "posix.system", P + b"cposix\nsystem\n" + C + b"\x85R.")
malicious("reduce-eval", "builtins.eval", P + b"cbuiltins\neval\n" + PYTHON + b"\x85R.")
malicious("reduce-exec-python2-name", "__builtin__.eval", P + b"c__builtin__\neval\n" + PYTHON + b"\x85R.")
malicious("stack-global", "os.system", b"\x80\x04\x8c\x02os\x8c\x06system\x93" + C + b"\x85R.")
malicious("inst", "os.system", P + b"(" + C + b"ios\nsystem\n.")
malicious("obj", "os.system", P + b"(cos\nsystem\n" + C + b"o.")
malicious("popen", "subprocess.Popen", P + b"csubprocess\nPopen\n(" + text_op("touch") + text_op(MARKER) + b"l\x85R0cos\nwait\n)R.")
malicious("getattr", "__builtin__.__import__", P + b"cbuiltins\ngetattr\nc__builtin__\n__import__\n" + text_op("os") + b"\x85R" + text_op("system") + b"\x86R" + C + b"\x85R.")
malicious("hidden-in-dict", "os.system", P + b"}(" + text_op("weight") + b"cos\nsystem\n" + C + b"\x85Ru.")
malicious("newobj", "subprocess.Popen", P + b"csubprocess\nPopen\n(" + text_op("touch") + text_op(MARKER) + b"l\x85\x81}b0csubprocess\nPopen\n(" + text_op("touch") + text_op(MARKER) + b"l\x85R0cos\nwait\n)R.")
malicious("build-setstate", "os.system", P + b"ccollections\nOrderedDict\n)R}" + text_op("x") + b"cos\nsystem\n" + C + b"\x85Rsb.")
malicious("after-memo", "os.system", P + b"cos\nsystem\nq\x000]h\x00" + C + b"\x85Ra.")

# Refused without being able to run anything when loaded like that.
tensor_pkl = lambda storage, args: P + b"}" + text_op("w") + b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + args + b"\x89ccollections\nOrderedDict\n)RtRs."
storage_op = lambda count, key="0", kind="FloatStorage": b"(" + text_op("storage") + b"ctorch\n" + kind.encode() + b"\n" + text_op(key) + text_op("cpu") + pickle.dumps(count, 2)[2:-1] + b"tQ"
ints = lambda *values: pickle.dumps(tuple(values), 2)[2:-1].split(b"q\x00")[0]
four = struct.pack("<4f", 1, 2, 3, 4)
for where, wrap in (("zip", lambda pkl, raw=four: as_zip(pkl, [("data/0", raw)])),
                    ("legacy", lambda pkl, raw=four: as_legacy(pkl, pickle.dumps(["0"], 2) + struct.pack("<q", len(raw) // 4) + raw if b"storage" in pkl else b""))):
    bad(f"ext1.{where}.pth", "extension", wrap(P + b"\x82\x01."))
    bad(f"persid.{where}.pth", "PERSID", wrap(P + b"Pabc\n."))
    bad(f"namespace.{where}.pth", "argparse.Namespace", wrap(pickle.dumps({"args": argparse.Namespace(lr=0.1), "state_dict": {}}, 2)))
    bad(f"load-from-bytes.{where}.pth", "torch.storage._load_from_bytes", wrap(P + b"ctorch.storage\n_load_from_bytes\n" + text_op("x") + b"\x85R."))
    bad(f"quantised.{where}.pth", "quantised", wrap(P + b"ctorch._utils\n_rebuild_qtensor\n)R."))
    bad(f"call-text.{where}.pth", "call", wrap(P + text_op("os.system") + text_op("ls") + b"\x85R."))
    bad(f"call-storage-type.{where}.pth", "torch.FloatStorage", wrap(P + b"ctorch\nFloatStorage\nK\x05\x85R."))
    bad(f"huge-storage.{where}.pth", "", wrap(tensor_pkl(storage_op(1 << 60), b"K\x00" + ints(1 << 60) + ints(1))))
    bad(f"negative-storage.{where}.pth", "", wrap(tensor_pkl(storage_op(-4), b"K\x00" + ints(4) + ints(1))))
    bad(f"beyond-storage.{where}.pth", "beyond its storage", wrap(tensor_pkl(storage_op(4), b"K\x01" + ints(4) + ints(1))))
    bad(f"huge-shape.{where}.pth", "", wrap(tensor_pkl(storage_op(4), b"K\x00" + ints(1 << 40, 1 << 40) + ints(0, 0))))
    bad(f"huge-expand.{where}.pth", "repeats a storage", wrap(tensor_pkl(storage_op(4), b"K\x00" + ints(1 << 40) + ints(0))))
    bad(f"huge-stride.{where}.pth", "beyond its storage", wrap(tensor_pkl(storage_op(4), b"K\x00" + ints(2, 2) + ints((1 << 63) - 1, 1))))
    bad(f"negative-stride.{where}.pth", "stride is negative", wrap(tensor_pkl(storage_op(4), b"K\x03" + ints(4) + ints(-1))))
    bad(f"negative-offset.{where}.pth", "outside its storage", wrap(tensor_pkl(storage_op(4), b"J\xff\xff\xff\xff" + ints(4) + ints(1))))
    bad(f"no-tensors.{where}.pth", "epoch = 3", wrap(pickle.dumps({"epoch": 3, "lr": 0.1}, 2)))
    bad(f"a-number.{where}.pth", "= 5", wrap(pickle.dumps(5, 2)))
    bad(f"two-parts.{where}.pth", "generator, discriminator", wrap(P + b"}(" + b"".join(text_op(part) + b"}" + text_op("w") + b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage_op(4)
        + b"K\x00" + ints(4) + ints(1) + b"\x89ccollections\nOrderedDict\n)RtRs" for part in ("generator", "discriminator")) + b"u."))
    bad(f"deep-lists.{where}.pth", "", wrap(P + b"]" * 20_000 + b"a" * 19_999 + b"."))
    laughs = {}
    for _ in range(4):
        laughs = {str(i): laughs for i in range(200)}
    bad(f"laughs.{where}.pth", "entangled", wrap(pickle.dumps({"model": laughs}, 2)))
    bad(f"open-mark.{where}.pth", "", wrap(P + b"(]."))
    bad(f"empty-stack.{where}.pth", "", wrap(P + b"R."))
    bad(f"no-memo.{where}.pth", "", wrap(P + b"h\x07."))
    bad(f"long-text.{where}.pth", "", wrap(P + b"X\xff\xff\xff\x7fabc."))
    bad(f"long-number.{where}.pth", "", wrap(P + b"\x8b\xff\xff\xff\x7f."))
    bad(f"opcode.{where}.pth", "0xFF", wrap(P + b"\xff."))
    bad(f"no-end.{where}.pth", "", wrap(P + b"}" if where == "zip" else P + b"}("))

whole = io.BytesIO()
torch.save(torch.nn.Linear(2, 2), whole)
bad("whole-module.zip.pth", "torch.nn.modules.linear.Linear", whole.getvalue())
whole = io.BytesIO()
torch.save(torch.nn.Linear(2, 2), whole, _use_new_zipfile_serialization=False)
bad("whole-module.legacy.pth", "module", whole.getvalue())
script = io.BytesIO()
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), script)
bad("torchscript.pt", "TorchScript", script.getvalue())

weights = tensor_pkl(storage_op(4), b"K\x00" + ints(4) + ints(1))
bad("compressed.pth", "compressed", as_zip(weights, [("data/0", bytes(10000))], zipfile.ZIP_DEFLATED))
bad("big-endian.pth", "big", as_zip(weights, [("data/0", four), ("byteorder", "big")]))
bad("missing-storage.pth", "data/0", as_zip(weights))
bad("short-storage.pth", "data/0", as_zip(weights, [("data/0", four[:8])]))
bad("no-pickle.pth", "data.pkl", as_zip(weights, [("data/0", four)]).replace(b"data.pkl", b"date.pkl"))
encrypted = bytearray(as_zip(weights, [("data/0", four)]))
encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
bad("encrypted.pth", "encrypted", bytes(encrypted))
overlap = bytearray(as_zip(weights, [("data/0", four), ("data/1", four)]))
second = overlap.rindex(b"PK\x01\x02")
first = overlap.rindex(b"PK\x01\x02", 0, second)
overlap[second + 42:second + 46] = overlap[first + 42:first + 46]
bad("overlapping.pth", "overlap", bytes(overlap))
twice = as_zip(weights, [("data/0", four), ("data/1", four)]).replace(b"data/1", b"data/0")
bad("same-name-twice.pth", "two entries", twice)
bad("plain-pickle.pth", "torch.save", pickle.dumps({"a": 1}, 2))
bad("big-endian.legacy.pth", "big endian", pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": False}, 2) + pickle.dumps({}, 2) + pickle.dumps([], 2))
bad("empty.pth", "empty", b"")
bad("page.pth", "web page", b"<!DOCTYPE html><html><body>404</body></html>")
bad("pointer.pth", "Git LFS", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
bad("text.pth", "no format", b"These are not the weights you are looking for.\n")
bad("old.tar.pth", "tar", bytes(257) + b"ustar  \x00" + bytes(300))
bad("packed.pth.gz", "gzip", b"\x1f\x8b\x08" + bytes(40))


def safe(name, names, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    bad(name + ".safetensors", names, struct.pack("<Q", len(text) if length is None else length) + text + data)


entry = lambda dtype="F32", shape=(2,), offsets=(0, 8): {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}
safe("long-header", "allowed", b"{}", length=100_000_001)
safe("header-beyond-file", "cut short", b"{}", length=5_000_000)
safe("not-json", "JSON", b"{\"a\": ]}", bytes(8))
safe("twice", "called a", b"{\"a\":%s,\"a\":%s}" % (json.dumps(entry()).encode(), json.dumps(entry()).encode()), bytes(8))
safe("no-dtype", "lacks", {"a": {"shape": [2], "data_offsets": [0, 8]}}, bytes(8))
safe("unknown-dtype", "F33", {"a": entry("F33")}, bytes(8))
safe("extra-key", "not expected", {"a": dict(entry(), evil=1)}, bytes(8))
safe("negative-shape", "whole numbers", {"a": entry(shape=(-2,))}, bytes(8))
safe("wrong-size", "yet its data", {"a": entry(shape=(3,))}, bytes(8))
safe("huge-shape", "yet its data", {"a": entry(shape=(1 << 62, 1 << 62))}, bytes(8))
safe("overlap", "overlap", {"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12))
safe("hole", "hole", {"a": entry(), "b": entry(offsets=(12, 20))}, bytes(20))
safe("trailing", "belong to no tensor", {"a": entry()}, bytes(12))
safe("truncated", "cut short", {"a": entry()}, bytes(4))
safe("metadata-number", "JSON", {"__metadata__": {"a": 1}, "a": entry()}, bytes(8))
safe("reversed-offsets", "yet its data", {"a": entry(offsets=(8, 0))}, bytes(8))
safe("many-dimensions", "more than", {"a": entry(shape=[1] * 65 + [2])}, bytes(8))

# A published classifier as people publish it: the CIFAR ResNet of 8 layers, names with module., in the old format; and what it gives.
generator = torch.Generator().manual_seed(1)
rand = lambda *shape: torch.randn(*shape, generator=generator) * 0.3
channels, weights = (4, 8, 8), collections.OrderedDict()


def norm(name, width):
    weights.update({name + ".weight": rand(width) + 1, name + ".bias": rand(width), name + ".running_mean": rand(width), name + ".running_var": rand(width) ** 2 + 0.5})


weights["conv1.weight"] = rand(4, 3, 3, 3)
norm("bn1", 4)
for stage, (before, width) in enumerate(zip((4,) + channels, channels), 1):
    weights[f"layer{stage}.0.conv1.weight"] = rand(width, before, 3, 3)
    norm(f"layer{stage}.0.bn1", width)
    weights[f"layer{stage}.0.conv2.weight"] = rand(width, width, 3, 3)
    norm(f"layer{stage}.0.bn2", width)
weights["linear.weight"], weights["linear.bias"] = rand(3, 8), rand(3)

F = torch.nn.functional
images = rand(2, 3, 16, 16)
apply_norm = lambda x, name: F.batch_norm(x, weights[name + ".running_mean"], weights[name + ".running_var"], weights[name + ".weight"], weights[name + ".bias"])
x = F.relu(apply_norm(F.conv2d(images, weights["conv1.weight"], padding=1), "bn1"))
for stage in (1, 2, 3):
    name, stride = f"layer{stage}.0", 1 if stage == 1 else 2
    y = F.relu(apply_norm(F.conv2d(x, weights[name + ".conv1.weight"], stride=stride, padding=1), name + ".bn1"))
    y = apply_norm(F.conv2d(y, weights[name + ".conv2.weight"], padding=1), name + ".bn2")
    if stride == 2:  # option A: every second pixel, missing channels as zeros on both sides
        extra = y.shape[1] - x.shape[1]
        x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, extra // 2, extra // 2))
    x = F.relu(x + y)
logits = F.linear(x.mean((2, 3)), weights["linear.weight"], weights["linear.bias"])
torch.save({"best_prec1": 91.78, "state_dict": collections.OrderedDict(("module." + k, v) for k, v in weights.items())},
           os.path.join(here, "cifar8.th"), _use_new_zipfile_serialization=False)
with open(os.path.join(here, "cifar8.json"), "w") as file:
    json.dump({"images": images.flatten().tolist(), "logits": logits.tolist()}, file)

with open(os.path.join(here, "expected.json"), "w") as file:
    json.dump(expected, file, indent=0, ensure_ascii=False)
    file.write("\n")
print(len(expected["good"]), "good,", len(expected["bad"]), "bad,", sum(os.path.getsize(os.path.join(here, d, f)) for d in ("good", "bad") for f in os.listdir(os.path.join(here, d))), "bytes")
