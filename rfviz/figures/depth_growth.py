"""How the effective receptive field grows with depth, beside the theoretical one and the law."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from rfviz.conv.errors import InputError
from rfviz.conv.wording import number
from rfviz.figures.axes import integer_axis
from rfviz.figures.style import base_layout, plain

THEORETICAL, EFFECTIVE, LAW = "#0072B2", "#D55E00", "#666666"


def depth_growth_figure(
    names: Sequence[str], theoretical: Sequence[float], sigmas: Sequence[float], law: float
) -> go.Figure:
    """Draw the rows of each layer's theoretical field, and four sigma of its effective one.

    Four sigma hold 95 percent of a Gaussian along an axis. The dotted line is four times `law`
    times the square root of the layer's number, counted from 1. Raises `InputError` for no layers
    and for lists of different lengths.

    >>> len(depth_growth_figure(["conv"], [3.0], [0.8], 0.8).data)
    3
    """
    if not names or {len(theoretical), len(sigmas)} != {len(names)}:
        raise InputError("The growth needs one field and one sigma for each of some layers.")
    layers = list(range(1, len(names) + 1))
    title = (
        f"Theoretical and effective field, layer 1 to {len(names)}: {number(theoretical[-1])} and "
        f"{number(4 * sigmas[-1])} rows at the end"
    )
    curves = {
        "theoretical field": (list(theoretical), THEORETICAL, "solid", "circle"),
        "effective field, 4 σ": ([4 * sigma for sigma in sigmas], EFFECTIVE, "solid", "square"),
        "square root of the depth": (
            [4 * law * math.sqrt(layer) for layer in layers], LAW, "dot", "line-ns",
        ),
    }  # fmt: skip
    traces = [
        go.Scatter(
            x=layers,
            y=values,
            text=[plain(name) for name in names],
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 2, "dash": dash},
            marker={"symbol": symbol, "size": 6},
            hovertemplate=f"layer %{{x}}, %{{text}}: {name} of %{{y:.4~g}} rows<extra></extra>",
        )
        for name, (values, colour, dash, symbol) in curves.items()
    ]
    layout = base_layout(title, name="depth_growth", alt=f"{title}.")
    legend = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"}
    across = integer_axis("Layer", 1, len(names))
    down = {"title": {"text": "Rows of the input"}, "rangemode": "tozero"}
    layout |= {
        "xaxis": across | {"mirror": False},
        "yaxis": down | {"showgrid": True, "gridcolor": "rgba(128,128,128,0.18)"},
        "showlegend": True,
        "legend": legend | {"itemclick": False, "itemdoubleclick": False},
    }
    layout["margin"] = layout["margin"] | {"b": 78}
    return go.Figure(traces, layout)
