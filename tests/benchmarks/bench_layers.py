"""Layers as networks have them, torch's beside ours: `python tests/benchmarks/bench_layers.py`.

First what a call on 1 x 1 x 5 x 5 takes, beside the floor: what torch's own calls take that unfold
and multiply it. Then one table: convolutions against nn.Conv2d, then a training step and an
evaluation of operators against nn.Conv2d and the fastest way by hand, with F.unfold and
torch.cdist. Each line is a fresh process for each side, on one thread and on two. Seconds are the
least of several, of the processor on one thread, of the clock on two; memory is the peak above the
first, small call. `--threads 1` leaves the second half out, `--kinds train` all but training.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
import torch.nn.functional as F
from torch import nn

from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.im2col.fold import fold
from rfviz.conv.matmul.matmul import conv2d_by_matmul
from rfviz.conv.operators.module import OperatorConv2d
from rfviz.conv.operators.operator import Operator
from rfviz.conv.spec.spec import Conv2dSpec

# pictures, channels, side, filters, kernel, stride, groups, type
CONVOLUTIONS = [
    (32, 64, 8, 64, 3, 1, 1, "float32"),
    (32, 64, 16, 64, 3, 1, 1, "float32"),
    (32, 64, 16, 64, 3, 1, 1, "bfloat16"),
    (8, 128, 16, 128, 3, 1, 1, "float32"),
    (8, 256, 8, 256, 3, 1, 1, "float32"),
    (8, 64, 32, 64, 3, 1, 1, "float32"),
    (2, 64, 64, 64, 3, 1, 1, "float32"),
    (1, 256, 64, 256, 3, 1, 1, "float32"),
    (32, 64, 16, 64, 1, 1, 1, "float32"),
    (4, 256, 32, 64, 1, 1, 1, "float32"),
    (32, 64, 16, 64, 3, 2, 1, "float32"),
    (32, 64, 8, 64, 3, 1, 64, "float32"),
    (8, 64, 32, 64, 3, 1, 64, "float32"),
    (32, 64, 16, 64, 3, 1, 4, "float32"),
    (128, 3, 32, 16, 3, 1, 1, "float32"),
    (1, 3, 3000, 8, 3, 1, 1, "float32"),
    (1, 1, 4, 1, 2, 1, 1, "float32"),
]
TRAINED = [(128, 3, 32, 16), (128, 16, 32, 32), (32, 64, 16, 64)]
OPERATORS = ("dot_product", "cosine_similarity", "adder", "dilation", "soft_maximum")


# Pictures, channels, side, filters, kernel, stride, groups, type; of training the first four.
Convolved = tuple[int, int, int, int, int, int, int, str]
Trained = tuple[int, int, int, int]


def soft_maximum(patches: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    products = weight[:, :, None] * patches
    return (products.softmax(1) * products).sum(1)


def by_hand(name: str, fields: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """(N, F, L) of unfolded (N, K, L) and (F, K), as one would write it."""
    if name == "dot_product":
        return weight @ fields
    if name == "cosine_similarity":
        return F.normalize(weight, dim=1) @ F.normalize(fields, dim=1)
    if name == "adder":
        return -torch.cdist(weight, fields.transpose(1, 2), p=1)
    if name == "dilation":
        return torch.stack([(fields + row[:, None]).amax(1) for row in weight], dim=1)
    return torch.stack([soft_maximum(each, weight) for each in fields])


def convolution(side: str, case: Convolved) -> Callable[[], object]:
    n, channels, size, filters, kernel, stride, groups, dtype = case
    image = torch.randn(n, channels, size, size).to(getattr(torch, dtype))
    weight = torch.randn(filters, channels // groups, kernel, kernel).to(image) / 10
    pad = kernel // 2
    if side == "peer":
        return lambda: F.conv2d(image, weight, None, stride, pad, 1, groups)
    spec = Conv2dSpec(kernel, stride=stride, padding=pad, groups=groups)
    return lambda: conv2d_by_matmul(image, weight, spec=spec)


def training(side: str, name: str, case: Trained, trains: bool) -> Callable[[], object]:
    n, channels, size, filters = case
    image = torch.randn(n, channels, size, size)
    conv = nn.Conv2d(channels, filters, 3, padding=1)
    entry = Operator(name, name, soft_maximum) if name == "soft_maximum" else name
    layers: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "peer": conv,
        "hand": lambda x: by_hand(name, F.unfold(x, 3, padding=1), conv.weight.flatten(1)),
        "ours": OperatorConv2d(entry, Conv2dSpec(3, padding=1), channels, filters),
    }
    layer = layers[side]

    def step() -> None:
        with torch.set_grad_enabled(trains):
            out = layer(image.requires_grad_(trains))
        if trains:
            out.sum().backward()  # type: ignore[no-untyped-call]

    return step


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(threads: int, make: Callable[[], Callable[[], object]]) -> None:
    torch.set_num_threads(threads)
    clock = time.thread_time if threads == 1 else time.perf_counter
    with torch.no_grad():
        conv2d_by_matmul(torch.ones(2, 2, 8, 8), torch.ones(2, 2, 3, 3))
        F.conv2d(torch.ones(2, 2, 8, 8), torch.ones(2, 2, 3, 3))
    taken: list[float] = []
    work = make()
    base, began = peak_bytes(), time.perf_counter()
    while len(taken) < 2 or (len(taken) < 30 and time.perf_counter() - began < 2):
        start = clock()
        work()
        taken.append(clock() - start)
    print(min(taken), peak_bytes() - base)


def of_tiny_calls() -> None:
    """Microseconds of a call where nothing but the call costs, the least of many rounds."""
    image, weight, spec = torch.rand(1, 1, 5, 5), torch.rand(1, 1, 3, 3), Conv2dSpec(3, padding=1)
    columns, matrix = F.unfold(image, 3, padding=1)[0], ColumnMatrix(image[0], spec)
    trained = weight.clone().requires_grad_()
    calls: dict[str, Callable[[], object]] = {
        "F.conv2d": lambda: F.conv2d(image, weight, padding=1),
        "F.unfold": lambda: F.unfold(image, 3, padding=1),
        "F.fold": lambda: F.fold(columns, (5, 5), 3, padding=1),
        "F.unfold, matmul and view: the floor": lambda: (
            weight.view(1, -1) @ F.unfold(image, 3, padding=1)
        ).view(1, 1, 5, 5),
        "conv2d_by_matmul": lambda: conv2d_by_matmul(image, weight, spec=spec),
        "conv2d_by_matmul with gradients": lambda: conv2d_by_matmul(image, trained, spec=spec),
        "ColumnMatrix.dense": matrix.dense,
        "ColumnMatrix and its dense": lambda: ColumnMatrix(image[0], spec).dense(),
        "fold": lambda: fold(columns, (5, 5), spec),
    }
    least = dict.fromkeys(calls, float("inf"))
    for _ in range(200):
        for name, call in calls.items():
            call()
            start = time.perf_counter()
            for _ in range(20):
                call()
            least[name] = min(least[name], (time.perf_counter() - start) / 20)
    for name, seconds in least.items():
        print(f"{name:44}{seconds * 1e6:8.1f} µs a call")


def asked(*arguments: object) -> tuple[float, float]:
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, memory = map(float, done.stdout.split())
    return seconds, memory / 2**20


def line(threads: int, what: str, sides: dict[str, tuple[float, float]]) -> None:
    peer = sides["peer"][0]
    parts = [f"{s * 1e3:10.2f}{s / peer:7.2f}{mib:7.0f}" for s, mib in sides.values()]
    print(f"{threads}  {what:52}" + "".join(parts), flush=True)


def main(threads: list[int], kinds: list[str]) -> None:
    torch.set_num_threads(1)
    of_tiny_calls()
    head = "".join(f"{side + ' ms':>10}{'ratio':>7}{'MiB':>7}" for side in ("peer", "ours", "hand"))
    print(f"{'threads':3}  {'':48}" + head)
    for n in threads:
        for at, case in enumerate(CONVOLUTIONS if "convolution" in kinds else ()):
            sides = {s: asked(n, "convolution", s, at) for s in ("peer", "ours")}
            line(n, f"convolution {case}", sides)
        for at, trained in enumerate(TRAINED):
            for name in OPERATORS:
                for kind in kinds:
                    if kind != "convolution":
                        each = {s: asked(n, kind, s, at, name) for s in ("peer", "ours", "hand")}
                        line(n, f"{kind} {name} {trained}", each)


def measured(threads: int, kind: str, side: str, at: int, *name: str) -> None:
    if kind == "convolution":
        with torch.no_grad():
            measure(threads, lambda: convolution(side, CONVOLUTIONS[at]))
    else:
        measure(threads, lambda: training(side, name[0], TRAINED[at], kind == "train"))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    options.add_argument("--kinds", nargs="*", default=["convolution", "train", "evaluate"])
    options.add_argument("one", nargs="*", help="one side of one line, as this file asks itself")
    given = options.parse_args()
    if given.one:
        count, kind, side, at, *name = given.one
        measured(int(count), kind, side, int(at), *name)
    else:
        main(given.threads, given.kinds)
