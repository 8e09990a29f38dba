#!/usr/bin/python3
"""Makes cam.json: activation maps of a small network, by PyTorch's gradients and formulas written out in numpy.

Run `/usr/bin/python3 tests/Fixtures/explanation/make_cam.py`; the versions and the seed are written into the file.
The network: conv1, ReLU, conv2, tanh, mean over places, linear. It is explained behind conv1 (values of both signs), behind the ReLU
and behind the tanh (where a pooling and a linear layer follow). Maps are sums over channels before anything is cut off.
"""
import json
import os

import numpy as np
import sklearn
import torch
from sklearn.decomposition import KernelPCA
from torch import nn

SEED = 7
HERE = os.path.dirname(os.path.abspath(__file__))


def packed(values):
    values = np.asarray(values, dtype=np.float64)
    return {"shape": list(values.shape), "data": [float(f"{v:.9g}") for v in values.reshape(-1)]}


def places(maps):  # [C, h, w] -> [hw, C], columns of mean 0
    rows = maps.reshape(maps.shape[0], -1).T
    return rows - rows.mean(axis=0)


def first_component(maps):
    rows = places(maps)
    _, _, directions = np.linalg.svd(rows, full_matrices=False)
    return (rows @ directions[0]).reshape(maps.shape[1:])


def towards(component, other):
    return component if np.corrcoef(component.ravel(), other.ravel())[0, 1] >= 0 else -component


def weighted(weights, activation):
    return np.einsum("c,chw->hw", weights, activation)


def maps_of(activation, gradient):
    """One image: activation and gradient [C, h, w]."""
    total = activation.sum(axis=(1, 2))
    product = gradient * activation
    alpha = np.where(gradient != 0, 1 / (2 + total[:, None, None] * gradient), 0)
    threshold = activation.mean(axis=(1, 2)) + 2 * activation.std(axis=(1, 2))
    seg = first_component(np.abs(gradient) * activation)
    kernel = KernelPCA(n_components=1, kernel="sigmoid").fit_transform(places(activation))
    return {
        "grad_cam": weighted(gradient.mean(axis=(1, 2)), activation),
        "hi_res_cam": product.sum(axis=0),
        "grad_cam_elementwise": np.maximum(product, 0).sum(axis=0),
        "grad_cam_plus_plus": weighted((np.maximum(gradient, 0) * alpha).sum(axis=(1, 2)), activation),
        "x_grad_cam": weighted(product.sum(axis=(1, 2)) / np.where(total == 0, 1, total), activation),
        "layer_cam": (np.maximum(gradient, 0) * activation).sum(axis=0),
        "eigen_cam": towards(first_component(activation), product.sum(axis=0)),
        "eigen_grad_cam": towards(first_component(product), product.sum(axis=0)),
        "seg_eigen_cam": -seg if abs(seg.min()) > abs(seg.max()) else seg,
        "kpca_cam": towards(kernel.reshape(activation.shape[1:]), product.sum(axis=0)),
        "fem": weighted((activation > threshold[:, None, None]).mean(axis=(1, 2)), activation),
    }


def enlarged(values, height, width):
    """Bilinear, edges of pixels on edges of pixels, what lies outside as the nearest pixel."""
    def line(new, old):
        at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, old - 1)
        return low, high, at - low
    (top, bottom, down), (left, right, across) = line(height, values.shape[0]), line(width, values.shape[1])
    rows = values[top] * (1 - down)[:, None] + values[bottom] * down[:, None]
    return rows[:, left] * (1 - across) + rows[:, right] * across


def unit(values):
    return (values - values.min()) / (values.max() - values.min())


def main():
    torch.manual_seed(SEED)
    net = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(6, 8, 3, padding=1), nn.Tanh())
    fc = nn.Linear(8, 4)
    with torch.no_grad():
        for parameter in [*net.parameters(), *fc.parameters()]:
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    images = torch.randn(2, 3, 10, 14)
    classes = [2, 0]

    outputs = []
    x = images
    for module in net:
        x = module(x)
        outputs.append(x)
    logits = fc(x.mean(dim=(2, 3)))
    score = sum(logits[i, k] for i, k in enumerate(classes))
    gradients = torch.autograd.grad(score, [outputs[0], outputs[1], outputs[3]])

    layers = {}
    for name, output, gradient in zip(["conv1", "act1", "act2"], [outputs[0], outputs[1], outputs[3]], gradients):
        a, g = output.detach().double().numpy(), gradient.double().numpy()
        each = [maps_of(a[i], g[i]) for i in range(2)]
        maps = {method: np.stack([one[method] for one in each]) for method in each[0]}
        if name == "act2":
            maps["cam"] = np.stack([weighted(fc.weight[k].detach().double().numpy(), a[i]) for i, k in enumerate(classes)])
        layers[name] = {
            "activation": packed(a), "gradient": packed(g), "maps": {method: packed(value) for method, value in maps.items()},
            "grad_cam_shown": packed(np.stack([unit(enlarged(np.maximum(m, 0), 10, 14)) for m in maps["grad_cam"]])),
        }
    state = {"conv1": net[0], "conv2": net[2], "fc": fc}
    result = {
        "versions": {"torch": torch.__version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__}, "seed": SEED,
        "state": {f"{name}.{key}": packed(value.detach().numpy()) for name, module in state.items() for key, value in module.state_dict().items()},
        "images": packed(images.numpy()), "classes": classes, "logits": packed(logits.detach().numpy()), "layers": layers,
    }
    with open(os.path.join(HERE, "cam.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
