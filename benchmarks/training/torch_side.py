#!/usr/bin/python3
"""The other side of the comparison: the same models in PyTorch. See compare.py."""
import sys
import time

import torch
import torchvision
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        if hasattr(F, "scaled_dot_product_attention"):
            x = F.scaled_dot_product_attention(q, k, v)
        else:
            x = ((q * self.scale) @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.proj(x.transpose(1, 2).reshape(b, n, c))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, 1e-6), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, 1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """ViT-Tiny/16."""

    def __init__(self, width=192, depth=12, heads=3, patch=16, size=224):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + (size // patch) ** 2, width) * 0.02)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, 1e-6)
        self.head = nn.Linear(width, 1000)

    def forward(self, images):
        x = self.proj(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


def deeplabv3():
    """As torchvision trains it, but for the auxiliary head's dropout, which Tessera has by channels."""
    return torchvision.models.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=21, aux_loss=True)


def retinanet():
    """Padded to 320 x 448 by its own transform; all layers trained, as without pre-trained weights."""
    return torchvision.models.detection.retinanet_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91, min_size=320, max_size=448)


def two_stage(maker):
    """Padded likewise; the background is an output of its own."""
    return maker(weights=None, weights_backbone=None, num_classes=92, min_size=320, max_size=448)


def boxes(image):
    corners = [[20.0 + 45 * i, 10.0 + 30 * i, 70.0 + 45 * i, 60.0 + 30 * i + 20 * image] for i in range(8)]
    masks = torch.zeros(8, 320, 426, dtype=torch.uint8)
    for mask, (left, top, right, bottom) in zip(masks, corners):
        mask[int(top):int(bottom), int(left):int(right)] = 1
    return {"boxes": torch.tensor(corners), "labels": torch.arange(8) * 10 + 1, "masks": masks}


def main():
    name, mode = sys.argv[1:]
    torch.manual_seed(0)
    model, batch, size = {
        "vit_tiny": (VisionTransformer, 8, (224, 224)),
        "resnet18": (torchvision.models.resnet18, 64, (32, 32)),
        "resnet50": (torchvision.models.resnet50, 8, (224, 224)),
        **{network: (getattr(torchvision.models, network), 4 if network in ("convnext_tiny", "densenet121") else 8, (224, 224))
           for network in ("mobilenet_v2", "efficientnet_b0", "convnext_tiny", "regnet_y_400mf", "densenet121")},
        "deeplabv3_resnet50": (deeplabv3, 2, (192, 256)),
        "retinanet_resnet50": (retinanet, 2, (320, 426)),
        "faster_rcnn_resnet50": (lambda: two_stage(torchvision.models.detection.fasterrcnn_resnet50_fpn), 2, (320, 426)),
        "mask_rcnn_resnet50": (lambda: two_stage(torchvision.models.detection.maskrcnn_resnet50_fpn), 2, (320, 426)),
    }[name]
    model, segments = model().train(), name.startswith("deeplab")
    detects = name.startswith("retinanet") or "rcnn" in name
    images = torch.randn(batch, 3, *size)
    labels = torch.randint(0, 21, (batch, *size)) if segments else torch.randint(0, 1000, (batch,))
    targets = [boxes(0), boxes(1)]
    better = {"foreach": True} if mode == "equal" else {}
    if name == "vit_tiny":
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.05, **better)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.001 if detects else 0.01, momentum=0.9, **better)

    def loss():
        if detects:
            return sum(model(list(images), targets).values())
        outputs = model(images)
        if segments:
            return F.cross_entropy(outputs["out"], labels) + 0.5 * F.cross_entropy(outputs["aux"], labels)
        return F.cross_entropy(outputs, labels)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    print(f"ready: torch {torch.__version__}, {torch.get_num_threads()} threads", flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        for _ in range(int(line.split()[1])):
            step()
        print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    main()
