"""Every operator against the dot product: `python tests/benchmarks/bench_operators.py`.

A random 3000 x 4000 RGB picture in bytes, 8 filters of 3 x 3. Each operator runs in a fresh
process; memory is its peak above the import of torch, without the picture and the output.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch

from rfviz.conv.matmul.matmul import conv2d_by_matmul
from rfviz.conv.operators.apply import operator_strips
from rfviz.conv.operators.catalogue import OPERATORS
from rfviz.conv.spec.spec import Conv2dSpec

SIZE, KERNEL, FILTERS = (3000, 4000), 3, 8


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(FILTERS, 3, KERNEL, KERNEL, generator=generator) / 10
    spec = Conv2dSpec(KERNEL, padding=1)
    small = torch.zeros(3, 32, 32, dtype=torch.uint8)
    run(name, small, weight, spec)
    base = peak_bytes()
    image = torch.randint(0, 256, (3, *SIZE), dtype=torch.uint8, generator=generator)
    start = time.perf_counter()
    kept = run(name, image, weight, spec)
    seconds = time.perf_counter() - start
    print(seconds, peak_bytes() - base - image.numel() - kept)


def run(name: str, image: torch.Tensor, weight: torch.Tensor, spec: Conv2dSpec) -> int:
    """Bytes of the output that is held; the strips of an operator are let go."""
    if name == "conv2d_by_matmul":
        out = conv2d_by_matmul(image, weight, spec=spec)
        return out.numel() * out.element_size()
    for _ in operator_strips(image, weight, name, spec, prepare=lambda x: x / 255):
        pass
    return 0


def main() -> None:
    names = ["conv2d_by_matmul", *(operator.name for operator in OPERATORS)]
    height, width = SIZE
    threads = torch.get_num_threads()
    print(f"{height} x {width} x 3, kernel {KERNEL}, {FILTERS} filters, {threads} threads")
    print(f"{'operator':26}{'s':>8}{'ratio':>8}{'MiB':>8}")
    dot = 0.0
    for name in names:
        command = [sys.executable, __file__, name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, memory = map(float, done.stdout.split())
        dot = seconds if name == "dot_product" else dot
        ratio = f"{seconds / dot:8.1f}" if dot else " " * 8
        print(f"{name:26}{seconds:8.2f}{ratio}{memory / 2**20:8.0f}")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        measure(sys.argv[1])
