"""Feature maps and filters as figures."""

from collections.abc import Sequence

import plotly.graph_objects as go
import torch
import torch.nn.functional as F

from rfviz.conv.feature_maps.binned_means import MapMeans
from rfviz.conv.feature_maps.histogram import GrowingHistogram
from rfviz.conv.filters.facts import frequency_response
from rfviz.conv.matmul.compare import Comparison
from rfviz.conv.spec.check_tensors import check_weight
from rfviz.figures.feature_map import difference_figure, feature_map_figure
from rfviz.figures.filter_grid import filter_grid_figure
from rfviz.figures.frequency import frequency_figure
from rfviz.figures.histogram import histogram_figure
from rfviz.plot.pictures import LARGEST_MAP, check_one_map


def feature_map(
    values: torch.Tensor, filter_index: int = 0, *, title: str = "Feature map"
) -> go.Figure:
    """Draw one filter's map, (H, W) or of (F, H, W); a large one as exact means of bins.

    >>> feature_map(torch.tensor([[[1.0, -3.0]]])).data[0].zmin
    -3.0
    """
    one = check_one_map(values, filter_index, "A feature map")
    size = (one.shape[0], one.shape[1])
    if max(size) <= LARGEST_MAP:
        return feature_map_figure(one, output_size=size, title=title)
    maps = MapMeans(1, size, (LARGEST_MAP, LARGEST_MAP))
    maps.add(range(size[0]), one[None])
    return feature_map_figure(maps.means[0], step=maps.step, output_size=size, title=title)


def difference(comparison: Comparison, filter_index: int = 0, *, image: int = 0) -> go.Figure:
    """Draw how far one filter's two maps are apart; of a large one the largest of each bin.

    `comparison` is what `rfviz.compare_with_conv2d` gives; `image` chooses a picture of a batch.

    >>> from rfviz.conv.matmul.compare import compare_with_conv2d
    >>> difference(compare_with_conv2d(torch.ones(1, 3, 3), torch.ones(1, 1, 2, 2))).data[0].zmin
    0.0
    """
    ours, theirs = comparison.by_matmul, comparison.by_conv2d
    if ours.ndim == 4:
        ours, theirs = ours[image], theirs[image]
    apart = (ours.double() - theirs.double()).abs()
    one = check_one_map(apart, filter_index, "A difference")
    size = (one.shape[0], one.shape[1])
    factor = -(-max(size) // LARGEST_MAP)
    largest = F.max_pool2d(one[None], factor, ceil_mode=True)[0] if factor > 1 else one
    return difference_figure(largest.float(), step=(factor, factor), output_size=size)


def histogram(
    values: Sequence[torch.Tensor], names: Sequence[str], *, title: str = ""
) -> go.Figure:
    """Draw how often each value occurs in two tensors of any shape, one above the other.

    >>> figure = histogram([torch.rand(9), torch.rand(9)], ["an operator", "nn.Conv2d"])
    >>> len(figure.data)
    2
    """
    counted = []
    for each in values:
        seen = GrowingHistogram()
        seen.add(each)
        counted.append(seen.counted())
    more = {"title": title} if title else {}
    return histogram_figure(counted, names=names, **more)


def filters(weight: torch.Tensor, chosen: int = 0) -> go.Figure:
    """Draw a (F, C / groups, kh, kw) weight: a block a filter, in it a tile a channel.

    >>> filters(torch.ones(2, 1, 3, 3)).data[0].z.shape
    (3, 8)
    """
    check_weight(weight)
    return filter_grid_figure(weight.detach(), chosen=chosen)


def frequency(kernel: torch.Tensor, *, title: str = "Frequency response") -> go.Figure:
    """Draw how much of each frequency a (kh, kw) kernel lets through.

    >>> frequency(torch.ones(3, 3)).data[0].z.max().item()
    9.0
    """
    return frequency_figure(frequency_response(kernel.detach()), title=title)
