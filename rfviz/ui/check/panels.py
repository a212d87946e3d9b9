"""The sidebar's weights checked on pictures in several types: a table, a verdict, files of both."""

import math
from collections.abc import Generator, Iterator
from dataclasses import asdict
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from rfviz.check import LayerCheck, Row
from rfviz.conv.errors import InputError
from rfviz.conv.matmul.differences import FAR_FROM_ZERO
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.conv.steps import part_of
from rfviz.export.report import head, report_csv, report_json
from rfviz.io.pictures.files import MAX_PIXELS
from rfviz.io.pictures.preprocessing import Size
from rfviz.io.pictures.reading import read_apart
from rfviz.ui.check.choice import CheckChoice
from rfviz.ui.run.budget import BUDGET
from rfviz.ui.run.caches import remembered, room_for_pictures
from rfviz.ui.run.jobs import Job, job_for
from rfviz.ui.sidebar.explain import as_text
from rfviz.ui.sidebar.inputs import Inputs
from rfviz.ui.sidebar.named_weights import DTYPES

COLOURS = 3
# What the strips of a check take beside the picture: 268 MB at most were measured.
STRIP_BYTES = 320_000_000
WHAT = "Every output of every picture, both ways"


def check_job(inputs: Inputs, choice: CheckChoice) -> tuple[Job[list[Row]], list[Row]]:
    """The session's job for these pictures and types, and the rows that it has so far."""
    files = tuple(file.file_id for file in choice.files)
    key = (inputs.key, files, choice[:3])
    rows: list[Row] = remembered(("check", key), list)
    n_bytes = _n_bytes(inputs, choice)

    def start() -> Generator[float, None, list[Row]]:
        return BUDGET.steps(n_bytes, "This check", lambda: _steps(inputs, choice, rows))

    return job_for("check", key, start), rows


def _n_bytes(inputs: Inputs, choice: CheckChoice) -> int:
    """What a check holds at most: a picture, what is made of it as bytes, and one strip.

    Pictures that are yet to be decoded count as the largest that is read, in colour. Resizing and
    floats of any type are made of some rows at a time.
    """
    n_values = inputs.picture.n_channels * math.prod(inputs.picture.size)
    if choice.files:
        n_values = max(n_values, COLOURS * MAX_PIXELS)
    copies = 1 + choice.preprocessing.grey + (choice.channels == "pick")
    return STRIP_BYTES + copies * n_values


def _steps(
    inputs: Inputs, choice: CheckChoice, rows: list[Row]
) -> Generator[float, None, list[Row]]:
    """One picture at a time is decoded, and of its outputs one strip is held."""
    rows.clear()
    n_all = (1 + len(choice.files)) * len(choice.dtypes)
    for name, picture in _pictures(inputs, choice):
        for dtype in choice.dtypes:
            steps = _row_steps(layer_check(inputs, choice, DTYPES[dtype]), name, picture, dtype)
            rows.append((yield from part_of(steps, len(rows), n_all)))
            yield len(rows) / n_all
    return rows


def _pictures(inputs: Inputs, choice: CheckChoice) -> Iterator[tuple[str, Tensor | InputError]]:
    yield inputs.picture.name, inputs.picture.pixels
    for file in choice.files:
        try:
            yield file.name, read_apart(file.getvalue(), room_for_pictures).pixels
        except InputError as error:
            yield file.name, error


def _row_steps(
    check: LayerCheck, name: str, picture: Tensor | InputError, dtype: str
) -> Generator[float, None, Row]:
    try:
        if isinstance(picture, InputError):
            raise picture
        return (yield from check.row_steps(name, picture))
    except InputError as error:
        return Row(name, dtype, error=str(error))


def layer_check(inputs: Inputs, choice: CheckChoice, dtype: torch.dtype) -> LayerCheck:
    """The sidebar's layer in one type, with the preprocessing chosen on the page."""
    bias = None if inputs.bias is None else inputs.bias.to(dtype)
    return LayerCheck(
        inputs.weight.to(dtype),
        bias,
        inputs.spec,
        choice.preprocessing,
        choice.channels,
    )


def verdict(rows: list[Row], *, complete: bool) -> None:
    """Say in one box whether all is as it should be."""
    differ = [row for row in rows if row.allclose is False]
    overflow = [row for row in rows if row.n_not_finite]
    errors = [row for row in rows if row.error]
    parts = []
    if differ:
        parts.append(f"{len(differ):,} of {len(rows):,} checks do not agree with nn.Conv2d.")
    if overflow:
        first = overflow[0]
        types = ", ".join(dict.fromkeys(row.dtype for row in overflow))
        parts.append(
            f"{len(overflow):,} of {len(rows):,} checks hold NaN or infinities ({types}): first "
            f"{as_text(first.picture)} in {first.dtype}, at (filter, row, column) "
            f"{first.first_not_finite}."
        )
    if errors:
        parts.append(
            f"{len(errors):,} of {len(rows):,} could not be checked: {as_text(errors[0].error)}"
        )
    if not complete:
        parts.append(f"Stopped: this is the report of the {len(rows):,} checks done so far.")
    if parts:
        (st.error if differ or overflow or errors else st.warning)(" ".join(parts))
    else:
        agree = "The check agrees" if len(rows) == 1 else f"All {len(rows):,} checks agree"
        st.success(
            f"{agree}: on every output of every picture the matmul and nn.Conv2d are close, and "
            "every output is finite."
        )


def show_table(rows: list[Row]) -> None:
    """One line for each picture and type."""
    st.dataframe(
        table(rows),
        hide_index=True,
        column_config={
            "largest error / bound": st.column_config.NumberColumn(format="%.2g"),
            "largest absolute error": st.column_config.NumberColumn(format="%.3g"),
            "rtol": st.column_config.NumberColumn(format="%.2g"),
            "atol": st.column_config.NumberColumn(format="%.2g"),
            "seconds, matmul": st.column_config.NumberColumn(format="%.3f"),
            "seconds, nn.Conv2d": st.column_config.NumberColumn(format="%.3f"),
        },
    )
    st.caption(
        "allclose: |matmul − nn.Conv2d| ≤ atol + rtol · |nn.Conv2d|, the bound, for every output, "
        "where NaN beside NaN and an infinity beside the same one are alike. Largest error / bound "
        "is at most 1 where all agree. atol is what the bound leaves to outputs near 0: twice what "
        "rounding may do to such a sum of products, n · u · Σ|x w|. ULP, units in the last place, "
        f"are those of outputs of at least {FAR_FROM_ZERO:,} atol: nearer to 0, where large "
        "products cancel, an error far below the bound is millions of them. Half types take "
        "the sidebar's weights, rounded. Seconds are of this run on this server."
    )


def table(rows: list[Row]) -> dict[str, list[Any]]:
    """The columns of the table; None where a picture was not checked."""
    done = [row.allclose is not None for row in rows]

    def column(name: str) -> list[Any]:
        return [
            getattr(row, name) if checked else None for row, checked in zip(rows, done, strict=True)
        ]

    return {
        "picture": [row.picture for row in rows],
        "dtype": [row.dtype for row in rows],
        "verdict": [_verdict(row) for row in rows],
        "largest error / bound": column("error_of_bound"),
        "largest absolute error": column("max_abs_error"),
        "ULP far from 0": column("max_ulp_far_from_zero"),
        "allclose": column("allclose"),
        "rtol": column("rtol"),
        "atol": column("atol"),
        "seconds, matmul": column("seconds_matmul"),
        "seconds, nn.Conv2d": column("seconds_conv2d"),
        "NaN": column("n_nan"),
        "infinite": [
            row.n_not_finite - row.n_nan if checked else None
            for row, checked in zip(rows, done, strict=True)
        ],
        "first at (filter, row, column)": [
            "" if row.first_not_finite is None else ", ".join(map(str, row.first_not_finite))
            for row in rows
        ],
        "why not checked": [row.error for row in rows],
    }


def _verdict(row: Row) -> str:
    if row.error:
        return "not checked"
    if row.n_not_finite:
        return "alike, NaN and infinite too" if row.allclose else "not finite, and differs"
    return "agrees" if row.allclose else "differs"


def download_buttons(
    inputs: Inputs, choice: CheckChoice, rows: list[Row], *, complete: bool
) -> None:
    """The report as CSV and as JSON; it says of itself whether it is complete."""
    about = {
        **head(),
        "weight_shape": list(inputs.weight.shape),
        "spec": asdict(inputs.spec),
        "dtypes": list(choice.dtypes),
        "preprocessing": choice.preprocessing._asdict(),
    }
    with st.container(horizontal=True):
        st.download_button(
            "Download as CSV", report_csv(rows), "check.csv", "text/csv", key="check_csv"
        )
        st.download_button(
            "Download as JSON", report_json(rows, about, complete=complete), "check.json",
            "application/json", key="check_json",
        )  # fmt: skip


def terminal_command(spec: Conv2dSpec, choice: CheckChoice) -> str:
    """The same check for scripts, of one type; the file of weights can be had on page Filters.

    >>> from rfviz.io.pictures.preprocessing import Preprocessing
    >>> choice = CheckChoice(("float32",), Preprocessing(255.0), None, ())
    >>> terminal_command(Conv2dSpec(3, padding=1), choice)
    'python -m rfviz check weight.safetensors photos/ --padding 1,1,1,1 --dtype float32'
    """
    (top, bottom), (left, right) = spec.pads
    options = {
        "stride": (spec.stride, (1, 1)),
        "padding": ((top, bottom, left, right), (0, 0, 0, 0)),
        "dilation": (spec.dilation, (1, 1)),
        "groups": ((spec.groups,), (1,)),
        "padding-mode": ((spec.padding_mode,), ("zeros",)),
        "scale": ((f"{choice.preprocessing.scale:g}",), ("255",)),
        "mean": (choice.preprocessing.mean, (0.0,)),
        "std": (choice.preprocessing.std, (1.0,)),
        "resize": (_sides(choice.preprocessing.resize), ()),
        "crop": (_sides(choice.preprocessing.crop), ()),
        "channels": ((choice.channels,), (None,)),
        "dtype": (("float32" if "float32" in choice.dtypes else choice.dtypes[0],), ()),
    }
    said = ["--grey"] if choice.preprocessing.grey else []
    said += [
        # With "=", so that a mean below 0 is no option of its own.
        f"--{name}{'=' if str(value[0]).startswith('-') else ' '}{','.join(map(str, value))}"
        for name, (value, default) in options.items()
        if value != default
    ]
    return " ".join(["python -m rfviz check weight.safetensors photos/", *said])


def _sides(size: Size | None) -> tuple[int, ...]:
    if size is None:
        return ()
    return (size,) if isinstance(size, int) else size
