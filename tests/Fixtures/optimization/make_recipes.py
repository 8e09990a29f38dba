"""Steps of Lion, LAMB and Muon by their reference implementations: optimizer_recipes.json.

Run with Debian's python3-torch: /usr/bin/python3 make_recipes.py TIMM MUON
TIMM: a checkout of huggingface/pytorch-image-models at aa4b585 (timm/optim/lion.py, lamb.py); MUON: one of KellerJordan/Muon at 857d1ad
(muon.py). Both run as they are; muon.py's bfloat16 is float32 here, as in Tessera.
"""
import importlib.util
import json
import pathlib
import sys
import types

import torch

HERE = pathlib.Path(__file__).parent
STEPS, KEPT = 20, (1, 2, 10, 20)
# A wide matrix, a vector, a tall matrix, a convolution and a vector whose values begin at 0: rates and decays differ.
SHAPES, RATES, DECAYS = ((3, 5), (7,), (6, 2), (4, 3, 3, 3), (5,)), (1, 0.4, 0.7, 1, 0.5), (1, 0, 0.5, 1, 1)


def module(package, path):
    spec = importlib.util.spec_from_file_location(f"{package}.{path.stem}", path)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def references(timm, muon):
    folder = pathlib.Path(timm) / "timm" / "optim"
    package = sys.modules["timm_optim"] = types.ModuleType("timm_optim")
    package.__path__ = []
    for name in ("_types", "_helpers"):
        module("timm_optim", folder / f"{name}.py")
    torch.Tensor.bfloat16 = torch.Tensor.float
    return (module("timm_optim", folder / "lion.py").Lion, module("timm_optim", folder / "lamb.py").Lamb,
            module("muon", pathlib.Path(muon) / "muon.py").SingleDeviceMuonWithAuxAdam)


def start():
    """Parameter i: evenly from -2 to 1.5; the last is 0."""
    return [torch.nn.Parameter(torch.linspace(-2, 1.5, torch.Size(shape).numel()).view(shape) * (i < len(SHAPES) - 1))
            for i, shape in enumerate(SHAPES)]


def course(config, make):
    """Both rates are halved after step 10. The gradient of element j of parameter i at step t, from 0, is sin(3 p + i + j + t / 2)."""
    parameters = start()
    optimizer, after = make(parameters), []
    for t in range(STEPS):
        if t == 10:
            for group in optimizer.param_groups:
                group["lr"] *= 0.5
        for i, p in enumerate(parameters):
            p.grad = torch.sin(3 * p.detach() + i + torch.arange(p.numel()).view_as(p) + t / 2)
        optimizer.step()
        if t + 1 in KEPT:
            after.append([[round(v, 8) for v in p.flatten().tolist()] for p in parameters])
    return {"optimizer": config, "after": after}


def plain(optimizer, config):
    """All parameters, each a group."""
    options = {k: v for k, v in config.items() if k not in ("type", "lr", "weight_decay")}
    options["betas"] = tuple(options["betas"]) if "betas" in options else (0.9, 0.99)
    if options.get("max_grad_norm") == 0:
        options["max_grad_norm"] = None

    def make(parameters):
        groups = [{"params": [p], "lr": config["lr"] * rate, "weight_decay": config.get("weight_decay", 0) * decay}
                  for p, rate, decay in zip(parameters, RATES, DECAYS)]
        return optimizer(groups, lr=config["lr"], **options)

    return course(config, make)


def muon_course(optimizer, config):
    def make(parameters):
        groups = []
        for p, rate, decay in zip(parameters, RATES, DECAYS):
            matrix = p.ndim >= 2
            group = {"params": [p], "use_muon": matrix, "weight_decay": config["weight_decay"] * decay,
                     "lr": config["lr" if matrix else "fallback_lr"] * rate}
            if matrix:
                group["momentum"] = config["momentum"]
            else:
                group |= {"betas": tuple(config["betas"]), "eps": config["eps"]}
            groups.append(group)
        return optimizer(groups)

    return course(config, make)


lion, lamb, muon = references(*sys.argv[1:])
betas = {"betas": [0.8, 0.95]}
cases = [
    plain(lion, {"type": "Lion", "lr": 0.01, "weight_decay": 0.1}),
    plain(lion, {"type": "Lion", "lr": 0.01, "weight_decay": 0.1, "caution": True, **betas}),
    plain(lion, {"type": "Lion", "lr": 0.01, "weight_decay": 0.1, "corrected_weight_decay": True, **betas}),
    plain(lamb, {"type": "Lamb", "lr": 0.02, "weight_decay": 0.1, **betas}),
    plain(lamb, {"type": "Lamb", "lr": 0.02, "weight_decay": 0.1, "max_grad_norm": 0, "trust_clip": True, **betas}),
    plain(lamb, {"type": "Lamb", "lr": 0.02, "weight_decay": 0.1, "always_adapt": True, "bias_correction": False, "eps": 1e-3, **betas}),
    plain(lamb, {"type": "Lamb", "lr": 0.02, "weight_decay": 0.1, "max_grad_norm": 3, "grad_averaging": False, "caution": True, **betas}),
    plain(lamb, {"type": "Lamb", "lr": 0.02, "weight_decay": 0.1, "decoupled_decay": True, **betas}),
    plain(lamb, {"type": "Lamb", "lr": 0.02, "weight_decay": 0.1, "decoupled_decay": True, "corrected_weight_decay": True, **betas}),
    muon_course(muon, {"type": "Muon", "lr": 0.05, "weight_decay": 0.1, "momentum": 0.9, "fallback_lr": 0.02, "eps": 1e-8, **betas}),
]
fixture = {"torch": torch.__version__, "kept": KEPT, "rates": RATES, "decays": DECAYS, "shapes": SHAPES, "cases": cases}
(HERE / "optimizer_recipes.json").write_text(json.dumps(fixture) + "\n")
