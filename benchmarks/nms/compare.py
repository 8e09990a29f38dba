#!/usr/bin/python3
"""Suppression of 10,000 boxes in Tessera and in torchvision (CPU, one thread each): the sides take turns, and what counts is
the median of the turns' ratios.

    benchmarks/nms/run [--boxes 10000] [--rounds 9]

spread: over an image of 1,333 x 800, as an untrained head has them; few are suppressed. crowded: around 100 objects, most
are. classes: spread over 80 classes (torchvision's batched_nms).
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

import torch
import torchvision

RUNS = 3


def boxes(kind, count):
    generator = torch.Generator().manual_seed(0)
    uniform = lambda *shape: torch.rand(*shape, generator=generator)
    size = torch.tensor([1333.0, 800.0])
    if kind == "crowded":
        objects = uniform(100, 2) * size
        centers = objects[torch.randint(0, 100, (count,), generator=generator)] + (uniform(count, 2) - 0.5) * 12
        sides = 60 + uniform(count, 2) * 12
    else:
        centers, sides = uniform(count, 2) * size, 16 + uniform(count, 2) * 120
    corners = torch.cat([centers - sides / 2, centers + sides / 2], 1)
    labels = torch.randint(0, 80 if kind == "classes" else 1, (count,), generator=generator)
    return corners, uniform(count), labels


def compare(kind, count, rounds, program):
    corners, scores, labels = boxes(kind, count)
    with tempfile.NamedTemporaryFile() as file:
        file.write(torch.cat([corners, scores[:, None], labels[:, None].float()], 1).numpy().tobytes())
        file.flush()
        process = subprocess.Popen([*program, file.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def ours():
            process.stdin.write(f"run {RUNS}\n")
            process.stdin.flush()
            seconds, kept = process.stdout.readline().split()
            return float(seconds) / RUNS, int(kept)

        def theirs():
            begin = time.perf_counter()
            for _ in range(RUNS):
                kept = torchvision.ops.batched_nms(corners, scores, labels, 0.5) if kind == "classes" else torchvision.ops.nms(corners, scores, 0.5)
            return (time.perf_counter() - begin) / RUNS, len(kept)

        for _ in range(5):
            ours()
        theirs()
        times = []
        for i in range(rounds):
            first, second = (ours, theirs) if i % 2 == 0 else (theirs, ours)
            turn = (first(), second())
            times.append(turn if i % 2 == 0 else turn[::-1])
        process.stdin.close()
        process.wait()
    ratios = [a[0] / b[0] for a, b in times]
    kept = times[0][0][1], times[0][1][1]
    print(f"{kind}: Tessera {statistics.median(a[0] for a, _ in times) * 1e3:.1f} ms, torchvision {statistics.median(b[0] for _, b in times) * 1e3:.1f} ms; "
          f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), aim 1.0; kept {kept[0]} and {kept[1]} of {count}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--boxes", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--program", nargs="+", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for kind in ("spread", "crowded", "classes"):
        compare(kind, args.boxes, args.rounds, args.program)


if __name__ == "__main__":
    main()
