"""What a layer of a traced module gives of a picture: the module run again, on real numbers."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from rfviz.conv.errors import InputError
from rfviz.conv.spec.check_picture import check_dimensions
from rfviz.conv.trace.calls import name_of_call, tensors_in
from rfviz.conv.trace.running import REFUSALS


class Place(NamedTuple):
    """Where a row's tensor is made: the n-th call of an operator by a module.

    An empty `call` is what the module itself returns. `axes` are the dimensions of its rows and
    columns, None where it has none.
    """

    module: str
    call: str
    turn: int
    n_dims: int
    axes: tuple[int | None, int | None]


class NamedModules:
    """Knows which module runs, by hooks on it and on all that are in it."""

    def __init__(self) -> None:
        """Begin outside of any."""
        self._names: list[str] = []

    @property
    def innermost(self) -> str:
        """The innermost module that runs and has a name; "" where none has."""
        return next((name for name in reversed(self._names) if name), "")

    @contextmanager
    def watching(
        self,
        module: nn.Module,
        entered: Callable[[str], None] = lambda _: None,
        left: Callable[[str, nn.Module, Any], None] = lambda *_: None,
    ) -> Iterator[None]:
        """Keep the names while the module runs; `entered` and `left` are told too."""

        def enter(name: str) -> None:
            self._names.append(name)
            entered(name)

        def leave(name: str, inner: nn.Module, output: Any) -> None:
            self._names.pop()
            left(name, inner, output)

        with ExitStack() as hooks:
            for name, inner in module.named_modules():
                # A scripted module takes no hooks; its steps go by the module around it.
                if isinstance(inner, torch.jit.ScriptModule):
                    continue
                before = inner.register_forward_pre_hook(lambda *_, name=name: enter(name))
                after = inner.register_forward_hook(
                    lambda inner, _, output, name=name: leave(name, inner, output)
                )
                hooks.callback(before.remove)
                hooks.callback(after.remove)
            yield


class _Catch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps a copy of the one result that is made at a place."""

    def __init__(self, place: Place) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.place = place
        self.names = NamedModules()
        self.turns: Counter[tuple[str, str]] = Counter()
        self.found: torch.Tensor | None = None

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the operator as it is, and look at what it gives."""
        result = func(*args, **(kwargs or {}))
        self.look(self.names.innermost, name_of_call(func), result)
        return result

    def look(self, module: str, call: str, result: Any) -> None:
        """Copy the result of the call, which later steps may write to."""
        turn = self.turns[module, call]
        self.turns[module, call] += 1
        if (module, call, turn) == self.place[:3]:
            self.found = next((t.detach().clone() for t in tensors_in(result)), None)


def activations(
    module: nn.Module | None, place: Place | None, name: str, picture: torch.Tensor
) -> torch.Tensor:
    """Return what a module makes at a place of a (C, H, W) picture, or a batch, as the next one.

    >>> layer = nn.MaxPool2d(2)
    >>> place = Place("", "max_pool2d_with_indices", 0, 4, (2, 3))
    >>> activations(layer, place, "the pool", torch.ones(1, 4, 6)).shape
    torch.Size([1, 2, 3])
    """
    if module is None or place is None:
        raise InputError(f"{name} is the picture itself, or reads none of it.")
    if None in place.axes:
        raise InputError(
            f"The output of {name} has no rows and columns, so that it is no picture.",
            remedy="Take a layer before it",
        )
    catch = _Catch(place)
    with _in_evaluation(module), torch.no_grad():
        batch = _batch(module, picture)
        _run(module, batch, catch, name)
    if catch.found is None or catch.found.ndim != place.n_dims:
        raise InputError(
            f"On numbers torch takes another way than {place.call or 'the layer'} at {name}.",
            remedy="Take the layer before or after it",
        )
    return _as_picture(catch.found, place, batched=picture.ndim == 4)


def _run(module: nn.Module, batch: torch.Tensor, catch: _Catch, name: str) -> None:
    def left(inner: str, _: nn.Module, output: Any) -> None:
        catch.look(inner, "", output)

    try:
        with catch.names.watching(module, left=left), catch:
            module(batch)
    except InputError:
        raise
    except REFUSALS as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise InputError(
            f"The module does not take this picture, asked for {name}: {lines[0][:300]}.",
            remedy="Check the picture's size and channels",
        ) from None


def _batch(module: nn.Module, picture: torch.Tensor) -> torch.Tensor:
    """The picture as the module's first parameter is: its type of numbers and its device."""
    check_dimensions(picture, (3, 4), "(channels, height, width) or a batch of them")
    if not picture.is_floating_point():
        raise InputError(
            f"A module reads floating numbers, the picture is {picture.dtype}.",
            remedy="Use picture.float() / 255",
        )
    first = next((p for p in module.parameters() if p.is_floating_point()), picture)
    if first.is_meta:
        raise InputError("The module is on meta and has no numbers.", remedy="Load its weights")
    batch = picture if picture.ndim == 4 else picture[None]
    return batch.to(first.device, first.dtype)


def _as_picture(tensor: torch.Tensor, place: Place, *, batched: bool) -> torch.Tensor:
    """(N, C, H, W) or (C, H, W), of a tensor whose first dimension is the batch."""
    rows, columns = (dim for dim in place.axes if dim is not None)
    others = [dim for dim in range(1, tensor.ndim) if dim not in {rows, columns}]
    moved = tensor.permute(0, *others, rows, columns)
    pictures = moved.reshape(len(moved), -1, *moved.shape[-2:]).cpu()
    return pictures if batched else pictures[0]


@contextmanager
def _in_evaluation(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, and each part of it back as it was."""
    before = [(inner, inner.training) for inner in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for inner, training in before:
            inner.training = training
