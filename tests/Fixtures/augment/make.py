#!/usr/bin/python3
"""Makes torchvision.json and timm.json: what torchvision and timm make of ../images/resize-source.png by the operations of AutoAugment and its like.

Needs Debian's python3-torchvision and python3-pil, and a checkout of timm (huggingface/pytorch-image-models), of which two files are run as they
are; made with torchvision 0.14.1, Pillow 9.4.0, NumPy 1.24.2 and timm's commit aa4b5850. Seeds are below.
    cd tests/Fixtures/augment && /usr/bin/python3 make.py PATH_OF_TIMM
Pixels are given as the first 16 digits of their SHA-256.
"""
import base64
import hashlib
import importlib.util
import json
import random
import sys
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from torchvision.transforms import InterpolationMode, autoaugment as tv, functional as F

RGB = Image.open("../images/resize-source.png").convert("RGB")
IMAGES = {"RGB": RGB, "L": Image.fromarray(np.asarray(RGB)[..., 0].copy())}
FILTERS = {"Nearest": InterpolationMode.NEAREST, "Bilinear": InterpolationMode.BILINEAR, "Bicubic": InterpolationMode.BICUBIC}
PIL_FILTERS = {"Bilinear": Image.Resampling.BILINEAR, "Bicubic": Image.Resampling.BICUBIC}
MOVING = ["ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate"]


def digest(image):
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()[:16]


def load(root, name):
    spec = importlib.util.spec_from_file_location(name, Path(root) / "timm" / "data" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fill_of(mode):
    return [124, 7, 201] if mode == "RGB" else [90]


def torchvision_operations():
    cases = []
    for mode, image in IMAGES.items():
        for name in MOVING:
            values = {"ShearX": (0.3, -0.13, 0.99), "ShearY": (0.21, -0.99), "Rotate": (30.0, -7.5, 135.0, -93.0)}.get(name, (5.0, -17.0, 60.0))
            for value in values:
                for filter_name, filter in FILTERS.items():
                    result = tv._apply_op(image, name, value, filter, fill_of(mode))
                    cases.append({"name": name, "value": value, "filter": filter_name, "mode": mode, "digest": digest(result)})
        for name in ("Brightness", "Color", "Contrast", "Sharpness"):
            for value in (0.0, 0.3, 0.99, -0.17, -0.9):
                cases.append({"name": name, "value": value, "filter": "Nearest", "mode": mode,
                              "digest": digest(tv._apply_op(image, name, value, FILTERS["Nearest"], None))})
        for name, values in {"Posterize": (8, 7, 5, 2, 0), "Solarize": (255.0, 170.0, 28.4, 0.0), "AutoContrast": (0,), "Equalize": (0,), "Invert": (0,), "Identity": (0,)}.items():
            for value in values:
                cases.append({"name": name, "value": value, "filter": "Nearest", "mode": mode,
                              "digest": digest(tv._apply_op(image, name, value, FILTERS["Nearest"], None))})
    return cases


def torchvision_tables():
    cases = []
    for height, width in ((224, 331),):
        spaces = {
            "Usual": lambda bins: tv.RandAugment()._augmentation_space(bins, (height, width)),
            "Wide": lambda bins: tv.TrivialAugmentWide()._augmentation_space(bins),
            "Mixed": lambda bins: tv.AugMix()._augmentation_space(bins, (height, width)),
        }
        for kind, space in spaces.items():
            for bins in (10, 31):
                for name, (values, signed) in space(bins).items():
                    cases.append({"kind": kind, "height": height, "width": width, "bins": bins, "name": name, "signed": signed,
                                  "values": [round(value, 8) for value in values.tolist()]}) if values.ndim else None
    return cases


def torchvision_policies():
    tables, cases = {}, []
    for policy in tv.AutoAugmentPolicy:
        transform = tv.AutoAugment(policy, FILTERS["Bilinear"], [9])
        tables[policy.value] = [[list(step) for step in pair] for pair in transform.policies]
        for index in range(len(transform.policies)):
            for chances, signs in (((0.0, 0.0), (0, 1)), ((0.55, 0.65), (1, 0))):
                tv.AutoAugment.get_params = staticmethod(lambda count: (index, torch.tensor(chances), torch.tensor(signs)))
                cases.append({"policy": policy.value, "index": index, "chances": chances, "signs": [2 * s - 1 for s in signs],
                              "digest": digest(transform(IMAGES["L"]))})
    return tables, cases


def torchvision_augmix():
    """torchvision's own mixing; its operations on images of Pillow, by its own functions, in place of those on tensors."""
    rng = np.random.RandomState(5)
    original = tv._apply_op
    cases = []
    for filter_name in ("Nearest", "Bilinear"):
        for number in range(6):
            drawn = []

            def on_pillow(img, op_name, magnitude, interpolation, fill):
                drawn[-1]["links"].append({"name": op_name, "value": magnitude})
                image = F.to_pil_image(img[0])
                return F.pil_to_tensor(original(image, op_name, magnitude, interpolation, fill))[None]

            def dirichlet(params):
                shares = rng.dirichlet(params[0].tolist())
                dirichlet.given.append([float(np.float32(s)) for s in shares])
                return torch.tensor([dirichlet.given[-1]], dtype=torch.float32).reshape(1, -1)

            def randint(*arguments, low=0, high=None, **_):
                high = arguments[0] if high is None else high
                value = int(rng.randint(low, high))
                if low == 1:
                    drawn.append({"links": []}) # a chain's depth
                return torch.tensor([value])

            dirichlet.given = []
            mix = tv.AugMix(severity=number % 4 + 3, mixture_width=number % 3 + 1, interpolation=FILTERS[filter_name], fill=fill_of("RGB"))
            mix._sample_dirichlet = dirichlet
            tv._apply_op, saved = on_pillow, torch.randint
            torch.randint = randint
            try:
                result = mix(RGB)
            finally:
                torch.randint, tv._apply_op = saved, original
            own, weights = dirichlet.given
            cases.append({"filter": filter_name, "own": own, "weights": weights, "chains": drawn, "digest": digest(result)})
    return cases


class Recorder:
    """Stands for the module random inside timm's file and keeps what it gives."""

    def __init__(self, seed):
        self.source, self.log = random.Random(seed), {}

    def start(self):
        self.log = {"random": [], "gauss": [], "uniform": [], "choice": []}

    def random(self):
        self.log["random"].append(self.source.random())
        return self.log["random"][-1]

    def gauss(self, mean, std):
        self.log["gauss"].append(self.source.gauss(mean, std))
        return self.log["gauss"][-1]

    def uniform(self, low, high):
        self.log["uniform"].append(self.source.uniform(low, high))
        return self.log["uniform"][-1]

    def choice(self, values):
        self.log["choice"].append(self.source.choice(values))
        return self.log["choice"][-1]


def timm_cases(root):
    timm = load(root, "auto_augment")
    mean = (124, 116, 104)
    entries = []
    recorder = timm.random = Recorder(11)
    call = timm.AugmentOp.__call__

    def recorded(self, image):
        recorder.start()
        result = call(self, image)
        log, names = recorder.log, {value: name for name, value in PIL_FILTERS.items()}
        chances = list(log["random"])
        happens = chances.pop(0) <= self.prob if self.prob < 1 else True
        magnitude = (log["gauss"] + [self.magnitude])[0]
        if self.magnitude_std == float("inf") and happens:
            magnitude = log["uniform"].pop(0)
        entries.append({"name": self.name, "happens": happens, "magnitude": magnitude, "sign": -1 if chances and chances[0] > 0.5 else 1,
                        "filter": names.get((log["choice"] + [None])[0], "Bilinear")})
        return result

    timm.AugmentOp.__call__ = recorded

    operations = []
    for name in timm.NAME_TO_OP:
        if name in ("TranslateX", "TranslateY", "GaussianBlur", "GaussianBlurRand"):
            continue
        for magnitude, top in ((0, None), (3, None), (5.5, None), (9, None), (10, None), (12.5, 14)):
            for mode, image in IMAGES.items():
                if mode == "L" and magnitude != 9:
                    continue
                entries.clear()
                hparams = {"translate_const": 1, "img_mean": mean if mode == "RGB" else 117, "magnitude_max": top}
                result = timm.AugmentOp(name, prob=1, magnitude=magnitude, hparams=hparams)(image)
                operations.append({**entries[0], "largest": top or 10, "mode": mode, "digest": digest(result)})

    recipes = []
    for text in ("rand-m9-mstd0.5-inc1", "rand-m9-n3-mstd101", "rand", "rand-n1-p0.3-mmax14-m12", "rand-m7-tweights-mstd1", "rand-t3a-m5", "rand-t3aw-n4", "augmix-m5-w4-d2",
                 "augmix-mstd0.25-a0.7-b1", "original-mstd0.5", "originalr", "v0", "v0r", "3a"):
        make = {"rand": timm.rand_augment_transform, "augm": timm.augment_and_mix_transform}.get(text[:4], timm.auto_augment_transform)
        transform = make(text, {"translate_const": 1, "img_mean": mean})
        lists = transform.policy if hasattr(transform, "policy") else [transform.ops]
        recipe = {"text": text, "lists": [[[op.name, op.prob, op.magnitude] for op in ops] for ops in lists]}
        op = lists[0][0]
        recipe.update(std="inf" if op.magnitude_std == float("inf") else op.magnitude_std, largest=op.magnitude_max or 10)
        if text.startswith("rand"):
            weights = transform.choice_weights
            recipe.update(layers=transform.num_layers, weights=None if weights is None else weights.tolist())
        if text.startswith("augmix"):
            recipe.update(width=transform.width, depth=transform.depth, alpha=transform.alpha, blended=transform.blended)
        recipes.append(recipe)

    runs = []
    np.random.seed(3)
    for text, count in (("rand-m9-mstd0.5-inc1", 24), ("rand-m9-n3-mstd101", 8), ("rand-n3-p0.8-mmax14-m12-mstd2", 12), ("original-mstd0.5", 8), ("v0r", 8)):
        make = timm.rand_augment_transform if text.startswith("rand") else timm.auto_augment_transform
        transform = make(text, {"translate_const": 1, "img_mean": mean})
        for _ in range(count):
            entries.clear()
            result = transform(RGB)
            runs.append({"text": text, "steps": [dict(entry) for entry in entries], "digest": digest(result)})

    mixtures = []
    square = RGB.crop((0, 0, 30, 30))
    for text in ("augmix-m5-w4-d2", "augmix-mstd0.25-a0.7-b1", "augmix-m9-w2-d3-b1"):
        for _ in range(2 if "b1" in text else 5):
            entries.clear()
            transform = timm.augment_and_mix_transform(text, {"translate_const": 1, "img_mean": mean})
            drawn = {}
            dirichlet, beta, randint = np.random.dirichlet, np.random.beta, np.random.randint
            np.random.dirichlet = lambda alpha: drawn.setdefault("weights", dirichlet(alpha))
            np.random.beta = lambda a, b: drawn.setdefault("share", beta(a, b))
            np.random.randint = lambda low, high: drawn.setdefault("depths", []).append(int(randint(low, high))) or drawn["depths"][-1]
            result = transform(square)
            np.random.dirichlet, np.random.beta, np.random.randint = dirichlet, beta, randint
            depths, chains, steps = drawn.get("depths") or [transform.depth] * transform.width, [], list(entries)
            for depth in depths:
                chains.append(steps[:depth])
                steps = steps[depth:]
            mixtures.append({"text": text, "weights": [float(np.float32(w)) for w in drawn["weights"]], "share": float(np.float32(drawn["share"])),
                             "chains": chains, "digest": digest(result), "pixels": base64.b64encode(zlib.compress(result.tobytes(), 9)).decode() if "b1" in text else None})

    blurs = [{"radius": radius, "pixels": base64.b64encode(zlib.compress(RGB.filter(ImageFilter.GaussianBlur(radius)).tobytes(), 9)).decode()} for radius in (2.0,)]
    return {"timm_operations": operations, "timm_recipes": recipes, "timm_runs": runs, "timm_mixtures": mixtures, "timm_blurs": blurs}


def timm_sampler(root):
    sampler = load(root, "distributed_sampler")
    cases = []
    for count, repeats, world, rounding in ((600, 3, 1, 256), (600, 3, 4, 256), (300, 2, 8, 256), (257, 3, 3, 256), (40, 3, 4, 8), (24, 3, 4, 0), (50, 1, 2, 10)):
        order = np.random.RandomState(count).permutation(count)
        saved, torch.randperm = torch.randperm, lambda n, generator: torch.from_numpy(order)
        ranks = []
        for rank in range(world):
            given = sampler.RepeatAugSampler(range(count), num_replicas=world, rank=rank, num_repeats=repeats, selected_round=rounding)
            ranks.append(list(given))
            assert len(given) == len(ranks[-1])
        torch.randperm = saved
        cases.append({"order": order.tolist(), "repeats": repeats, "round": rounding, "ranks": ranks})
    return cases


if len(sys.argv) != 2:
    sys.exit(__doc__)
tables, cases = torchvision_policies()
contents = {
    "torchvision": {"operations": torchvision_operations(), "tables": torchvision_tables(), "policies": tables, "autoaugment": cases, "augmix": torchvision_augmix()},
    "timm": {**timm_cases(sys.argv[1]), "repeated": timm_sampler(sys.argv[1])},
}
for name, content in contents.items():
    lists = (f'"{key}": ' + (json.dumps(value) if isinstance(value, dict) else "[\n" + ",\n".join(json.dumps(v) for v in value) + "\n]") for key, value in content.items())
    with open(f"{name}.json", "w") as file:
        file.write("{\n" + ",\n".join(lists) + "\n}\n")
