#!/usr/bin/python3
"""Makes perturbation.json: maps of the network and images of cam.json by methods that run the network again, or differentiate it twice.

Run `/usr/bin/python3 tests/Fixtures/explanation/make_perturbation.py`; the versions and the seed are written into the file.
All in float64: masks and ablations one channel at a time, derivatives by PyTorch's autograd, formulas as the papers have them. Maps are sums
over channels before anything is cut off. For the factorization: how near scikit-learn's comes.
"""
import json
import os

import numpy as np
import sklearn
import torch
from sklearn.decomposition import NMF
from torch.nn import functional as F

SEED = 11
HERE = os.path.dirname(os.path.abspath(__file__))


def packed(values):
    values = np.asarray(values, dtype=np.float64)
    return {"shape": list(values.shape), "data": [float(f"{v:.9g}") for v in values.reshape(-1)]}


def unpacked(stored):
    return torch.tensor(stored["data"], dtype=torch.float64).reshape(stored["shape"])


with open(os.path.join(HERE, "cam.json"), encoding="utf-8") as opened:
    CAM = json.load(opened)
STATE = {key: unpacked(value) for key, value in CAM["state"].items()}


def first(x):
    return F.conv2d(x, STATE["conv1.weight"], STATE["conv1.bias"], stride=2, padding=1)


def behind(name, x):
    """Logits from what a layer gave."""
    if name == "conv1":
        x = F.relu(x)
    if name != "act2":
        x = torch.tanh(F.conv2d(x, STATE["conv2.weight"], STATE["conv2.bias"], padding=1))
    return F.linear(x.mean(dim=(2, 3)), STATE["fc.weight"], STATE["fc.bias"])


def up_to(name, x):
    x = first(x)
    if name != "conv1":
        x = F.relu(x)
    if name == "act2":
        x = torch.tanh(F.conv2d(x, STATE["conv2.weight"], STATE["conv2.bias"], padding=1))
    return x


def score_cam(name, image, k):
    activation = up_to(name, image)
    scores = []
    for channel in range(activation.shape[1]):
        mask = F.interpolate(activation[:, channel : channel + 1], size=image.shape[2:], mode="bilinear", align_corners=True)
        mask = (mask - mask.min()) / (mask.max() - mask.min()) if mask.max() > mask.min() else torch.zeros_like(mask)
        scores.append(behind("conv1", first(image * mask))[0, k])
    weights = torch.softmax(torch.stack(scores), 0)
    return torch.einsum("c,chw->hw", weights, activation[0])


def ablation_cam(name, image, k):
    activation = up_to(name, image)
    score = behind(name, activation)[0, k]
    falls = []
    for channel in range(activation.shape[1]):
        without = activation.clone()
        without[0, channel] = 0
        falls.append(score - behind(name, without)[0, k])
    return torch.einsum("c,chw->hw", torch.stack(falls), activation[0])


def shapley_cam(name, image, k):
    activation = up_to(name, image).requires_grad_(True)
    logits = behind(name, activation)
    score = logits[0, k] - F.cross_entropy(logits, torch.tensor([k]))
    gradient = torch.autograd.grad(score, activation, create_graph=True)[0]
    product = torch.autograd.grad(gradient, activation, grad_outputs=activation.detach())[0]
    weights = (gradient.detach() - 0.5 * product).mean(dim=(2, 3))[0]
    return torch.einsum("c,chw->hw", weights, activation.detach()[0])


def finer_cam(name, image, k):
    activation = up_to(name, image).requires_grad_(True)
    logits = behind(name, activation)[0]
    near = sorted((j for j in range(4) if j != k), key=lambda j: abs(float(logits[j] - logits[k])))[:3]
    p = torch.softmax(logits, 0)
    score = sum(p[j] * (logits[k] - logits[j]) for j in near) / sum(p[j] for j in near)
    gradient = torch.autograd.grad(score, activation)[0]
    return torch.einsum("c,chw->hw", gradient.mean(dim=(2, 3))[0], activation.detach()[0])


def guided_backprop(image, k):
    image = image.clone().requires_grad_(True)
    relu = torch.nn.ReLU()
    relu.register_full_backward_hook(lambda module, given, come: (given[0] * (come[0] > 0),))
    behind("act1", relu(first(image)))[0, k].backward()
    return image.grad[0]


def factors():
    rng = np.random.default_rng(SEED)
    v = np.maximum(rng.normal(size=(24, 16)) + rng.uniform(size=(24, 1)), 0)
    result = {"v": packed(v)}
    for count in [1, 3, 6]:
        model = NMF(n_components=count, init="nndsvd", tol=1e-10, max_iter=10000)
        w = model.fit_transform(v)
        result[str(count)] = float(np.square(v - w @ model.components_).sum())
    return result


def main():
    images = unpacked(CAM["images"])
    layers = {}
    for name in ["conv1", "act1", "act2"]:
        layers[name] = {
            method.__name__: packed(np.stack([method(name, images[i : i + 1], k).numpy() for i, k in enumerate(CAM["classes"])]))
            for method in [score_cam, ablation_cam, shapley_cam, finer_cam]
        }
    result = {
        "versions": {"torch": torch.__version__, "numpy": np.__version__, "scikit-learn": sklearn.__version__}, "seed": SEED,
        "layers": layers,
        "guided": packed(np.stack([guided_backprop(images[i : i + 1], k).numpy() for i, k in enumerate(CAM["classes"])])),
        "factors": factors(),
    }
    with open(os.path.join(HERE, "perturbation.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
