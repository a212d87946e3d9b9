"""The column matrices of a batch of pictures, each virtual as `ColumnMatrix` is."""

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from rfviz.conv.errors import InputError
from rfviz.conv.html import html_table
from rfviz.conv.im2col.column_matrix import MEMORY_BUDGET, ColumnMatrix
from rfviz.conv.memory import check_budget, readable_bytes
from rfviz.conv.spec.check_picture import check_dimensions
from rfviz.conv.spec.given_picture import as_picture
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.wording import shown


class ColumnMatrices(Sequence[ColumnMatrix]):
    """The column matrices of (N, C, H, W) pictures, as `nn.Unfold` has them: (N, rows, outputs).

    The batch may be a tensor, a numpy array, or a list of pictures of one shape, PIL images too;
    `spec` is a `Conv2dSpec` or an `nn.Conv2d`. `shape` and `dense` are those of `nn.Unfold`, and
    each picture's matrix is at its number. Raises `InputError` for what does not fit.

    >>> from rfviz.conv.spec.spec import Conv2dSpec
    >>> matrices = ColumnMatrices(torch.arange(18).reshape(2, 1, 3, 3), Conv2dSpec(2))
    >>> matrices.shape, matrices[1][:, 0].tolist()
    ((2, 4, 4), [9, 10, 12, 13])
    """

    def __init__(self, images: object, spec: Conv2dSpec | nn.Module) -> None:
        """Check each picture against the spec and keep them."""
        self.images = _as_batch(images)
        self._matrices = tuple(ColumnMatrix(image, spec) for image in self.images)
        self.spec = self._matrices[0].spec

    @property
    def shape(self) -> tuple[int, int, int]:
        """(pictures, rows, columns), as of `nn.Unfold`."""
        return (len(self), *self._matrices[0].shape)

    @property
    def output_size(self) -> tuple[int, int]:
        """Height and width of the output."""
        return self._matrices[0].output_size

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._matrices)

    def __getitem__(self, index: int) -> ColumnMatrix:  # type: ignore[override]
        """Return the column matrix of one picture."""
        whole = isinstance(index, int) and not isinstance(index, bool)
        if not whole or not -len(self) <= index < len(self):
            raise InputError(
                f"There is no picture {shown(index)} in a batch of {len(self)}.",
                remedy=f"Use a number from 0 to {len(self) - 1}",
            )
        return self._matrices[index]

    def __iter__(self) -> Iterator[ColumnMatrix]:
        """Yield the matrix of each picture."""
        return iter(self._matrices)

    def dense(self, memory_budget: int = MEMORY_BUDGET) -> torch.Tensor:
        """Return all of them, (N, rows, columns); `InputError` past the budget in bytes.

        >>> from rfviz.conv.spec.spec import Conv2dSpec
        >>> ColumnMatrices(torch.ones(2, 1, 3, 3), Conv2dSpec(3)).dense().shape
        torch.Size([2, 9, 1])
        """
        n_bytes = sum(one.n_bytes() for one in self)
        what = f"{len(self)} matrices of {self.shape[1]} × {self.shape[2]} entries"
        check_budget(what, n_bytes, memory_budget)
        return torch.stack([one.dense(memory_budget) for one in self])

    def __repr__(self) -> str:
        """Show the number and size of the matrices, the type and the spec."""
        n, rows, columns = self.shape
        return f"ColumnMatrices({n} of {rows} × {columns}, {self.images.dtype}, {self.spec})"

    def _repr_html_(self) -> str:
        """Show the same in a notebook."""
        n, rows, columns = self.shape
        facts = (
            ("pictures", f"{n} of {tuple(self.images.shape[1:])}, {self.images.dtype}"),
            ("matrix of each", f"{rows:,} × {columns:,}"),
            ("all of them would take", readable_bytes(n * self[0].n_bytes())),
            ("spec", self.spec),
        )
        return html_table("Column matrices", facts)


def _as_batch(images: object) -> torch.Tensor:
    if isinstance(images, list | tuple):
        pictures = [as_picture(image) for image in images]
        shapes = dict.fromkeys(
            tuple(one.shape) if isinstance(one, torch.Tensor) else type(one).__name__
            for one in pictures
        )
        if len(shapes) != 1 or not isinstance(pictures[0], torch.Tensor):
            found = ", ".join(map(str, shapes)) or "none"
            raise InputError(
                f"A batch is of pictures of one shape, got {found}.",
                remedy="Crop or reduce them to one size",
            )
        images = torch.stack(pictures)
    batch = as_picture(images)
    if isinstance(batch, torch.Tensor) and batch.ndim == 4 and not len(batch):
        raise InputError("The batch holds no picture.")
    check_dimensions(batch, (4,), "a batch (N, channels, height, width)")
    return batch
