"""The job of the receptive-field page as plain st.plotly_chart figures: what rfviz is measured by.

Run by `bench_explorer.py`. The picture's side is in the address: `?side=256`.
"""

import numpy as np
import plotly.graph_objects as go
import streamlit as st
import torch
import torch.nn.functional as F
from PIL import Image
from skimage.data import astronaut

WINDOW = 60


def shown(
    title: str, trace: go.Heatmap | go.Bar | go.Image, box: list[float] | None = None
) -> None:
    figure = go.Figure(trace, {"title": title, "height": 400})
    if box is not None:
        left, top, right, bottom = box
        figure.add_shape(type="rect", x0=left, y0=top, x1=right, y1=bottom, line={"color": "red"})
    if not isinstance(trace, go.Bar):
        figure.update_yaxes(autorange="reversed")
    st.plotly_chart(figure, key=title)


side = int(st.query_params.get("side", "64"))
st.set_page_config(layout="wide")
kernel = st.slider("Kernel", 1, 16, 3, key="kernel")
photograph = Image.fromarray(astronaut())  # type: ignore[no-untyped-call]
picture = torch.from_numpy(np.array(photograph.resize((side, side))))
pixels = picture.permute(2, 0, 1).float()
n = side - kernel + 1
row = st.slider("Row", 0, n - 1, n // 2, key="row")
column = st.slider("Column", 0, n - 1, n // 2, key="column")

weight = torch.randn(1, 3, kernel, kernel, generator=torch.Generator().manual_seed(0))
output = F.conv2d(pixels[None], weight)[0, 0]
patch = pixels[:, row : row + kernel, column : column + kernel]
first = max(0, min(row * n + column - WINDOW // 2, n * n - WINDOW))
columns = torch.stack(
    [
        pixels[:, at // n : at // n + kernel, at % n : at % n + kernel].flatten()
        for at in range(first, min(n * n, first + WINDOW))
    ],
    dim=1,
)

left, right = st.columns(2)
with left:
    box = [column - 0.5, row - 0.5, column + kernel - 0.5, row + kernel - 0.5]
    shown("Picture", go.Image(z=picture.numpy()), box)
    shown("Receptive field", go.Heatmap(z=patch.flatten(0, 1).numpy()))
    shown("Weights", go.Heatmap(z=weight.flatten(1).numpy()))
with right:
    shown(
        "Output", go.Heatmap(z=output.numpy()), [column - 0.5, row - 0.5, column + 0.5, row + 0.5]
    )
    shown("Vector", go.Bar(y=patch.flatten().numpy()))
    shown("Columns", go.Heatmap(z=columns.numpy(), x0=first))
