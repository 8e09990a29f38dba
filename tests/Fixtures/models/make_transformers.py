#!/usr/bin/python3
"""Makes the parity fixtures of networks in the parameter names of HuggingFace's transformers.

    /usr/bin/python3 tests/Fixtures/models/make_transformers.py TRANSFORMERS [NAME ...]

TRANSFORMERS is a checkout of github.com/huggingface/transformers (at 12ba96aa, before 4.48). Its files modeling_*.py and configuration_*.py
are run as they are and are no part of this project; what they import of the package (the base classes of models, configs and outputs,
docstrings) is stood in for below, and of timm, which DETR takes its ResNet from, torchvision's ResNet with the same names. Made with torch
1.13.0a0 and torchvision 0.14.1a0 (Debian 12). No seed: weights and images are make_models.py's. A fixture holds the checkpoint's tensors
with their shapes and what the network gives.
"""
import dataclasses
import importlib
import logging
import os
import sys
import types

import torch
import torchvision
from torch import nn

from make_models import digest, fill, save, values


def module(name, folder=None, **content):
    made = types.ModuleType(name)
    made.__path__ = [] if folder is None else [folder]
    made.__dict__.update(content)
    sys.modules[name] = made
    return made


class Config:
    """Options as attributes, under further names where a class says so."""
    attribute_map = {}

    def __init__(self, **options):
        general = dict(num_labels=10, use_return_dict=True, output_attentions=False, output_hidden_states=False, problem_type=None,
                       chunk_size_feed_forward=0, pruned_heads={}, _attn_implementation="eager", torchscript=False)
        for name, value in {**general, **options}.items():
            setattr(self, name, value)

    def __getattr__(self, name):
        known = type(self).attribute_map
        if name not in known:
            raise AttributeError(name)
        return getattr(self, known[name])


class Network(nn.Module):
    def __init__(self, config, *_):
        super().__init__()
        self.config = config

    device = property(lambda self: next(self.parameters()).device)
    dtype = property(lambda self: next(self.parameters()).dtype)

    def post_init(self):
        pass

    def get_head_mask(self, mask, layers, **_):
        assert mask is None
        return [None] * layers


class Output:
    """Results by name and, of those that there are, by number."""

    def to_tuple(self):
        return tuple(value for value in (getattr(self, field.name) for field in dataclasses.fields(self)) if value is not None)

    def __getitem__(self, key):
        return getattr(self, key) if isinstance(key, str) else self.to_tuple()[key]

    def __iter__(self):
        return iter(self.to_tuple())


class Backbone:
    """Stages by name, of which some are given."""

    def _init_backbone(self, config):
        self.stage_names = config.stage_names
        self.out_features = [self.stage_names[i] for i in config._out_indices or [len(self.stage_names) - 1]]

    @property
    def channels(self):
        return [self.num_features[self.stage_names.index(name)] for name in self.out_features]


class TimmResNet(nn.Module):
    """The maps of a ResNet, in timm's names."""

    def __init__(self, depth, **_):
        super().__init__()
        net = getattr(torchvision.models, depth)(weights=None)
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"):
            self.add_module(name, getattr(net, name))
        self.feature_info = types.SimpleNamespace(channels=lambda: [layer[-1].conv2.out_channels for layer in self.layers()])

    def layers(self):
        return [self.layer1, self.layer2, self.layer3, self.layer4]

    def forward(self, images):
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return [x := layer(x) for layer in self.layers()]


def untouched(*_, **__):
    return lambda one: one


def no(*_):
    return False


def provide(checkout):
    root = os.path.join(checkout, "src", "transformers")
    module("transformers", root)
    module("transformers.models", os.path.join(root, "models"))
    module("transformers.models.auto", CONFIG_MAPPING={})
    logger = logging.getLogger("transformers")
    logger.warning_once = logger.warning
    decorators = ("add_code_sample_docstrings", "add_start_docstrings", "add_start_docstrings_to_model_forward", "replace_return_docstrings")
    questions = ("is_accelerate_available", "is_scipy_available", "is_vision_available", "is_ninja_available", "is_torch_cuda_available")
    module("transformers.utils", ModelOutput=Output, logging=types.SimpleNamespace(get_logger=lambda name: logger), torch_int=int,
           requires_backends=lambda *_: None, **dict.fromkeys(decorators, untouched), is_timm_available=lambda: True, **dict.fromkeys(questions, no))
    module("transformers.utils.backbone_utils", BackboneMixin=Backbone, BackboneConfigMixin=type("Mixin", (), {}), load_backbone=backbone_of,
           get_aligned_output_features_output_indices=lambda out_features, out_indices, stage_names: (out_features, out_indices),
           verify_backbone_config_arguments=lambda **_: None)
    module("transformers.configuration_utils", PretrainedConfig=Config)
    torch.compiler = types.SimpleNamespace(is_compiling=no)
    module("timm", create_model=TimmResNet)
    module("transformers.onnx", OnnxConfig=type("OnnxConfig", (), {}))
    module("transformers.modeling_utils", PreTrainedModel=Network)
    module("transformers.pytorch_utils", find_pruneable_heads_and_indices=None, prune_linear_layer=None,
           meshgrid=lambda sides, indexing: torch.meshgrid(*sides, indexing=indexing))
    module("transformers.image_transforms", center_to_corners_format=None, corners_to_center_format=None)
    module("transformers.modeling_attn_mask_utils", _prepare_4d_attention_mask=hidden)
    acts = {"gelu": nn.GELU(), "relu": nn.ReLU(), "silu": nn.SiLU()}
    module("transformers.activations", ACT2FN=acts, ACT2CLS={name: type(one) for name, one in acts.items()})


def hidden(mask, dtype, tgt_len=None):
    """0 where a token is seen and the least number elsewhere, [B, 1, queries, keys]."""
    seen = mask[:, None, None, :].expand(-1, 1, tgt_len or mask.shape[1], -1)
    return torch.zeros_like(seen, dtype=dtype).masked_fill(seen == 0, torch.finfo(dtype).min)


def classes_of(model):
    folder = f"transformers.models.{model}"
    if folder not in sys.modules:
        module(folder, os.path.join(sys.modules["transformers.models"].__path__[0], model))
    return importlib.import_module(f"{folder}.modeling_{model}")


def backbone_of(config):
    """Transformers' own ResNet, RT-DETR's or DETR's."""
    if type(config).__name__ == "DetrConfig":
        return classes_of("resnet").ResNetBackbone(config.backbone_config)
    return importlib.import_module("transformers.models.rt_detr.modeling_rt_detr_resnet").RTDetrResNetBackbone(config.backbone_config)


def build(model, config, kind, **options):
    found = classes_of(model)
    return getattr(found, kind)(getattr(found, config)(**options))


TOKENS = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=96, image_size=64, patch_size=16)
DINOV2 = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=3, image_size=56, patch_size=14)
CONVNEXT = dict(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 2, 1])
MIT = dict(hidden_sizes=[8, 16, 40, 64], depths=[1, 1, 2, 1], num_attention_heads=[1, 2, 5, 8], decoder_hidden_size=12)
LOGITS = {"logits": lambda found: found.logits}


def tokens(first):
    """The class token, and the patches as a map."""
    def patches(found):
        x = found.last_hidden_state[:, first:]
        return x.transpose(1, 2).unflatten(2, [4, 4])
    return {"class": lambda found: found.last_hidden_state[:, 0], "patches": patches}


BOXES = {**LOGITS, "boxes": lambda found: found.pred_boxes}
FACTORS = {"model.query_position_embeddings.weight": 8, "bbox_predictor.layers.2.weight": 3, "model.enc_score_head.weight": 3}  # so that queries differ


class Padded(nn.Module):
    """A detector of two images, of which the second is smaller and padded."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def state_dict(self, *_, **__):
        return self.net.state_dict()

    def load_state_dict(self, *given, **options):
        return self.net.load_state_dict(*given, **options)

    def forward(self, images):
        mask = torch.ones(2, *images.shape[2:], dtype=torch.int64)
        mask[1, 64:], mask[1, :, 80:] = 0, 0
        return self.net(images * mask[:, None], pixel_mask=mask)


def detr(**options):
    sides = dict(d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48)
    return Padded(build("detr", "DetrConfig", "DetrForObjectDetection", num_labels=5, num_queries=7, **sides, **options))


def detr_without_timm():
    config = classes_of("resnet").ResNetConfig(embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2], layer_type="basic")
    return detr(use_timm_backbone=False, backbone=None, backbone_config=config)


def rtdetr(layer_type, sizes, depths):
    classes_of("rt_detr")
    config = importlib.import_module("transformers.models.rt_detr.configuration_rt_detr_resnet").RTDetrResNetConfig
    backbone = config(embedding_size=16, hidden_sizes=sizes, depths=depths, layer_type=layer_type, out_indices=[2, 3, 4])
    return build("rt_detr", "RTDetrConfig", "RTDetrForObjectDetection", num_labels=5, backbone_config=backbone, num_queries=12, d_model=32,
                 encoder_hidden_dim=32, encoder_in_channels=sizes[1:], decoder_in_channels=[32] * 3, encoder_ffn_dim=48, decoder_ffn_dim=48, decoder_layers=2,
                 encoder_attention_heads=4, decoder_attention_heads=4, hidden_expansion=0.5, num_denoising=10)


def networks():
    """Name, network, size of the images, what of its output is kept."""
    yield "vit", lambda: build("vit", "ViTConfig", "ViTForImageClassification", **TOKENS), (64, 64), LOGITS
    yield "deit", lambda: build("deit", "DeiTConfig", "DeiTForImageClassification", **TOKENS), (64, 64), LOGITS
    yield "dinov2", lambda: build("dinov2", "Dinov2Config", "Dinov2Model", **DINOV2), (56, 56), tokens(1)
    yield "dinov2_giant", lambda: build("dinov2", "Dinov2Config", "Dinov2Model", use_swiglu_ffn=True, **DINOV2), (56, 56), tokens(1)
    yield "dinov2_registers", lambda: build("dinov2_with_registers", "Dinov2WithRegistersConfig", "Dinov2WithRegistersModel", **DINOV2), (56, 56), tokens(5)
    yield "convnext", lambda: build("convnext", "ConvNextConfig", "ConvNextForImageClassification", **CONVNEXT), (75, 53), LOGITS
    yield "convnextv2", lambda: build("convnextv2", "ConvNextV2Config", "ConvNextV2ForImageClassification", **CONVNEXT), (75, 53), LOGITS
    yield "resnet50", lambda: build("resnet", "ResNetConfig", "ResNetForImageClassification", embedding_size=8, hidden_sizes=[32, 64, 128, 256]), (75, 53), LOGITS
    yield "resnet18", lambda: build("resnet", "ResNetConfig", "ResNetForImageClassification", embedding_size=8, hidden_sizes=[8, 16, 32, 64], depths=[2, 2, 2, 2],
                                    layer_type="basic"), (75, 53), LOGITS
    swin = dict(image_size=96, embed_dim=12, depths=[2, 2], num_heads=[2, 3], window_size=4)
    yield "swin", lambda: build("swin", "SwinConfig", "SwinForImageClassification", **swin), (68, 92), LOGITS
    yield "mit", lambda: build("segformer", "SegformerConfig", "SegformerForImageClassification", **MIT), (75, 53), LOGITS
    yield "segformer", lambda: build("segformer", "SegformerConfig", "SegformerForSemanticSegmentation", num_labels=5, **MIT), (75, 53), LOGITS
    yield "detr", lambda: detr(backbone="resnet18"), (96, 128), BOXES
    yield "detr_own_resnet", detr_without_timm, (96, 128), BOXES
    yield "rtdetr_r18", lambda: rtdetr("basic", [16, 32, 64, 128], [2, 2, 2, 2]), (96, 96), BOXES
    yield "rtdetr_r50", lambda: rtdetr("bottleneck", [64, 128, 256, 512], [1, 2, 1, 1]), (96, 96), BOXES


def record(name, model, size, kept):
    state = model.state_dict()
    others = [key for key in state if key.endswith(("num_batches_tracked", "relative_position_index"))]
    computed = {key: state[key].clone() for key in others}
    fill(model).load_state_dict(computed, strict=False)
    factors = {key: factor for key, factor in FACTORS.items() if key in state}
    for key, factor in factors.items():
        state[key] *= factor
    # What lies there twice, by its last name, has been filled by that.
    places = {tensor.data_ptr(): key for key, tensor in state.items() if key not in others}
    state = {key: tensor for key, tensor in state.items() if key in others or places[tensor.data_ptr()] == key}
    found = model(values("images", [2, 3, *size]))
    save("transformers_" + name, {
        "size": list(size),
        "tensors": {key: list(tensor.shape) for key, tensor in state.items() if key not in others},
        "others": others,
        **({"factors": factors} if factors else {}),
        "outputs": {key: digest(part(found)) for key, part in kept.items()},
    })


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    provide(sys.argv[1])
    wanted = sys.argv[2:]
    for name, make, size, kept in networks():
        if not wanted or name in wanted:
            record(name, make(), size, kept)
