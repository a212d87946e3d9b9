"""The geometry of any `nn.Module`, by watching what it calls on tensors that hold no numbers.

The module is copied to the meta device, where a picture has a shape and no pixels, and run once
there. A `TorchDispatchMode` sees every operator that runs, whoever calls it: a layer, a function, a
method, a slice. So residuals, attention, and control flow that depends on shapes are followed; what
depends on pixel values cannot be. What each operator does: `rfviz.conv.trace.rules`.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from rfviz.conv.errors import InputError
from rfviz.conv.receptive_field.axis_map import PICTURE
from rfviz.conv.receptive_field.stack import input_geometry
from rfviz.conv.spec.padding_modes import Pair
from rfviz.conv.spec.parse import whole_number
from rfviz.conv.trace.activations import NamedModules, Place
from rfviz.conv.trace.aliases import Aliases
from rfviz.conv.trace.call_names import FACTORIES
from rfviz.conv.trace.calls import (
    Call,
    arguments,
    blank,
    follow_call,
    name_of_call,
    tensors_in,
    word_of_call,
)
from rfviz.conv.trace.costs import Costs, multiply_adds
from rfviz.conv.trace.followed import Followed
from rfviz.conv.trace.hulls import axis_hull
from rfviz.conv.trace.remedies import Trials, mended
from rfviz.conv.trace.rows import channels_of, n_channels, row_of, shown_axes
from rfviz.conv.trace.rules import rule_of
from rfviz.conv.trace.running import (
    REFUSALS,
    asks_for_numbers,
    cannot_follow,
    run,
    stand_in_of,
    without_numbers,
    without_values,
)
from rfviz.conv.trace.table import TracedLayer, TraceTable
from rfviz.conv.trace.windows import checked
from rfviz.conv.wording import shown

# Nothing is stored but a number for each row and column; torch counts bytes in 64 bits.
MOST_PIXELS = 2**40
MOST_ROWS = 2**20


def trace(module: nn.Module, input_size: object) -> TraceTable:
    """Return a row for each layer of a module on a (H, W) or (C, H, W) picture, in order.

    Every convolution that torch runs has an entry, and so have pooling, unfold, padding, resizing,
    the joins of branches, and steps that read all rows or columns: sums, attention, statistics of
    normalisation. Pointwise layers have none. `output_size` counts units along the rows and the
    columns of the picture, wherever the module keeps them. `standing` and `reason` say where a
    field is no more than an upper bound; kind, channels, parameters, multiply-adds and projective
    field are those of `TracedLayer`. `print` writes the table, and `activations` of a row gives
    what the layer makes of a picture. The module is not changed and no weight is copied. For
    (H, W) the channels are those of its first layer. Raises `InputError` naming the module for what
    cannot be run without numbers; what does not fit has remedies that were tried on the whole.
    Source: Araujo, Norris & Sim, Distill 2019.

    >>> block = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    >>> [(g.name, g.receptive_field) for g in trace(block, (8, 8))]
    [('0', (3, 3)), ('2', (4, 4))]
    """
    if not isinstance(module, nn.Module):
        raise InputError(
            f"rfviz.trace follows an nn.Module, got {type(module).__name__}.",
            remedy="Use rfviz.stack_geometry for a list of layers",
        )
    n_channels, size = _picture(input_size, module)
    watched = without_numbers(module)
    # A picture of the module's own type of numbers; torch refuses to mix two.
    types = (value.dtype for value in module.parameters() if value.dtype.is_floating_point)
    picture = torch.empty(
        1, n_channels, *size, device="meta", dtype=next(types, torch.get_default_dtype())
    )
    watch = _Watch(picture, size, watched, module)
    with watch.naming(watched), torch.no_grad(), watch:
        try:
            output = watched(picture)
        except InputError as error:
            refusal = error
        except REFUSALS as error:
            refusal = cannot_follow(watch.where, error)
            if asks_for_numbers(error):
                raise refusal from None
        else:
            n_parameters = sum(each.numel() for each in module.parameters())
            return TraceTable(watch.rows(output), n_parameters, watch.costs.multiply_adds)
    raise mended(refusal, watch.layer, Trials(module, picture))


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps, for each tensor that comes from the picture, what its elements read."""

    def __init__(
        self, picture: torch.Tensor, size: Pair, watched: nn.Module, module: nn.Module
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._found: list[TracedLayer] = []
        self._size = size
        self._module = module
        self._modules = dict(watched.named_modules())
        self._names = NamedModules()
        # For each module that runs: how many rows and multiply-adds there were before.
        self._begun: list[tuple[int, int]] = []
        self._turns: Counter[tuple[str, str]] = Counter()
        self.costs = Costs(watched)
        self._aliases = Aliases()
        pixels = (axis_hull(size[0], 2, 4), axis_hull(size[1], 3, 4))
        shape = tuple(picture.shape)
        self._aliases.keep(picture, Followed(shape, pixels, (2, 3), (PICTURE, PICTURE)))

    @property
    def where(self) -> str:
        """Name of the innermost module that is running, as a sentence says it."""
        return self.layer or "the module itself"

    @property
    def layer(self) -> str:
        """Name of the innermost module that is running, empty for the whole."""
        return self._names.innermost

    def rows(self, output: object) -> list[TracedLayer]:
        """Return the rows, with one for the output where none of them is it."""
        known = [one for t in tensors_in(output) if (one := self._aliases.known.get(id(t)))]
        last = [self._output_row(one) for one in known[:1]]
        if not self._found and not last:
            return [TracedLayer(**vars(replace(input_geometry(self._size), name="output")))]
        held = {(row.output_size, row.fields) for row in self._found}
        return self._found + [row for row in last if (row.output_size, row.fields) not in held]

    def _output_row(self, known: Followed) -> TracedLayer:
        place = Place("", "", 0, known.n_dims, shown_axes(known))
        row = row_of(known, "output", self._size)
        return replace(
            row, kind="output", out_channels=n_channels(known), module=self._module, place=place
        )

    def naming(self, watched: nn.Module) -> AbstractContextManager[None]:
        """Keep the name of the module that runs, by hooks on the copy."""
        return self._names.watching(watched, self._enter, self._leave)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the operator, and follow it where it takes a tensor that is known."""
        given = kwargs or {}
        name = name_of_call(func)
        named = arguments(func, args, given)
        call = Call(func, name, named, self._aliases.known, self.costs.learned)
        followed = bool(call.inputs) and name not in FACTORIES
        if name == "convolution":
            self._explained(call)
        result = run(func, args, given)
        outputs = [t for t in tensors_in(result) if isinstance(t, torch.Tensor)]
        self._aliases.viewed(call, outputs)
        self.costs.remember(call, outputs)
        self._aliases.hold(outputs)
        if name == "convolution" and not followed:
            self._keep_convolution(call, outputs[0])
        elif followed and outputs:
            self._follow(call, outputs)
        elif not followed and name not in FACTORIES:
            self._aliases.overwritten(func, named, [blank(t) for t in outputs])
        self._turns[self._names.innermost, name] += 1
        return without_values(result) if name in FACTORIES else result

    def _follow(self, call: Call, outputs: list[torch.Tensor]) -> None:
        found = follow_call(call, rule_of(call.func, call.name), outputs)
        if call.name == "grid_sampler_2d":
            stand_in = stand_in_of(self._modules[self._names.innermost])
            found = found if stand_in is None else [stand_in.said(one) for one in found]
        for tensor, known in zip(outputs, found, strict=True):
            self._aliases.keep(tensor, known)
        self._aliases.overwritten(call.func, call.given, found)
        if found[0].entry:
            self._enter_row(call, found[0], outputs)

    def _keep_convolution(self, call: Call, output: torch.Tensor) -> None:
        """A convolution of constants, or of what no pixel reaches, has a row too."""
        known = replace(blank(output), note="it reads no pixel of the picture", entry="layer")
        self._enter_row(call, known, [output])

    def _enter_row(self, call: Call, known: Followed, outputs: list[torch.Tensor]) -> None:
        word = _word(call)
        module = self._names.innermost
        # A convolution that pads by itself first, as in reflect mode, has one row for each step.
        whole = known.entry == "layer" and word != "pad"
        words = module if whole and module else ".".join(filter(None, (module, word)))
        inner = self._modules[module]
        # Torch's own layers are kinds; a step in the body of another module goes by its name.
        own = whole and type(inner).__module__.startswith(("torch.nn.modules.", "rfviz."))
        row = row_of(known, words, self._size, word)
        channels = channels_of(call, known)
        self._found.append(
            replace(
                row,
                kind=type(inner).__name__ if own else word,
                in_channels=channels[0],
                out_channels=channels[1],
                parameters=self.costs.parameters(call),
                multiply_adds=multiply_adds(call, outputs),
                module=self._module,
                place=self._place(call, known),
            )
        )

    def _place(self, call: Call, known: Followed) -> Place:
        """Where the row is found again when the module runs on numbers."""
        module = self._names.innermost
        axes = shown_axes(known)
        return Place(module, call.name, self._turns[module, call.name], known.n_dims, axes)

    def _explained(self, call: Call) -> None:
        """Our own explanation comes before torch's, which would name no module."""
        try:
            checked(call)
        except InputError as error:
            raise InputError(f"At {self.where}: {error.what}", error.remedies) from None

    def _enter(self, _: str) -> None:
        self._begun.append((len(self._found), self.costs.multiply_adds))

    def _leave(self, name: str, module: nn.Module, _: object) -> None:
        """Leave a module; a layer that takes several steps here keeps its last row alone."""
        begun, before = self._begun.pop()
        inside = self._found[begun:]
        turn = self._turns[name, ""]
        self._turns[name, ""] += 1
        stand_in = stand_in_of(module)
        if stand_in is not None:
            # Its own steps are others than those that stand for it here, and so are its products.
            self.costs.multiply_adds = before + stand_in.products
        if inside and (stand_in is not None or (len(inside) > 2 and _is_layer(module))):
            last = inside[-1]
            place = last.place and last.place._replace(module=name, call="", turn=turn)
            first = inside[0].in_channels if stand_in is None else stand_in.in_channels
            whole = replace(
                last,
                name=name or last.name,
                kind=type(module).__name__,
                in_channels=first,
                parameters=sum(each.numel() for each in module.parameters()),
                multiply_adds=self.costs.multiply_adds - before,
                place=place,
            )
            self._found[begun:] = [whole]


def _word(call: Call) -> str:
    if call.name != "convolution":
        return word_of_call(call.name)
    transposed = "_transpose" if call.given["transposed"] else ""
    return f"conv{transposed}{len(call.given['stride'])}d"


def _is_layer(module: nn.Module) -> bool:
    """Whether a module is one of torch's own that hold no convolution."""
    own = type(module).__module__
    return own.startswith("torch.nn.modules.") and own.split(".")[-1] in {"rnn", "activation"}


def _picture(input_size: object, module: nn.Module) -> tuple[int, Pair]:
    """Return the channels and (height, width) that were asked for."""
    parts = list(input_size) if isinstance(input_size, Sequence) else []
    try:
        lengths = [whole_number("picture size", part, least=1) for part in parts]
    except InputError:
        lengths = []
    if len(lengths) not in {2, 3}:
        raise InputError(
            f"A picture's size is (height, width) or (channels, height, width), each at least 1, "
            f"got {shown(input_size)}.",
            remedy="Give its size as (height, width)",
        )
    height, width = lengths[-2:]
    n_channels = lengths[0] if len(lengths) == 3 else _first_channels(module)
    if n_channels * height * width > MOST_PIXELS or max(height, width) > MOST_ROWS:
        raise InputError(
            f"A picture of {n_channels} × {height} × {width} is too large to follow.",
            remedy="Use a smaller picture",
        )
    return n_channels, (height, width)


def _first_channels(module: nn.Module) -> int:
    for inner in module.modules():
        for field in ("in_channels", "num_features", "num_channels"):
            value = getattr(inner, field, None)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return 1
