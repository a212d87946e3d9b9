"""What the reader of a weights file gives: tensors by name, and what it left out."""

from typing import NamedTuple

import torch

MAX_NAME = 300


class LeftOut(NamedTuple):
    """Something in a file that is not among its tensors: where it is, and why."""

    name: str
    reason: str


class WeightsFile(NamedTuple):
    """All tensors of a file, the model's first; what else is in it; and which are the model's.

    The tensors that `model` does not name are the optimiser's, an average's, or counters.
    """

    tensors: dict[str, torch.Tensor]
    left_out: tuple[LeftOut, ...] = ()
    model: tuple[str, ...] = ()

    @property
    def of_the_model(self) -> dict[str, torch.Tensor]:
        """The tensors that are the model's, all where the file does not tell.

        >>> WeightsFile({"a": torch.ones(1), "b": torch.ones(1)}, model=("b",)).of_the_model
        {'b': tensor([1.])}
        """
        return {name: self.tensors[name] for name in self.model or self.tensors}


def shown(name: str) -> str:
    """Return a name as it can stand in a sentence: its beginning, with signs that can be printed.

    >>> shown("conv\\x1b" + "x" * 70)
    'conv?xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'
    """
    printable = "".join(sign if sign.isprintable() else "?" for sign in name[:61])
    return printable if len(name) <= 60 else f"{printable[:60]}..."
