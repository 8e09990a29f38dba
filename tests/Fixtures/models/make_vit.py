#!/usr/bin/python3
"""Makes the parity fixtures of the Vision Transformers after DeiT and of Swin V2, and the names and shapes of whole published networks.

    /usr/bin/python3 tests/Fixtures/models/make_vit.py TIMM DINOV2 [DINOV3]

TIMM is a checkout of github.com/huggingface/pytorch-image-models (at aa4b5850), DINOV2 one of github.com/facebookresearch/dinov2 (at
b8931f7b), DINOV3 one of github.com/facebookresearch/dinov3 (at 6876159a). Their network files are run as they are and are no part of this
project; what they import for downloads and training is stood in for. Swin V2's fixtures are torchvision's. Made with torch 1.13.0a0 and
torchvision 0.14.1a0 (Debian 12), which lacks a scaled dot product: it is given here by its definition. Weights and images are
make_models.py's: numbers by the tensors' names.
"""
import math
import sys
import types

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from make_models import digest, fill, record, save, values

SMALL = dict(embed_dim=32, depth=2, num_heads=2, num_classes=10)  # heads of 16 channels


def stand_in(name, folder=None, **content):
    module = types.ModuleType(name)
    module.__path__ = [] if folder is None else [folder]
    module.__getattr__ = lambda key: type(key, (), {})
    module.__dict__.update(content)
    sys.modules[name] = module
    return module


def scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False):
    assert attn_mask is None and dropout_p == 0 and not is_causal
    return ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).softmax(-1) @ v


def provide(timm):
    sys.path.insert(0, timm)
    for name in ("huggingface_hub", "safetensors", "safetensors.torch", "yaml"):
        try:
            __import__(name)
        except ImportError:
            stand_in(name)
    F.scaled_dot_product_attention = scaled_dot_product_attention


# By timm.

def timm_networks():
    from timm.layers import SwiGLUPacked
    from timm.models.eva import Eva
    from timm.models.vision_transformer import VisionTransformer

    norm5 = lambda width, **more: nn.LayerNorm(width, eps=1e-5)
    dinov3 = dict(dynamic_img_size=True, init_values=1e-5, rope_type="dinov3", rope_temperature=100, rope_rotate_half=True, use_rot_pos_emb=True,
                  use_abs_pos_emb=False, num_reg_tokens=4, use_fc_norm=False, norm_layer=norm5)
    eva02 = dict(patch_size=14, img_size=56, mlp_ratio=4 * 2 / 3, swiglu_mlp=True, use_rot_pos_emb=True, ref_feat_shape=(16, 16))
    siglip = dict(patch_size=16, img_size=64, class_token=False, global_pool="map")
    return {
        # name: network, size of the images
        "dinov2": (VisionTransformer(patch_size=14, img_size=56, init_values=1e-5, **SMALL), (56, 56)),
        "dinov2_reg4": (VisionTransformer(patch_size=14, img_size=56, init_values=1e-5, reg_tokens=4, no_embed_class=True, **SMALL), (56, 56)),
        "dinov2_giant": (VisionTransformer(patch_size=14, img_size=56, init_values=1e-5, mlp_ratio=2.66667 * 2, mlp_layer=SwiGLUPacked, act_layer=nn.SiLU, **SMALL), (56, 56)),
        "dinov2_resized": (VisionTransformer(patch_size=14, img_size=56, init_values=1e-5, reg_tokens=4, no_embed_class=True, dynamic_img_size=True, **SMALL), (84, 42)),
        "reg_all": (VisionTransformer(patch_size=14, img_size=56, reg_tokens=3, **SMALL), (56, 56)),
        "dinov3": (Eva(patch_size=16, img_size=64, qkv_bias=False, global_pool="avg", **dinov3, **SMALL), (48, 80)),
        "dinov3_qkvb": (Eva(patch_size=16, img_size=64, qkv_bias=True, global_pool="token", **dinov3, **SMALL), (64, 64)),
        "deit3": (VisionTransformer(patch_size=16, img_size=64, no_embed_class=True, init_values=1e-6, **SMALL), (64, 64)),
        "eva02": (Eva(**eva02, **SMALL), (56, 56)),
        "eva02_base": (Eva(qkv_fused=False, scale_mlp=True, **eva02, **SMALL), (56, 56)),
        "siglip": (VisionTransformer(**siglip, **SMALL), (64, 64)),
        "clip": (VisionTransformer(patch_size=16, img_size=64, pre_norm=True, norm_layer=norm5, **SMALL), (64, 64)),
        "clip_quickgelu": (VisionTransformer(patch_size=16, img_size=64, pre_norm=True, norm_layer=norm5, act_layer="quick_gelu", **SMALL), (64, 64)),
    }


def with_gradients(model, images, names):
    """Outputs of blocks and logits, and the gradients of some parameters of the logits' sum of squares."""
    result = record(model, {f"block{i}": f"blocks.{i}" for i in range(2)}, images)
    with torch.enable_grad():
        model(images).square().sum().backward()
    result["gradients"] = {name: digest(dict(model.named_parameters())[name].grad) for name in names}
    return result


def timm_small():
    names = {
        "dinov2_reg4": ["reg_token", "pos_embed", "blocks.0.ls1.gamma", "blocks.0.attn.qkv.weight"],
        "dinov3": ["reg_token", "blocks.0.gamma_1", "blocks.0.attn.qkv.weight", "cls_token"],
        "eva02": ["blocks.0.attn.q_bias", "blocks.0.attn.qkv.weight", "blocks.1.mlp.fc1.weight"],
        "eva02_base": ["blocks.0.attn.k_proj.weight", "blocks.0.mlp.fc1_g.weight", "blocks.0.mlp.norm.weight"],
        "siglip": ["attn_pool.latent", "attn_pool.q.weight", "attn_pool.kv.weight", "blocks.0.attn.qkv.bias"],
        "clip_quickgelu": ["norm_pre.weight", "patch_embed.proj.weight", "blocks.0.mlp.fc1.weight"],
    }
    for name, (model, size) in timm_networks().items():
        save("timm_vit_" + name, with_gradients(fill(model), values("images", [2, 3, *size]), names.get(name, [])))


def names_of_networks():
    """Of whole published networks, made without memory where the network allows it: each tensor's name and shape."""
    import timm

    networks = {
        **{f"vit_{size}_patch14_{kind}": {} for size in ("small", "base", "large") for kind in ("dinov2", "reg4_dinov2")},
        **{f"vit_{size}_patch16_dinov3": dict(global_pool="token") for size in ("small", "base", "large")},
        "vit_base_patch16_dinov3_qkvb": dict(global_pool="token"),
        "deit3_small_patch16_224": {}, "deit3_base_patch16_224": {},
        "eva02_tiny_patch14_224": {}, "eva02_small_patch14_224": {}, "eva02_base_patch14_224": {},
        "eva02_tiny_patch14_336": {}, "eva02_small_patch14_336": {}, "eva02_base_patch14_448": {},
        "vit_base_patch16_siglip_224": {}, "vit_base_patch16_clip_224": {}, "vit_base_patch16_clip_quickgelu_224": {},
        "swinv2_tiny_window8_256": {}, "swinv2_tiny_window16_256": {}, "swinv2_small_window8_256": {}, "swinv2_base_window8_256": {},
    }
    found = {}
    for name, more in networks.items():
        count = dict(num_classes=0) if "dinov" in name or "siglip" in name else {}
        model = timm.create_model(name, device="meta", **count, **more)
        found[name] = by_block(model)
        del model
    save("vit_names", found)


def by_block(model):
    """Names and shapes; of blocks of one form the first alone, and how many there are: "blocks.*"."""
    state = {name: list(tensor.shape) for name, tensor in model.state_dict().items()}
    kept, blocks = {}, 1 + max((int(name.split(".")[1]) for name in state if name.startswith("blocks.")), default=-1)
    for name, shape in state.items():
        if not name.startswith("blocks."):
            kept[name] = shape
            continue
        _, number, rest = name.split(".", 2)
        if number == "0":
            assert all(state[f"blocks.{i}.{rest}"] == shape for i in range(blocks))
            kept["blocks.*." + rest] = shape
    return {"blocks": blocks, "parameters": sum(p.numel() for p in model.parameters()), "tensors": kept}


# By the authors.

def dinov2_authors(checkout):
    stand_in("dinov2", f"{checkout}/dinov2")
    stand_in("xformers")
    import os
    os.environ["XFORMERS_DISABLED"] = "1"
    from dinov2.models.vision_transformer import DinoVisionTransformer

    size = dict(patch_size=14, img_size=56, embed_dim=32, depth=2, num_heads=2, init_values=1e-5, block_chunks=0)
    for name, more in {"dinov2_authors": {}, "dinov2_authors_reg4": dict(num_register_tokens=4), "dinov2_authors_giant": dict(ffn_layer="swiglufused", mlp_ratio=4)}.items():
        model = fill(DinoVisionTransformer(**size, **more))
        output = record(model, {f"block{i}": f"blocks.{i}" for i in range(2)}, values("images", [2, 3, 56, 56]))
        output["names"] = {key: list(tensor.shape) for key, tensor in model.state_dict().items()}
        save(name, output)


def dinov3_authors(checkout):
    stand_in("dinov3", f"{checkout}/dinov3")
    torch._dynamo = types.SimpleNamespace(config=types.SimpleNamespace())
    torch.compile = lambda function=None, **options: function
    torch.compiler = types.SimpleNamespace(allow_in_graph=lambda function: function)
    from dinov3.models.vision_transformer import DinoVisionTransformer

    model = DinoVisionTransformer(patch_size=16, img_size=64, embed_dim=32, depth=2, num_heads=2, layerscale_init=1e-5, n_storage_tokens=4, mask_k_bias=True,
                                  qkv_bias=True, norm_layer="layernormbf16", pos_embed_rope_dtype="fp32", device="cpu")
    model.init_weights()
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items() if name.endswith(("bias_mask", "periods"))}
    fill(model).load_state_dict(kept, strict=False)
    output = record(model, {}, values("images", [2, 3, 48, 80]))
    output["names"] = {key: list(tensor.shape) for key, tensor in model.state_dict().items()}
    save("dinov3_authors", output)


# By torchvision.

def swin_v2():
    from torchvision.models.swin_transformer import PatchMergingV2, SwinTransformer, SwinTransformerBlockV2

    # 18 x 26 patches, then 9 x 13: windows of 4, shifted in every second block; and a grid that one window covers.
    for name, size, window in (("swin_v2_padded", (72, 104), 4), ("swin_v2_even", (64, 96), 4), ("swin_v2_covered", (32, 64), 5)):
        model = SwinTransformer([4, 4], 12, [2, 2], [2, 3], [window, window], num_classes=10, stochastic_depth_prob=0.0, block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2)
        computed = {key: tensor.clone() for key, tensor in model.state_dict().items() if key.endswith(("relative_coords_table", "relative_position_index"))}
        fill(model).load_state_dict(computed, strict=False)
        images = values("images", [2, 3, *size])
        output = record(model, {"stage1": "features.1", "merged": "features.2", "stage2": "features.3", "norm": "norm"}, images)
        with torch.enable_grad():
            model(images).square().sum().backward()
        wanted = ["features.1.1.attn.logit_scale", "features.1.1.attn.cpb_mlp.0.weight", "features.1.0.attn.qkv.weight", "features.3.1.attn.cpb_mlp.2.weight", "features.2.reduction.weight", "features.0.0.weight"]
        output["gradients"] = {key: digest(dict(model.named_parameters())[key].grad) for key in wanted}
        output["names"] = {key: list(tensor.shape) for key, tensor in model.state_dict().items()}
        save(name, output)
    model = torchvision.models.swin_v2_t()
    save("swin_v2_t_names", {"parameters": sum(p.numel() for p in model.parameters()), "tensors": {key: list(tensor.shape) for key, tensor in model.state_dict().items()}})


def swin_v2_timm():
    """Padding after the shift, and windows that another size was trained with."""
    from timm.models.swin_transformer_v2 import SwinTransformerV2

    model = fill(SwinTransformerV2(img_size=(72, 104), window_size=4, embed_dim=12, depths=(2, 2), num_heads=(2, 3), num_classes=10, strict_img_size=False))
    save("timm_swin_v2_padded", record(model, {"norm": "norm"}, values("images", [2, 3, 72, 104])))
    model = fill(SwinTransformerV2(img_size=(64, 64), window_size=8, embed_dim=12, depths=(2, 2, 2), num_heads=(2, 3, 4), num_classes=10, pretrained_window_sizes=(6, 6, 3)))
    save("timm_swin_v2_pretrained", record(model, {"norm": "norm"}, values("images", [2, 3, 64, 64])))


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    provide(sys.argv[1])
    swin_v2()
    timm_small()
    swin_v2_timm()
    dinov2_authors(sys.argv[2])
    if len(sys.argv) > 3:
        dinov3_authors(sys.argv[3])
    names_of_networks()
