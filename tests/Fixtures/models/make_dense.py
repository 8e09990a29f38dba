#!/usr/bin/python3
"""Makes the parity fixtures of the dense heads ATSS, GFL and RTMDet: what MMDetection's own files give for weights and maps made by a
formula (see make_models.py): outputs, losses with targets, gradients, and the boxes before suppression.

    /usr/bin/python3 tests/Fixtures/models/make_dense.py MMDETECTION

MMDETECTION is a checkout of github.com/open-mmlab/mmdetection (at v3.1.0, f78af77), whose files are run as they are and are no part of this
project. mmcv and mmengine, which they import, are not part of Debian: the few of their layers and containers that the heads use are given
here. The second of the two images has no boxes. Made with torch 1.13.0a0 (Debian 12).
"""
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import types

import torch
from torch import nn

from make_models import digest, fill, save, values

SIZE, CHANNELS, CLASSES = (128, 160), 32, 3
BOXES = [[10.5, 12.5, 70.75, 60.25], [40.5, 30.25, 150.25, 120.5], [100.5, 5.5, 120.25, 30.25], [3.5, 90.25, 40.5, 126.5]]
LABELS = [1, 2, 0, 1]
KNOWN = {}


class Registry:
    def register_module(self, *args, **kwargs):
        return lambda cls: KNOWN.setdefault(cls.__name__, cls)

    def build(self, cfg, default_args=None):
        cfg = {**(default_args or {}), **cfg}
        return KNOWN[cfg.pop("type")](**cfg)


class Config(dict):
    __getattr__ = dict.get


class InstanceData:
    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __len__(self):
        return len(next(iter(self.__dict__.values())))

    def __contains__(self, name):
        return name in self.__dict__

    def __getitem__(self, index):
        return InstanceData(**{name: value[index] for name, value in self.__dict__.items()})

    def pop(self, name):
        return self.__dict__.pop(name)


class BaseModule(nn.Module):
    def __init__(self, init_cfg=None):
        super().__init__()


class ConvModule(nn.Module):
    """A convolution, which has a bias only where no norm follows; its norm; ReLU or SiLU."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, conv_cfg=None, norm_cfg=None, act_cfg=dict(type="ReLU")):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=norm_cfg is None)
        if norm_cfg["type"] == "GN":
            self.gn = nn.GroupNorm(norm_cfg["num_groups"], out_channels)
        else:
            self.bn = nn.BatchNorm2d(out_channels)
        self.activate = nn.ReLU() if act_cfg["type"] == "ReLU" else nn.SiLU()

    def forward(self, x):
        x = self.conv(x)
        return self.activate(self.gn(x) if hasattr(self, "gn") else self.bn(x))


class Scale(nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, x):
        return x * self.scale


GIVEN = {
    "mmcv.cnn": dict(ConvModule=ConvModule, Scale=Scale), "mmengine.config": dict(ConfigDict=Config), "mmengine.model": dict(BaseModule=BaseModule),
    "mmengine.structures": dict(InstanceData=InstanceData), "mmengine.utils": dict(is_tuple_of=lambda value, kind: isinstance(value, tuple), digit_version=lambda text: (2,)),
    "six.moves": dict(map=map, zip=zip), "mmdet.registry": dict(MODELS=Registry(), TASK_UTILS=Registry()), "mmdet.utils": dict(reduce_mean=lambda x: x),
}
STAND_INS = ("mmcv", "mmengine", "cv2", "six", "mmdet.registry", "mmdet.structures.mask", "mmdet.models.test_time_augs", "mmdet.models.layers")


class StandIn(types.ModuleType):
    """A module in which every name is some class."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        if any(name == part or name.startswith(part + ".") for part in STAND_INS):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return StandIn(spec.name)

    def exec_module(self, module):
        module.__dict__.update(GIVEN.get(module.__name__, {}))


def packages(checkout):
    """MMDetection's packages without what their own lists import."""
    sys.meta_path.insert(0, Finder())
    for name in ("mmdet", "mmdet.utils", "mmdet.structures", "mmdet.structures.bbox", "mmdet.models", "mmdet.models.utils", "mmdet.models.losses",
                 "mmdet.models.task_modules", "mmdet.models.task_modules.assigners", "mmdet.models.task_modules.coders",
                 "mmdet.models.task_modules.prior_generators", "mmdet.models.task_modules.samplers", "mmdet.models.dense_heads"):
        module = StandIn(name)
        module.__path__ = [os.path.join(checkout, *name.split("."))]
        module.__dict__.update(GIVEN.get(name, {}))
        sys.modules[name] = module
    for package, files in (
        ("utils", "util_mixins"), ("structures.bbox", "base_boxes bbox_overlaps box_type horizontal_boxes transforms"), ("models.utils", "misc"),
        ("models.losses", "utils focal_loss gfocal_loss cross_entropy_loss iou_loss"),
        ("models.task_modules.assigners", "assign_result base_assigner iou2d_calculator atss_assigner dynamic_soft_label_assigner"),
        ("models.task_modules.coders", "base_bbox_coder delta_xywh_bbox_coder distance_point_bbox_coder"),
        ("models.task_modules.prior_generators", "utils anchor_generator point_generator"),
        ("models.task_modules.samplers", "sampling_result base_sampler pseudo_sampler"),
        ("models.dense_heads", "base_dense_head anchor_head atss_head gfl_head rtmdet_head"),
    ):
        parent = sys.modules["mmdet." + package]
        for file in files.split():
            module = importlib.import_module(f"mmdet.{package}.{file}")
            parent.__dict__.update({name: value for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__})
        if package.endswith("prior_generators"):
            sys.modules["mmdet.models.task_modules"].anchor_inside_flags = parent.anchor_inside_flags


def scaled(head, factors):
    with torch.no_grad():
        for name, parameter in head.named_parameters():
            for end, (factor, shift) in factors.items():
                if name.endswith(end):
                    parameter.mul_(factor).add_(shift)


def keep(name, head, strides, gradients):
    maps = [values("images", [2, CHANNELS, -(SIZE[0] // -stride), -(SIZE[1] // -stride)]) for stride in strides]
    outputs = head(maps)
    flat = [tensor for kind in outputs for tensor in kind]
    truths = [InstanceData(bboxes=torch.tensor(BOXES), labels=torch.tensor(LABELS)), InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long))]
    metas = [dict(img_shape=SIZE, pad_shape=SIZE, scale_factor=(1.0, 1.0))] * 2
    losses = {key: sum(value) if isinstance(value, list) else value for key, value in head.loss_by_feat(*outputs, truths, metas).items()}
    sum(losses.values()).backward()
    parameters = dict(head.named_parameters())
    candidates = []
    for found in head.predict_by_feat(*[[tensor.detach() for tensor in kind] for kind in outputs], batch_img_metas=metas, cfg=head.test_cfg, rescale=False, with_nms=False):
        order = found.scores.argsort(descending=True)
        print(name, len(order), float(found.scores.max()), {key: float(value) for key, value in losses.items()}, file=sys.stderr)
        best = order[:40]
        candidates.append({"count": len(order), "boxes": [[round(v, 4) for v in box] for box in found.bboxes[best].tolist()],
                           "scores": [float(f"{v:.8g}") for v in found.scores[best].tolist()], "labels": found.labels[best].tolist()})
    save(name, {"boxes": BOXES, "labels": LABELS, "strides": list(strides), "outputs": [digest(tensor) for tensor in flat],
                "losses": {key: float(value) for key, value in losses.items()}, "gradients": {key: digest(parameters[key].grad) for key in gradients},
                "candidates": candidates, "tensors": {key: list(value.shape) for key, value in head.state_dict().items()}})


def head(kind, **options):
    training = Config(assigner=options.pop("assigner"), allowed_border=-1, pos_weight=-1, debug=False)
    test = Config(nms_pre=30, min_bbox_size=-1, score_thr=0.3, nms=Config(type="nms", iou_threshold=0.6), max_per_img=100)
    made = KNOWN[kind](num_classes=CLASSES, in_channels=CHANNELS, feat_channels=CHANNELS, stacked_convs=2, train_cfg=training, test_cfg=test, **options)
    return fill(made)


def anchored(kind, **options):
    anchors = Config(type="AnchorGenerator", ratios=[1.0], octave_base_scale=8, scales_per_octave=1, strides=[8, 16, 32, 64, 128])
    return head(kind, anchor_generator=anchors, assigner=Config(type="ATSSAssigner", topk=9), loss_bbox=Config(type="GIoULoss", loss_weight=2.0), **options)


def atss():
    coder = Config(type="DeltaXYWHBBoxCoder", target_means=[0.0] * 4, target_stds=[0.1, 0.1, 0.2, 0.2])
    made = anchored("ATSSHead", bbox_coder=coder, loss_cls=Config(type="FocalLoss", use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0))
    keep("mmdet_atss", made, (8, 16, 32, 64, 128), ["cls_convs.0.conv.weight", "reg_convs.1.gn.weight", "atss_cls.bias", "atss_reg.weight", "atss_centerness.weight", "scales.1.scale", "scales.2.scale"])


def gfl():
    made = anchored("GFLHead", reg_max=12, loss_cls=Config(type="QualityFocalLoss", use_sigmoid=True, beta=2.0, loss_weight=1.0))
    with torch.no_grad():
        made.integral.project.copy_(torch.linspace(0, 12, 13))
        made.gfl_reg.weight.mul_(2)
    keep("mmdet_gfl", made, (8, 16, 32, 64, 128), ["cls_convs.0.conv.weight", "reg_convs.1.gn.weight", "gfl_cls.bias", "gfl_reg.weight", "scales.1.scale", "scales.2.scale"])


def rtmdet(name, exponential):
    made = head("RTMDetSepBNHead", anchor_generator=Config(type="MlvlPointGenerator", offset=0, strides=[8, 16, 32]), bbox_coder=Config(type="DistancePointBBoxCoder"),
                loss_cls=Config(type="QualityFocalLoss", use_sigmoid=True, beta=2.0, loss_weight=1.0), loss_bbox=Config(type="GIoULoss", loss_weight=2.0), with_objectness=False,
                exp_on_reg=exponential, share_conv=True, pred_kernel_size=1, norm_cfg=Config(type="BN"), act_cfg=Config(type="SiLU"),
                assigner=Config(type="DynamicSoftLabelAssigner", topk=13, iou_calculator=Config(type="BboxOverlaps2D")))
    with torch.no_grad():
        for tower in (made.cls_convs, made.reg_convs):
            for i, layer in enumerate(tower[0]):  # shared: by the first map's name
                layer.conv.weight.copy_(values(f"{'cls' if tower is made.cls_convs else 'reg'}_convs.0.{i}.conv.weight", list(layer.conv.weight.shape)))
        for layer in made.rtm_reg:
            if not exponential:
                layer.weight.mul_(0.5)
                layer.bias.add_(3)
    keep(name, made, (8, 16, 32), ["cls_convs.0.0.conv.weight", "reg_convs.0.1.conv.weight", "cls_convs.1.0.bn.weight", "rtm_cls.0.bias", "rtm_reg.1.weight", "rtm_reg.2.bias"])


if __name__ == "__main__":
    torch.set_num_threads(1)
    packages(sys.argv[1])
    atss()
    gfl()
    rtmdet("mmdet_rtmdet", False)
    rtmdet("mmdet_rtmdet_exp", True)
