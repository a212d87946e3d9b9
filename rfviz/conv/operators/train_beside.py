"""A small network with an operator, trained beside the same network with the convolution."""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.operators.module import OperatorConv2d
from rfviz.conv.operators.operator import Operator
from rfviz.conv.spec.parse import whole_number
from rfviz.conv.spec.spec import Conv2dSpec, check_spec

_SPEC = Conv2dSpec(3, stride=2, padding=1)


class TrainingStep(NamedTuple):
    """One step of both networks: its number, from 1, of how many, and the loss of each."""

    step: int
    n_steps: int
    operator_loss: float
    convolution_loss: float


def train_beside(
    operator: Operator | str,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    spec: Conv2dSpec = _SPEC,
    n_filters: int = 8,
    n_steps: int = 100,
    batch_size: int = 32,
    learning_rate: float = 0.01,
    seed: int = 0,
    parameters: Mapping[str, object] | None = None,
) -> Iterator[TrainingStep]:
    """Train two layers, operator then linear, and the same with `nn.Conv2d`; yield each step.

    `images` are (N, C, H, W), floating, and `labels` (N,) whole numbers from 0. Both networks see
    the same pictures in the same order, and begin with the same weights; batch normalisation and a
    rectifier stand between their layers. Between steps the caller may show the losses, or stop.
    The random numbers are those of `seed`; torch's own are left as they are. Raises `InputError`
    for data that does not fit, and at the step where a loss is no finite number.

    >>> images, labels = torch.rand(8, 1, 6, 6), torch.arange(8) % 2
    >>> [step.step for step in train_beside("adder", images, labels, n_steps=2)]
    [1, 2]
    """
    _check(images, labels)
    n_steps = whole_number("n_steps", n_steps, least=1)
    batch_size = whole_number("batch_size", batch_size, least=2)
    size = check_spec(spec).output_size((images.shape[2], images.shape[3]))
    n_features = whole_number("n_filters", n_filters, least=1) * size[0] * size[1]
    channels, n_classes = images.shape[1], int(labels.max()) + 1
    networks = []
    for one in (operator, "dot_product"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layer = OperatorConv2d(
                one, spec, channels, n_filters,
                parameters=parameters if one is operator else None,
                input_size=(images.shape[2], images.shape[3]), dtype=images.dtype,
            )  # fmt: skip
            # Drawn again, so that what an operator learns beside does not change what follows.
            torch.manual_seed(seed + 1)
            networks.append(_network(layer, n_filters, n_features, n_classes).to(images.dtype))
    return _steps(networks, images, labels, n_steps, batch_size, learning_rate, seed)


def _network(layer: nn.Module, n_filters: int, n_features: int, n_classes: int) -> nn.Module:
    return nn.Sequential(
        layer,
        nn.BatchNorm2d(n_filters),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(n_features, n_classes),
    )


def _steps(  # noqa: PLR0917 - what training is
    networks: list[nn.Module],
    images: torch.Tensor,
    labels: torch.Tensor,
    n_steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> Iterator[TrainingStep]:
    optimisers = [torch.optim.Adam(each.parameters(), lr=learning_rate) for each in networks]
    generator = torch.Generator().manual_seed(seed)
    for step in range(1, n_steps + 1):
        chosen = torch.randint(images.shape[0], (batch_size,), generator=generator)
        losses = []
        for network, optimiser in zip(networks, optimisers, strict=True):
            with torch.enable_grad():
                loss = F.cross_entropy(network(images[chosen]), labels[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(float(loss.detach()))
            if not math.isfinite(losses[-1]):
                which = "operator" if network is networks[0] else "convolution"
                raise InputError(
                    f"The loss of the {which} is {losses[-1]} at step {step}.",
                    remedy="Take a smaller learning_rate, or look for gradients that are infinite: "
                    "roots and powers of 0, 0 / 0",
                )
        yield TrainingStep(step, n_steps, *losses)


def _check(images: object, labels: object) -> None:
    fits = isinstance(images, torch.Tensor) and images.ndim == 4 and images.is_floating_point()
    if not isinstance(images, torch.Tensor) or not fits or not images.numel():
        got = (
            f"{images.dtype} {tuple(images.shape)}" if isinstance(images, torch.Tensor) else "none"
        )
        raise InputError(
            f"Training needs floating pictures (N, C, H, W), got {got}.",
            remedy="Divide bytes by 255, and give grey pictures a channel: images[:, None] / 255",
        )
    whole = isinstance(labels, torch.Tensor) and labels.dtype == torch.int64
    if not whole or labels.shape != images.shape[:1] or int(labels.min()) < 0:  # type: ignore[attr-defined]
        raise InputError(
            f"Training needs a label for each of the {images.shape[0]} pictures, int64 from 0."
        )
