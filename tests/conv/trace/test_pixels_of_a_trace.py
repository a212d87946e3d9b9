"""Pixels that change a unit of a traced network, against its gradients at every unit."""

import torch
from torch import Tensor, nn

from rfviz import trace


class Fire(nn.Module):
    """SqueezeNet's module, whose second branch pads."""

    def __init__(self, reads: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(reads, 2, 1)
        self.small, self.wide = nn.Conv2d(2, 3, 1), nn.Conv2d(2, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x)
        return torch.cat([self.small(x), self.wide(x)], 1)


def pool() -> nn.Module:
    return nn.AvgPool2d(3, 2, ceil_mode=True)


def test_pixels_of_every_unit_are_those_with_a_gradient_where_the_box_holds_padding() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2), pool(), Fire(4), Fire(6), pool(), Fire(6)).double()
    picture = torch.randn(1, 3, 64, 59, dtype=torch.double, requires_grad=True)
    last, output = trace(net.eval(), (3, 64, 59))[-1], net(picture)
    n_padded = 0
    for unit in torch.cartesian_prod(*map(torch.arange, output.shape[2:])).tolist():
        value = output[0, :, unit[0], unit[1]].sum()
        (gradient,) = torch.autograd.grad(value, picture, retain_graph=True)
        places = gradient[0].abs().sum(0).nonzero()
        found = last.pixels(unit)
        assert [found.rows[0], found.columns[0]] == places.amin(0).tolist()
        assert [found.rows[-1], found.columns[-1]] == places.amax(0).tolist()
        n_padded += found != last.region(unit)
    assert n_padded == 43
