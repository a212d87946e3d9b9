"""Receptive fields of published networks beside gradients and beside TorchLens' own boxes.

``python tests/benchmarks/bench_trace.py`` prints a line a network of pytorchcv, with random
weights: how many convolutions torch runs and how many are listed; on some of them, spread over the
network, three units each: pixels that move a unit though its field leaves them out (disagreements)
and units whose gradients do not reach the edges of a field that is called exact (short; a dead
activation may do that). TorchLens is asked for the same units: same, wider or narrower than ours,
or refused. ``--networks`` takes some, ``--convolutions`` how many of each are tried.
"""

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torchlens
from pytorchcv.model_provider import get_model
from torch import nn

TESTS = Path(__file__).parents[1]
BESIDE = ("conv/trace", "conv/layers", "conv/receptive_field", "shared")
sys.path[:0] = [str(TESTS.parent), *(str(TESTS / folder) for folder in BESIDE)]
from gradient_judge import convolutions_run, smooth  # noqa: E402 - found by the path above
from test_trace_networks import QUICK, SLOW  # noqa: E402

from rfviz import trace  # noqa: E402
from rfviz.conv.errors import InputError  # noqa: E402
from rfviz.conv.trace.table import TracedLayer  # noqa: E402

LARGEST_SIDE = 96  # gradients of 224 × 224 in float64 would take minutes a network
WORDS = ("disagreements", "short", "same as TorchLens", "wider", "narrower", "TorchLens refuses")


class Judged(NamedTuple):
    """One network: convolutions run, listed, units judged, and how often each word holds."""

    n_run: int
    n_listed: int
    n_units: int
    counts: Counter[str]


def outputs_by_name(module: nn.Module, picture: torch.Tensor) -> dict[str, torch.Tensor]:
    """What each convolution gives at its first call, with gradients."""
    found: dict[str, torch.Tensor] = {}
    hooks = [
        inner.register_forward_hook(lambda _, __, out, name=name: found.setdefault(name, out))
        for name, inner in module.named_modules()
        if isinstance(inner, nn.Conv2d)
    ]
    module(picture)
    for hook in hooks:
        hook.remove()
    return found


def spread(rows: list[TracedLayer], most: int) -> list[TracedLayer]:
    """So many rows, from the first to the last."""
    if len(rows) <= most:
        return rows
    return [rows[index * (len(rows) - 1) // max(most - 1, 1)] for index in range(most)]


def units(size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Three units: a corner, the middle, and one off it."""
    rows, columns = size
    yield from dict.fromkeys([(0, 0), (rows // 2, columns // 2), (rows // 3, 2 * columns // 3)])


def read_by(output: torch.Tensor, picture: torch.Tensor, unit: tuple[int, int]) -> list[range]:
    """Rows and columns from the first to the last pixel that moves a unit."""
    chosen = output[0, :, unit[0], unit[1]]
    factors = torch.linspace(0.5, 1.5, len(chosen), dtype=torch.float64)
    (gradient,) = torch.autograd.grad((chosen * factors).sum(), picture, retain_graph=True)
    moved = gradient[0].abs().sum(0) > 0
    ends = [torch.nonzero(moved.any(1 - axis))[:, 0].tolist() for axis in (0, 1)]
    return [range(each[0], each[-1] + 1) if each else range(0) for each in ends]


def by_torchlens(log: Any, name: str, unit: tuple[int, int]) -> list[range] | None:
    """TorchLens' box of a unit of a module, clipped to the picture; None if refused."""
    try:
        box = log.modules[name].receptive_field.at(unit)
        ends = [axis for axis in box.axes if axis.input_axis in {2, 3}]
        return [range(axis.clipped_start, axis.clipped_stop) for axis in ends]
    except (torchlens.receptive_field.ReceptiveFieldError, TypeError, KeyError, AttributeError):
        return None


def compared(ours: list[range], theirs: list[range] | None) -> str:
    """How TorchLens' box lies to ours."""
    if theirs is None or len(theirs) != 2:
        return "TorchLens refuses"
    pairs = list(zip(ours, theirs, strict=True))
    if all(a == b for a, b in pairs):
        return "same as TorchLens"
    inside = all(b.start <= a.start and a.stop <= b.stop for a, b in pairs)
    return "wider" if inside else "narrower"


def judged(name: str, most: int) -> Judged:
    """Trace one network and judge some of its convolutions."""
    network = get_model(name)
    size = tuple(min(side, LARGEST_SIDE) for side in network.in_size)
    # The head may want the size that the network was made for; what is before it does not.
    module = smooth(network.features[:-1] if hasattr(network, "features") else network)
    picture = torch.rand(1, 3, *size, dtype=torch.float64).add_(0.5).requires_grad_()
    table = trace(module, (3, *size))
    listed = [row for row in table if row.call.startswith("conv")]
    n_run = convolutions_run(module, picture.detach())
    outputs = outputs_by_name(module, picture)
    try:
        log = torchlens.trace(module, picture.detach())
    except (RuntimeError, ValueError, TypeError, AttributeError):
        log = None
    counts: Counter[str] = Counter()
    n_units = 0
    for row in spread([row for row in listed if row.name in outputs], most):
        for unit in units(row.output_size):
            n_units += 1
            claimed = row.pixels(unit)
            ours = [claimed.rows, claimed.columns]
            seen = read_by(outputs[row.name], picture, unit)
            pairs = list(zip(seen, ours, strict=True))
            counts["disagreements"] += any(
                len(a) and (a.start < b.start or a.stop > b.stop) for a, b in pairs
            )
            counts["short"] += row.standing == "exact" and seen != ours
            counts[compared(ours, by_torchlens(log, row.name, unit) if log else None)] += 1
    return Judged(n_run, len(listed), n_units, counts)


def main() -> None:
    """Print a line a network, and the sums."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--networks", nargs="*", default=list(dict.fromkeys(QUICK + SLOW)))
    options.add_argument("--convolutions", type=int, default=3)
    asked = options.parse_args()
    warnings.simplefilter("ignore")
    total: Counter[str] = Counter()
    refused = []
    for name in asked.networks:
        begun = time.perf_counter()
        try:
            found = judged(name, asked.convolutions)
        except (InputError, RuntimeError) as error:
            refused.append(name)
            print(f"{name:28} refused: {str(error)[:110]}", flush=True)
            continue
        total.update(found.counts)
        total.update(run=found.n_run, listed=found.n_listed, units=found.n_units)
        words = ", ".join(f"{found.counts[word]} {word}" for word in WORDS if found.counts[word])
        seconds = time.perf_counter() - begun
        print(
            f"{name:28} {found.n_listed} of {found.n_run} convolutions listed, {found.n_units} "
            f"units: {words or 'none'} ({seconds:.1f} s)",
            flush=True,
        )
    sums = ", ".join(f"{total[word]} {word}" for word in WORDS)
    print(
        f"{len(asked.networks) - len(refused)} networks, {total['listed']} of {total['run']} "
        f"convolutions listed, {total['units']} units: {sums}; refused: {refused or 'none'}"
    )


if __name__ == "__main__":
    main()
