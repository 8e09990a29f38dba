#!/usr/bin/python3
"""Makes operators.json with PyTorch: values and gradients of the operators, functions and initialisers of TorchSharp that Tessera calls.

Run `/usr/bin/python3 tests/Fixtures/torch/make_operators.py`; PyTorch's version and the seed are written into the file.
A case's gradients are those of the sum over its floating outputs of sum(output * cos(0, 1, 2, ...)).
Cases whose source is "definition" are computed in float64 from the formula, because PyTorch 1.13 lacks the operator.
The cases whose names begin with "Seeded" draw after torch.manual_seed(5).
"""
import json
import math
import os
import zlib

import torch
from torch import nn
from torch.nn import functional as F

SEED = 30
HERE = os.path.dirname(os.path.abspath(__file__))
CASES = []


def packed(tensor):
    tensor = tensor.detach()
    kind = str(tensor.dtype).split(".")[1]
    values = tensor.reshape(-1).tolist()
    if tensor.is_floating_point():
        values = [float(f"{v:.9g}") for v in values]
    return {"shape": list(tensor.shape), "type": kind, "data": [int(v) if kind == "bool" else v for v in values]}


def weighted_sum(output):
    return (output * torch.arange(output.numel(), dtype=output.dtype).cos().view_as(output)).sum()


def case(name, function, *inputs, source="pytorch"):
    """An input is a shape (values of a normal), a tensor, or a function that makes one."""
    torch.manual_seed(SEED + zlib.crc32(name.encode()))
    made = [torch.randn(*i).clamp(-3, 3) if isinstance(i, tuple) else i() if callable(i) else i.clone() for i in inputs]
    floats = [value.requires_grad_(True) for value in made if value.is_floating_point()]
    taken = [value.double() for value in made] if source == "definition" else made
    outputs = function(*taken)
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
    total = sum((weighted_sum(o.to(torch.float64)) for o in outputs if o.is_floating_point() and o.requires_grad), torch.zeros((), dtype=torch.float64))
    if total.requires_grad:
        total.backward()
    if source == "definition":
        outputs = [o.float() if o.is_floating_point() else o for o in outputs]
    CASES.append({
        "name": name, "source": source, "inputs": [packed(value) for value in made], "outputs": [packed(value) for value in outputs],
        "gradients": [packed(value.grad) if value.grad is not None else None for value in made] if floats else [None] * len(made),
    })


def positive(*shape):
    return lambda: torch.rand(*shape) + 0.1


def distinct(*shape):
    """No two values are equal or near."""
    def make():
        count = math.prod(shape)
        return (torch.randperm(count) - count / 2 + 0.25).view(*shape) / 2
    return make


def longs(*values):
    return torch.tensor(values)


BITS = torch.tensor([[True, False, True], [False, False, True]])
OTHER = torch.tensor([[True, True, False], [False, True, True]])


def elementwise():
    for name in ("abs", "exp", "cos", "sin", "square", "sigmoid", "relu", "neg", "atan", "tanh", "sign"):
        case(name, getattr(torch, name), (2, 3))
    for name in ("log", "sqrt", "rsqrt"):
        case(name, getattr(torch, name), positive(2, 3))
    case("erf_", lambda x: x.clone().erf_(), (2, 3))
    case("erfinv_", lambda x: x.clone().erfinv_(), torch.tensor([-0.95, -0.2, 0.0, 0.7]))
    case("exp_", lambda x: x.clone().exp_(), (2, 3))
    case("relu_", lambda x: x.clone().relu_(), (2, 3))
    case("minus", lambda x: -x, (2, 3))
    case("add", lambda x, y: x.add(y).add(2), (2, 3), (3,))
    case("add_", lambda x, y: x.clone().add_(y).add_(y, alpha=0.5).add_(2), (2, 3), (3,))
    case("sub", lambda x, y: x.sub(y).sub(2), (2, 3), (2, 1))
    case("mul", lambda x, y: x.mul(y).mul(0.3), (2, 3), (2, 1))
    case("mul_", lambda x, y: x.clone().mul_(y).mul_(0.3), (2, 3), (2, 1))
    case("div_floor", lambda x: x.div(0.4, rounding_mode="floor"), distinct(2, 3))
    case("div_", lambda x, y: x.clone().div_(y).div_(0.3), (2, 3), positive(2, 3))
    case("plus", lambda x, y: x + y + 0.5 + 1.5, (2, 3), (3,))
    case("minus_of_two", lambda x, y: 3 - (x - y - 0.5 - 2), (2, 3), (3,))
    case("times", lambda x, y: 2 * (0.5 * (x * y * 0.25 * 3 * 1.5)), (2, 3), (3,))
    case("quotient", lambda x, y: (1.5 / y + 3 / y) + x / y / 0.5 / 2, (2, 3), positive(3))
    case("and", lambda: BITS & OTHER)
    case("logical", lambda: (BITS.logical_and(OTHER), BITS.logical_or(OTHER), BITS.logical_not()))
    case("logical_and_", lambda: BITS.clone().logical_and_(OTHER))
    case("remainder", lambda x: x.remainder(3), longs(-4, -1, 0, 2, 7))
    case("isfinite", lambda x: torch.log(x).isfinite(), torch.tensor([-1.0, 0.0, 2.0]))
    case("clamp", lambda x: (x.clamp_min(-0.5), x.clamp_max(0.5), x.clone().clamp_(-0.3, 0.6)), distinct(3, 4))
    case("compare", lambda x, y: (x == y, x != y, x >= y, x < y), torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 3.0, 2.0]))
    case("compare_number", lambda x: (x == 2, x != 2, x >= 2, x > 2, x < 2), torch.tensor([1.0, 2.0, 3.0]))
    case("maximum", torch.maximum, (2, 3), (3,))
    case("minimum", torch.minimum, (2, 3), (3,))
    case("pow", lambda x: (x.pow(2), x.pow(0.5)), positive(2, 3))
    case("masked_fill", lambda x: (x.masked_fill(BITS, -2), x.clone().masked_fill_(OTHER, 0.5)), (2, 3))
    case("where", lambda x, y: torch.where(BITS, x, y), (2, 3), (2, 3))
    case("fused", lambda x, y, z: (x.clone().addcmul_(y, z, value=0.5), x.clone().addcdiv_(y, z, value=-0.5)), (2, 3), (2, 3), positive(2, 3))
    case("logaddexp", torch.logaddexp, (2, 3), (3,))
    case("to", lambda x: (x.double(), x.int(), (x > 0).float()), (2, 3))


def reductions():
    case("sum", lambda x: (x.sum(), x.sum(1), x.sum((0, 2), keepdim=True), x.sum((-1,))), (2, 3, 4))
    case("sum_of_bits", lambda: (BITS.sum(), BITS.sum(0)))
    case("mean", lambda x: (x.mean(), x.mean((1, 2)), x.mean((1,), keepdim=True)), (2, 3, 4))
    case("extremes", lambda x: (x.max(), x.min(), x.max(1)[0], x.max(1)[1], x.amax((1, 2)), x.amin((1, 2))), distinct(2, 3, 4))
    case("arg", lambda x: (x.argmax(1), x.argmax(-1, keepdim=True), x.argsort(1), x.argsort(-1, descending=True)), distinct(2, 3, 4))
    case("sort", lambda x: x.sort(0, descending=True) + x.sort(-1), distinct(3, 4))
    case("kthvalue", lambda x: x.kthvalue(3, 0), distinct(7))
    case("topk", lambda x: x.topk(2, 1) + x.topk(3, 0, largest=False), distinct(3, 4))
    case("cumsum", lambda x: x.cumsum(1), (2, 3))
    case("norm", lambda x: x.norm(), (2, 3))
    case("std", lambda x: (x.std(), x.std(unbiased=False)), (2, 3))
    case("softmax", lambda x: (x.softmax(-1), x.log_softmax(1)), (2, 3, 2))
    case("logsumexp", lambda x: (x.logsumexp(1), x.logsumexp(-1, keepdim=True)), (2, 3))
    case("all", lambda: (BITS.all(), (BITS | ~BITS).all()))
    case("any", lambda: (BITS.any(), (BITS & ~BITS).any()))
    case("bincount", lambda x: (x.bincount(), x.bincount(minlength=6)), longs(0, 2, 2, 3))
    case("nonzero", lambda: BITS.nonzero())


def shapes():
    case("expand", lambda x, y: (x.expand(2, 3, 4), x.expand(2, -1, 4), x.expand_as(y)), (3, 1), (2, 3, 4))
    case("flatten", lambda x: (x.flatten(), x.flatten(1), x.flatten(0, 1)), (2, 3, 2))
    case("flip", lambda x: x.flip(0, 2), (2, 3, 2))
    case("roll", lambda x: x.roll((-1, 2), (1, 2)), (2, 3, 4))
    case("permute", lambda x: (x.permute(2, 0, 1), x.transpose(0, 2), x.movedim([-1], [1])), (2, 3, 4))
    case("t", lambda x: x.t().contiguous(), (2, 3))
    case("repeat", lambda x: (x.repeat(2, 1, 3), x.repeat_interleave(2, 0)), (2, 3))
    case("reshape", lambda x, y: (x.reshape(3, -1), x.t().reshape(6), x.view(-1), x.view(3, 2), x.view_as(y)), (2, 3), (6,))
    case("squeeze", lambda x: (x.squeeze(), x.squeeze(1), x.unsqueeze(0), x.unsqueeze(-1)), (2, 1, 3, 1))
    case("unbind", lambda x: x.unbind(1), (2, 3))
    case("unflatten", lambda x: (x.unflatten(1, (2, -1)), x.unflatten(0, (1, 2))), (2, 6))
    case("split", lambda x: x.split(2, 0) + x.split((1, 3), 1) + x.chunk(2, 1), (5, 4))
    case("cat", lambda x, y: (torch.cat((x, y), 1), torch.stack((x[:, 0], y[:, 1]), 1), torch.cat((x, x))), (2, 3), (2, 2))
    case("narrow", lambda x: (x.narrow(1, 1, 2), x.select(1, 2), x.select(0, -1)), (2, 4))
    case("slice", lambda x: (x[:, 1:4:2], x[-2:3]), (3, 5))
    case("diagonal", lambda x: (x.diagonal(0, 0, 1), x.diagonal(1, 1, 2)), (3, 3, 4))
    case("items", lambda x: (x[1], x[1, 2], x[:, 1:3], x[..., 0]), (2, 4))
    case("set_item", items, (3, 2))


def items(x):
    x = x.clone()
    x[1] = torch.tensor([5.0, 6.0])
    return x


def gathering():
    rows = longs(2, 0, 2)
    case("index_select", lambda x, i: (x.index_select(0, i), x.index_select(1, i[1:])), (3, 3), rows)
    case("gather", lambda x, i: x.gather(1, i), (2, 3), torch.tensor([[2, 0], [1, 1]]))
    case("scatter", lambda x, i, y: x.scatter(1, i, y), (2, 3), torch.tensor([[2, 0], [1, 0]]), (2, 2))
    case("index_add", lambda x, i, y: (x.index_add(0, i, y, alpha=1), x.clone().index_add_(0, i, y, alpha=0.5)), (3, 2), rows, (3, 2))
    case("index_copy_", lambda x, i, y: x.clone().index_copy_(0, i, y), (3, 2), longs(2, 0), (2, 2))
    case("index_fill_", lambda x, i: x.clone().index_fill_(1, i, -1), (2, 3), longs(2, 0))
    case("index", lambda x, i, j: (x[i, j], x[i]), (3, 3), rows, longs(1, 0, 2))


def products():
    case("matmul", lambda x, y: x.matmul(y), (2, 3, 4), (2, 4, 2))
    case("matmul_broadcast", lambda x, y: x.matmul(y), (2, 2, 3, 4), (4, 2))
    case("dot", torch.dot, (4,), (4,))
    case("outer", torch.outer, (3,), (2,))
    case("cholesky", lambda x: torch.linalg.cholesky(x.matmul(x.t()) + torch.eye(3)), (3, 3))
    case("solve", lambda x, y: torch.linalg.solve(x + 4 * torch.eye(3), y), (3, 3), (3, 2))
    case("svd", svd, distinct(4, 3))
    case("eigh", eigh, distinct(3, 3))


def svd(x):
    u, s, v = torch.linalg.svd(x, full_matrices=False)
    return s, (u * s).matmul(v)


def eigh(x):
    values, vectors = torch.linalg.eigh(x + x.t())
    return values, (vectors * values) @ vectors.t()


def attention(q, k, v, mask=None, causal=False):
    scores = q.matmul(k.transpose(-2, -1)) / math.sqrt(q.shape[-1])
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -math.inf)
    return (scores if mask is None else scores + mask).softmax(-1).matmul(v)


def functions():
    x, labels = (3, 4), longs(1, 3, 0)
    weight = torch.tensor([0.5, 1.0, 2.0, 1.5])
    case("linear", lambda x, w, b: (F.linear(x, w, b), F.linear(x, w)), (2, 3, 4), (5, 4), (5,))
    case("conv2d", lambda x, w, b: F.conv2d(x, w, b, (2, 1), (1, 0), (1, 2), 2), (2, 4, 5, 6), (2, 2, 3, 2), (2,))
    case("conv2d_plain", lambda x, w: F.conv2d(x, w), (1, 2, 4, 4), (3, 2, 3, 3))
    case("max_pool2d", lambda x: (F.max_pool2d(x, 3, 2, 1), F.max_pool2d(x, (2, 3), (2, 1))), distinct(1, 2, 6, 5))
    case("avg_pool2d", lambda x: F.avg_pool2d(x, 3, 3, 1), (1, 2, 6, 7))
    case("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (2, 3)), (1, 2, 5, 7))
    case("interpolate_nearest", lambda x: (F.interpolate(x, size=(5, 3)), F.interpolate(x, scale_factor=2)), (1, 2, 3, 4))
    case("interpolate_bilinear", lambda x: (F.interpolate(x, size=(7, 3), mode="bilinear", align_corners=False),
                                            F.interpolate(x, size=(7, 3), mode="bilinear", align_corners=True)), (1, 2, 4, 5))
    case("interpolate_bicubic", lambda x: (F.interpolate(x, size=(7, 3), mode="bicubic", align_corners=False),
                                           F.interpolate(x, size=(7, 3), mode="bicubic", align_corners=False, antialias=True)), (1, 2, 4, 5))
    case("grid_sample", lambda x, g: (F.grid_sample(x, g, "bilinear", "border", align_corners=False),
                                      F.grid_sample(x, g, "bilinear", "border", align_corners=True)), (1, 2, 4, 5), (1, 3, 2, 2))
    case("pad", lambda x: (F.pad(x, (1, 2)), F.pad(x, (0, 1, 2, 0)), F.pad(x, (0, 0, 0, 0, 1, 1)), F.pad(x, (0, -1))), (1, 2, 2, 3))
    case("unfold", lambda x: F.unfold(x, (3, 2), padding=(1, 0), stride=(2, 1)), (1, 2, 4, 5))
    case("gelu", F.gelu, (3, 4))
    case("softplus", lambda x: (F.softplus(x), F.softplus(x, 2, 3)), (3, 4))
    case("normalize", lambda x: (F.normalize(x), F.normalize(x, dim=-1, eps=1e-3)), (3, 4))
    case("one_hot", lambda i: (F.one_hot(i, 5), F.one_hot(i)), labels)
    case("attention", attention, (2, 2, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4), source="definition")
    case("attention_mask", attention, (2, 3, 4), (2, 5, 4), (2, 5, 4), (3, 5), source="definition")
    case("attention_causal", lambda q, k, v: attention(q, k, v, causal=True), (2, 3, 4), (2, 3, 4), (2, 3, 4), source="definition")
    case("cross_entropy", lambda x, i: (F.cross_entropy(x, i), F.cross_entropy(x, i, reduction="none")), x, labels)
    case("cross_entropy_options", lambda x, i: F.cross_entropy(x, i, weight, ignore_index=3, label_smoothing=0.1), x, labels)
    case("cross_entropy_soft", lambda x, y: F.cross_entropy(x, y.softmax(1), label_smoothing=0.1), x, x)
    case("cross_entropy_map", lambda x, i: F.cross_entropy(x, i, ignore_index=255, reduction="none"), (1, 3, 2, 2), torch.tensor([[[0, 255], [2, 1]]]))
    case("binary_cross_entropy_with_logits", lambda x, y: (
        F.binary_cross_entropy_with_logits(x, y.sigmoid()), F.binary_cross_entropy_with_logits(x, y.sigmoid(), weight, reduction="none"),
        F.binary_cross_entropy_with_logits(x, y.sigmoid(), pos_weight=weight, reduction="sum")), x, x)
    case("huber_loss", lambda x, y: (F.huber_loss(x, y, delta=0.5), F.huber_loss(x, y, reduction="none")), x, x)
    case("smooth_l1_loss", lambda x, y: (F.smooth_l1_loss(x, y, beta=0.5), F.smooth_l1_loss(x, y, reduction="none")), x, x)
    case("l1_loss", lambda x, y: (F.l1_loss(x, y), F.l1_loss(x, y, reduction="sum")), x, x)
    case("mse_loss", lambda x, y: (F.mse_loss(x, y), F.mse_loss(x, y, reduction="none")), x, x)


def seeded(name, function):
    def run():
        torch.manual_seed(5)
        return function()
    case(f"Seeded_{name}", run)


def factories():
    case("factories", lambda: (torch.zeros(2, 3), torch.ones(3), torch.full((2,), 1.5), torch.eye(2), torch.eye(2, 3)))
    case("arange", lambda: (torch.arange(4), torch.arange(1, 4), torch.arange(3, dtype=torch.float32)))
    case("like", lambda x: (torch.zeros_like(x), torch.ones_like(x), torch.full_like(x, 3)), (2, 3))
    # Initialisers: the same numbers from the same seed. Long tensors and short ones are drawn differently.
    seeded("uniform_", lambda: (torch.empty(3, 4).uniform_(-1, 2), torch.empty(5, 7).uniform_(-0.5, 0.5)))
    seeded("rand", lambda: torch.rand(3, 4))
    seeded("randn", lambda: (torch.randn(3), torch.randn(5, 7)))
    seeded("randint", lambda: (torch.randint(10, (6,)), torch.randint(2 ** 63 - 1, (3,))))
    seeded("normal_", lambda: (nn.init.normal_(torch.empty(3, 4), 0.5, 0.1), nn.init.normal_(torch.empty(5, 7), 0, 2)))
    seeded("kaiming_normal_", lambda: nn.init.kaiming_normal_(torch.empty(4, 2, 3, 3), mode="fan_out", nonlinearity="relu"))
    seeded("xavier_uniform_", lambda: nn.init.xavier_uniform_(torch.empty(4, 2, 3, 3), gain=1.5))
    seeded("orthogonal_", lambda: (nn.init.orthogonal_(torch.empty(5, 3), 2), nn.init.orthogonal_(torch.empty(3, 5))))
    seeded("trunc_normal_", lambda: (nn.init.trunc_normal_(torch.empty(6, 5), std=0.02), nn.init.trunc_normal_(torch.empty(40), 0.5, 1, -0.2, 1.5)))
    case("constants", lambda: (nn.init.constant_(torch.empty(2, 3), -4.5), nn.init.zeros_(torch.empty(2)), nn.init.ones_(torch.empty(2))))


for part in (elementwise, reductions, shapes, gathering, products, functions, factories):
    part()
with open(os.path.join(HERE, "operators.json"), "w") as file:
    json.dump({"torch": torch.__version__, "seed": SEED, "cases": CASES}, file, separators=(",", ":"))
    file.write("\n")
print(len(CASES), "cases")
