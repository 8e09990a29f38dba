#!/usr/bin/python3
"""Makes generation.json: generative networks and measures of images, transcribed from their papers and from torchgan's description.

    /usr/bin/python3 tests/Fixtures/models/make_generation.py

Made with torch 1.13.0a0 (Debian 12) and numpy. No reference is run: each class follows the published layers with PyTorch's own modules, so
that it checks shapes, strides, padding and names against PyTorch, not against another author's numbers. Weights come from their names
(`values` of make_models.py).
"""
import json
import math
import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from make_models import digest, fill, values

HERE = os.path.dirname(os.path.abspath(__file__))


class Generator(nn.Module):
    """torchgan's DCGAN generator of a size: 4 x 4 first, then doubled until the size is reached."""

    def __init__(self, size, latent, channels, classes, embed):
        super().__init__()
        width = channels * size // 8
        layers = [nn.Sequential(nn.ConvTranspose2d(latent + embed, width, 4, 1, 0, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU(0.2))]
        while width > channels:
            layers.append(nn.Sequential(nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(width // 2), nn.LeakyReLU(0.2)))
            width //= 2
        layers.append(nn.Sequential(nn.ConvTranspose2d(width, 3, 4, 2, 1), nn.Tanh()))
        self.model = nn.Sequential(*layers)
        self.class_embedding = nn.Embedding(classes, embed)

    def forward(self, noise, labels):
        return self.model(torch.cat([noise, self.class_embedding(labels)], 1)[:, :, None, None])


class Discriminator(nn.Module):
    def __init__(self, size, channels):
        super().__init__()
        layers = [nn.Sequential(nn.Conv2d(3, channels, 4, 2, 1), nn.LeakyReLU(0.2))]
        width = channels
        while width * 8 < size * channels:
            layers.append(nn.Sequential(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2)))
            width *= 2
        self.model = nn.Sequential(*layers)

    def forward(self, images):
        return self.model(images)


class SpectralDiscriminator(nn.Module):
    """The same with PyTorch's spectral_norm in the place of batch norms."""

    def __init__(self, size, channels):
        super().__init__()
        layers, width, before = [], channels, 3
        while width * 4 <= size * channels // 2:
            layers.append(nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(before, width, 4, 2, 1)), nn.LeakyReLU(0.2)))
            before, width = width, 2 * width
        self.model = nn.Sequential(*layers)

    def forward(self, images):
        return self.model(images)


class Block(nn.Module):
    def __init__(self, width, channels, embed, groups, attends):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, width)
        self.conv1 = nn.Conv2d(width, channels, 3, padding=1)
        self.embed = nn.Linear(embed, channels)
        self.norm2 = nn.GroupNorm(groups, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.shortcut = None if width == channels else nn.Conv2d(width, channels, 1)
        self.attends = attends
        if attends:
            self.attention_norm = nn.GroupNorm(groups, channels)
            self.qkv = nn.Conv2d(channels, 3 * channels, 1)
            self.proj = nn.Conv2d(channels, channels, 1)

    def forward(self, x, embedding):
        inner = self.conv1(F.silu(self.norm1(x))) + self.embed(F.silu(embedding))[:, :, None, None]
        inner = self.conv2(F.silu(self.norm2(inner)))
        x = (x if self.shortcut is None else self.shortcut(x)) + inner
        if not self.attends:
            return x
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.attention_norm(x)).flatten(2).chunk(3, 1)
        # weight of place j for place i: softmax over j of q_i . k_j / sqrt(c)
        weights = torch.einsum("bci,bcj->bij", q, k).div(math.sqrt(c)).softmax(-1)
        return x + self.proj(torch.einsum("bij,bcj->bci", weights, v).reshape(b, c, h, w))


class UNet(nn.Module):
    def __init__(self, size, channels, mult, blocks, attention, groups):
        super().__init__()
        embed, width = 4 * channels, channels
        self.conv_in = nn.Conv2d(3, width, 3, padding=1)
        self.down, self.halve, self.up, self.doubled = nn.ModuleList(), nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.blocks, self.levels = blocks, len(mult)
        skips = [width]
        for level, m in enumerate(mult):
            for _ in range(blocks):
                self.down.append(Block(width, m * channels, embed, groups, size >> level in attention))
                width = m * channels
                skips.append(width)
            if level < len(mult) - 1:
                self.halve.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
                skips.append(width)
        self.middle1 = Block(width, width, embed, groups, True)
        self.middle2 = Block(width, width, embed, groups, False)
        for level in reversed(range(len(mult))):
            for _ in range(blocks + 1):
                self.up.append(Block(width + skips.pop(), mult[level] * channels, embed, groups, size >> level in attention))
                width = mult[level] * channels
            if level:
                self.doubled.append(nn.Conv2d(width, width, 3, padding=1))
        self.norm_out = nn.GroupNorm(groups, width)
        self.conv_out = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x, embedding):
        x = self.conv_in(x)
        skips, down, up = [x], iter(self.down), iter(self.up)
        for level in range(self.levels):
            for _ in range(self.blocks):
                x = next(down)(x, embedding)
                skips.append(x)
            if level < self.levels - 1:
                x = self.halve[level](x)
                skips.append(x)
        x = self.middle2(self.middle1(x, embedding), embedding)
        for i in range(self.levels):
            for _ in range(self.blocks + 1):
                x = next(up)(torch.cat([x, skips.pop()], 1), embedding)
            if i < self.levels - 1:
                x = self.doubled[i](F.interpolate(x, scale_factor=2, mode="nearest"))
        return self.conv_out(F.silu(self.norm_out(x)))


def ddim(model, x, betas, times, eta, fresh):
    """Song et al., equation 12, without clipping."""
    left = np.concatenate([[1.0], np.cumprod(1 - betas)])  # left[t + 1] belongs to t
    for i, t in enumerate(times):
        a, b = left[t + 1], left[(times[i + 1] if i + 1 < len(times) else -1) + 1]
        noise = model(x, t)
        sigma = eta * math.sqrt((1 - b) / (1 - a)) * math.sqrt(1 - a / b)
        image = (x - math.sqrt(1 - a) * noise) / math.sqrt(a)
        x = math.sqrt(b) * image + math.sqrt(max(0, 1 - b - sigma**2)) * noise + sigma * fresh()
    return x


def frechet(a, b):
    """With the eigenvalues of the product of the covariances, which are not below 0."""
    one, two = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(one @ two).real, 0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(one) + np.trace(two) - 2 * roots)


def overlap(real, generated, k):
    def radii(points):
        return [sorted(float(((p - q) ** 2).sum()) for q in points)[k] for p in points]

    def covered(points, others):
        reach = radii(others)
        return float(np.mean([any(((p - o) ** 2).sum() <= r for o, r in zip(others, reach)) for p in points]))

    return covered(generated, real), covered(real, generated)


def main():
    labels = torch.tensor([2, 0])
    out = {}
    with torch.no_grad():
        generator = fill(Generator(32, 10, 4, 3, 5))
        out["generator"] = digest(generator(values("noise.weight", [2, 10]), labels))
        discriminator = fill(Discriminator(32, 4))
        out["discriminator"] = digest(discriminator(values("images", [2, 3, 32, 32])))
        network = fill(UNet(8, 8, [1, 2, 2], 2, [4], 4))
        out["unet"] = digest(network(values("images", [2, 3, 8, 8]), values("embedding.weight", [2, 32])))

        # Sampling with a network that tells 0.3 x + 0.1 t / 200, by which the way of sampling alone is tested.
        betas = np.linspace(0.0001 * 5, 0.02 * 5, 200)
        out["ddim"] = digest(ddim(lambda x, t: 0.3 * x + 0.1 * t / 200, values("images", [1, 3, 4, 4]).double(), betas, [199, 130, 60, 0], 0, lambda: 0))

    discriminator = fill(SpectralDiscriminator(32, 4)).train()
    found = discriminator(values("images", [2, 3, 32, 32]))
    out["spectral"] = digest(found.detach())
    found.square().sum().backward()
    out["spectral gradient"] = digest(discriminator.model[1][0].weight_orig.grad)
    with torch.no_grad():
        out["spectral evaluation"] = digest(discriminator.eval()(values("images", [2, 3, 32, 32])))

    real = values("images", [40, 6]).double().numpy()
    generated = values("generated", [30, 6]).double().numpy() * 1.3 + 0.2
    out["frechet"] = frechet(real, generated)
    out["overlap"] = overlap(real, generated, 3)
    with open(os.path.join(HERE, "generation.json"), "w") as file:
        json.dump(out, file)
        file.write("\n")


if __name__ == "__main__":
    main()
