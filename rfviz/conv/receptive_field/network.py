"""A stack of layers as a torch module, with weights to be drawn at random or given."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import reduce

import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.layers.layer import Layer
from rfviz.conv.receptive_field.stack import Branches, checked_layers
from rfviz.conv.spec.parse import whole_number
from rfviz.conv.wording import shown


class Network(nn.Module):
    """A stack as a module: (N, C, H, W) in, (N, C', H', W') out, ReLU after each if asked.

    A layer's `out_channels` of None keeps the channels, or takes `hidden_channels` where given.
    Raises `InputError` for an `nn.Unfold`, whose output is no feature map, and for groups that do
    not divide the channels.

    >>> Network([Layer("Conv2d", 3, out_channels=8)], 3)(torch.zeros(1, 3, 8, 8)).shape
    torch.Size([1, 8, 6, 6])
    """

    def __init__(
        self,
        layers: Iterable[object],
        in_channels: object = 1,
        hidden_channels: object = None,
        relu: bool = False,
    ) -> None:
        """Build every layer with torch's own initial weights."""
        super().__init__()
        channels = whole_number("in_channels", in_channels, least=1)
        hidden = None
        if hidden_channels is not None:
            hidden = whole_number("hidden_channels", hidden_channels, least=1)
        steps: list[nn.Module] = []
        for layer in checked_layers(layers):
            step, channels = _module(layer, channels, hidden, relu)
            steps.append(step)
        self.steps = nn.ModuleList(steps)
        self.out_channels = channels

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Run the layers in order."""
        for step in self.steps:
            picture = step(picture)
        return picture


class _Joined(nn.Module):
    """Branches that read the same map, added or concatenated along the channels."""

    def __init__(self, paths: Sequence[Network], how: str) -> None:
        super().__init__()
        self.paths = nn.ModuleList(paths)
        self.how = how

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        ends = [path(picture) for path in self.paths]
        return torch.cat(ends, dim=1) if self.how == "concat" else reduce(torch.add, ends)


def weighted_layers(network: nn.Module) -> list[nn.Conv2d | nn.ConvTranspose2d]:
    """Return the layers that have weights, in the order of the stack.

    >>> len(weighted_layers(Network([Layer("Conv2d", 3), Layer("MaxPool2d", 2)])))
    1
    """
    return [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]


def draw_weights(network: Network, relu: bool, generator: torch.Generator) -> None:
    """Draw every weight, normal with variance 2 / fan-in with ReLU and 1 / fan-in without.

    Biases become zero. Source: He et al., "Delving deep into rectifiers", ICCV 2015, equation 10.

    >>> network = Network([Layer("Conv2d", 3)])
    >>> draw_weights(network, True, torch.Generator().manual_seed(0))
    >>> weighted_layers(network)[0].bias.tolist()
    [0.0]
    """
    for layer in weighted_layers(network):
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        fan_in = layer.weight[0].numel()
        deviation = math.sqrt((2 if relu else 1) / fan_in)
        nn.init.normal_(layer.weight, 0.0, deviation, generator=generator)


def network_with(
    layers: Iterable[object],
    in_channels: object,
    parameters: Sequence[tuple[torch.Tensor, torch.Tensor | None]],
    relu: bool = False,
    hidden_channels: object = None,
) -> Network:
    """Return a stack with the (weight, bias) of its weighted layers, in order; a bias may be None.

    Parameters that the stack is too short for are left over. Raises `InputError` where there are
    too few, and where a shape is not the layer's.

    >>> ones = torch.ones(2, 1, 1, 1)
    >>> network_with([Layer("Conv2d", 1, out_channels=2)], 1, [(ones, None)])(ones[:1]).shape
    torch.Size([1, 2, 1, 1])
    """
    network = Network(layers, in_channels, hidden_channels, relu)
    weighted = weighted_layers(network)
    if len(parameters) < len(weighted):
        raise InputError(
            f"The stack has {len(weighted)} layers with weights, and weights are given for "
            f"{len(parameters)}.",
            remedy="Leave out the layers that were added, or use random weights",
        )
    for index, (layer, (weight, bias)) in enumerate(zip(weighted, parameters, strict=False), 1):
        if not isinstance(weight, torch.Tensor) or weight.shape != layer.weight.shape:
            got = tuple(weight.shape) if isinstance(weight, torch.Tensor) else shown(weight)
            raise InputError(
                f"Layer {index} with weights has a weight of shape {tuple(layer.weight.shape)}, "
                f"and one of {got} is given.",
                remedy="Give its kernel, channels and groups as the weights have them",
            )
        with torch.no_grad():
            layer.weight.copy_(weight)
            if layer.bias is not None:
                layer.bias.copy_(torch.zeros(()) if bias is None else bias)
    return network


def _module(
    layer: Layer | Branches, channels: int, hidden: int | None, relu: bool
) -> tuple[nn.Module, int]:
    if isinstance(layer, Branches):
        paths = [Network(path, channels, hidden, relu) for path in layer.paths]
        ends = [path.out_channels for path in paths]
        if layer.join == "add" and len(set(ends)) > 1:
            raise InputError(
                f"{layer.name or 'add'} adds maps of {' and '.join(map(str, ends))} channels.",
                remedy="Give the branches the same out_channels",
            )
        return _Joined(paths, layer.join), sum(ends) if layer.join == "concat" else ends[0]
    if layer.kind.endswith("Pool2d"):
        return _pooling(layer), channels
    after = layer.out_channels or hidden or channels
    layer.spec.check_channels(channels, after)
    module = _convolution(layer, channels, after)
    return (nn.Sequential(module, nn.ReLU()) if relu else module), after


def _pooling(layer: Layer) -> nn.Module:
    padding = (layer.pads[0][0], layer.pads[1][0])
    if layer.kind == "AvgPool2d":
        return nn.AvgPool2d(layer.kernel_size, layer.stride, padding, layer.ceil_mode)
    return nn.MaxPool2d(
        layer.kernel_size, layer.stride, padding, layer.dilation, ceil_mode=layer.ceil_mode
    )


def _convolution(layer: Layer, before: int, after: int) -> nn.Module:
    builders: dict[str, Callable[[], nn.Module]] = {
        "Conv2d": lambda: layer.spec.to_module(before, after, layer.bias),
        "ConvTranspose2d": lambda: nn.ConvTranspose2d(
            before,
            after,
            layer.kernel_size,
            layer.stride,
            (layer.pads[0][0], layer.pads[1][0]),
            layer.output_padding,
            layer.groups,
            layer.bias,
            layer.dilation,
        ),
    }
    if layer.kind not in builders:
        raise InputError(
            f"nn.{layer.kind} gives columns, not a feature map that a layer can follow.",
            remedy="Leave it out of the stack",
        )
    return builders[layer.kind]()
