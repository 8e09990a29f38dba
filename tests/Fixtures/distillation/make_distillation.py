"""Losses between a student and a teacher as their authors compute them, with gradients: distillation.json.

Run with Debian's python3-torch: /usr/bin/python3 make_distillation.py MMRAZOR DEIT
MMRAZOR: a checkout of open-mmlab/mmrazor at 90c7af1 (models/losses/kl_divergence.py, cwd.py); DEIT: one of facebookresearch/deit at
7e160fe (losses.py). All run as they are; mmrazor's registry, which they ask for, stands in here.
"""
import importlib.util
import json
import pathlib
import sys
import types

import torch

HERE = pathlib.Path(__file__).parent


class Registry:
    def register_module(self):
        return lambda kind: kind


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mmrazor, deit = (pathlib.Path(path) for path in sys.argv[1:])
sys.modules["mmrazor"] = types.ModuleType("mmrazor")
sys.modules["mmrazor.registry"] = types.ModuleType("mmrazor.registry")
sys.modules["mmrazor.registry"].MODELS = Registry()
kl = load(mmrazor / "mmrazor/models/losses/kl_divergence.py").KLDivergence
cwd = load(mmrazor / "mmrazor/models/losses/cwd.py").ChannelWiseDivergence
distillation = load(deit / "losses.py").DistillationLoss

torch.manual_seed(7)
logits = torch.randn(5, 4) * 3, torch.randn(5, 4) * 3
maps = torch.randn(2, 3, 4, 6) * 2, torch.randn(2, 3, 4, 6) * 2


def case(name, options, pair, loss):
    student = pair[0].clone().requires_grad_()
    value = loss(student, pair[1])
    value.backward()
    return {"term": {"type": name, **options}, "shape": list(student.shape), "student": pair[0].flatten().tolist(),
            "teacher": pair[1].flatten().tolist(), "value": value.item(), "gradient": student.grad.flatten().tolist()}


def hard(student, teacher):
    """DeiT's α = 1 leaves the distillation alone."""
    module = distillation(lambda outputs, labels: torch.zeros(()), lambda inputs: teacher, "hard", 1.0, 1.0)
    return module(None, (student, student), None)


cases = [
    case("SoftTargetLoss", {"temperature": 1}, logits, kl(tau=1)),
    case("SoftTargetLoss", {"temperature": 4}, logits, kl(tau=4)),
    case("HardTargetLoss", {}, logits, hard),
    case("ChannelWiseLoss", {"temperature": 1}, maps, cwd(tau=1)),
    case("ChannelWiseLoss", {"temperature": 4}, maps, cwd(tau=4)),
]
(HERE / "distillation.json").write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")
