#!/usr/bin/python3
"""Makes the parity fixture of ToCo.

    /usr/bin/python3 tests/Fixtures/wsss/make_toco.py TOCO

TOCO is a checkout of github.com/rulixiang/ToCo (tried at the main branch of 2023-05). Its files model/*.py, model/backbone/vit.py,
model/decoder/conv_head.py and utils/camutils.py are run as they are and are no part of this project: the network, its losses, class maps and
pseudo labels are the authors' own. What they import beside PyTorch (helpers of timm, a bilateral filter) is given here in its simplest form.
Made with torch 1.13.0a0 (Debian 12). No seed: weights and images follow from names, by tests/Fixtures/models/make_models.py's formula, so
that nothing but results is stored.
"""
import json
import os
import sys
import types

import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "models"))
from make_models import values  # noqa: E402

CLASSES, WIDTH, DEPTH, HEADS, PATCH, SIDE = 4, 32, 4, 4, 8, 32
SIZES = {"trained": (32, 32), "wide": (48, 64)}
SCALES, LOW, HIGH, TEMPERATURE, MOMENTUM = (1.0, 0.5, 1.5), 0.25, 0.7, 0.5, 0.9
HIDDEN, EMBEDDING, CROPS, CROP = 48, 24, 3, 16
BOX = [4, 32, 0, 24]  # rows and columns of the second image that are no padding


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made


def stubs():
    module("timm")
    module("timm.data", IMAGENET_DEFAULT_MEAN=(0.485, 0.456, 0.406), IMAGENET_DEFAULT_STD=(0.229, 0.224, 0.225))
    module("timm.models", resnet26d=None, resnet50d=None)
    module("timm.models.helpers", load_pretrained=None)
    module("timm.models.registry", register_model=lambda function: function)
    module("timm.models.vision_transformer", VisionTransformer=nn.Module, _cfg=lambda *_, **__: {})
    module(
        "timm.models.layers",
        DropPath=nn.Identity,  # the rate is 0
        to_2tuple=lambda value: value if isinstance(value, tuple) else (value, value),
        trunc_normal_=lambda tensor, std=1.0: tensor,  # everything is filled afterwards
    )
    module("bilateralfilter", bilateralfilter=None, bilateralfilter_batch=None)


def numbers(tensor):
    return [float(f"{float(value):.7g}") for value in tensor.detach().double().flatten()]


def whole(tensor):
    return [int(value) for value in tensor.flatten()]


def build(backbones, networks):
    from functools import partial

    from model.backbone.vit import VisionTransformer

    backbones.tiny = lambda pretrained, aux_layer: VisionTransformer(
        img_size=SIDE, patch_size=PATCH, embed_dim=WIDTH, depth=DEPTH, num_heads=HEADS, mlp_ratio=4, qkv_bias=True,
        norm_layer=partial(nn.LayerNorm, eps=1e-6), num_classes=10, aux_layer=aux_layer)
    model = networks.network("tiny", num_classes=CLASSES + 1, init_momentum=MOMENTUM, aux_layer=-3)
    for name in ("proj_head", "proj_head_t"):
        setattr(model, name, networks.CTCHead(in_dim=WIDTH, out_dim=EMBEDDING, hidden_dim=HIDDEN))
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("weight_g"):
                tensor.fill_(1)
            else:
                tensor.copy_(values(name, tuple(tensor.shape)))
    return model


def main(folder):
    stubs()
    sys.path.insert(0, folder)
    import model.backbone as backbones
    import model.losses as losses
    import model.model_seg_neg as networks
    from model.PAR import PAR
    from utils import camutils

    net = build(backbones, networks)
    result = {"tensors": {name: list(tensor.shape) for name, tensor in net.state_dict().items()}, "sizes": {}}
    for name, (height, width) in SIZES.items():
        images = values("images", (2, 3, height, width))
        with torch.no_grad():
            token, _, _ = net.encoder.forward_features(images)
            logits, seg, _, aux = net(images)
            aux_cam, cam = net(images, cam_only=True)
        result["sizes"][name] = {
            "size": [height, width], "token": numbers(token), "cls": numbers(logits), "cls_aux": numbers(aux), "seg": numbers(seg),
            "cam": numbers(cam.relu()), "aux_cam": numbers(aux_cam.relu()),
        }

    images = values("images", (2, 3, SIDE, SIDE))
    labels = (values("labels", (2 * CLASSES,)) > 0).float().reshape(2, CLASSES)
    boxes = [[0, SIDE, 0, SIDE], BOX]
    logits, seg, features, aux = net(images)
    cams, cams_aux = camutils.multi_scale_cam2(net, images, SCALES)
    known = dict(cls_label=labels, ignore_mid=True, bkg_thre=0.5, high_thre=HIGH, low_thre=LOW, ignore_index=255)
    valid, _ = camutils.cam_to_label(cams, img_box=boxes, **known)
    refined = camutils.refine_cams_with_bkg_v2(
        PAR(num_iter=10, dilations=[1, 2, 4, 8, 12, 24]), images, cams=valid, cls_labels=labels, high_thre=HIGH, low_thre=LOW,
        ignore_index=255, img_box=boxes)
    enlarged = F.interpolate(seg, size=refined.shape[1:], mode="bilinear", align_corners=False)
    # The authors cut a box of pixels out of a map of patches; without padding both are the whole map.
    small = F.interpolate(cams_aux, size=features.shape[2:], mode="bilinear", align_corners=False)
    _, pseudo = camutils.cam_to_label(small, img_box=[[0, SIDE, 0, SIDE]] * 2, **known)
    _, plain = camutils.cam_to_label(cams, img_box=boxes, **known)
    result["training"] = {
        "cams": numbers(cams[0]), "cams_aux": numbers(cams_aux[1]), "labels": whole(plain), "patches": whole(pseudo), "refined": whole(refined),
        "regions": whole(camutils.cam_to_roi_mask2(cams_aux, labels, low_thre=LOW, hig_thre=HIGH)),
        "cls": float(F.multilabel_soft_margin_loss(logits, labels)), "cls_aux": float(F.multilabel_soft_margin_loss(aux, labels)),
        "ptc": float(losses.get_masked_ptc_loss(features, camutils.label_to_aff_mask(pseudo))),
        "seg": float(losses.get_seg_loss(enlarged, refined.long())),
    }

    flags = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 0, 1, 1]]).float()
    crops = [images, values("second", (2, 3, SIDE, SIDE))] + [values(f"crop{i}", (2, 3, CROP, CROP)) for i in range(CROPS)]
    out_t, out_s = net.forward_proj(crops)
    result["crops"] = {
        "positive": whole(flags), "teacher": numbers(out_t), "student": numbers(out_s),
        "ctc": float(losses.CTCLoss_neg(ncrops=CROPS + 2, temp=TEMPERATURE)(out_s, out_t, flags)),
        "teacher_bias": numbers(net.proj_head_t.mlp[0].bias),
    }
    with open(os.path.join(HERE, "toco.json"), "w") as file:
        json.dump(result, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
