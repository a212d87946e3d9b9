"""A small picture to try an operator on that reads more than receptive fields and a weight."""

from collections.abc import Mapping

import torch

from rfviz.conv.operators.given import initial_tensor, own_tensors
from rfviz.conv.operators.of_batch import BatchOperator
from rfviz.conv.operators.operator import Operator
from rfviz.conv.spec.spec import Conv2dSpec

_SPEC = Conv2dSpec(2)
_IMAGE, _FILTERS = (1, 3, 5, 4), 3


def trial(
    operator: Operator, values: Mapping[str, float], dtype: torch.dtype = torch.float32
) -> tuple[BatchOperator, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The operator with a picture of three channels, and all that it reads, as it begins.

    >>> from rfviz.conv.operators.catalogue import operator_named
    >>> work, pictures, tensors = trial(operator_named("dilation"), {})
    >>> work.on_padded(pictures, tensors, range(4)).shape
    torch.Size([1, 3, 4, 3])
    """
    work = BatchOperator(operator, values, _SPEC, (_IMAGE[2], _IMAGE[3]))
    # Irregular fractions in place of random numbers, which transforms refuse to draw.
    n = 3 * 5 * 4
    image = (torch.arange(n, dtype=torch.float64) * 0.6180339887).frac().to(dtype).view(_IMAGE)
    taps = torch.arange(_FILTERS * 12, dtype=torch.float64) * 0.7548776662
    weight = taps.frac().sub(0.5).to(dtype).view(_FILTERS, 3, 2, 2)
    pictures = {"image": image}
    if operator.reads.guide:
        pictures["guide"] = image.flip(1)
    if operator.reads_mask:
        pictures["mask"] = torch.ones_like(image)
    sizes = work.sizes(weight)
    learned = {
        each.name: initial_tensor(each, sizes, dtype) + 0.1 for each in operator.reads.learned
    }
    return work, pictures, own_tensors(work, weight, image, learned)
