"""Figures of the mathematics, by hand: `python tests/benchmarks/bench_conv.py`.

(a) A 24-megapixel picture under an 11 x 11 kernel: what the virtual column matrix takes.
(b) conv2d_by_matmul against nn.Conv2d, and against F.unfold and a matmul.

Times are on the threads of OMP_NUM_THREADS. Memory is the peak of a fresh process above the import
of torch, (a), or above its inputs and outputs, (b).
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
import torch.nn.functional as F

from rfviz.conv.im2col.column_matrix import ColumnMatrix
from rfviz.conv.matmul.matmul import conv2d_by_matmul
from rfviz.conv.memory import readable_bytes
from rfviz.conv.spec.spec import Conv2dSpec

COMPARED = [
    # height, width, kernel, filters, pairs, against F.unfold too
    (3000, 4000, 3, 8, 7, False),
    (3000, 4000, 11, 1, 3, False),
    (512, 512, 5, 16, 25, True),
    (512, 512, 7, 8, 25, True),
    (768, 768, 5, 8, 15, True),
    (768, 768, 7, 16, 15, True),
    (1024, 1024, 5, 8, 15, True),
    (1024, 1024, 5, 16, 15, True),
    (1024, 1024, 7, 8, 15, True),
    (1024, 1024, 7, 16, 15, True),
]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_bytes() -> int:
    """Peak of this process. On Linux VmHWM, since ru_maxrss starts at what the parent had."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def large_picture() -> None:
    """One 24-megapixel picture, in a fresh process."""
    base = peak_bytes()
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (3, 4000, 6000), dtype=torch.uint8, generator=generator)
    spec = Conv2dSpec(11)
    opening = seconds(lambda: ColumnMatrix(image, spec))
    columns = ColumnMatrix(image, spec)
    n_columns = columns.shape[1]
    starts = torch.randint(0, n_columns - 1200, (100,), generator=generator).tolist()
    windows = [seconds(lambda s=s: columns[:, s : s + 1200]) for s in starts]  # type: ignore[misc]
    spread = [
        torch.randint(0, n_columns, (1200,), generator=generator).sort().values for _ in range(100)
    ]
    samples = [seconds(lambda s=s: columns[:, s]) for s in spread]  # type: ignore[misc]
    column = seconds(lambda: columns.column(2000, 3000))
    overview = seconds(lambda: columns.overview(600, 1200))
    peak = peak_bytes() - base
    print(f"{'matrix':44}{columns.shape[0]} x {n_columns:,}")
    print(f"{'opening':44}{opening * 1e3:8.2f} ms")
    print(f"{'363 x 1200 window, median of 100':44}{statistics.median(windows) * 1e3:8.2f} ms")
    print(
        f"{'363 x 1200 spread columns, median of 100':44}{statistics.median(samples) * 1e3:8.2f} ms"
    )
    print(f"{'one column':44}{column * 1e3:8.2f} ms")
    print(f"{'overview of 600 x 1200':44}{overview * 1e3:8.0f} ms")
    print(f"{'peak above the import of torch':44}{peak / 2**20:8.0f} MiB (picture included)")
    print(f"{'the same with torch':44}{peak_bytes() / 2**20:8.0f} MiB")
    print(f"{'F.unfold would need':44}{readable_bytes(columns.n_bytes(torch.float32))} in float32")


def memory_of(way: str, height: int, width: int, kernel: int, filters: int) -> None:
    """Peak of one way above its input and output, in a fresh process."""
    image, weight = torch.rand(3, height, width), torch.rand(filters, 3, kernel, kernel)
    small = torch.rand(3, 64, 64)
    WAYS[way](small, weight)
    base = peak_bytes()
    out = WAYS[way](image, weight)
    print(peak_bytes() - base - out.numel() * out.element_size())


def by_conv2d(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return F.conv2d(image[None], weight)[0]


def by_unfold(image: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    height, width = (n - weight.shape[2] + 1 for n in image.shape[1:])
    return (weight.flatten(1) @ F.unfold(image[None], weight.shape[2:])).view(-1, height, width)


WAYS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "matmul": conv2d_by_matmul,
    "conv2d": by_conv2d,
    "unfold": by_unfold,
}


def in_fresh_process(*arguments: object) -> str:
    command = [sys.executable, __file__, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def compare() -> None:
    print(
        f"{'picture, kernel, filters':26}{'matmul':>9}{'nn.Conv2d':>11}{'ratio':>7}"
        f"{'unfold':>9}{'ratio':>7}   memory of matmul, nn.Conv2d, unfold"
    )
    for height, width, kernel, filters, n_pairs, unfolds in COMPARED:
        generator = torch.Generator().manual_seed(0)
        image = torch.rand(3, height, width, generator=generator)
        weight = torch.randn(filters, 3, kernel, kernel, generator=generator)
        names = ["matmul", "conv2d", *(["unfold"] if unfolds else [])]
        for name in names:
            WAYS[name](image, weight)
        rounds = [
            {name: seconds(partial(WAYS[name], image, weight)) for name in names}
            for _ in range(n_pairs)
        ]
        ms = {name: statistics.median(r[name] for r in rounds) * 1e3 for name in names}
        ratio = {name: statistics.median(r[name] / r["matmul"] for r in rounds) for name in names}
        memory = [int(in_fresh_process(n, height, width, kernel, filters)) for n in names]
        unfold = f"{ms['unfold']:9.1f}{ratio['unfold']:7.2f}" if unfolds else " " * 16
        print(
            f"{f'{height} x {width} x 3, {kernel}, {filters}':26}{ms['matmul']:9.1f}"
            f"{ms['conv2d']:11.1f}{ratio['conv2d']:7.2f}{unfold}   "
            + ", ".join(f"{n / 2**20:.0f} MiB" for n in memory)
        )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print("(a) 4000 x 6000 x 3 uint8, kernel 11, stride 1")
        print(in_fresh_process("large"))
        print(
            f"(b) medians in ms on {torch.get_num_threads()} threads; ratio of a pair, its median"
        )
        compare()
    elif sys.argv[1] == "large":
        large_picture()
    else:
        memory_of(sys.argv[1], *map(int, sys.argv[2:]))
