#!/usr/bin/python3
"""A training step in Tessera and in a peer, in one run: the sides take turns, and what counts is the median of the turns'
ratios. The ratio of processor times is told too; it is steadier where other programs run.

    benchmarks/training/run [--models vit_tiny resnet18 resnet50 deeplabv3_resnet50 retinanet_resnet50
                                      faster_rcnn_resnet50 mask_rcnn_resnet50
                                      mobilenet_v2 efficientnet_b0 convnext_tiny regnet_y_400mf densenet121]
                            [--modes equal defaults] [--rounds 9] [--out results.json]
    benchmarks/training/run --against 6ff521a

The peer is Debian's PyTorch 1.13.1 (another libtorch), or with --against an earlier commit of this project, built in a
worktree; up to 6ff521a that stands on Debian's libtorch, whose packages its own tools/setup installs (as root).

equal: the same threads, waiting policy, fp32, contiguous, foreach optimizers.
defaults: Tessera as it trains without a word in the config (its threads, waiting, allocator; bf16 and channels last where
they help), against PyTorch as `import torch` gives it, or the earlier commit as it trained.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = {"vit_tiny": 2, "resnet18": 6, "resnet50": 1, "deeplabv3_resnet50": 1, "retinanet_resnet50": 1,
         "faster_rcnn_resnet50": 1, "mask_rcnn_resnet50": 1,
         "mobilenet_v2": 2, "efficientnet_b0": 1, "convnext_tiny": 1, "regnet_y_400mf": 2, "densenet121": 1}
LATER = ["mobilenet_v2", "efficientnet_b0", "convnext_tiny", "regnet_y_400mf", "densenet121"]  # earlier commits lack them
BOUNDS = {"equal": dict.fromkeys(STEPS, 1.0), "earlier": dict.fromkeys(STEPS, 1.0),
          "defaults": {"vit_tiny": 0.45, "resnet18": 0.45, "resnet50": 0.40, "deeplabv3_resnet50": 0.40, "retinanet_resnet50": 0.40,
                       "faster_rcnn_resnet50": 0.50, "mask_rcnn_resnet50": 0.50,
                       "mobilenet_v2": 0.50, "efficientnet_b0": 0.50, "convnext_tiny": 0.50, "regnet_y_400mf": 0.50, "densenet121": 0.50}}


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
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_", "OPENBLAS_", "MALLOC_", "MKL_"))}
    if mode == "defaults":
        return clean
    # Debian's PyTorch takes the BLAS that the system's alternatives point at, unless told.
    blas = "/usr/lib/x86_64-linux-gnu/openblas-openmp"
    return {**clean, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive", "LD_LIBRARY_PATH": blas}


def earlier(commit):
    """The benchmark's program at that commit, in a worktree beside the build's outputs."""
    root = os.path.dirname(os.path.dirname(HERE))
    tree = os.path.join(root, "artifacts", "earlier", commit)
    if not os.path.exists(tree):
        subprocess.run(["git", "-C", root, "worktree", "add", "--detach", tree, commit], check=True)
    # Only commits before the packages came know this variable; later ones say that it is gone.
    variables = {**os.environ, "TESSERA_TORCH_PROVIDER": "libtorch"} if os.path.exists(os.path.join(tree, "docs", "providers.md")) else dict(os.environ)
    subprocess.run([os.path.join(tree, "tools", "setup")], check=True, env=variables)
    project = os.path.join(tree, "benchmarks", "training")
    subprocess.run(["dotnet", "build", project, "-c", "Release", "-v", "q", "--nologo"], check=True, stdout=subprocess.DEVNULL)
    found = subprocess.run(["dotnet", "msbuild", project, "-getProperty:TargetPath", "-p:Configuration=Release"], check=True, capture_output=True, text=True)
    return ["dotnet", found.stdout.strip()]


def compare(model, mode, rounds, threads, program, peer):
    how = environment(mode, threads)
    other = ("earlier", [*peer, model, mode]) if peer else ("PyTorch", ["/usr/bin/python3", os.path.join(HERE, "torch_side.py"), model, mode])
    sides = [Side([*program, model, mode], how), Side(other[1], how)]
    print(f"\n{model}, {mode}\n  Tessera {sides[0].ready}\n  {other[0]} {sides[1].ready}", flush=True)
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
    ratio, bound = statistics.median(ratios), BOUNDS["earlier" if peer else mode][model]
    seconds = [statistics.median(taken) for taken in times]
    print(f"  Tessera {seconds[0]:.3f} s, {other[0]} {seconds[1]:.3f} s; ratio {ratio:.3f} "
          f"({min(ratios):.3f} to {max(ratios):.3f}), aim {bound}; processor time {work[0] / work[1]:.3f}", flush=True)
    return {"model": model, "mode": mode, "peer": other[0], "seconds": seconds, "ratio": ratio, "least": min(ratios), "most": max(ratios),
            "turns": rounds, "aim": bound, "processor_time": work[0] / work[1], "settings": [side.ready for side in sides]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", nargs="+", choices=list(STEPS))
    parser.add_argument("--modes", nargs="+", choices=["equal", "defaults"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--against", metavar="COMMIT", help="an earlier commit of this project instead of PyTorch")
    parser.add_argument("--out", help="a JSON file for the figures, with commit and settings")
    parser.add_argument("--program", nargs="+", required=True)
    args = parser.parse_args()
    peer = earlier(args.against) if args.against else None
    models = args.models or [model for model in STEPS if not (peer and model in LATER)]
    modes = args.modes or (["defaults"] if peer else ["equal", "defaults"])
    rows = [compare(model, mode, args.rounds, args.threads, args.program, peer) for mode in modes for model in models]
    print(f"\n{sum(row['ratio'] <= row['aim'] for row in rows)} of {len(rows)} aims met")
    if args.out:
        root = os.path.dirname(os.path.dirname(HERE))
        commit = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
        with open(args.out, "w") as file:
            json.dump({"commit": commit, "against": args.against or "PyTorch 1.13.1", "threads": args.threads, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
