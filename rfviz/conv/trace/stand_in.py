"""What a layer of another operator reads, as steps of torch that a trace follows.

Its own steps would say less: an operator is any function of receptive fields, and the matrix of
them has neither rows nor columns. So steps that read the same pixels stand for it: a convolution
where its taps lie, and beside it what its guide and its maps read.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from rfviz.conv.errors import InputError
from rfviz.conv.im2col.reads import axis_sources
from rfviz.conv.operators.given import batch_mask, check_guide
from rfviz.conv.operators.module import OperatorConv2d
from rfviz.conv.operators.of_batch import BatchOperator
from rfviz.conv.operators.published import causal
from rfviz.conv.operators.sampled import moved_inside, tap_coordinates
from rfviz.conv.spec.padding_modes import Pair, torch_mode
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.trace.calls import Call, arguments, name_of_call
from rfviz.conv.trace.costs import multiply_adds
from rfviz.conv.trace.followed import Followed, Standing

Result = torch.Tensor | tuple[torch.Tensor, torch.Tensor]


class StandIn:
    """Stands for a layer of another operator; `products` are the multiply-adds of its last run."""

    def __init__(self, layer: OperatorConv2d) -> None:
        """Know the layer, whose tensors hold no numbers, and what each output of it costs."""
        self._layer = layer
        self._filters = int(layer.weight.shape[0])
        self._per_output = products_per_output(layer)
        self.in_channels = int(layer.weight.shape[1]) * layer.spec.groups
        self.products = 0

    def forward(
        self,
        image: torch.Tensor,
        mask: torch.Tensor | None = None,
        guide: torch.Tensor | None = None,
        return_mask: bool = False,
        **maps: torch.Tensor,
    ) -> Result:
        """Read what `OperatorConv2d.forward` reads."""
        layer, reads = self._layer, self._layer.operator.reads
        batch = image if image.ndim == 4 else image[None]
        read, known = batch, None
        if mask is not None or return_mask:
            if not layer.operator.reads_mask:
                raise InputError(f"Operator '{layer.operator.name}' reads no mask.")
            whole = batch_mask(mask, batch)
            known = self._slid(whole, self._weight()) if return_mask else None
            read = batch if mask is None else batch * whole
        parts = [] if reads.sampled else [self._fields(read)]
        found = self._maps(batch, maps)
        parts = [self._sampled(read, found)] if reads.sampled else parts + found
        if guide is not None and reads.guide:
            check_guide(guide, batch)
            other = guide if guide.ndim == 4 else guide[None]
            parts.append(self._slid(other, self._new(other.shape[1], *layer.spec.kernel_size), 1))
        out = parts[0]
        if len(parts) > 1:
            together = torch.cat(parts, 1)
            out = F.conv2d(together, self._new(together.shape[1], 1, 1))
        per_output = self._per_output + sum(
            each.weight.numel()
            for name, each in layer.predicts.items()
            if name not in maps and isinstance(each, nn.Conv2d)
        )
        self.products = per_output * out.shape[0] * prod(out.shape[2:])
        found = [each if image.ndim == 4 else each[0] for each in (out, known) if each is not None]
        return (found[0], found[1]) if return_mask else found[0]

    def said(self, known: Followed) -> Followed:
        """Give what is sampled the operator's own reason."""
        why = f"{self._layer.operator.name} looks where its offsets tell it to"
        return replace(known, standing=Standing("depends on data", why))

    def _maps(self, batch: torch.Tensor, maps: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """The maps, each given or found by its convolution; refused where the layer refuses."""
        layer = self._layer
        size: Pair = (batch.shape[2], batch.shape[3])
        work = BatchOperator(layer.operator, layer.values, layer.spec, size)
        tensors = layer.tensors_of(work, batch, maps)
        return [tensors[name] for name in work.map_names()]

    def _fields(self, batch: torch.Tensor) -> torch.Tensor:
        """Read receptive fields where the operator has them."""
        if self._layer.operator.reads.inside:
            return self._moved_inside(batch)
        taps = self._first_taps()
        return self._slid(batch, self._weight()) if taps is None else self._corner(batch, taps)

    def _slid(
        self, picture: torch.Tensor, weight: torch.Tensor, groups: int | None = None
    ) -> torch.Tensor:
        spec = self._layer.spec
        (top, bottom), (left, right) = spec.pads
        plain = spec.padding_mode == "zeros" and (top, left) == (bottom, right)
        read = picture if plain else self._padded(picture)
        pads = (top, left) if plain else (0, 0)
        n_groups = spec.groups if groups is None else groups
        return F.conv2d(read, weight, None, spec.stride, pads, spec.dilation, n_groups)

    def _padded(self, picture: torch.Tensor) -> torch.Tensor:
        (top, bottom), (left, right) = self._layer.spec.pads
        if not any((top, bottom, left, right)):
            return picture
        mode = torch_mode(self._layer.spec.padding_mode)
        return F.pad(picture, (left, right, top, bottom), mode=mode)

    def _first_taps(self) -> Pair | None:
        """Rows and columns of the kernel that a causal convolution reads; None where it is all."""
        layer = self._layer
        if layer.operator.function is not causal:
            return None
        height, width = layer.spec.kernel_size
        n_taps = height // 2 * width + width // 2 + int(layer.values["include_middle"])
        # A kernel of one tap before its middle has none: all of it is the bound that can be given.
        return (-(-n_taps // width), min(n_taps, width)) if n_taps else None

    def _corner(self, batch: torch.Tensor, taps: Pair) -> torch.Tensor:
        """A convolution of the first rows and columns of each receptive field alone."""
        spec = self._layer.spec
        size = spec.output_size((batch.shape[2], batch.shape[3]))
        down, across = (
            (n - 1) * stride + (n_taps - 1) * step + 1
            for n, stride, n_taps, step in zip(
                size, spec.stride, taps, spec.dilation, strict=True
            )
        )  # fmt: skip
        part = self._padded(batch)[:, :, :down, :across]
        weight = self._new(self._layer.weight.shape[1], *taps)
        return F.conv2d(part, weight, None, spec.stride, 0, spec.dilation, spec.groups)

    def _moved_inside(self, batch: torch.Tensor) -> torch.Tensor:
        """Lay the windows side by side where they have been moved to, and read each as a whole."""
        spec, size = self._layer.spec, (batch.shape[2], batch.shape[3])
        high, wide = spec.output_size(size)
        sources = axis_sources(size, spec)
        taps = (
            moved_inside(tap_coordinates(spec, range(high), 1), spec, size)[0],
            moved_inside(tap_coordinates(spec, range(1), wide), spec, size)[1],
        )
        by_axis = (
            taps[0].view(*spec.kernel_size, high)[:, 0],
            taps[1].view(*spec.kernel_size, wide)[0],
        )
        laid, n_taps = batch, []
        for axis, coordinates in enumerate(by_axis):
            places = coordinates - spec.pads[axis][0]
            if self._layer.operator.reads.query:
                places = torch.cat([places, self._middles(sources[axis], places, axis)])
            # On the processor, where an index has numbers that say what is read.
            laid = laid.index_select(2 + axis, places.T.flatten())
            n_taps.append(len(places))
        windows = laid.view(*laid.shape[:2], high, n_taps[0], wide, n_taps[1])
        weight = self._new(self._layer.weight.shape[1], 1, 1)
        return F.conv2d(windows.mean((3, 5)), weight, groups=spec.groups)

    def _middles(self, sources: torch.Tensor, places: torch.Tensor, axis: int) -> torch.Tensor:
        """The place of each query, which is not moved; one in padding of zeros adds none."""
        spec = self._layer.spec
        first = spec.kernel_size[axis] // 2 * spec.dilation[axis]
        middles = sources[first + torch.arange(places.shape[1]) * spec.stride[axis]]
        return middles.where(middles >= 0, places[0])[None]

    def _sampled(self, batch: torch.Tensor, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """Values between pixels, of which maps say where and how much of each."""
        where = torch.stack([each.mean(1) for each in maps], -1).mean(-1, keepdim=True)
        taken = F.grid_sample(batch, where.expand(-1, -1, -1, 2), align_corners=False)
        weight = self._new(self._layer.weight.shape[1], 1, 1)
        return F.conv2d(taken, weight, groups=self._layer.spec.groups)

    def _weight(self) -> torch.Tensor:
        """The layer's own, or one of a weight for each output."""
        weight = self._layer.weight
        return weight if weight.ndim == 4 else self._new(*weight.shape[1:4])

    def _new(self, *shape: int) -> nn.Parameter:
        """A weight of all filters: learned, so that no zeros in it hide what is read."""
        empty = torch.empty(
            self._filters, *shape, dtype=self._layer.weight.dtype, device="meta"
        )  # fmt: skip
        return nn.Parameter(empty, requires_grad=False)


def products_per_output(layer: OperatorConv2d) -> int:
    """Return the products that the operator adds up for one output of all filters.

    Counted on receptive fields without numbers; those of a convolution where its function asks for
    numbers.

    >>> products_per_output(OperatorConv2d("gated", Conv2dSpec(3), 2, 4))
    144
    """
    spec = layer.spec
    one = Conv2dSpec(spec.kernel_size, dilation=spec.dilation, groups=spec.groups)
    # Room for windows of all dilations; two columns, since products of one are made otherwise.
    sides = [n * step for n, step in zip(spec.kernel_size, spec.dilation, strict=True)]
    size: Pair = (sides[0], sides[1] + 1)
    n_outputs = one.output_size(size)
    work = BatchOperator(layer.operator, layer.values, one, size)
    weight = layer.weight.detach().to("meta")
    if weight.ndim == 6:
        weight = weight.new_empty(*weight.shape[:4], *n_outputs)
    image = weight.new_empty(1, weight.shape[1] * spec.groups, *size)
    reads, sizes = layer.operator.reads, work.sizes(weight)
    tensors = {name: each.detach().to("meta") for name, each in layer.learned.items()}
    tensors |= {m.name: weight.new_empty(1, m.n_channels(sizes), *n_outputs) for m in reads.maps}
    asked = {"guide": reads.guide, "mask": layer.operator.reads_mask}
    pictures = {"image": image, **{name: image for name, is_read in asked.items() if is_read}}
    try:
        with torch.no_grad(), _Products() as counted:
            work.whole(pictures, {"weight": weight, **tensors})
    except (InputError, RuntimeError):
        return int(prod(weight.shape[:4]))
    return int(counted.total) // prod(n_outputs)


class _Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the products that are added up."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total: int = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        result = func(*args, **given)
        outputs = [result] if isinstance(result, torch.Tensor) else []
        call = Call(func, name_of_call(func), arguments(func, args, given), {})
        self.total += multiply_adds(call, outputs)
        return result
