#!/usr/bin/python3
"""Makes the parity fixture of NTS-Net.

    /usr/bin/python3 tests/Fixtures/models/make_nts.py NTS

NTS is a checkout of github.com/yangze0930/NTS-Net (e6c98df). Its files core/model.py, core/anchors.py, core/resnet.py and config.py are run as
they are and are no part of this project: the network, its anchors, its suppression and its ranking loss are the authors' own. Changed from
outside: tensors stay on the CPU, the ResNet has one bottleneck a stage, and the dropout, which the authors' network never switches off, is
none. Made with torch 1.13.0a0 (Debian 12). No seed: weights and images are make_models.py's.
"""
import json
import os
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from make_models import HERE, digest, values

CLASSES = 200  # written into the authors' network
SIZES = {"published": (448, 448), "wide": (256, 352)}
TRAINED = "wide"
GRADIENTS = ["proposal_net.tidy2.weight", "proposal_net.down1.bias", "pretrained_model.conv1.weight", "pretrained_model.fc.bias",
             "concat_net.weight", "partcls_net.bias"]


def patch():
    np.int = int  # gone from NumPy
    torch.Tensor.cuda = lambda self, *_, **__: self
    torch.cuda.FloatTensor = torch.FloatTensor
    nn.Dropout = lambda p: nn.Identity()


def numbers(tensor):
    return [float(f"{float(value):.8g}") for value in tensor.detach().double().flatten()]


def load(size):
    """The authors' network for one size of image; the size is fixed when its modules are read."""
    for name in ("config", "core", "core.anchors", "core.model", "core.resnet"):
        sys.modules.pop(name, None)
    import config

    config.INPUT_SIZE = size
    from core import model, resnet

    resnet.resnet50 = lambda pretrained: resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1])
    net = model.attention_net(topN=config.PROPOSAL_NUM)
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(values(name, list(tensor.shape)))
    return model, net, config


def gap(net, scores):
    """How far the suppression is from choosing otherwise: the least difference between a chosen score and the next below it."""
    ordered = np.sort(scores.detach().numpy(), axis=1)[:, ::-1]
    return float((ordered[:, :40] - ordered[:, 1:41]).min())


def main(folder):
    patch()
    sys.path.insert(0, folder)
    result = {"sizes": {}}
    for name, size in SIZES.items():
        model, net, config = load(size)
        result["tensors"] = {key: list(tensor.shape) for key, tensor in net.state_dict().items() if not key.endswith("num_batches_tracked")}
        images = values("images", [2, 3, *size])
        labels = torch.tensor([0, 1])
        net.eval()
        with torch.no_grad():
            raw, concat, parts, index, prob = net(images)
            scores = net.proposal_net(net.pretrained_model(images)[1])
        print(name, "anchors", len(net.edge_anchors), "gap", gap(net, scores))
        entry = {
            "size": list(size), "anchors": len(net.edge_anchors), "raw": digest(raw), "concat": digest(concat), "parts": digest(parts),
            "index": index.tolist(), "scores": numbers(prob),
            "boxes": [[(net.edge_anchors[i] - net.pad_side).astype(int).tolist() for i in row] for row in index.tolist()],  # y1 x1 y2 x2
            "edges": digest(torch.from_numpy(net.edge_anchors - net.pad_side)),
        }

        result["sizes"][name] = entry
        if name != TRAINED:
            continue

        # As in the authors' train.py, in float64: float32 leaves three digits of the first layer's gradient.
        torch.set_default_dtype(torch.float64)
        net.double().train()
        raw, concat, parts, index, prob = net(images.double())
        count = config.PROPOSAL_NUM
        repeated = labels.unsqueeze(1).repeat(1, count).view(-1)
        of_parts = model.list_loss(parts.view(2 * count, -1), repeated).view(2, count)
        losses = {
            "raw": F.cross_entropy(raw, labels), "concat": F.cross_entropy(concat, labels),
            "parts": F.cross_entropy(parts.view(2 * count, -1), repeated), "rank": model.ranking_loss(prob, of_parts),
        }
        sum(losses.values()).backward()
        entry["losses"] = {key: float(value) for key, value in losses.items()}
        entry["trained_index"] = index.tolist()
        entry["gradients"] = {key: digest(dict(net.named_parameters())[key].grad) for key in GRADIENTS}
        entry["running_mean"] = digest(net.pretrained_model.bn1.running_mean)
        print({key: float(value) for key, value in losses.items()}, "part losses", of_parts.tolist())
        torch.set_default_dtype(torch.float32)

    with open(os.path.join(HERE, "nts_net.json"), "w") as file:
        json.dump(result, file, separators=(",", ":"))
        file.write("\n")


main(sys.argv[1])
