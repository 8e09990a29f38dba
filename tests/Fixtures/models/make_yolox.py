#!/usr/bin/python3
"""Makes the parity fixtures of YOLOX and of CSPNeXt, each in its own parameter names.

    /usr/bin/python3 tests/Fixtures/models/make_yolox.py YOLOX MMDETECTION

YOLOX is a checkout of github.com/Megvii-BaseDetection/YOLOX (at 6ddff48), MMDETECTION one of github.com/open-mmlab/mmdetection (at
v3.1.0). Their network files are run as they are and are no part of this project. mmcv and mmengine, which MMDetection's import, are not
part of Debian: the few of their layers that the networks use are given here, transcribed from mmcv 2.0. Made with torch 1.13.0a0 and
torchvision 0.14.1a0 (Debian 12). Weights and images are make_models.py's; layers that give boxes and scores are scaled, so that boxes are
of a sensible size and scores differ.
"""
import importlib
import sys
import types

import torch
from torch import nn

from make_models import digest, fill, save, values

CLASSES, SIZE = 5, (96, 160)
# class, centre, width and height, of two images
TRUTH = [[[1, 40.5, 36.25, 60.5, 47.5], [3, 95.25, 75.5, 109.5, 40.25], [4, 110.5, 18.25, 20.25, 25.5], [1, 44.25, 40.5, 30.5, 24.25]],
         [[2, 35.5, 60.25, 30.25, 70.5], [0, 94.5, 96.25, 68.25, 63.5], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]]
# name: deepen, widen, separable, as published, with 80 classes
VARIANTS = {"nano": (0.33, 0.25, True), "tiny": (0.33, 0.375, False), "s": (0.33, 0.5, False), "m": (0.67, 0.75, False), "l": (1.0, 1.0, False), "x": (1.33, 1.25, False)}


def package(name, folder, **content):
    """A package whose modules lie in a folder, and whose own file is not run."""
    module = types.ModuleType(name)
    module.__path__ = [] if folder is None else [folder]
    module.__dict__.update(content)
    sys.modules[name] = module
    return module


# Megvii's.

def megvii(checkout):
    package("loguru", None, logger=None)
    package("yolox", f"{checkout}/yolox")
    utils = package("yolox.utils", f"{checkout}/yolox/utils")
    for part in ("boxes", "compat"):
        utils.__dict__.update(vars(importlib.import_module(f"yolox.utils.{part}")))
    utils.visualize_assign = None
    package("yolox.models", f"{checkout}/yolox/models")


def yolox(deepen, widen, separable, classes):
    part = lambda name: importlib.import_module(f"yolox.models.{name}")
    body = part("yolo_pafpn").YOLOPAFPN(deepen, widen, depthwise=separable)
    model = part("yolox").YOLOX(body, part("yolo_head").YOLOXHead(classes, widen, depthwise=separable))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = 1e-3, 0.03
    return model


def lively(model, run, judge=min):
    """By formula, convolutions times a gain (given) by which what differs in the image neither fades nor explodes over many SiLUs."""
    for gain in (round(1.0 + 0.01 * step, 2) for step in range(100)):
        fill(model)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.dim() == 4:
                    parameter.mul_(gain)
            if judge(float(x.std(dim=(0, 2, 3)).mean()) for x in run()) > 0.3:
                return gain
    raise ValueError("no gain is enough")


def prepared(model, images):
    gain = lively(model, lambda: model.backbone(images))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "reg_preds" in name:
                parameter.mul_(0.3)
                if name.endswith("bias"):
                    parameter.add_(torch.tensor([0.5, 0.5, 1.0, 1.0]))
            elif "preds" in name:
                parameter.mul_(1.5)
    return gain


def corners(boxes):
    return torch.cat([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)


def whole(name, separable):
    model = yolox(0.33, 0.125, separable, CLASSES)
    images = values("images", [2, 3, *SIZE])
    result, kept = {"gain": prepared(model, images)}, {}
    hooks = [model.head.get_submodule(f"{part}_preds.{i}").register_forward_hook(lambda m, x, out, key=f"{part}{i}": kept.__setitem__(key, out))
             for part in ("cls", "reg", "obj") for i in range(3)]
    with torch.no_grad():
        decoded = model(images)
    result["outputs"] = {key: digest(value) for key, value in kept.items()}
    for hook in hooks:
        hook.remove()
    # What its postprocess hands to the suppression: the best class of each place, from a score on.
    score, label = (decoded[:, :, 4:5] * decoded[:, :, 5:]).max(2)
    boxes = corners(decoded[:, :, :4].flatten(0, 1)).view(2, -1, 4)
    rounded = lambda numbers: [float(f"{number:.7g}") for number in numbers]
    result["counts"] = (score > 0.05).sum(1).tolist()
    order = score.argsort(1, descending=True)[:, :40]
    result["candidates"] = [{"boxes": [rounded(box) for box in boxes[i, best].tolist()], "scores": rounded(score[i, best].tolist()), "labels": label[i, best].tolist()} for i, best in enumerate(order)]

    # Losses with the norms' statistics kept; the head alone is told that it trains.
    model.head.training, model.head.use_l1 = True, True
    labels = torch.tensor(TRUTH)
    total, box, objects, classes, numbers, _ = model.head(model.backbone(images), labels, images)
    total.backward()
    result["losses"] = {"loss_cls": float(classes), "loss_bbox": float(box), "loss_obj": float(objects), "loss_l1": float(numbers)}
    watched = [key for key in dict(model.named_parameters()) if key.endswith("conv.weight") and any(part in key for part in ("stem.conv", "dark5.2.conv3", "C3_p4.conv2", "head.stems.1"))]
    watched += [f"head.{part}_preds.1.{end}" for part in ("cls", "reg", "obj") for end in ("weight", "bias")]
    result["gradients"] = {key: digest(model.get_parameter(key).grad) for key in watched}
    result["assigned"] = by_mmdetection(decoded, TRUTH)
    save(name, result)
    print(result["losses"], result["counts"], [len(each["places"]) for each in result["assigned"]], file=sys.stderr)


def by_mmdetection(decoded, truth):
    """What MMDetection's assigner says of the same guesses."""
    cells = []
    for stride in (8, 16, 32):
        y, x = torch.meshgrid(torch.arange(SIZE[0] // stride), torch.arange(SIZE[1] // stride), indexing="ij")
        corner = torch.stack([x, y], -1).reshape(-1, 2) * stride
        cells.append(torch.cat([corner + stride / 2, torch.full_like(corner, stride)], 1).float())
    assigner = importlib.import_module("mmdet.models.task_modules.assigners.sim_ota_assigner").SimOTAAssigner()
    assigned = []
    for guesses, boxes in zip(decoded, truth):
        boxes = torch.tensor([box for box in boxes if box[3] > 0])
        given = assigner.assign(
            Instances(bboxes=corners(guesses[:, :4]), scores=(guesses[:, 4:5] * guesses[:, 5:]).sqrt(), priors=torch.cat(cells)),
            Instances(bboxes=corners(boxes[:, 1:]), labels=boxes[:, 0].long()))
        taken = given.gt_inds.nonzero().flatten()
        assigned.append({"places": taken.tolist(), "boxes": (given.gt_inds[taken] - 1).tolist(), "overlaps": given.max_overlaps[taken].tolist()})
    return assigned


def shapes(model):
    return {key: list(tensor.shape) for key, tensor in model.state_dict().items() if not key.endswith("num_batches_tracked")}


# MMDetection's.

class Instances:
    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __len__(self):
        return len(self.bboxes)


class ConvModule(nn.Module):
    """A convolution, its norm, an activation."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, groups=1, bias="auto", conv_cfg=None, norm_cfg=None, act_cfg=None):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=norm_cfg is None)
        self.bn = nn.BatchNorm2d(out_channels, **{key: value for key, value in norm_cfg.items() if key != "type"})
        self.activate = nn.SiLU()

    def forward(self, x):
        return self.activate(self.bn(self.conv(x)))


class DepthwiseSeparableConvModule(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, **rest):
        super().__init__()
        self.depthwise_conv = ConvModule(in_channels, in_channels, kernel_size, stride, padding, groups=in_channels, **rest)
        self.pointwise_conv = ConvModule(in_channels, out_channels, 1, **rest)

    def forward(self, x):
        return self.pointwise_conv(self.depthwise_conv(x))


def mmdetection(checkout):
    class Registry:
        def register_module(self, *args, **kwargs):
            return lambda cls: cls

        def build(self, cfg):
            return importlib.import_module("mmdet.models.task_modules.assigners.iou2d_calculator").BboxOverlaps2D()

    class BaseModule(nn.Module):
        def __init__(self, init_cfg=None):
            super().__init__()

    numbers = lambda text: tuple(int(part) for part in text.split("a")[0].split("+")[0].split(".")[:3])
    package("mmcv", None)
    package("mmcv.cnn", None, ConvModule=ConvModule, DepthwiseSeparableConvModule=DepthwiseSeparableConvModule)
    package("mmengine", None)
    package("mmengine.model", None, BaseModule=BaseModule)
    package("mmengine.structures", None, InstanceData=Instances)
    package("mmengine.utils", None, digit_version=numbers, is_tuple_of=None)
    package("mmdet", f"{checkout}/mmdet")
    package("mmdet.registry", None, MODELS=Registry(), TASK_UTILS=Registry())
    package("mmdet.utils", None, util_mixins=types.SimpleNamespace(NiceRepr=object), ConfigType=dict, OptConfigType=dict, MultiConfig=dict, OptMultiConfig=dict)
    for name, folder in (("models", "models"), ("models.backbones", "models/backbones"), ("models.necks", "models/necks"), ("models.layers", "models/layers"),
                         ("models.task_modules", "models/task_modules"), ("models.task_modules.assigners", "models/task_modules/assigners"), ("structures", "structures")):
        package("mmdet." + name, f"{checkout}/mmdet/{folder}")
    sys.modules["mmdet.models.layers"].CSPLayer = importlib.import_module("mmdet.models.layers.csp_layer").CSPLayer
    boxes = package("mmdet.structures.bbox", f"{checkout}/mmdet/structures/bbox", get_box_tensor=lambda given: given, BaseBoxes=type("BaseBoxes", (), {}))
    boxes.bbox_overlaps = importlib.import_module("mmdet.structures.bbox.bbox_overlaps").bbox_overlaps


class Whole(nn.Module):
    def __init__(self, backbone, neck):
        super().__init__()
        self.backbone, self.neck = backbone, neck


def of_mmdetection():
    part = lambda name: importlib.import_module(f"mmdet.models.{name}")
    next_, darknet = part("backbones.cspnext").CSPNeXt, part("backbones.csp_darknet").CSPDarknet
    next_neck, neck = part("necks.cspnext_pafpn").CSPNeXtPAFPN, part("necks.yolox_pafpn").YOLOXPAFPN
    plain = dict(type="BN")  # as RTMDet's configs have it: eps 1e-5

    def keep(name, backbone, pyramid, images):
        model = Whole(backbone, pyramid)
        gain = lively(model, lambda: pyramid(backbone(images)), max)
        with torch.no_grad():
            maps = backbone(images)
            outs = pyramid(maps)
        others = [key for key in model.state_dict() if key.endswith("num_batches_tracked")]
        save(name, {"gain": gain, "outputs": {**{f"map{i}": digest(x) for i, x in enumerate(maps)}, **{f"out{i}": digest(x) for i, x in enumerate(outs)}}, "tensors": shapes(model), "others": others})

    images = values("images", [2, 3, *SIZE])
    small = dict(deepen_factor=0.34, widen_factor=0.125)
    keep("mmdet_cspnext", next_(norm_cfg=plain, **small), next_neck([32, 64, 128], 24, num_csp_blocks=1, norm_cfg=plain), images)
    keep("mmdet_cspnext_p6", next_(arch="P6", use_depthwise=True, channel_attention=False, expand_ratio=0.25, out_indices=(1, 2, 3, 4, 5), norm_cfg=plain, **small),
         next_neck([16, 32, 64, 96, 128], 24, num_csp_blocks=2, use_depthwise=True, expand_ratio=0.25, norm_cfg=plain), values("images", [1, 3, 128, 192]))
    keep("mmdet_yolox", darknet(use_depthwise=True, **small), neck([32, 64, 128], 24, num_csp_blocks=1, use_depthwise=True), images)
    # The published networks' names and shapes.
    tiny = Whole(next_(deepen_factor=0.167, widen_factor=0.375, norm_cfg=plain), next_neck([96, 192, 384], 96, num_csp_blocks=1, norm_cfg=plain))
    s = Whole(darknet(deepen_factor=0.33, widen_factor=0.5), neck([128, 256, 512], 128, num_csp_blocks=1))
    save("yolox_names", {
        "rtmdet_tiny": shapes(tiny), "mmdet_yolox_s": shapes(s), "yolox_s": shapes(yolox(*VARIANTS["s"], 80)), "yolox_nano": shapes(yolox(*VARIANTS["nano"], 80)),
        "parameters": {name: sum(p.numel() for p in yolox(*variant, 80).parameters()) for name, variant in VARIANTS.items()}})


if __name__ == "__main__":
    torch.set_num_threads(1)
    megvii(sys.argv[1])
    mmdetection(sys.argv[2])
    whole("yolox_small", False)
    whole("yolox_small_separable", True)
    of_mmdetection()
