#!/usr/bin/python3
"""Makes script.pt, a TorchScript program of one method, as torch.jit.save writes it.

    /usr/bin/python3 tests/Fixtures/torch/make_script.py

Made with torch 1.13.0a0 (Debian 12). Nothing is random.
"""
import os

import torch


class Program(torch.nn.Module):
    @torch.jit.export
    def scaled(self, x: torch.Tensor, factor: int, bias: torch.Tensor) -> torch.Tensor:
        return x * factor + bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


torch.jit.save(torch.jit.script(Program()), os.path.join(os.path.dirname(os.path.abspath(__file__)), "script.pt"))
