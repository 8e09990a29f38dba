"""The same rounds as Program.cs, in Python."""
import sys
import time

import torch

CALLS = 100_000


def timed(x, y):
    start = time.perf_counter()
    for _ in range(CALLS):
        x + y
    return (time.perf_counter() - start) * 1e6 / CALLS


torch.set_num_threads(1)
torch.manual_seed(0)
y = torch.rand(4, 4)
plain = torch.rand(4, 4)
tracked = torch.rand(4, 4, requires_grad=True)
timed(plain, y)
timed(tracked, y)
print("ready", flush=True)
for line in sys.stdin:
    print(timed(tracked if line.strip() == "1" else plain, y), flush=True)
