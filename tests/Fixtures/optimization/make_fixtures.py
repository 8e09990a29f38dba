"""Learning rates and optimizer steps as PyTorch computes them: schedules.json, optimizers.json, optimizer_groups.json and
lbfgs.json.

Run with Debian's python3-torch: /usr/bin/python3 make_fixtures.py
"""
import json
import pathlib
import warnings

import torch
from torch.optim import lr_scheduler as s

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).parent
BASE, STEPS, PER_EPOCH = 0.1, 60, 10


def course(make, by_epoch=False, momentum=False):
    """Learning rates (and momenta) of each iteration."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE, momentum=0.9)
    scheduler = make(optimizer)
    rates, momenta = [], []
    for step in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        if not by_epoch or (step + 1) % PER_EPOCH == 0:
            scheduler.step()
    return {"rates": rates, **({"momenta": momenta} if momentum else {})}


def chain(*parts, until):
    return lambda o: s.SequentialLR(o, [part(o) for part in parts], milestones=list(until))


def schedules():
    cases = []

    def add(name, config, make, **kw):
        cases.append({"name": name, "schedule": config, **course(make, **kw)})

    add("constant", [{"type": "ConstantLr", "factor": 0.5, "until": 20}, {"type": "ConstantLr"}],
        lambda o: s.ConstantLR(o, 0.5, total_iters=20))
    add("step", [{"type": "StepLr", "step_size": 7, "gamma": 0.3}], lambda o: s.StepLR(o, 7, 0.3))
    add("step by epoch", [{"type": "StepLr", "step_size": 2, "gamma": 0.3, "by": "epoch"}], lambda o: s.StepLR(o, 2, 0.3), by_epoch=True)
    add("multi-step", [{"type": "MultiStepLr", "milestones": [10, 25, 50], "gamma": 0.2}], lambda o: s.MultiStepLR(o, [10, 25, 50], 0.2))
    add("multi-step by epoch", [{"type": "MultiStepLr", "milestones": [2, 5], "by": "epoch"}], lambda o: s.MultiStepLR(o, [2, 5]), by_epoch=True)
    add("exponential", [{"type": "ExponentialLr", "gamma": 0.95}], lambda o: s.ExponentialLR(o, 0.95))
    add("linear", [{"type": "LinearLr", "start_factor": 0.25, "end_factor": 0.75}], lambda o: s.LinearLR(o, 0.25, 0.75, total_iters=STEPS))
    add("poly", [{"type": "PolyLr", "power": 0.9}], lambda o: s.LambdaLR(o, lambda t: (1 - t / STEPS) ** 0.9))
    add("cosine", [{"type": "CosineLr", "min_lr": 0.01}], lambda o: s.CosineAnnealingLR(o, STEPS, 0.01))
    add("cosine by epoch", [{"type": "CosineLr", "by": "epoch"}], lambda o: s.CosineAnnealingLR(o, STEPS // PER_EPOCH), by_epoch=True)
    add("restarts", [{"type": "CosineRestartLr", "period": 7, "mult": 2, "min_lr": 0.001}], lambda o: s.CosineAnnealingWarmRestarts(o, 7, 2, 0.001))
    add("equal restarts", [{"type": "CosineRestartLr", "period": 13}], lambda o: s.CosineAnnealingWarmRestarts(o, 13))
    add("one-cycle", [{"type": "OneCycleLr"}], lambda o: s.OneCycleLR(o, BASE, total_steps=STEPS), momentum=True)
    add("one-cycle, linear, three phases", [{"type": "OneCycleLr", "pct_start": 0.4, "anneal": "linear", "three_phase": True, "div_factor": 10, "final_div_factor": 100}],
        lambda o: s.OneCycleLR(o, BASE, total_steps=STEPS, pct_start=0.4, anneal_strategy="linear", three_phase=True, div_factor=10, final_div_factor=100), momentum=True)
    add("warm-up, then cosine", [{"type": "LinearLr", "start_factor": 0.01, "until": 10}, {"type": "CosineLr", "min_lr": 0.001}],
        chain(lambda o: s.LinearLR(o, 0.01, 1, total_iters=10), lambda o: s.CosineAnnealingLR(o, STEPS - 10, 0.001), until=[10]))
    add("warm-up, then poly to a floor", [{"type": "LinearLr", "start_factor": 0.1, "until": 5}, {"type": "PolyLr", "power": 2, "min_lr": 0.02}],
        chain(lambda o: s.LinearLR(o, 0.1, 1, total_iters=5), lambda o: s.LambdaLR(o, lambda t: 0.2 + 0.8 * (1 - min(t, STEPS - 5) / (STEPS - 5)) ** 2), until=[5]))

    values = [0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.29, 0.31, 0.31, 0.31, 0.31, 0.31, 0.31, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
    for rule, sign in (("greater", 1), ("less", -1)):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=BASE)
        plateau = s.ReduceLROnPlateau(optimizer, "max" if sign > 0 else "min", factor=0.5, patience=2, threshold=0.01, threshold_mode="abs", cooldown=1, min_lr=0.02)
        rates = []
        for value in values:
            plateau.step(sign * value)
            rates.append(optimizer.param_groups[0]["lr"])
        cases.append({"name": f"plateau, {rule}", "metric": [sign * v for v in values], "rates": rates,
                      "schedule": [{"type": "ReduceOnPlateau", "metric": "m", "rule": rule, "factor": 0.5, "patience": 2, "threshold": 0.01,
                                    "threshold_mode": "absolute", "cooldown": 1, "min_lr": 0.02}]})
    return {"torch": torch.__version__, "base": BASE, "steps": STEPS, "steps_per_epoch": PER_EPOCH, "cases": cases}


class NAdam(torch.optim.Optimizer):
    """Dozat's formulas; the NAdam of PyTorch 1.13 multiplies its momenta once too often (mended in 2.0)."""

    def __init__(self, params, lr=0.002, momentum_decay=0.004, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "weight_decay": 0})
        self.decay, self.betas, self.eps = momentum_decay, betas, eps
        self.t, self.product = 0, 1.0

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            closure()
        b1, b2 = self.betas
        self.t += 1
        mu, following = (b1 * (1 - 0.5 * 0.96 ** ((self.t + k) * self.decay)) for k in (0, 1))
        self.product *= mu
        for group in self.param_groups:
            for weight in group["params"]:
                state, grad = self.state[weight], weight.grad + group["weight_decay"] * weight
                state["m"] = b1 * state.get("m", 0) + (1 - b1) * grad
                state["v"] = b2 * state.get("v", 0) + (1 - b2) * grad ** 2
                m = following * state["m"] / (1 - self.product * following) + (1 - mu) * grad / (1 - self.product)
                weight -= group["lr"] * m / ((state["v"] / (1 - b2 ** self.t)).sqrt() + self.eps)


def optimizers():
    o = torch.optim
    cases = [
        ({"type": "Sgd", "lr": 0.05}, lambda p: o.SGD(p, 0.05)),
        ({"type": "Sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, lambda p: o.SGD(p, 0.05, 0.9, nesterov=True, weight_decay=0.01)),
        ({"type": "Sgd", "lr": 0.05, "momentum": 0.8, "dampening": 0.1}, lambda p: o.SGD(p, 0.05, 0.8, dampening=0.1)),
        ({"type": "Adam", "lr": 0.05, "betas": [0.8, 0.99], "weight_decay": 0.1, "amsgrad": True}, lambda p: o.Adam(p, 0.05, (0.8, 0.99), weight_decay=0.1, amsgrad=True)),
        ({"type": "AdamW", "lr": 0.05}, lambda p: o.AdamW(p, 0.05)),
        ({"type": "AdamW", "lr": 0.05, "weight_decay": 0.2, "eps": 1e-6}, lambda p: o.AdamW(p, 0.05, weight_decay=0.2, eps=1e-6)),
        ({"type": "Adamax", "lr": 0.05}, lambda p: o.Adamax(p, 0.05)),
        ({"type": "NAdam", "lr": 0.05, "momentum_decay": 0.01}, lambda p: NAdam(p, 0.05, 0.01)),
        ({"type": "RAdam", "lr": 0.05}, lambda p: o.RAdam(p, 0.05)),
        ({"type": "Adadelta", "lr": 1.0, "rho": 0.8}, lambda p: o.Adadelta(p, 1.0, 0.8)),
        ({"type": "Adagrad", "lr": 0.1, "lr_decay": 0.01, "initial_accumulator_value": 0.1}, lambda p: o.Adagrad(p, 0.1, 0.01, initial_accumulator_value=0.1)),
        ({"type": "Asgd", "lr": 0.05, "t0": 2}, lambda p: o.ASGD(p, 0.05, t0=2)),
        ({"type": "RmsProp", "lr": 0.01, "momentum": 0.5, "centered": True}, lambda p: o.RMSprop(p, 0.01, momentum=0.5, centered=True)),
        ({"type": "Rprop", "lr": 0.01}, lambda p: o.Rprop(p, 0.01)),
        ({"type": "Lbfgs", "lr": 1.0, "max_iter": 4, "history_size": 5}, lambda p: o.LBFGS(p, 1.0, max_iter=4, history_size=5)),
    ]
    start, goal, scale = [1.0, -2.0, 0.5, 3.0], [0.2, 0.1, -0.4, 1.0], [1.0, 0.5, 2.0, 0.1]
    results = []
    for config, make in cases:
        weight = torch.nn.Parameter(torch.tensor(start))
        optimizer = make([weight])

        def closure():
            optimizer.zero_grad()
            loss = (torch.tensor(scale) * (weight - torch.tensor(goal)) ** 2).sum()
            loss.backward()
            return loss

        for _ in range(8):
            optimizer.step(closure)
        results.append({"optimizer": config, "weight": weight.tolist()})
    return {"torch": torch.__version__, "start": start, "goal": goal, "scale": scale, "steps": 8, "cases": results}


GROUP_STEPS, KEPT = 20, (1, 2, 10, 20)


def group_course(config, make):
    """Two groups: the second learns at 0.4 of the rate and has no decay. Both rates are halved after step 10.

    The gradient of element j of parameter i at step t, from 0, is sin(3 p + i + j + t / 2).
    """
    parameters = [torch.nn.Parameter(torch.linspace(-2, 1.5, 15).view(3, 5)), torch.nn.Parameter(torch.linspace(-1, 1, 7))]
    decay = {"weight_decay": config["weight_decay"]} if "weight_decay" in config else {}
    optimizer = make([{"params": [p], "lr": config["lr"] * rate, **{k: v * share for k, v in decay.items()}}
                      for p, rate, share in zip(parameters, (1, 0.4), (1, 0))])
    after = []
    for t in range(GROUP_STEPS):
        if t == 10:
            for group in optimizer.param_groups:
                group["lr"] *= 0.5

        def closure():
            for i, p in enumerate(parameters):
                p.grad = torch.sin(3 * p.detach() + i + torch.arange(p.numel()).view_as(p) + t / 2)
            return torch.zeros(())

        optimizer.step(closure)
        if t + 1 in KEPT:
            after.append([p.flatten().tolist() for p in parameters])
    return {"optimizer": config, "after": after}


def optimizer_groups():
    o, betas = torch.optim, {"betas": [0.8, 0.95]}
    cases = [
        ({"type": "Sgd", "lr": 0.1, "weight_decay": 0.1}, lambda g: o.SGD(g, 0.1)),
        ({"type": "Sgd", "lr": 0.1, "weight_decay": 0.1, "momentum": 0.9, "dampening": 0.3}, lambda g: o.SGD(g, 0.1, 0.9, 0.3)),
        ({"type": "Sgd", "lr": 0.1, "weight_decay": 0.1, "momentum": 0.8, "nesterov": True}, lambda g: o.SGD(g, 0.1, 0.8, nesterov=True)),
        ({"type": "Adam", "lr": 0.05, "weight_decay": 0.1, **betas}, lambda g: o.Adam(g, betas=(0.8, 0.95))),
        ({"type": "Adam", "lr": 0.05, "weight_decay": 0.1, "amsgrad": True, **betas}, lambda g: o.Adam(g, betas=(0.8, 0.95), amsgrad=True)),
        ({"type": "AdamW", "lr": 0.05, "weight_decay": 0.1, **betas}, lambda g: o.AdamW(g, betas=(0.8, 0.95))),
        ({"type": "AdamW", "lr": 0.05, "weight_decay": 0.1, "amsgrad": True, **betas}, lambda g: o.AdamW(g, betas=(0.8, 0.95), amsgrad=True)),
        ({"type": "RAdam", "lr": 0.05, "weight_decay": 0.1, **betas}, lambda g: o.RAdam(g, betas=(0.8, 0.95))),
        ({"type": "NAdam", "lr": 0.05, "weight_decay": 0.1}, lambda g: NAdam(g)),
        ({"type": "Adamax", "lr": 0.05, "weight_decay": 0.1, **betas}, lambda g: o.Adamax(g, betas=(0.8, 0.95))),
        ({"type": "Adadelta", "lr": 0.5, "weight_decay": 0.1, "rho": 0.8}, lambda g: o.Adadelta(g, rho=0.8)),
        ({"type": "Adagrad", "lr": 0.1, "weight_decay": 0.1, "lr_decay": 0.05, "initial_accumulator_value": 0.1},
         lambda g: o.Adagrad(g, lr_decay=0.05, initial_accumulator_value=0.1)),
        ({"type": "Asgd", "lr": 0.1, "weight_decay": 0.1, "lambd": 0.01, "t0": 5}, lambda g: o.ASGD(g, lambd=0.01, t0=5)),
        ({"type": "RmsProp", "lr": 0.02, "weight_decay": 0.1, "alpha": 0.9, "momentum": 0.5}, lambda g: o.RMSprop(g, alpha=0.9, momentum=0.5)),
        ({"type": "RmsProp", "lr": 0.02, "weight_decay": 0.1, "alpha": 0.9, "centered": True}, lambda g: o.RMSprop(g, alpha=0.9, centered=True)),
        ({"type": "Rprop", "lr": 0.01}, lambda g: o.Rprop(g)),
    ]
    return {"torch": torch.__version__, "kept": KEPT, "cases": [group_course(*case) for case in cases]}


def lbfgs():
    """In float64: LBFGS makes roundings grow. The loss of step t is the sum of sin((i + 1) p + t) / (i + 1) over parameters i."""
    cases = []
    for lr, max_iter, history in ((0.5, 4, 3), (0.2, 10, 100)):
        parameters = [torch.nn.Parameter(torch.linspace(-2, 1.5, 6, dtype=torch.float64).view(3, 2)), torch.nn.Parameter(torch.linspace(-1, 1, 4, dtype=torch.float64))]
        optimizer, after = torch.optim.LBFGS(parameters, lr, max_iter=max_iter, history_size=history), []
        for t in range(5):
            def closure():
                optimizer.zero_grad()
                loss = sum((torch.sin((i + 1) * p + t) / (i + 1)).sum() for i, p in enumerate(parameters))
                loss.backward()
                return loss

            optimizer.step(closure)
            after.append([p.flatten().tolist() for p in parameters])
        cases.append({"lr": lr, "max_iter": max_iter, "history_size": history, "after": after})
    return {"torch": torch.__version__, "cases": cases}


for name, content in (("schedules", schedules()), ("optimizers", optimizers()), ("optimizer_groups", optimizer_groups()), ("lbfgs", lbfgs())):
    (HERE / f"{name}.json").write_text(json.dumps(content, indent=1 if name in ("schedules", "optimizers") else None) + "\n")
