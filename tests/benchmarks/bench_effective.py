"""The square-root law of the effective receptive field, as a table.

Luo et al., NeurIPS 2016: of a stack of n 3 x 3 convolutions the theoretical field grows as n, the
effective one as the square root of n. With weights drawn independently, the squared gradient has
the variance of n steps of 2 / 3, so that sigma is the square root of 2 n / 3.

    python tests/benchmarks/bench_effective.py
"""

import argparse
import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.effective import effective_field


def row(depth: int, n_seeds: int, relu: bool) -> str:
    size = 2 * depth + 9
    start = time.perf_counter()
    layers = [Layer("Conv2d", 3, padding=1)] * depth
    found = effective_field(layers, (size, size), n_seeds=n_seeds, relu=relu)
    seconds = time.perf_counter() - start
    sigma = math.sqrt((found.fit.sigma[0] ** 2 + found.fit.sigma[1] ** 2) / 2)
    theoretical = 2 * depth + 1
    return (
        f"{depth:>5} {relu!s:>5} {theoretical:>11} {sigma:>8.2f} {math.sqrt(2 * depth / 3):>9.2f} "
        f"{found.radius_95:>9.2f} {2 * found.radius_95 / theoretical:>8.2f} "
        f"{found.fit.misfit:>7.3f} {seconds:>7.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--depths", type=int, nargs="+", default=[2, 4, 8, 16, 32])
    given = parser.parse_args()
    print("depth  relu theoretical    sigma  expected radius 95  of field  misfit seconds")
    for relu in (False, True):
        for depth in given.depths:
            print(row(depth, given.seeds, relu))


if __name__ == "__main__":
    main()
