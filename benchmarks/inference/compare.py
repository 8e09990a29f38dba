#!/usr/bin/python3
"""Predictor here and at an earlier commit, in one run: the sides take turns, and what counts is the median of the turns' ratios.

    benchmarks/inference/run [--against 68b4395] [--models resnet50 deeplabv3_resnet50] [--batches 1 8] [--rounds 7] [--out results.json]

Both sides read one checkpoint, which the earlier commit's trainer wrote after one iteration, and predict the same PNG files, each with
its defaults (fp32). --against . puts this commit beside itself, for the noise.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "benchmarks", "training"))
from compare import Side  # noqa: E402

SIZES = {"resnet50": 224, "deeplabv3_resnet50": 256}
STEPS = {1: 4, 8: 1}


def mend(tree):
    """Gives an earlier commit today's answer to virtual machines that hide the sizes of their caches: it ends with SIGFPE on them."""
    room = os.path.join("src", "Torch", "Loading")
    mended = os.path.join(tree, room, "CacheSizes.cs")
    if os.path.exists(mended):
        return
    with open(os.path.join(ROOT, room, "CacheSizes.cs")) as file:
        text = file.read()
    with open(os.path.join(ROOT, room, "Exports.cs")) as file:
        names = dict(re.findall(r"(\w+) = (\"_Z\w+\")", file.read()))
    for name in ("EnableOneDnn", "EnableNnpack", "GlobalContext"):
        text = text.replace("Exports." + name, names[name])
    with open(mended, "w") as file:
        file.write(text)
    loading = os.path.join(tree, room, "LibTorch.cs")
    with open(loading) as file:
        text = file.read()
    with open(loading, "w") as file:
        file.write(text.replace("            s_loaded = true;", "            s_loaded = true; CacheSizes.Mend();", 1))


def built(tree):
    project = os.path.join(tree, "benchmarks", "inference")
    if os.path.realpath(tree) != ROOT:
        mend(tree)
        shutil.copytree(HERE, project, dirs_exist_ok=True)
    for folder in (project, os.path.join(tree, "tools", "Tessera.Tools")):
        subprocess.run(["dotnet", "build", folder, "-c", "Release", "-v", "q", "--nologo", "-p:RunAnalyzers=false"], check=True, stdout=subprocess.DEVNULL)
    found = subprocess.run(["dotnet", "msbuild", project, "-getProperty:TargetPath", "-p:Configuration=Release"], check=True, capture_output=True, text=True)
    return ["dotnet", found.stdout.strip()]


def checkpoint(tree, model, folder):
    """Trains one iteration."""
    size = SIZES[model]
    segments = model.startswith("deeplab")
    steps = [{"type": "LoadImage"}] + ([{"type": "LoadSegmentation"}] if segments else []) + [{"type": "Normalize", "mean": [97, 98, 97], "std": [69, 70, 70]}]
    data = {"type": "Shapes", "size": size, "count": 8, "pipeline": steps, **({"task": "segmentation"} if segments else {})}
    network = {"type": "Segmentor", "backbone": {"type": "ResNet", "depth": 50, "output_stride": 8, "out_indices": [3]},
               "decode_head": {"type": "AsppHead", "channels": 256, "project": True}} if segments else {
               "type": "ImageClassifier", "backbone": {"type": "ResNet", "depth": 50}, "head": {"type": "LinearHead"}}
    config = {"model": network, "seed": 0, "precision": "fp32", "optimizer": {"type": "Sgd", "lr": 1e-4}, "train": {"epochs": 1, "loader": {"batch_size": 8}, "dataset": {**data, "split": "train"}},
              "val": {"loader": {"batch_size": 8}, "dataset": {**data, "split": "val"}, "metrics": {"m": {"type": "MeanIoU"} if segments else {"type": "Accuracy"}}},
              "hooks": {"checkpoint": {"type": "CheckpointHook", "every_epochs": 1}}}
    path = os.path.join(folder, f"{model}.json")
    with open(path, "w") as file:
        json.dump(config, file)
    work = os.path.join(folder, model)
    subprocess.run([os.path.join(tree, "tools", "train"), path, "--work-dir", work], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(work, "epoch_1.safetensors")


def picture(size, folder, which):
    from PIL import Image
    import numpy
    path = os.path.join(folder, f"{size}_{which}.png")
    Image.fromarray(numpy.random.default_rng(which).integers(0, 255, (size, size, 3), dtype=numpy.uint8)).save(path)
    return path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--against", metavar="COMMIT", default="68b4395")
    parser.add_argument("--models", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out")
    args = parser.parse_args()
    tree = ROOT if args.against == "." else os.path.join(ROOT, "artifacts", "earlier", args.against)
    if not os.path.exists(tree):
        subprocess.run(["git", "-C", ROOT, "worktree", "add", "--detach", tree, args.against], check=True)
    programs = [built(ROOT), built(tree)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for model in args.models:
            weights = checkpoint(tree, model, folder)
            for batch in args.batches:
                images = [picture(SIZES[model], folder, i) for i in range(batch)]
                sides = [Side([*program, weights, str(batch), *images], dict(os.environ)) for program in programs]
                for side in sides:
                    side.steps(3)
                ratios, times = [], ([], [])
                for i in range(args.rounds):
                    turn = [None, None]
                    for which in ((0, 1) if i % 2 == 0 else (1, 0)):
                        turn[which] = sides[which].steps(STEPS.get(batch, 1))
                        times[which].append(turn[which])
                    ratios.append(turn[0] / turn[1])
                for side in sides:
                    side.close()
                row = {"model": model, "batch": batch, "seconds": [statistics.median(taken) for taken in times],
                       "ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios), "turns": args.rounds}
                rows.append(row)
                print(f"{model}, batch {batch}: {row['seconds'][0]:.4f} s, {args.against} {row['seconds'][1]:.4f} s; "
                      f"ratio {row['ratio']:.3f} ({row['least']:.3f} to {row['most']:.3f})", flush=True)
    if args.out:
        commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
        with open(args.out, "w") as file:
            json.dump({"commit": commit, "against": args.against, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
