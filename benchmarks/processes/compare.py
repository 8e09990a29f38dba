"""Two processes of one thread each beside one: gradients averaged while backward runs or after it, and a model in two stages.

Every turn runs each of them once; what counts is the median of the turns' ratios. The data-parallel runs train on twice the images of
the one process, so 2.0 is the best; stages train on the same batch, at best 2 m / (m + 1) times as fast (m: micro-batches).
"""

import argparse
import os
import re
import statistics
import subprocess

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--program", nargs="+", required=True)
parser.add_argument("--models", nargs="+", default=["resnet18", "vit_tiny"])
parser.add_argument("--batch", type=int, default=16, help="images per process")
parser.add_argument("--micro-batches", type=int, default=8)
parser.add_argument("--steps", type=int, default=5)
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--precision", default="fp32")
options = parser.parse_args()

environment = dict(
    os.environ, OMP_NUM_THREADS="1", OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1"
)


def seconds(model, kind):
    launcher = ["taskset", "-c", "0"] if kind == "alone" else ["mpirun", "-np", "2", "--bind-to", "core"]
    arguments = [model, kind, options.batch, options.micro_batches, options.steps, options.precision]
    done = subprocess.run(
        launcher + options.program + [str(argument) for argument in arguments],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    waiting = re.search(r"waiting ([\d. ]+)", done.stdout).group(1)
    return float(re.search(r"seconds ([\d.]+)", done.stdout).group(1)), [float(share) for share in waiting.split()]


kinds = ["alone", "overlap", "after", "stages"]
bubble = 1 / (options.micro_batches + 1)
for model in options.models:
    times, waiting = {kind: [] for kind in kinds}, []
    for _ in range(options.rounds):
        for kind in kinds:
            taken, waits = seconds(model, kind)
            times[kind].append(taken)
            if kind == "stages":
                waiting.append(waits)
    print(f"{model}, {options.batch} images a process, {options.precision}: {statistics.median(times['alone']):.3f} s a step alone")
    for kind in kinds[1:]:
        images = 1 if kind == "stages" else 2
        ratios = sorted(images * a / b for a, b in zip(times["alone"], times[kind]))
        line = f"  {kind:8} {statistics.median(times[kind]):.3f} s, {statistics.median(ratios):.2f} times as fast"
        line += f" ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        if kind == "stages":
            shares = ", ".join(f"{statistics.median(stage):.3f}" for stage in zip(*waiting))
            line += f"; the stages wait {shares} of the time, by the formula {bubble:.3f}"
        print(line, flush=True)
