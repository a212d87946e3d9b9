"""How many receptive fields read each pixel; pixels that none reads stand out."""

import plotly.graph_objects as go
import torch

from rfviz.conv.wording import by
from rfviz.figures.axes import cells, map_axes
from rfviz.figures.raster import heatmap
from rfviz.figures.style import COUNTS, NEVER_READ, base_layout, plottable


def reads_figure(
    reads: torch.Tensor,
    *,
    top: int = 0,
    left: int = 0,
    step: tuple[float, float] = (1, 1),
    input_size: tuple[int, int],
    title: str = "Reads per pixel",
) -> go.Figure:
    """Draw (h, w) counts, or their means over `step` (rows, columns) pixels, of an (H, W) picture.

    Value (0, 0) starts with pixel (`top`, `left`). Zeros are a trace of their own: orange, and
    "never read" on hover. Raises `InputError` for reads that are not one map.

    >>> reads_figure(torch.tensor([[0, 2]]), input_size=(1, 2)).data[0].zmax
    2.0
    """
    shown = plottable(reads, "reads", 2).float()
    never = shown == 0
    most = max(1.0, shown.max().item())
    means = "" if step == (1, 1) else f", means of {by(step)}"
    found = f", {_never(int(never.sum()), step)} (orange)" if never.any() else ""
    sentence = f"{title}, {by(input_size)} pixels{means}{found}"
    alt = f"{sentence}. The largest is {most:g}."
    place = cells(top, left, step)
    exact = step == (1, 1)
    where = f"{'' if exact else 'around '}row %{{y:d}}, column %{{x:d}}: "
    times = "read %{z:d} times" if exact else "read %{z:.3~g} times on average"
    blank = torch.full_like(shown, torch.nan)
    counts = heatmap(
        torch.where(never, blank, shown),
        place,
        scale=COUNTS,
        limits=(0.0, most),
        hover=where + times,
        bar={"tickformat": "d", "dtick": 1 if most <= 10 else None},
    )
    holes = heatmap(
        torch.where(never, shown, blank) if never.any() else blank[:1, :1],
        place,
        scale=((0.0, NEVER_READ), (1.0, NEVER_READ)),
        limits=(0.0, 1.0),
        hover=where + "never read",
    )
    axes = map_axes("Input", (0, input_size[0] - 1), (0, input_size[1] - 1))
    return go.Figure([counts, holes], base_layout(sentence, name="reads", alt=alt) | axes)


def _never(n: int, step: tuple[float, float]) -> str:
    kind = "pixel" if step == (1, 1) else "cell"
    return f"{n:,} {kind}{'s' * (n > 1)} never read"
