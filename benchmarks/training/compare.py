#!/usr/bin/python3
"""A training step in Tessera and in PyTorch, on the same libtorch, in one run: the sides take turns, and what counts is
the median of the turns' ratios. The ratio of processor times is told too; it is steadier where other programs run.

    benchmarks/training/run [--models vit_tiny resnet18 resnet50 deeplabv3_resnet50
                             retinanet_resnet50] [--modes equal defaults] [--rounds 9]

equal: the same BLAS, threads, waiting policy, memory allocator, fp32, contiguous, foreach optimizers.
defaults: Tessera as it trains without a word in the config (its threads, waiting, allocator; bf16 and channels last where
they help), against PyTorch as `import torch` gives it.
"""
import argparse
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = {"vit_tiny": 2, "resnet18": 6, "resnet50": 1, "deeplabv3_resnet50": 1, "retinanet_resnet50": 1}
BOUNDS = {"equal": {name: 1.0 for name in STEPS}, "defaults": {"vit_tiny": 0.5, "resnet18": 0.6, "resnet50": 0.5, "deeplabv3_resnet50": 0.5, "retinanet_resnet50": 0.5}}


class Side:
    def __init__(self, command, environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.ready = self.process.stdout.readline().strip()
        if not self.ready:
            sys.exit(f"{command[0]} did not start")

    def steps(self, count):
        """Seconds per step."""
        self.process.stdin.write(f"steps {count}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline()) / count

    def cpu_seconds(self):
        """Of all its threads so far."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            user, system = file.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def environment(mode, threads):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_", "OPENBLAS_", "MALLOC_"))}
    if mode == "defaults":
        return clean
    # Tessera loads OpenBLAS's OpenMP build by itself; PyTorch takes what the system's alternatives point at, unless told.
    blas = "/usr/lib/x86_64-linux-gnu/openblas-openmp"
    return {**clean, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive", "LD_LIBRARY_PATH": blas}


def compare(model, mode, rounds, threads, program):
    sides = [Side([*program, model, mode], environment(mode, threads)),
             Side(["/usr/bin/python3", os.path.join(HERE, "torch_side.py"), model, mode], environment(mode, threads))]
    print(f"\n{model}, {mode}\n  Tessera {sides[0].ready}\n  PyTorch {sides[1].ready}", flush=True)
    for side in sides:
        side.steps(STEPS[model] + 1)  # warm up
    before = [side.cpu_seconds() for side in sides]
    ratios, times = [], ([], [])
    for i in range(rounds):
        turn = [None, None]
        for which in ((0, 1) if i % 2 == 0 else (1, 0)):
            turn[which] = sides[which].steps(STEPS[model])
            times[which].append(turn[which])
        ratios.append(turn[0] / turn[1])
    work = [side.cpu_seconds() - seconds for side, seconds in zip(sides, before)]
    for side in sides:
        side.close()
    ratio, bound = statistics.median(ratios), BOUNDS[mode][model]
    print(f"  Tessera {statistics.median(times[0]):.3f} s, PyTorch {statistics.median(times[1]):.3f} s; ratio {ratio:.3f} "
          f"({min(ratios):.3f} to {max(ratios):.3f}), aim {bound}; processor time {work[0] / work[1]:.3f}", flush=True)
    return ratio <= bound


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", nargs="+", default=list(STEPS), choices=list(STEPS))
    parser.add_argument("--modes", nargs="+", default=["equal", "defaults"], choices=["equal", "defaults"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--program", nargs="+", required=True)
    args = parser.parse_args()
    met = [compare(model, mode, args.rounds, args.threads, args.program) for mode in args.modes for model in args.models]
    print(f"\n{sum(met)} of {len(met)} aims met")


if __name__ == "__main__":
    main()
