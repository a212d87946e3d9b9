"""What a step costs: the parameters that it reads, and the products that it adds up.

A multiply-add is one product that is added to a sum, for one picture; biases, pooling and what
works element by element count for none, as in torch's `FlopCounterMode`, which says two for each.
"""

from math import prod
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from rfviz.conv.trace.call_names import ATTENTIONS
from rfviz.conv.trace.calls import Call, tensors_in

# Where the two matrices of a product stand among its arguments.
PRODUCTS = MappingProxyType({
    "mm": ("self", "mat2"), "addmm": ("mat1", "mat2"), "bmm": ("self", "mat2"),
    "baddbmm": ("batch1", "batch2"), "mv": ("self", "vec"), "addmv": ("mat", "vec"),
    "dot": ("self", "tensor"), "vdot": ("self", "other"),
})  # fmt: skip


class Costs:
    """Keeps which parameters each tensor is made of, and how many products have been added up."""

    def __init__(self, module: nn.Module) -> None:
        """Know the parameters, and nothing made of them."""
        self._sizes = {id(each): each.numel() for each in module.parameters()}
        self.learned = {one: frozenset([one]) for one in self._sizes}
        self.multiply_adds = 0

    def remember(self, call: Call, outputs: list[torch.Tensor]) -> None:
        """Count a call, and keep what is made of parameters alone."""
        self.multiply_adds += multiply_adds(call, outputs)
        inputs = list(tensors_in(call.given))
        if inputs and all(id(t) in self.learned for t in inputs):
            made_of = frozenset().union(*(self.learned[id(t)] for t in inputs))
            self.learned.update((id(t), made_of) for t in outputs)

    def parameters(self, call: Call) -> int:
        """Return how many parameters a call reads: those also that its weight is computed from."""
        read = (self.learned.get(id(t), frozenset()) for t in tensors_in(call.given))
        return sum(self._sizes[one] for one in frozenset[int]().union(*read))


def multiply_adds(call: Call, outputs: list[torch.Tensor]) -> int:
    """Return the products that a call adds up.

    >>> args = {"self": torch.zeros(2, 3), "mat2": torch.zeros(3, 4)}
    >>> multiply_adds(Call(None, "mm", args, {}), [torch.zeros(2, 4)])
    24
    """
    given = call.given
    if call.name == "convolution":
        # Of a transposed convolution every input meets the kernel once, of another every output.
        meets = given["input"] if given["transposed"] else outputs[0]
        return int(meets.numel() * prod(given["weight"].shape[1:]))
    if call.name in ATTENTIONS:
        return _attention(given)
    if call.name == "linear":
        return outputs[0].numel() * int(given["weight"].shape[-1])
    if call.name not in PRODUCTS:
        return 0
    first, _ = (given[name] for name in PRODUCTS[call.name])
    return (outputs[0].numel() if outputs else 1) * int(first.shape[-1])


def _attention(given: dict[str, Any]) -> int:
    """Queries times keys, then weights times values."""
    query, key, value = (given[name] for name in ("query", "key", "value"))
    return int(prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1]))
