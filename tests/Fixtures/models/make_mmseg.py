#!/usr/bin/python3
"""Makes the parity fixtures of MMSegmentation's segmentors and of SegFormer's own code: logits and gradients of whole models.

    /usr/bin/python3 tests/Fixtures/models/make_mmseg.py MMSEG MMCV SEGFORMER [--counts]

MMSEG is a checkout of open-mmlab/mmsegmentation 1.x (made with the copy of its files in julian-klitzing/u-mixformer at 0d36218), MMCV
of open-mmlab/mmcv (a8073c7), SEGFORMER of NVlabs/SegFormer (65fa8cf). Their files are run as they are and are no part of this project.
mmengine and timm, which they import and Debian lacks, are stood in for by the few functions that are used: a registry, base classes,
initialisations that do nothing. With --counts, prints the number of parameters of published models.
Made with torch 1.13.0a0 (Debian 12). Weights and images are make_models.py's; a fixture also lists the checkpoint's tensors, and of each
parameter's gradient the norm and the product with a formula's tensor.
"""
import contextlib
import importlib
import os
import sys
import types

import torch
from torch import nn

from make_models import digest, fill, save, values

CLASSES = 5
BN = dict(type="BN", requires_grad=True)


class Registry:
    """mmengine's, as far as the files use it."""

    scope = "here"

    def __init__(self):
        self.known = {}

    def register_module(self, name=None, force=False, module=None):
        if module is not None:
            self.known[name or module.__name__] = module
            return module
        if isinstance(name, type):
            self.known[name.__name__] = name
            return name

        def add(cls):
            self.known[name or cls.__name__] = cls
            return cls

        return add

    def get(self, kind):
        return self.known.get(kind)

    def build(self, cfg, default_args=None):
        options = {**(default_args or {}), **cfg}
        return self.known[options.pop("type")](**options)

    @contextlib.contextmanager
    def switch_scope_and_registry(self, scope):
        yield self


class BaseModule(nn.Module):
    def __init__(self, init_cfg=None):
        super().__init__()
        self.init_cfg = init_cfg


class List(BaseModule, nn.ModuleList):
    def __init__(self, modules=None, init_cfg=None):
        BaseModule.__init__(self, init_cfg)
        nn.ModuleList.__init__(self, modules)


class Chain(BaseModule, nn.Sequential):
    def __init__(self, *modules, init_cfg=None):
        BaseModule.__init__(self, init_cfg)
        nn.Sequential.__init__(self, *modules)


def nothing(*args, **kwargs):
    return None


def as_it_is(*args, **kwargs):
    """A decorator, with options, that changes nothing."""
    return lambda function: function


def module(name, folder=None, **contents):
    made = types.ModuleType(name)
    made.__path__ = [] if folder is None else [folder]
    made.__dict__.update(contents)
    sys.modules[name] = made
    return made


def take(package, part, *names):
    """Names of a package that one of its files defines."""
    found = importlib.import_module(f"{package}.{part}")
    for name in names:
        setattr(sys.modules[package], name, getattr(found, name))


def provide_mmcv(checkout):
    norms = dict(_BatchNorm=nn.modules.batchnorm._BatchNorm, _InstanceNorm=nn.modules.instancenorm._InstanceNorm, SyncBatchNorm=nn.SyncBatchNorm)
    pair = lambda x: x if isinstance(x, tuple) else (x, x)
    starts = dict(constant_init=nothing, kaiming_init=nothing, xavier_init=nothing, normal_init=nothing, trunc_normal_init=nothing)
    module("mmengine")
    module("mmengine.registry", MODELS=Registry())
    module("mmengine.config", ConfigDict=dict)
    module("mmengine.model", BaseModule=BaseModule, ModuleList=List, Sequential=Chain, **starts)
    module("mmengine.model.weight_init", **starts)
    module("mmengine.utils", to_2tuple=pair, deprecated_api_warning=as_it_is, is_tuple_of=lambda x, kind: isinstance(x, tuple) and all(isinstance(y, kind) for y in x),
           digit_version=lambda text: tuple(int(part) for part in text.split("a")[0].split("+")[0].split(".")[:3]))
    module("mmengine.utils.dl_utils", TORCH_VERSION=torch.__version__)
    module("mmengine.utils.dl_utils.parrots_wrapper", **norms)
    cnn = os.path.join(checkout, "mmcv", "cnn")
    module("mmcv")
    module("mmcv.cnn", cnn, **starts)
    bricks = importlib.import_module("mmcv.cnn.bricks")
    for name in ("ConvModule", "DepthwiseSeparableConvModule", "Conv2d", "Linear", "build_activation_layer", "build_conv_layer", "build_norm_layer",
                 "build_plugin_layer", "build_upsample_layer"):
        setattr(sys.modules["mmcv.cnn"], name, getattr(bricks, name))
    module("mmcv.runner", auto_fp16=as_it_is, force_fp32=as_it_is, load_checkpoint=nothing)


def provide_mmseg(checkout):
    """The packages whose files are imported one by one, without what their own __init__ would load."""
    for name in [name for name in sys.modules if name.split(".")[0] == "mmseg"]:
        del sys.modules[name]
    root = os.path.join(checkout, "mmseg")
    registry = sys.modules["mmengine.registry"].MODELS
    version = sys.modules["mmengine.utils"].digit_version
    module("mmseg", root, digit_version=version, mmcv_version=version("2.1.0"))
    module("mmseg.registry", MODELS=registry)
    module("mmseg.utils", ConfigType=dict, SampleList=list, get_root_logger=nothing)
    module("mmseg.structures", build_pixel_sampler=nothing)
    module("mmseg.core", build_pixel_sampler=nothing)
    module("mmseg.ops", os.path.join(root, "ops"))
    module("mmseg.models", os.path.join(root, "models"))
    module("mmseg.models.builder", build_loss=lambda cfg: nn.Identity(), BACKBONES=registry, HEADS=registry, NECKS=registry)
    module("mmseg.models.losses", accuracy=nothing)
    for part in ("backbones", "decode_heads", "necks", "utils"):
        module(f"mmseg.models.{part}", os.path.join(root, "models", part))


def provide_timm():
    layers = dict(DropPath=lambda rate: nn.Identity(), trunc_normal_=nothing, to_2tuple=lambda x: x if isinstance(x, tuple) else (x, x))
    module("timm")
    module("timm.models")
    module("timm.models.layers", **layers)
    module("timm.models.registry", register_model=lambda function: function)
    module("timm.models.vision_transformer", _cfg=dict)
    module("attr")
    module("IPython", embed=nothing)


def reference(part, name):
    return getattr(importlib.import_module(f"mmseg.models.{part}"), name)


class Whole(nn.Module):
    """A segmentor as its checkpoints have it."""

    def __init__(self, backbone, decode_head, auxiliary_head=None, neck=None):
        super().__init__()
        self.backbone, self.decode_head = backbone, decode_head
        if neck is not None:
            self.neck = neck
        if auxiliary_head is not None:
            self.auxiliary_head = auxiliary_head

    def forward(self, images):
        maps = self.backbone(images)
        if hasattr(self, "neck"):
            maps = self.neck(maps)
        found = {"logits": self.decode_head(maps)}
        if hasattr(self, "auxiliary_head"):
            found["auxiliary"] = self.auxiliary_head(maps)
        return found


def keep(name, model, height, width):
    fill(model)
    images = values("images", [2, 3, height, width])
    outputs = model(images)
    sum((tensor * values("images", list(tensor.shape))).sum() for tensor in outputs.values()).backward()
    # A parameter without gradient is never used.
    gradients = {key: [float(p.grad.double().norm()), float((p.grad.double() * values("gradient " + key, list(p.shape)).double()).sum())]
                 for key, p in model.named_parameters() if p.grad is not None}
    state = {key: list(tensor.shape) for key, tensor in model.state_dict().items()}
    save(name, {"outputs": {key: digest(tensor) for key, tensor in outputs.items()}, "gradients": gradients,
                "tensors": {key: shape for key, shape in state.items() if not key.endswith("num_batches_tracked")},
                "others": [key for key in state if key.endswith("num_batches_tracked")]})


def head(file, kind, **options):
    options = {"dropout_ratio": 0.1, "num_classes": CLASSES, "norm_cfg": BN, "align_corners": False, "loss_decode": dict(type="None"), **options}
    return reference(f"decode_heads.{file}", kind)(**options)


def fcn(width, index, channels, **options):
    return head("fcn_head", "FCNHead", in_channels=width, in_index=index, channels=channels, num_convs=1, concat_input=False, **options)


def resnet(depth=18, width=8):
    return reference("backbones.resnet", "ResNetV1c")(depth=depth, base_channels=width, stem_channels=width, out_indices=(0, 1, 2, 3), norm_cfg=BN, norm_eval=False)


def mit(width=8, layers=(1, 1, 2, 1), **options):
    return reference("backbones.mit", "MixVisionTransformer")(
        embed_dims=width, num_layers=list(layers), num_heads=[1, 2, 5, 8], qkv_bias=True, **options)


def unet(upsample="InterpConv", **options):
    return reference("backbones.unet", "UNet")(norm_cfg=BN, upsample_cfg=dict(type=upsample), **options)


def of_mmseg():
    widths = [8, 16, 32, 64]
    uper = lambda maps, **options: head("uper_head", "UPerHead", in_channels=[widths[i] for i in maps], in_index=maps, **options)
    keep("mmseg_upernet", Whole(resnet(), uper([0, 1, 2, 3], channels=6), fcn(32, 2, 4)), 65, 97)
    keep("mmseg_upernet_aligned", Whole(resnet(), uper([0, 2, 3], channels=6, pool_scales=(1, 4), align_corners=True)), 65, 97)
    neck = lambda: reference("necks.fpn", "FPN")(in_channels=widths, out_channels=8, num_outs=4)
    fpn = lambda maps, **options: head("fpn_head", "FPNHead", in_channels=[8] * len(maps), in_index=maps, feature_strides=[4 << i for i in maps], channels=6, **options)
    keep("mmseg_fpn", Whole(resnet(), fpn([0, 1, 2, 3]), neck=neck()), 65, 97)
    keep("mmseg_fpn_aligned", Whole(resnet(), fpn([1, 2, 3], align_corners=True), neck=neck()), 65, 97)
    # Grids of 19 x 14, 10 x 7, 5 x 4 and 3 x 2 tokens, which no reduction divides.
    keep("mmseg_segformer", Whole(mit(), head("segformer_head", "SegformerHead", in_channels=[8, 16, 40, 64], in_index=[0, 1, 2, 3], channels=12)), 75, 53)
    keep("mmseg_unet", Whole(unet(base_channels=4), fcn(4, 4, 6), fcn(8, 3, 6)), 48, 80)
    odd = dict(base_channels=4, num_stages=4, strides=(1, 2, 1, 1), downsamples=(True, False, True), enc_num_convs=(1, 2, 3, 2), dec_num_convs=(3, 1, 2),
               enc_dilations=(1, 2, 1, 3), dec_dilations=(2, 1, 1))
    keep("mmseg_unet_deconv", Whole(unet("DeconvModule", **odd), head("psp_head", "PSPHead", in_channels=4, in_index=3, channels=6)), 24, 36)
    keep("mmseg_unet_aspp", Whole(unet(base_channels=4, num_stages=3, strides=(2, 1, 1), enc_num_convs=(2,) * 3, dec_num_convs=(2,) * 2, downsamples=(True,) * 2,
                                       enc_dilations=(1,) * 3, dec_dilations=(1,) * 2),
                                  head("aspp_head", "ASPPHead", in_channels=4, in_index=2, channels=6, dilations=(1, 2))), 24, 40)


def authors_mit(**options):
    return reference("backbones.mix_transformer", "MixVisionTransformer")(
        **{"num_heads": [1, 2, 5, 8], "mlp_ratios": [4] * 4, "qkv_bias": True, "norm_layer": lambda width: nn.LayerNorm(width, eps=1e-6), **options})


def authors_head(widths, width, classes=CLASSES):
    return head("segformer_head", "SegFormerHead", in_channels=widths, in_index=[0, 1, 2, 3], feature_strides=[4, 8, 16, 32], channels=8,
                num_classes=classes, decoder_params=dict(embed_dim=width))


def of_segformer():
    widths = [8, 16, 40, 64]
    model = Whole(authors_mit(embed_dims=widths, depths=[1, 1, 2, 1]), authors_head(widths, 12))
    keep("nvlabs_segformer", swap_norms(model), 75, 53)


def swap_norms(model):
    """SyncBN runs on a GPU only; in evaluation it is a batch norm."""
    for name, child in model.named_children():
        if isinstance(child, nn.SyncBatchNorm):
            setattr(model, name, nn.BatchNorm2d(child.num_features))
        else:
            swap_norms(child)
    return model


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def print_counts_of_mmseg():
    widths, kinds = [256, 512, 1024, 2048], dict(num_classes=150)
    print("upernet_r50", count(Whole(resnet(50, 64), head("uper_head", "UPerHead", in_channels=widths, in_index=[0, 1, 2, 3], channels=512, **kinds), fcn(1024, 2, 256, **kinds))))
    neck = reference("necks.fpn", "FPN")(in_channels=widths, out_channels=256, num_outs=4)
    print("fpn_r50", count(Whole(resnet(50, 64), head("fpn_head", "FPNHead", in_channels=[256] * 4, in_index=[0, 1, 2, 3], feature_strides=[4, 8, 16, 32], channels=128, **kinds), neck=neck)))
    print("unet_s5-d16 of 19 classes", count(Whole(unet(base_channels=64), fcn(64, 4, 64, num_classes=19), fcn(128, 3, 64, num_classes=19))))
    print("unet_s5-d16, backbone, deconv", count(unet("DeconvModule", base_channels=64)))
    for name, layers, width, channels in (("b0", (2, 2, 2, 2), 32, 256), ("b1", (2, 2, 2, 2), 64, 256), ("b5", (3, 6, 40, 3), 64, 256)):
        backbone = mit(width, layers)
        whole = Whole(backbone, head("segformer_head", "SegformerHead", in_channels=[width * heads for heads in (1, 2, 5, 8)], in_index=[0, 1, 2, 3], channels=channels, **kinds))
        print("segformer", name, count(backbone), count(whole))


def print_counts_of_segformer():
    from_name = lambda name: reference("backbones.mix_transformer", name)()
    for name in ("mit_b0", "mit_b1", "mit_b2", "mit_b3", "mit_b4", "mit_b5"):
        backbone = from_name(name)
        widths = [32, 64, 160, 256] if name == "mit_b0" else [64, 128, 320, 512]
        decoder = authors_head(widths, 256 if name in ("mit_b0", "mit_b1") else 768, 150)
        print(name, count(backbone), "with its head, but for the classifier never used", count(backbone) + count(decoder) - count(decoder.conv_seg))


def main():
    torch.set_num_threads(1)
    mmseg, mmcv, segformer = sys.argv[1:4]
    counts = "--counts" in sys.argv
    provide_mmcv(mmcv)
    provide_timm()
    provide_mmseg(mmseg)
    take("mmseg.models.utils", "wrappers", "resize", "Upsample")
    take("mmseg.models.utils", "embed", "PatchEmbed")
    take("mmseg.models.utils", "shape_convert", "nchw_to_nlc", "nlc_to_nchw")
    take("mmseg.models.utils", "res_layer", "ResLayer")
    take("mmseg.models.utils", "up_conv_block", "UpConvBlock")
    print_counts_of_mmseg() if counts else of_mmseg()
    provide_mmseg(segformer)
    take("mmseg.ops", "wrappers", "resize", "Upsample")
    print_counts_of_segformer() if counts else of_segformer()


if __name__ == "__main__":
    main()
