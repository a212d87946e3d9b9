"""The tensors of a weights file as layers that can be looked at."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from rfviz.conv.errors import InputError
from rfviz.conv.wording import shown
from rfviz.io.weights.biases import bias_beside, length_of
from rfviz.io.weights.layout_evidence import Decision, Seen, decided, groups_in
from rfviz.io.weights.layouts import LAYOUTS, Layout, fits, layout_named
from rfviz.io.weights.parts import Composed, composed_of
from rfviz.io.weights.surroundings import families_of, is_average, norm_after

__all__ = ["LayerEntry", "layer", "layers_of", "non_finite"]

_FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
_MAX_KERNEL = 64


class NonFinite(NamedTuple):
    """How many numbers of a tensor are NaN, and how many infinite."""

    n_nan: int
    n_infinite: int


class Beside(NamedTuple):
    """A tensor that is a layer's bias by its name: its name, how many numbers it has."""

    name: str
    length: int
    made: Composed | None = None


@dataclass(frozen=True)
class LayerEntry:
    """A tensor of a file as a layer: its shape, its bias, whether it is a 2-D convolution, and why.

    `weight_shape` is (filters, channels / groups, kernel height, kernel width) of the layer, and
    `shape` what the file has; the two differ for a kernel saved without filters or channels, and
    where `layout` is not torch's OIHW. `layouts` are those that can be asked for, `parts` the
    tensors from which the weight is computed. Stride, padding, dilation and groups are in none of
    these files. `reason` says why it is no 2-D convolution; `notes` what to know of it otherwise.
    """

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    bias: str | None
    is_conv2d: bool
    reason: str = ""
    notes: tuple[str, ...] = ()
    layout: str = "OIHW"
    layouts: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    stored_groups: int = field(default=1, repr=False)
    beside: Beside | None = field(default=None, repr=False, compare=False)
    made: Composed | None = field(default=None, repr=False, compare=False)

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(filters, channels / groups, kernel height, kernel width)."""
        if len(self.shape) == 3:
            return (self.shape[0], 1, *self.shape[1:])
        if self.layout != "OIHW":
            return LAYOUTS[self.layout].sizes(self.shape, self.stored_groups)
        filters, channels, height, width = (1,) * (4 - len(self.shape)) + self.shape
        return (filters, channels, height, width)

    @property
    def is_transposed(self) -> bool:
        """Whether it is a transposed convolution, given as the ordinary one that it equals."""
        return LAYOUTS[self.layout].transposed

    @property
    def tensor_names(self) -> tuple[str, ...]:
        """Every tensor of the file that the layer is made of, its bias's included."""
        made = self.beside.made if self.beside else None
        bias = made.parts if made else (self.bias,) if self.bias else ()
        return (*(self.parts or (self.name,)), *bias)

    def groups_for(self, picture_channels: int) -> int:
        """Groups with which the layer reads a picture of so many channels, 1 where none fit.

        >>> entry = LayerEntry("dw", (8, 1, 3, 3), torch.float32, None, True)
        >>> entry.groups_for(4), entry.groups_for(3)
        (4, 1)
        """
        filters, channels = self.weight_shape[:2]
        groups, rest = divmod(picture_channels, channels)
        return groups if groups and not rest and filters % groups == 0 else 1

    def in_layout(self, name: str) -> "LayerEntry":
        """The same tensor read in another order of axes; `InputError` names those there are.

        A matrix becomes a 1 × 1 convolution by OI or IO.

        >>> entry = layers_of({"up.weight": torch.zeros(16, 16, 2, 2)})[0]
        >>> entry.layout, entry.in_layout("OIHW").notes
        ('IOHW', ('read as (out, in / groups, height, width), OIHW, as asked',))
        """
        layout = layout_named(name, len(self.shape))
        length = self.beside.length if self.beside else None
        groups = groups_in(layout, self.shape, length)
        if not fits(layout, self.shape, groups):
            raise InputError(
                f"'{self.name}' of shape {self.shape} cannot be stored as {name} {layout.axes}.",
                remedy=f"Choose {' or '.join(self.layouts)}",
            )
        kept = self.notes if self.is_conv2d else ()
        notes = tuple(note for note in kept if note not in _layout_notes(self))
        asked = Decision(layout, groups, ("as asked",), ())
        plain = replace(self, is_conv2d=True, reason="", notes=notes, bias=None)
        return _laid_out(plain, asked)


def _check_tensors(tensors: object) -> None:
    if not isinstance(tensors, Mapping):
        raise InputError(
            f"Layers are found among tensors by their names, {{name: tensor}}, got "
            f"{type(tensors).__name__}.",
            remedy="Give load_weights(...), or model.state_dict()",
        )
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise InputError(
                f"Layers are found among tensors by their names, got {shown(name)} with a "
                f"{type(tensor).__name__} that is no tensor."
                if isinstance(name, str)
                else f"The names of tensors are text, got {shown(name)}."
            )


def layers_of(tensors: Mapping[str, Tensor]) -> list[LayerEntry]:
    """Every tensor but biases and parts of others as a `LayerEntry`, in their order.

    Weights that a wrapper stores in parts (weight and spectral normalisation, pruning, quantised
    numbers with their scale, LoRA with its alpha) are found as the weight that torch computes; what
    cannot be computed is no layer, and its `reason` says what is missing. The order of the axes is
    decided by what the file says, and told in the notes; `layer(tensors, entry, layout=...)`
    changes it.

    >>> tensors = {"0.weight": torch.zeros(8, 3, 5, 5), "0.bias": torch.zeros(8)}
    >>> [(entry.name, entry.bias, entry.is_conv2d) for entry in layers_of(tensors)]
    [('0.weight', '0.bias', True)]
    """
    _check_tensors(tensors)
    found = composed_of(tensors)
    used = _used(tensors, found.composed, found.part_of)
    beside = {name: _beside(name, used, found.composed) for name in used}
    four = [name for name, tensor in used.items() if tensor.dim() == 4]
    near = _seen(four, used, beside)
    decisions = dict(zip(four, decided(near, families_of(used)), strict=True))
    entries = {
        name: _entry(
            name, tensor, beside[name], found.composed.get(name), decisions.get(name),
            alone=len(tensors) == 1,
        )
        for name, tensor in used.items()
    }  # fmt: skip
    taken = {entry.bias for entry in entries.values() if entry.bias is not None}
    return [entry for name, entry in entries.items() if name not in taken]


def layer(
    tensors: Mapping[str, Tensor], entry: LayerEntry, layout: str | None = None
) -> tuple[Tensor, Tensor | None]:
    """Return (weight, bias) of a 2-D convolution: (F, C / groups, kh, kw) and (F,), of one type.

    The weight is computed where the file holds it in parts. `layout` reads the axes in another
    order than `entry.layout`: OIHW (torch), HWIO and HWIM (TensorFlow, HWIM depthwise), OHWI and
    1HWO (TFLite), IOHW and HWOI (transposed convolutions: the ordinary one that each equals on its
    input spread by the stride), OI and IO (a matrix as 1 × 1). Whole numbers become float32, as
    does a bias of another type than its weight's become that. `InputError` with the reason where
    the layer is no 2-D convolution.

    >>> tensors = {"sobel": torch.tensor([[1, 0, -1], [2, 0, -2], [1, 0, -1]])}
    >>> layer(tensors, layers_of(tensors)[0])[0].shape
    torch.Size([1, 1, 3, 3])
    >>> tensors = {"kernel": torch.zeros(3, 3, 8, 32)}
    >>> [layer(tensors, layers_of(tensors)[0], each)[0].shape[:2] for each in ("HWIO", "HWIM")]
    [torch.Size([32, 8]), torch.Size([256, 1])]
    """
    if layout is not None and not (entry.is_conv2d and entry.layout == layout):
        entry = _asked(entry, layout)
    if not entry.is_conv2d:
        names = [other.name for other in layers_of(tensors) if other.is_conv2d]
        remedy = f"Choose {', '.join(names[:8])}" if names else "Choose another file"
        what = f"'{entry.name}' is no 2-D convolution: {entry.reason}."
        raise InputError(what, remedy=remedy)
    weight = _values(tensors, entry.name, entry.made)
    weight = weight if weight.dtype in _FLOATS else weight.float()
    if entry.layout == "OIHW":
        weight = weight.reshape(entry.weight_shape)
    else:
        weight = LAYOUTS[entry.layout].convert(weight, entry.stored_groups)
    if entry.bias is None:
        return weight, None
    made = entry.beside.made if entry.beside else None
    return weight, _values(tensors, entry.bias, made).to(weight.dtype).flatten()


def non_finite(tensors: Mapping[str, Tensor]) -> dict[str, NonFinite]:
    """How many NaN and infinities each tensor holds, for those that hold any.

    >>> non_finite({"weight": torch.tensor([1.0, torch.nan]), "bias": torch.zeros(2)})
    {'weight': NonFinite(n_nan=1, n_infinite=0)}
    """
    counts = {
        name: NonFinite(int(tensor.isnan().sum()), int(tensor.isinf().sum()))
        for name, tensor in tensors.items()
        if tensor.dtype in _FLOATS
    }
    return {name: count for name, count in counts.items() if any(count)}


def _asked(entry: LayerEntry, layout: str) -> LayerEntry:
    """The entry in a layout that was asked for, unless it lacks more than an order of axes."""
    if entry.made is not None and entry.made.missing:
        return entry
    return entry.in_layout(layout)


def _values(tensors: Mapping[str, Tensor], name: str, made: Composed | None) -> Tensor:
    if made is not None and made.compute is not None:
        return made.compute().detach()
    tensor = tensors[name]
    return tensor.dequantize() if tensor.is_quantized else tensor


def _used(
    tensors: Mapping[str, Tensor], composed: Mapping[str, Composed], part_of: Mapping[str, str]
) -> dict[str, Tensor]:
    """Tensors as the network uses them, composed ones where their first part stands.

    A composed one is empty and only has its shape and type here.
    """
    at = {one.parts[0]: one for one in composed.values()}
    used: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name in at:
            one = at[name]
            used[one.name] = torch.empty(one.shape, dtype=one.dtype, device="meta")
        elif name not in part_of and name not in composed:
            used[name] = tensor
    return used


def _beside(
    name: str, used: Mapping[str, Tensor], composed: Mapping[str, Composed]
) -> Beside | None:
    if used[name].dim() < 2:
        return None
    bias = bias_beside(name, used)
    length = None if bias is None else length_of(used[bias])
    if bias is None or length is None:
        return None
    made = composed.get(bias)
    return None if made is not None and made.missing else Beside(bias, length, made)


def _seen(
    four: Sequence[str], used: Mapping[str, Tensor], beside: Mapping[str, Beside | None]
) -> list[Seen]:
    names = list(used)
    at = {name: index for index, name in enumerate(names)}
    found = []
    for name in four:
        bias, length, _ = beside[name] or (None, None, None)
        norm = norm_after(name, _after(names, at[name]), used, bias)
        found.append(Seen(name, tuple(used[name].shape), length, norm))
    return found


def _after(names: Sequence[str], index: int) -> Iterator[str]:
    return (names[later] for later in range(index + 1, len(names)))


def _entry(
    name: str,
    tensor: Tensor,
    beside: Beside | None,
    made: Composed | None,
    decision: Decision | None,
    *,
    alone: bool,
) -> LayerEntry:
    shape = tuple(tensor.shape)
    entry = LayerEntry(
        name, shape, tensor.dtype, None, False, beside=beside, made=made,
        parts=made.parts if made else (),
    )  # fmt: skip
    is_kernel = alone and len(shape) in {2, 3} and max(shape[-2:], default=0) <= _MAX_KERNEL
    reason = made.missing if made and made.missing else _reason(shape, tensor, is_kernel)
    if reason:
        fitting = beside is not None and beside.length in shape
        return replace(
            entry, reason=reason, bias=beside.name if beside is not None and fitting else None
        )
    entry = replace(entry, is_conv2d=True, notes=_notes(name, tensor, made))
    if decision is not None:
        return _laid_out(entry, decision)
    filters = f"read as {1 if len(shape) == 2 else shape[0]} filters of one channel"
    return replace(entry, notes=(filters, *entry.notes))


def _notes(name: str, tensor: Tensor, made: Composed | None) -> tuple[str, ...]:
    notes = []
    if made is not None:
        notes.append(f"computed from {', '.join(made.parts)}, {made.how}")
    elif tensor.dtype not in _FLOATS:
        scale = "" if tensor.is_quantized else "; no scale of its own stands beside it"
        notes.append(f"{tensor.dtype} in the file, float32 here{scale}")
    if is_average(name):
        notes.append("by its name an averaged copy (EMA) of a weight")
    return tuple(notes)


def _laid_out(entry: LayerEntry, decision: Decision) -> LayerEntry:
    """The entry in a layout, its bias kept where it has one number for each filter."""
    layout, shape = decision.layout, entry.shape
    names = tuple(
        each.name for each in LAYOUTS.values()
        if fits(each, shape, groups_in(each, shape, entry.beside and entry.beside.length))
    )  # fmt: skip
    laid = replace(entry, layout=layout.name, layouts=names, stored_groups=decision.groups)
    filters, channels, height, width = laid.weight_shape
    notes = [*_layout_note(decision)]
    beside = laid.beside
    bias = beside.name if beside is not None and beside.length == filters else None
    if beside is not None and bias is None:
        notes.append(
            f"'{beside.name}' has {beside.length:,} numbers and the layer {filters:,} filters: it "
            "is left out"
        )
    if channels == 1 and filters > 1 and height * width > 1:
        notes.append(f"depthwise with groups {filters}, or a layer for grey pictures")
    return replace(laid, bias=bias, notes=(*laid.notes, *notes))


def _layout_note(decision: Decision) -> list[str]:
    layout = decision.layout
    notes = []
    if decision.reasons == ("as asked",):
        notes.append(f"read as {_axes(layout)}, as asked")
    elif layout.name != "OIHW":
        why = ", ".join(decision.reasons) or "the size of its kernel"
        notes.append(f"read as {_axes(layout)}: {why}")
    if layout.transposed:
        groups = f"groups {decision.groups}" if decision.groups > 1 else "one group"
        notes.append(
            f"shown as the convolution that it equals, flipped, in and out swapped, {groups}: on "
            "the input spread by its stride, with padding kernel - 1 - padding"
        )
    if decision.others:
        others = " or ".join(_axes(each) for each in decision.others)
        notes.append(f"read as {_axes(layout)}; by its shape it could be {others}")
    return notes


def _axes(layout: Layout) -> str:
    return f"{layout.axes}, {layout.name}"


def _layout_notes(entry: LayerEntry) -> tuple[str, ...]:
    """Those of an entry's notes that speak of its layout, its bias or its depth."""
    starts = ("read as ", "shown as the convolution", "depthwise with", "'")
    return tuple(note for note in entry.notes if note.startswith(starts))


def _reason(shape: tuple[int, ...], tensor: Tensor, is_kernel: bool) -> str:
    if 0 in shape:
        return f"its shape {shape} holds no numbers"
    if tensor.dtype not in _FLOATS and (tensor.is_floating_point() or tensor.dtype == torch.bool):
        return f"its type {tensor.dtype} has too few values to compute with"
    if len(shape) == 4 or is_kernel:
        return ""
    kinds = {
        0: "a single number, such as a counter",
        1: "one number a channel, a bias or a normalisation",
        2: "a matrix, a fully connected layer or an embedding",
        3: "three dimensions, a 1-D convolution",
        5: "five dimensions, a 3-D convolution",
    }
    return f"its shape {shape} has {kinds.get(len(shape), f'{len(shape)} dimensions')}"
