"""Weights as files to take away."""

from functools import partial

import streamlit as st
from torch import Tensor

from rfviz.io.weights.write import csv_of, npy_of, safetensors_of


def download_buttons(weight: Tensor, key: str) -> None:
    """Buttons that download a (F, C, kh, kw) weight, each of which can be read back as a file."""
    writers = {"npy": npy_of, "csv": csv_of, "safetensors": safetensors_of}
    with st.container(horizontal=True, gap="small"):
        for ending, write in writers.items():
            st.download_button(
                f".{ending}",
                # Written when it is asked for.
                partial(write, weight),
                icon=":material/download:",
                file_name=f"weight.{ending}",
                mime="text/csv" if ending == "csv" else "application/octet-stream",
                key=f"{key}-{ending}",
                help=f"Download the weights as .{ending}",
            )
