"""How often each value occurs in two maps, one above the other over the same values."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import torch

from rfviz.conv.feature_maps.histogram import Histogram
from rfviz.conv.wording import number
from rfviz.figures.style import CHANNEL_COLOURS, FRAME, base_layout, plain

COLOURS = (CHANNEL_COLOURS["blue"], CHANNEL_COLOURS["grey"])


def histogram_figure(
    histograms: Sequence[Histogram],
    *,
    names: Sequence[str],
    values: str = "Value",
    title: str = "How often each value occurs",
) -> go.Figure:
    """Draw two histograms, one above the other, as shares of their outputs over one axis of values.

    `names` say what each is of, `values` what the axis is.

    >>> one = Histogram(torch.tensor([3, 1]), 0.0, 0.5)
    >>> [bar.y.tolist() for bar in histogram_figure([one, one], names=["a", "b"]).data][0]
    [0.75, 0.25]
    """
    bars = [
        _bars(histogram, name, colour, axis)
        for histogram, name, colour, axis in zip(histograms, names, COLOURS, ("", "2"), strict=True)
    ]
    said = "; ".join(
        f"{name} from {number(each.start)} to {number(each.start + len(each.counts) * each.width)}"
        for name, each in zip(names, histograms, strict=True)
    )
    layout: dict[str, Any] = base_layout(
        title, name="histogram", alt=f"{title}: {said}, as shares of all outputs."
    )
    layout["margin"] = layout["margin"] | {"l": 56}
    across = _axis(values) | {"anchor": "y2"}
    upper, lower = (_axis("Share") | {"tickformat": ".2~%", "nticks": 4} for _ in range(2))
    notes = [_note(name, place) for name, place in zip(names, (1.0, 0.46), strict=True)]
    return go.Figure(
        bars,
        layout
        | {"xaxis": across, "yaxis": upper | {"domain": [0.56, 0.94]}}
        | {"yaxis2": lower | {"domain": [0.0, 0.4]}, "bargap": 0, "annotations": notes},
    )


def _bars(histogram: Histogram, name: str, colour: str, axis: str) -> go.Bar:
    counts = histogram.counts.to(torch.float64)
    places = histogram.start + (torch.arange(len(counts)) + 0.5) * histogram.width
    shares = counts / counts.sum().clamp(min=1)
    return go.Bar(
        x=places.double().numpy(),
        y=shares.numpy(),
        width=histogram.width,
        name=plain(name),
        marker={"color": colour, "line": {"width": 0}},
        xaxis="x",
        yaxis=f"y{axis}",
        hovertemplate=f"{plain(name)}: %{{y:.3~%}} of the outputs<br>"
        f"around %{{x:.6~g}}, a bin of {number(histogram.width)}<extra></extra>",
    )


def _axis(title: str) -> dict[str, Any]:
    return {
        "title": {"text": plain(title), "standoff": 6},
        "showgrid": False,
        "zeroline": False,
        "showline": True,
        "linecolor": FRAME,
        "ticks": "outside",
        "ticklen": 3,
        "tickcolor": FRAME,
        "automargin": True,
        "exponentformat": "e",
    }


def _note(text: str, place: float) -> dict[str, Any]:
    return {
        "text": plain(text),
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": place,
        "yref": "paper",
        "yanchor": "middle",
        "showarrow": False,
        "font": {"size": 11},
    }
