#!/usr/bin/python3
"""Makes the parity fixtures of OpenMMLab's networks, in their own parameter names.

    /usr/bin/python3 tests/Fixtures/models/make_mmlab.py MMPRETRAIN

MMPRETRAIN is a checkout of github.com/open-mmlab/mmpretrain (at ee7f2e8), whose network files are run as they are and are no
part of this project. mmcv and mmengine, which they import, are not part of Debian: the few of their layers that the networks
use are given here, transcribed from mmcv 2.1 (ConvModule, FFN, PatchEmbed, PatchMerging, norms by config).
Fixtures named "transcribed_…" come from networks of MMSegmentation and MMDetection that are written out here after their files,
since those projects can't run where this was made; they prove less. Made with torch 1.13.0a0 (Debian 12). Weights and
images are make_models.py's; every fixture also lists the checkpoint's tensors with their shapes.
"""
import importlib.util
import os
import sys
import types

import torch
from torch import nn
from torch.nn import functional as F

from make_models import digest, fill, save, values

NORMS = {"BN": nn.BatchNorm2d, "LN": nn.LayerNorm}


# Layers of mmcv, transcribed.

def build_norm_layer(cfg, width, postfix=""):
    cfg = dict(cfg)
    kind = cfg.pop("type")
    cfg.pop("requires_grad", None)
    return f"{ {'BN': 'bn', 'LN': 'ln'}[kind] }{postfix}", NORMS[kind](width, **cfg)


def build_conv_layer(cfg, *args, **kwargs):
    return nn.Conv2d(*args, **kwargs)


def build_activation_layer(cfg):
    return {"ReLU": lambda: nn.ReLU(), "GELU": lambda: nn.GELU()}[cfg["type"]]()


class ConvModule(nn.Module):
    """A convolution, which has a bias only where no norm follows; its norm; a ReLU."""

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, bias="auto", conv_cfg=None, norm_cfg=None, act_cfg=dict(type="ReLU"), inplace=True):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, dilation, bias=norm_cfg is None if bias == "auto" else bias)
        if norm_cfg is not None:
            self.bn = build_norm_layer(norm_cfg, out_channels)[1]
        self.act = act_cfg is not None

    def forward(self, x):
        x = self.conv(x)
        x = self.bn(x) if hasattr(self, "bn") else x
        return F.relu(x) if self.act else x


class FFN(nn.Module):
    def __init__(self, embed_dims=256, feedforward_channels=1024, num_fcs=2, act_cfg=dict(type="ReLU"), ffn_drop=0.0, dropout_layer=None, add_identity=True, init_cfg=None, layer_scale_init_value=0.0):
        super().__init__()
        first = nn.Sequential(nn.Linear(embed_dims, feedforward_channels), build_activation_layer(act_cfg), nn.Dropout(ffn_drop))
        self.layers = nn.Sequential(first, nn.Linear(feedforward_channels, embed_dims), nn.Dropout(ffn_drop))

    def forward(self, x, identity=None):
        return (x if identity is None else identity) + self.layers(x)


def corner(x, kernel, stride):
    """Zeros below and to the right, so that the patches cover the image."""
    down = max((-(x.shape[2] // -stride) - 1) * stride + kernel - x.shape[2], 0)
    right = max((-(x.shape[3] // -stride) - 1) * stride + kernel - x.shape[3], 0)
    return F.pad(x, [0, right, 0, down])


class PatchEmbed(nn.Module):
    def __init__(self, in_channels=3, embed_dims=768, conv_type="Conv2d", kernel_size=16, stride=16, padding="corner", dilation=1, bias=True, norm_cfg=None, input_size=None, init_cfg=None):
        super().__init__()
        self.pads = padding == "corner"
        self.projection = nn.Conv2d(in_channels, embed_dims, kernel_size, stride, 0 if self.pads else padding, bias=bias)
        self.norm = None if norm_cfg is None else build_norm_layer(norm_cfg, embed_dims)[1]
        if input_size is not None:
            size = (input_size, input_size) if isinstance(input_size, int) else input_size
            self.init_out_size = tuple(-(side // -stride) for side in size)

    def forward(self, x):
        x = self.projection(corner(x, self.projection.kernel_size[0], self.projection.stride[0]) if self.pads else x)
        size = (x.shape[2], x.shape[3])
        x = x.flatten(2).transpose(1, 2)
        return x if self.norm is None else self.norm(x), size


class PatchMerging(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size=2, stride=None, padding="corner", dilation=1, bias=False, norm_cfg=dict(type="LN"), init_cfg=None):
        super().__init__()
        self.norm = build_norm_layer(norm_cfg, 4 * in_channels)[1]
        self.reduction = nn.Linear(4 * in_channels, out_channels, bias=bias)
        self.in_channels, self.out_channels = in_channels, out_channels

    def forward(self, x, size):
        x = x.view(x.shape[0], *size, x.shape[2]).permute(0, 3, 1, 2)
        x = F.unfold(corner(x, 2, 2), 2, stride=2).transpose(1, 2)
        return self.reduction(self.norm(x)), (-(size[0] // -2), -(size[1] // -2))


def stand_in(checkout):
    """mmcv, mmengine and mmpretrain's packages, as far as the network files import them."""
    class Registry:
        def register_module(self, *args, **kwargs):
            return lambda cls: cls

        def get(self, kind):
            return NORMS.get(kind)

        def build(self, cfg):
            cfg = dict(cfg)
            kind = cfg.pop("type")
            return NORMS[kind](**cfg) if kind in NORMS else None

    class BaseModule(nn.Module):
        def __init__(self, init_cfg=None):
            super().__init__()

    class List(nn.ModuleList):
        def __init__(self, modules=None, init_cfg=None):
            super().__init__(modules)

    class Chain(nn.Sequential):
        def __init__(self, *modules, init_cfg=None):
            super().__init__(*modules)

    class DropPath(nn.Identity):
        def __init__(self, rate=0.0):
            super().__init__()

    nothing = lambda *args, **kwargs: None
    contents = {
        "mmcv": {}, "mmcv.cnn": dict(ConvModule=ConvModule, build_activation_layer=build_activation_layer, build_conv_layer=build_conv_layer, build_norm_layer=build_norm_layer),
        "mmcv.cnn.bricks": dict(DropPath=DropPath, ConvModule=ConvModule),
        "mmcv.cnn.bricks.drop": dict(build_dropout=lambda cfg: nn.Identity()),
        "mmcv.cnn.bricks.transformer": dict(FFN=FFN, PatchEmbed=PatchEmbed, PatchMerging=PatchMerging, AdaptivePadding=None),
        "mmengine": {}, "mmengine.model": dict(BaseModule=BaseModule, ModuleList=List, Sequential=Chain),
        "mmengine.model.weight_init": dict(constant_init=nothing, trunc_normal_=nothing),
        "mmengine.utils": dict(digit_version=lambda text: tuple(int(part) for part in text.split("a")[0].split("+")[0].split(".")[:3])),
        "mmengine.utils.dl_utils": {}, "mmengine.utils.dl_utils.parrots_wrapper": dict(_BatchNorm=nn.modules.batchnorm._BatchNorm),
        "mmpretrain": {}, "mmpretrain.registry": dict(MODELS=Registry()),
    }
    for name, content in contents.items():
        module = types.ModuleType(name)
        module.__path__ = []
        module.__dict__.update(content)
        sys.modules[name] = module
    root = os.path.join(checkout, "mmpretrain", "models")
    for name, folder in (("mmpretrain.models", ""), ("mmpretrain.models.backbones", "backbones"), ("mmpretrain.models.necks", "necks"), ("mmpretrain.models.utils", "utils")):
        module = types.ModuleType(name)
        module.__path__ = [os.path.join(root, folder)]
        sys.modules[name] = module
    utils = sys.modules["mmpretrain.models.utils"]
    for part in ("helpers", "layer_scale", "norm", "embed", "swiglu_ffn", "attention"):
        module = importlib.import_module(f"mmpretrain.models.utils.{part}")
        for name in ("to_2tuple", "LayerScale", "build_norm_layer", "resize_pos_embed", "resize_relative_position_bias_table", "SwiGLUFFNFused", "MultiheadAttention", "ShiftWindowMSA", "WindowMSA"):
            if hasattr(module, name) and not (name == "build_norm_layer" and part != "norm"):
                setattr(utils, name, getattr(module, name))


def reference(part):
    return importlib.import_module(f"mmpretrain.models.{part}")


class Whole(nn.Module):
    """Parts under the names that a whole model's checkpoint has them by."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)


def filled(model):
    """By formula, but for what is computed."""
    computed = {name: tensor.clone() for name, tensor in model.state_dict().items() if name.endswith(("relative_position_index", "attn_mask"))}
    fill(model)
    for name, tensor in model.state_dict().items():
        if name in computed:
            tensor.copy_(computed[name])
    return model.eval()


def keep(name, model, outputs):
    """Outputs by name, and the checkpoint's tensors that are filled by formula, and its others."""
    state = {key: list(tensor.shape) for key, tensor in model.state_dict().items()}
    others = [key for key in state if key.endswith(("num_batches_tracked", "relative_position_index", "attn_mask"))]
    save(name, {"outputs": {key: digest(tensor) for key, tensor in outputs.items()}, "tensors": {key: shape for key, shape in state.items() if key not in others}, "others": others})


def classifier(name, backbone, images, neck=None, width=None, head="fc"):
    """An image classifier: the mean of the last map (or the vector), and a linear layer."""
    layer = nn.Linear(width, 5)
    linear = Whole(fc=layer) if head == "fc" else Whole(layers=Whole(head=layer))
    model = Whole(backbone=backbone, **({} if neck is None else {"neck": neck}), head=linear)
    filled(model)
    maps = backbone(images)
    x = maps[-1] if neck is None else neck(maps)[-1]
    keep(name, model, {"logits": layer(x if x.dim() == 2 else x.mean([2, 3]))})


def branches(width, modules, blocks):
    stage = lambda block, count, depth, channels: dict(num_modules=count, num_branches=len(channels), block=block, num_blocks=(depth,) * len(channels), num_channels=channels)
    return dict(stage1=stage("BOTTLENECK", 1, blocks[0], (width,)), **{
        f"stage{i}": stage("BASIC", modules[i - 2], blocks[i - 1], tuple(width << branch for branch in range(i))) for i in range(2, 5)})


def of_mmpretrain():
    hrnet, resnet, swin = reference("backbones.hrnet"), reference("backbones.resnet"), reference("backbones.swin_transformer")
    images = values("images", [2, 3, 64, 96])
    fuse = reference("necks.hr_fuse").HRFuseScales(in_channels=(4, 8, 16, 32), norm_cfg=dict(type="BN"))
    classifier("mmpretrain_hrnet", hrnet.HRNet(extra=branches(4, (1, 1, 1), (1, 1, 1, 1))), images, fuse, 2048)
    dilated = dict(base_channels=8, stem_channels=8, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), out_indices=(3,))
    classifier("mmpretrain_resnet18_dilated", resnet.ResNet(18, **dilated), images, None, 64)
    caffe = dict(base_channels=8, stem_channels=8, style="caffe", out_indices=(3,))
    classifier("mmpretrain_resnet50_caffe", resnet.ResNet(50, **caffe), images, None, 256)
    # 17 x 24 patches, then 9 x 12: windows of 4 that don't divide them, shifted in every second block.
    tiny = dict(arch=dict(embed_dims=12, depths=[2, 2], num_heads=[2, 3]), img_size=64, window_size=4, out_indices=(1,), pad_small_map=True)
    classifier("mmpretrain_swin_padded", swin.SwinTransformer(**tiny), values("images", [2, 3, 68, 96]), None, 24)
    vit = reference("backbones.vision_transformer").VisionTransformer(dict(embed_dims=24, num_layers=2, num_heads=3, feedforward_channels=96), img_size=64)
    classifier("mmpretrain_vit", vit, values("images", [2, 3, 64, 64]), None, 24, head="head")
    t2t = reference("backbones.t2t_vit").T2T_ViT(
        img_size=64, embed_dims=32, t2t_cfg=dict(token_dims=8), num_layers=2, layer_cfgs=dict(num_heads=2, feedforward_channels=64), norm_cfg=dict(type="LN"))
    # Its helper takes another scale than the networks hand it, and divides by it; its checkpoints are the authors', who multiply by theirs.
    for layer in [*t2t.encoder, t2t.tokens_to_token.attention1, t2t.tokens_to_token.attention2]:
        scale = (layer.attn.input_dims // layer.attn.num_heads) ** -0.5
        layer.attn.scaled_dot_product_attention = lambda q, k, v, scale=scale, **rest: (q @ k.transpose(-2, -1) * scale).softmax(-1) @ v
    classifier("mmpretrain_t2t", t2t, values("images", [2, 3, 64, 64]), None, 32, head="head")


# MMSegmentation, transcribed: mmseg/models/backbones/hrnet.py over MMPretrain's, decode_heads/fcn_head.py.

def resized(x, size):
    return F.interpolate(x, size, mode="bilinear", align_corners=False)


def transcribed_hrnet():
    hrnet = reference("backbones.hrnet")

    def forward(module, maps):
        maps = [branch(x) for branch, x in zip(module.branches, maps)]
        fused = []
        for i, layers in enumerate(module.fuse_layers):
            y = 0
            for j, x in enumerate(maps):
                if j > i:  # the layer itself enlarges by its factor, then the sum's size is met
                    term = layers[j][1](layers[j][0](x))
                    term = resized(term, [side << (j - i) for side in term.shape[2:]])
                    y = y + resized(term, list(maps[i].shape[2:]))
                else:
                    y = y + (x if i == j else layers[j](x))
            fused.append(F.relu(y))
        return fused

    hrnet.HRModule.forward = forward
    backbone = hrnet.HRNet(extra=branches(4, (1, 1, 1), (1, 1, 1, 1)))
    head = Whole(convs=nn.Sequential(ConvModule(60, 60, 1, norm_cfg=dict(type="BN"))), conv_seg=nn.Conv2d(60, 5, 1))
    model = filled(Whole(backbone=backbone, decode_head=head))
    maps = backbone(values("images", [2, 3, 65, 97]))
    joined = torch.cat([maps[0]] + [resized(x, list(maps[0].shape[2:])) for x in maps[1:]], 1)
    keep("transcribed_mmseg_hrnet", model, {"logits": head.conv_seg(head.convs(joined))})


# MMDetection, transcribed: mmdet/models/backbones/pvt.py.

class Reduced(nn.Module):
    """SpatialReductionAttention over torch's multi-head attention."""

    def __init__(self, width, heads, ratio):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, bias=True)
        if ratio > 1:
            self.sr = nn.Conv2d(width, width, ratio, ratio)
            self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x, size, identity):
        keys = x
        if hasattr(self, "sr"):
            keys = self.sr(x.transpose(1, 2).reshape(x.shape[0], -1, *size)).flatten(2).transpose(1, 2)
            keys = self.norm(keys)
        x, keys = x.transpose(0, 1), keys.transpose(0, 1)
        return identity + self.attn(x, keys, keys)[0].transpose(0, 1)


class Mixed(nn.Module):
    """MixFFN: 1x1 convolutions, in version 2 a depthwise one after the first."""

    def __init__(self, width, hidden, depthwise):
        super().__init__()
        layers = [nn.Conv2d(width, hidden, 1), nn.GELU(), nn.Dropout(0.0), nn.Conv2d(hidden, width, 1), nn.Dropout(0.0)]
        if depthwise:
            layers.insert(1, nn.Conv2d(hidden, hidden, 3, 1, 1, groups=hidden))
        self.layers = nn.Sequential(*layers)

    def forward(self, x, size, identity):
        return identity + self.layers(x.transpose(1, 2).reshape(x.shape[0], -1, *size)).flatten(2).transpose(1, 2)


class Block(nn.Module):
    def __init__(self, width, heads, ratio, hidden, depthwise):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.ffn = Reduced(width, heads, ratio), Mixed(width, hidden, depthwise)

    def forward(self, x, size):
        x = self.attn(self.norm1(x), size, x)
        return self.ffn(self.norm2(x), size, x)


class Positions(nn.Module):
    def __init__(self, size, width):
        super().__init__()
        self.size, self.pos_embed = size, nn.Parameter(torch.zeros(1, size * size, width))

    def forward(self, x, size):
        grid = self.pos_embed.reshape(1, self.size, self.size, -1).permute(0, 3, 1, 2)
        return x + F.interpolate(grid, size, mode="bilinear").flatten(2).transpose(1, 2)


class Pvt(nn.Module):
    def __init__(self, version):
        super().__init__()
        kernels, pads = ([4, 2], [0, 0]) if version == 1 else ([7, 3], [3, 1])
        self.layers, width, side = nn.ModuleList(), 3, 64
        for i, (channels, heads, ratio, mlp) in enumerate(((8, 1, 4, 4), (16, 2, 2, 4))):
            stride = 4 if i == 0 else 2
            side //= stride
            embed = PatchEmbed(width, channels, kernel_size=kernels[i], stride=stride, padding=pads[i], norm_cfg=dict(type="LN", eps=1e-6))
            blocks = [Positions(side, channels)] if version == 1 else []
            blocks += [Block(channels, heads, ratio, channels * mlp, version == 2) for _ in range(2)]
            norm = nn.LayerNorm(channels, eps=1e-6) if version == 2 else nn.Identity()
            self.layers.append(nn.ModuleList([embed, nn.ModuleList(blocks), norm]))
            width = channels

    def forward(self, x):
        maps = []
        for embed, blocks, norm in self.layers:
            x, size = embed(x)
            for block in blocks:
                x = block(x, size)
            x = norm(x).transpose(1, 2).reshape(x.shape[0], -1, *size)
            maps.append(x)
        return maps


def transcribed_pvt():
    for version in (1, 2):
        classifier(f"transcribed_mmdet_pvt{version}", Pvt(version), values("images", [2, 3, 64, 96]), None, 16)


# MMSegmentation's heads, transcribed: mmseg/models/decode_heads/{fcn,psp,aspp,sep_aspp,ocr}_head.py, utils/self_attention_block.py.

BN = dict(type="BN")


def conv_norm(width, channels, kernel=1, dilation=1):
    return ConvModule(width, channels, kernel, padding=dilation * (kernel // 2), dilation=dilation, norm_cfg=BN)


class Separable(nn.Module):
    """DepthwiseSeparableConvModule."""

    def __init__(self, width, channels, dilation=1):
        super().__init__()
        self.depthwise_conv = conv_norm(width, width, 3, dilation)
        self.depthwise_conv.conv = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, groups=width, bias=False)
        self.pointwise_conv = conv_norm(width, channels)

    def forward(self, x):
        return self.pointwise_conv(self.depthwise_conv(x))


class FcnHead(nn.Module):
    def __init__(self, width, channels, convs, concat, kernel=3, classes=5):
        super().__init__()
        self.convs = nn.Sequential(*[conv_norm(channels if i else width, channels, kernel) for i in range(convs)])
        if concat:
            self.conv_cat = conv_norm(width + channels, channels, kernel)
        self.conv_seg = nn.Conv2d(channels, classes, 1)

    def forward(self, x):
        y = self.convs(x)
        return self.conv_seg(self.conv_cat(torch.cat([x, y], 1)) if hasattr(self, "conv_cat") else y)


class PspHead(nn.Module):
    def __init__(self, width, channels):
        super().__init__()
        self.psp_modules = nn.ModuleList([nn.Sequential(nn.AdaptiveAvgPool2d(scale), conv_norm(width, channels)) for scale in (1, 2, 3, 6)])
        self.bottleneck, self.conv_seg = conv_norm(width + 4 * channels, channels, 3), nn.Conv2d(channels, 5, 1)

    def forward(self, x):
        pooled = [resized(module(x), list(x.shape[2:])) for module in self.psp_modules]
        return self.conv_seg(self.bottleneck(torch.cat([x] + pooled, 1)))


class AsppHead(nn.Module):
    def __init__(self, width, channels, separable=False, low=None):
        super().__init__()
        self.image_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv_norm(width, channels))
        make = (lambda dilation: Separable(width, channels, dilation)) if separable else (lambda dilation: conv_norm(width, channels, 3, dilation))
        self.aspp_modules = nn.ModuleList([conv_norm(width, channels)] + [make(dilation) for dilation in (2, 3)])
        self.bottleneck = conv_norm(4 * channels, channels, 3)
        if low is not None:
            self.c1_bottleneck = conv_norm(low, 6)
            self.sep_bottleneck = nn.Sequential(Separable(channels + 6, channels), Separable(channels, channels))
        self.conv_seg = nn.Conv2d(channels, 5, 1)

    def forward(self, x, low=None):
        pooled = resized(self.image_pool(x), list(x.shape[2:]))
        y = self.bottleneck(torch.cat([pooled] + [module(x) for module in self.aspp_modules], 1))
        if low is not None:
            low = self.c1_bottleneck(low)
            y = self.sep_bottleneck(torch.cat([resized(y, list(low.shape[2:])), low], 1))
        return self.conv_seg(y)


class ObjectAttention(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        two = lambda: nn.Sequential(conv_norm(width, inner), conv_norm(inner, inner))
        self.key_project, self.query_project = two(), two()
        self.value_project, self.out_project = conv_norm(width, inner), conv_norm(inner, width)
        self.bottleneck, self.inner = conv_norm(2 * width, width), inner

    def forward(self, x, regions):
        query = self.query_project(x).flatten(2).transpose(1, 2)
        key, value = self.key_project(regions).flatten(2), self.value_project(regions).flatten(2).transpose(1, 2)
        mixed = (query @ key * self.inner**-0.5).softmax(-1) @ value
        mixed = self.out_project(mixed.transpose(1, 2).reshape(x.shape[0], self.inner, *x.shape[2:]))
        return self.bottleneck(torch.cat([mixed, x], 1))


class OcrHead(nn.Module):
    def __init__(self, width, channels, inner):
        super().__init__()
        self.object_context_block = ObjectAttention(channels, inner)
        self.bottleneck, self.conv_seg = conv_norm(width, channels, 3), nn.Conv2d(channels, 5, 1)

    def forward(self, x, prior):
        x = self.bottleneck(x)
        regions = prior.flatten(2).softmax(2) @ x.flatten(2).transpose(1, 2)  # [B, classes, C]
        return self.conv_seg(self.object_context_block(x, regions.transpose(1, 2).unsqueeze(3)))


def transcribed_heads():
    images = values("images", [2, 3, 64, 96])
    deep = lambda: reference("backbones.resnet").ResNet(18, base_channels=8, stem_channels=8, deep_stem=True, out_indices=(0, 1, 2, 3))
    for name, head in (("fcn", FcnHead(64, 6, 2, True)), ("psp", PspHead(64, 6)), ("aspp", AsppHead(64, 6))):
        model = filled(Whole(backbone=deep(), decode_head=head, auxiliary_head=FcnHead(32, 4, 1, False)))
        maps = model.backbone(images)
        keep(f"transcribed_mmseg_{name}", model, {"logits": head(maps[3]), "auxiliary": model.auxiliary_head(maps[2])})
    head = AsppHead(64, 6, separable=True, low=8)
    model = filled(Whole(backbone=deep(), decode_head=head))
    maps = model.backbone(images)
    keep("transcribed_mmseg_sep_aspp", model, {"logits": head(maps[3], maps[0])})
    first, second = FcnHead(64, 6, 1, False, kernel=1), OcrHead(64, 6, 4)
    model = filled(Whole(backbone=deep(), decode_head=nn.ModuleList([first, second])))
    maps = model.backbone(images)
    keep("transcribed_mmseg_ocr", model, {"logits": second(maps[3], first(maps[3]))})


# MMDetection's pyramid and heads, transcribed: mmdet/models/necks/fpn.py, dense_heads/{retina,fcos}_head.py.

class Fpn(nn.Module):
    def __init__(self, widths, channels, extra):
        super().__init__()
        self.extra = extra
        self.lateral_convs = nn.ModuleList([ConvModule(width, channels, 1, act_cfg=None) for width in widths])
        self.fpn_convs = nn.ModuleList([ConvModule(channels, channels, 3, padding=1, act_cfg=None) for _ in widths])
        for i in range(2):
            self.fpn_convs.append(ConvModule(widths[-1] if i == 0 and extra == "on_input" else channels, channels, 3, stride=2, padding=1, act_cfg=None))

    def forward(self, maps):
        laterals = [conv(x) for conv, x in zip(self.lateral_convs, maps)]
        for i in range(len(laterals) - 1, 0, -1):
            laterals[i - 1] = laterals[i - 1] + F.interpolate(laterals[i], laterals[i - 1].shape[2:], mode="nearest")
        outs = [conv(x) for conv, x in zip(self.fpn_convs, laterals)]
        outs.append(self.fpn_convs[-2](maps[-1] if self.extra == "on_input" else outs[-1]))
        outs.append(self.fpn_convs[-1](F.relu(outs[-1]) if self.extra == "on_output" else outs[-1]))
        return outs


class Tower(nn.Module):
    def __init__(self, channels, norm):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=not norm)
        if norm:
            self.gn = nn.GroupNorm(32, channels)

    def forward(self, x):
        x = self.conv(x)
        return F.relu(self.gn(x) if hasattr(self, "gn") else x)


class RetinaHead(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        towers = lambda: nn.Sequential(Tower(channels, False), Tower(channels, False))
        self.cls_convs, self.reg_convs = towers(), towers()
        self.retina_cls, self.retina_reg = nn.Conv2d(channels, 9 * classes, 3, padding=1), nn.Conv2d(channels, 36, 3, padding=1)

    def forward(self, maps):
        return [self.retina_cls(self.cls_convs(x)) for x in maps] + [self.retina_reg(self.reg_convs(x)) for x in maps]


class Factor(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))


class FcosHead(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        towers = lambda: nn.Sequential(Tower(channels, True), Tower(channels, True))
        self.cls_convs, self.reg_convs = towers(), towers()
        self.conv_cls, self.conv_reg, self.conv_centerness = (nn.Conv2d(channels, n, 3, padding=1) for n in (classes, 4, 1))
        self.scales = nn.ModuleList([Factor() for _ in range(5)])

    def forward(self, maps):
        boxes = [self.reg_convs(x) for x in maps]
        return ([self.conv_cls(self.cls_convs(x)) for x in maps] + [F.relu(self.conv_reg(x) * factor.scale) for x, factor in zip(boxes, self.scales)]
                + [self.conv_centerness(x) for x in boxes])


def transcribed_detectors():
    for name, head, extra in (("retinanet", RetinaHead(32, 3), "on_input"), ("fcos", FcosHead(32, 3), "on_output")):
        backbone = reference("backbones.resnet").ResNet(18, base_channels=8, stem_channels=8, out_indices=(0, 1, 2, 3))
        model = filled(Whole(backbone=backbone, neck=Fpn([16, 32, 64], 32, extra), bbox_head=head))
        found = head(model.neck(backbone(values("images", [1, 3, 128, 192]))[1:]))
        keep(f"transcribed_mmdet_{name}", model, {f"output{i}": tensor for i, tensor in enumerate(found)})


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    stand_in(sys.argv[1])
    of_mmpretrain()
    transcribed_hrnet()
    transcribed_pvt()
    transcribed_heads()
    transcribed_detectors()
