#!/usr/bin/python3
"""Makes layers.json, losses.json and optimizers.json with PyTorch: what layers, losses and optimizers must reproduce.

Run `/usr/bin/python3 tests/Fixtures/torch/make_nn.py`; the versions and the seed are written into the files.
A layer's gradients are those of sum(output * cos(0, 1, 2, ...)); an optimizer's loss is sum(sin((i + 1) p_i + t) / (i + 1)).
"""
import json
import os

import torch
from torch import nn, optim

SEED = 20
HERE = os.path.dirname(os.path.abspath(__file__))


def packed(tensor):
    tensor = tensor.detach()
    return {"shape": list(tensor.shape), "data": [float(f"{v:.8g}") for v in tensor.double().reshape(-1).tolist()]}


def spread(*shape):
    return torch.randn(*shape).clamp(-3, 3)


def weighted_sum(output):
    return (output * torch.arange(output.numel(), dtype=output.dtype).cos().view_as(output)).sum()


def layer(name, module, *shapes, train=True, prepare=None):
    module.train(train)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(spread(*parameter.shape) * 0.5)
        for key, buffer in module.named_buffers():
            if key.endswith("running_mean"):
                buffer.copy_(spread(*buffer.shape) * 0.2)
            elif key.endswith("running_var"):
                buffer.copy_(spread(*buffer.shape).abs() + 0.5)
    inputs = [prepare(shape) if prepare else spread(*shape) for shape in shapes]
    for value in inputs:
        if value.is_floating_point():
            value.requires_grad_(True)
    state = {key: packed(value) for key, value in module.state_dict().items()}
    output = module(*inputs)
    output = output[0] if isinstance(output, tuple) else output
    weighted_sum(output).backward()
    return {
        "name": name, "train": train, "state": state, "integers": not inputs[0].is_floating_point(),
        "inputs": [packed(value) for value in inputs], "output": packed(output),
        "gradients": {key: packed(value.grad) for key, value in module.named_parameters() if value.grad is not None},
        "input_gradients": [packed(value.grad) for value in inputs if value.grad is not None],
        "after": {key: packed(value) for key, value in module.named_buffers()},
    }


class Attention(nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        self.attention = nn.MultiheadAttention(*args, **kwargs)

    def forward(self, query, key, value):
        return self.attention(query, key, value)[0]


def strip(case, prefix):
    for part in ("state", "gradients"):
        case[part] = {key[len(prefix):]: value for key, value in case[part].items()}
    return case


def layers():
    return [
        layer("Linear", nn.Linear(3, 4), (2, 3)),
        layer("Linear_NoBias", nn.Linear(3, 4, bias=False), (2, 3)),
        layer("Bilinear", nn.Bilinear(2, 3, 4), (2, 2), (2, 3)),
        layer("Conv1d", nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2), (2, 2, 7)),
        layer("Conv2d", nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)), (2, 2, 5, 6)),
        layer("Conv2d_Same", nn.Conv2d(2, 2, 3, padding="same", groups=2, bias=False), (1, 2, 4, 4)),
        layer("Conv2d_Reflect", nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), (1, 1, 4, 5)),
        layer("Conv2d_Circular", nn.Conv2d(1, 2, 3, padding=(1, 2), padding_mode="circular"), (1, 1, 4, 5)),
        layer("Conv2d_Unbatched", nn.Conv2d(1, 2, 3), (1, 4, 5)),
        layer("Conv3d", nn.Conv3d(1, 2, 2), (1, 1, 3, 3, 3)),
        layer("ConvTranspose1d", nn.ConvTranspose1d(2, 3, 3, stride=2, padding=1, output_padding=1), (2, 2, 4)),
        layer("ConvTranspose2d", nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2), (1, 2, 3, 3)),
        layer("ConvTranspose3d", nn.ConvTranspose3d(1, 2, 2), (1, 1, 2, 2, 2)),
        layer("BatchNorm1d", nn.BatchNorm1d(3), (4, 3)),
        layer("BatchNorm2d", nn.BatchNorm2d(2, eps=1e-3, momentum=0.3), (2, 2, 3, 3)),
        layer("BatchNorm2d_Eval", nn.BatchNorm2d(2), (2, 2, 3, 3), train=False),
        layer("BatchNorm3d", nn.BatchNorm3d(2, affine=False), (2, 2, 2, 2, 2)),
        layer("InstanceNorm1d", nn.InstanceNorm1d(2, affine=True), (2, 2, 5)),
        layer("InstanceNorm2d", nn.InstanceNorm2d(2, affine=True, track_running_stats=True), (2, 2, 3, 3)),
        layer("LayerNorm", nn.LayerNorm([3, 2]), (2, 3, 2)),
        layer("GroupNorm", nn.GroupNorm(2, 4), (2, 4, 3)),
        layer("LocalResponseNorm", nn.LocalResponseNorm(2), (1, 4, 3, 3)),
        layer("Embedding", nn.Embedding(5, 3, padding_idx=1), (2, 3), prepare=lambda shape: torch.tensor([[0, 1, 4], [2, 4, 4]])),
        layer("EmbeddingBag", nn.EmbeddingBag(5, 3, mode="mean"), (2, 3), prepare=lambda shape: torch.tensor([[0, 1, 4], [2, 4, 4]])),
        layer("PReLU", nn.PReLU(3), (2, 3, 2)),
        strip(layer("MultiheadAttention", Attention(4, 2), (3, 2, 4), (5, 2, 4), (5, 2, 4)), "attention."),
        strip(layer("MultiheadAttention_KDim", Attention(4, 2, kdim=3, vdim=2, add_bias_kv=True, add_zero_attn=True), (3, 2, 4), (5, 2, 3), (5, 2, 2)), "attention."),
        layer("TransformerEncoderLayer", nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, activation="gelu"), (3, 2, 4)),
        layer("TransformerDecoderLayer", nn.TransformerDecoderLayer(4, 2, 6, dropout=0.0), (3, 2, 4), (5, 2, 4)),
        layer("Transformer", nn.Transformer(4, 2, 1, 1, 6, dropout=0.0), (3, 2, 4), (2, 2, 4)),
        layer("Sequential", nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8, 3)), (2, 1, 4, 4)),
        *[layer(type(module).__name__, module, (2, 4)) for module in (
            nn.CELU(1.5), nn.ELU(0.7), nn.GELU(), nn.GLU(), nn.Hardshrink(), nn.Hardsigmoid(), nn.Hardswish(), nn.Hardtanh(-0.5, 0.8), nn.LeakyReLU(0.1),
            nn.LogSigmoid(), nn.LogSoftmax(1), nn.Mish(), nn.ReLU(), nn.ReLU6(), nn.SELU(), nn.Sigmoid(), nn.SiLU(), nn.Softmax(1), nn.Softmin(1),
            nn.Softplus(2, 3), nn.Softshrink(), nn.Softsign(), nn.Tanh(), nn.Tanhshrink(), nn.Threshold(0.1, 0.5))],
        layer("Softmax2d", nn.Softmax2d(), (1, 3, 2, 2)),
        layer("MaxPool1d", nn.MaxPool1d(3, 2), (1, 2, 7)),
        layer("MaxPool2d", nn.MaxPool2d(3, 2, 1, ceil_mode=True), (1, 2, 6, 5)),
        layer("MaxPool3d", nn.MaxPool3d(2), (1, 1, 4, 4, 2)),
        layer("AvgPool1d", nn.AvgPool1d(3, 2, 1), (1, 2, 7)),
        layer("AvgPool2d", nn.AvgPool2d((3, 2), (2, 1), (1, 0), count_include_pad=False), (1, 2, 6, 5)),
        layer("AvgPool3d", nn.AvgPool3d(2), (1, 1, 4, 4, 2)),
        layer("AdaptiveAvgPool1d", nn.AdaptiveAvgPool1d(3), (1, 2, 7)),
        layer("AdaptiveAvgPool2d", nn.AdaptiveAvgPool2d((2, 3)), (1, 2, 5, 7)),
        layer("AdaptiveMaxPool2d", nn.AdaptiveMaxPool2d((2, 3)), (1, 2, 5, 7)),
        layer("LPPool1d", nn.LPPool1d(2, 2), (1, 2, 6)),
        layer("LPPool2d", nn.LPPool2d(2, 2), (1, 1, 4, 4)),
        layer("PixelShuffle", nn.PixelShuffle(2), (1, 4, 2, 3)),
        layer("PixelUnshuffle", nn.PixelUnshuffle(2), (1, 1, 4, 6)),
        layer("Upsample", nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), (1, 2, 3, 3)),
        layer("ConstantPad2d", nn.ConstantPad2d((1, 2, 0, 1), 0.5), (1, 1, 2, 3)),
        layer("ReflectionPad2d", nn.ReflectionPad2d(1), (1, 1, 3, 3)),
        layer("ReplicationPad1d", nn.ReplicationPad1d((2, 1)), (1, 2, 3)),
        layer("ZeroPad2d", nn.ZeroPad2d(1), (1, 1, 2, 2)),
        layer("Fold", nn.Fold((4, 5), (2, 2)), (1, 4, 12)),
        layer("Unfold", nn.Unfold((2, 3), padding=1, stride=2), (1, 2, 4, 5)),
        layer("CosineSimilarity", nn.CosineSimilarity(1), (2, 3), (2, 3)),
        layer("PairwiseDistance", nn.PairwiseDistance(2), (2, 3), (2, 3)),
    ]


def loss(name, module, *inputs):
    inputs = [value.clone() for value in inputs]
    inputs[0].requires_grad_(True)
    value = module(*inputs)
    weighted_sum(value).backward()
    return {"name": name, "inputs": [dict(packed(i), integers=not i.is_floating_point()) for i in inputs], "output": packed(value), "gradient": packed(inputs[0].grad)}


def losses():
    x, y = spread(3, 4), spread(3, 4)
    probabilities = torch.rand(3, 4) * 0.9 + 0.05
    bits = (torch.rand(3, 4) > 0.5).float()
    signs = bits * 2 - 1
    labels = torch.tensor([1, 3, 0])
    weight = torch.tensor([0.5, 1.0, 2.0, 1.5])
    return [
        loss("CrossEntropyLoss", nn.CrossEntropyLoss(), x, labels),
        loss("CrossEntropyLoss_Weighted", nn.CrossEntropyLoss(weight, ignore_index=3, label_smoothing=0.1), x, labels),
        loss("CrossEntropyLoss_None", nn.CrossEntropyLoss(reduction="none"), x, labels),
        loss("NLLLoss", nn.NLLLoss(weight), x.log_softmax(1), labels),
        loss("BCELoss", nn.BCELoss(), probabilities, bits),
        loss("BCEWithLogitsLoss", nn.BCEWithLogitsLoss(weight, pos_weight=weight + 1), x, bits),
        loss("MSELoss", nn.MSELoss(), x, y),
        loss("MSELoss_Sum", nn.MSELoss(reduction="sum"), x, y),
        loss("L1Loss", nn.L1Loss(), x, y),
        loss("SmoothL1Loss", nn.SmoothL1Loss(beta=0.5), x, y),
        loss("HuberLoss", nn.HuberLoss(delta=0.5), x, y),
        loss("KLDivLoss", nn.KLDivLoss(reduction="sum"), x.log_softmax(1), y.softmax(1)),
        loss("KLDivLoss_LogTarget", nn.KLDivLoss(reduction="sum", log_target=True), x.log_softmax(1), y.log_softmax(1)),
        loss("SoftMarginLoss", nn.SoftMarginLoss(), x, signs),
        loss("HingeEmbeddingLoss", nn.HingeEmbeddingLoss(1.0), x, signs),
        loss("MultiLabelSoftMarginLoss", nn.MultiLabelSoftMarginLoss(weight), x, bits),
        loss("MultiLabelMarginLoss", nn.MultiLabelMarginLoss(), x, torch.tensor([[1, 2, -1, 0], [0, -1, 2, 3], [3, 1, 0, -1]])),
        loss("MultiMarginLoss", nn.MultiMarginLoss(2, 0.8), x, labels),
        loss("PoissonNLLLoss", nn.PoissonNLLLoss(full=True), x, (bits * 4)),
        loss("GaussianNLLLoss", nn.GaussianNLLLoss(full=True), x, y, probabilities),
        loss("MarginRankingLoss", nn.MarginRankingLoss(0.3), x, y, signs),
        loss("CosineEmbeddingLoss", nn.CosineEmbeddingLoss(0.1), x, y, signs[:, 0]),
        loss("TripletMarginLoss", nn.TripletMarginLoss(0.7, swap=True), x, y, x.flip(1)),
        loss("TripletMarginWithDistanceLoss", nn.TripletMarginWithDistanceLoss(margin=0.7), x, y, x.flip(1)),
    ]


def trajectory(name, make):
    parameters = [nn.Parameter(spread(3, 2)), nn.Parameter(spread(4))]
    start = [packed(parameter) for parameter in parameters]
    optimizer = make(parameters)
    after = []
    for t in range(5):
        def closure():
            optimizer.zero_grad()
            value = sum((torch.sin((i + 1) * p + t) / (i + 1)).sum() for i, p in enumerate(parameters))
            value.backward()
            return value
        optimizer.step(closure)
        after.append([packed(parameter)["data"] for parameter in parameters])
    return {"name": name, "start": start, "after": after}


class NAdam(optim.Optimizer):
    """Dozat's formula. PyTorch 1.13 multiplies the next momentum product by the current momentum once too often; 2.x doesn't."""

    def __init__(self, parameters, lr, weight_decay):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            closure()
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                t = state["t"] = state.get("t", 0) + 1
                g = p.grad + group["weight_decay"] * p
                mu, following = (0.9 * (1 - 0.5 * 0.96 ** (s * 4e-3)) for s in (t, t + 1))
                product = state["product"] = state.get("product", 1) * mu
                m = state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
                v = state["v"] = 0.999 * state.get("v", 0) + 0.001 * g * g
                denominator = (v / (1 - 0.999 ** t)).sqrt() + 1e-8
                p -= group["lr"] * ((1 - mu) / (1 - product) * g + following / (1 - product * following) * m) / denominator


def optimizers():
    return [
        trajectory("SGD", lambda p: optim.SGD(p, 0.1)),
        trajectory("SGD_Momentum", lambda p: optim.SGD(p, 0.1, momentum=0.9, dampening=0.2, weight_decay=0.01)),
        trajectory("SGD_Nesterov", lambda p: optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01, nesterov=True, maximize=True)),
        trajectory("Adam", lambda p: optim.Adam(p, 0.05, weight_decay=0.02)),
        trajectory("Adam_Amsgrad", lambda p: optim.Adam(p, 0.05, (0.8, 0.95), amsgrad=True, maximize=True)),
        trajectory("AdamW", lambda p: optim.AdamW(p, 0.05, weight_decay=0.1)),
        trajectory("AdamW_Amsgrad", lambda p: optim.AdamW(p, 0.05, (0.8, 0.9), eps=1e-4, weight_decay=0.1, amsgrad=True, maximize=True)),
        trajectory("Adamax", lambda p: optim.Adamax(p, 0.05, weight_decay=0.02)),
        trajectory("Adadelta", lambda p: optim.Adadelta(p, 0.5, weight_decay=0.02)),
        trajectory("Adagrad", lambda p: optim.Adagrad(p, 0.1, lr_decay=0.1, weight_decay=0.02, initial_accumulator_value=0.1)),
        trajectory("ASGD", lambda p: optim.ASGD(p, 0.1, lambd=0.01, t0=2, weight_decay=0.02)),
        trajectory("NAdam", lambda p: NAdam(p, 0.05, weight_decay=0.02)),
        trajectory("RAdam", lambda p: optim.RAdam(p, 0.05, (0.9, 0.99), weight_decay=0.02)),
        trajectory("RMSProp", lambda p: optim.RMSprop(p, 0.05, weight_decay=0.02)),
        trajectory("RMSProp_Centered", lambda p: optim.RMSprop(p, 0.05, alpha=0.9, momentum=0.5, centered=True)),
        trajectory("Rprop", lambda p: optim.Rprop(p, 0.05)),
        trajectory("LBFGS", lambda p: optim.LBFGS(p, 0.5, max_iter=4, history_size=3)),
    ]


def write(name, key, make):
    torch.manual_seed(SEED)
    document = {"torch": torch.__version__, "seed": SEED, key: make()}
    with open(os.path.join(HERE, name), "w") as file:
        json.dump(document, file, separators=(",", ":"))
        file.write("\n")


write("layers.json", "cases", layers)
write("losses.json", "cases", losses)
write("optimizers.json", "cases", optimizers)
