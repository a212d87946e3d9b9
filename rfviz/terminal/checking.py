"""A layer checked on pictures, with a line for each on the terminal and reports at the end."""

import argparse
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from rfviz.check import LayerCheck, Row, pictures_in, rows_of, shown_path
from rfviz.conv.errors import InputError
from rfviz.conv.matmul.differences import FAR_FROM_ZERO
from rfviz.conv.spec.spec import Conv2dSpec
from rfviz.export.report import (
    about_check,
    is_complete,
    report_csv,
    report_json,
    report_junit,
)
from rfviz.io.pictures.preprocessing import Preprocessing
from rfviz.io.weights.file import WeightsFile
from rfviz.io.weights.layers import LayerEntry, layer, layers_of, non_finite
from rfviz.io.weights.read import read_weights
from rfviz.terminal.output import STANDARD_OUTPUT, Report, check_places, told

AGREE, DISAGREE, WRONG_INPUT, STOPPED = 0, 1, 2, 130
MOST_LEFT_OUT = 20
_SECONDS_BETWEEN_LINES = 0.2


def checked(options: argparse.Namespace) -> int:
    """Check the pictures, write a line for each and the reports asked for; the exit code."""
    rows: list[Row] = []
    about: dict[str, object] = {}
    reports = _reports(options, rows, about)
    # A report on the standard output has it for itself.
    table = Table(
        quiet=any(report.path == STANDARD_OUTPUT for report in reports), short=options.quiet
    )
    file = read_weights(_bytes_of(options.weights), options.weights)
    entry = _entry(layers_of(file.tensors), options.layer)
    if options.layout:
        entry = entry.in_layout(options.layout)
    check = _layer_check(options, *layer(file.tensors, entry))
    paths = pictures_in(options.images)
    about |= about_check(check, shown_path(Path(options.weights)), entry.name, len(paths))
    about |= {"layout": entry.layout, "notes": list(entry.notes)}
    start = time.perf_counter()
    try:
        _say_left_out(table, file)
        _say_layer(table, check, entry)
        _run(check, paths, rows, table)
    finally:
        # Also where nobody reads the table any more, or the disk that it goes to is full.
        for report in reports:
            report.write()
    for line in _legend(rows):
        table.line(line)
    table.last(_summary(rows, len(paths), time.perf_counter() - start))
    return _code(rows, len(paths))


def _code(rows: list[Row], n_pictures: int) -> int:
    if len(rows) < n_pictures:
        return STOPPED
    if any(row.allclose is False for row in rows):
        return DISAGREE
    return WRONG_INPUT if any(row.error for row in rows) else AGREE


def _reports(
    options: argparse.Namespace, rows: list[Row], about: dict[str, object]
) -> list[Report]:
    reports = [
        Report(options.json, lambda: report_json(rows, about, complete=is_complete(rows, about))),
        Report(options.csv, lambda: report_csv(rows)),
        Report(options.junit, lambda: report_junit(rows, about)),
    ]
    check_places(reports)
    return reports


def _say_left_out(table: "Table", file: WeightsFile) -> None:
    for each in file.left_out[:MOST_LEFT_OUT]:
        table.line(f"Left out {each.name}: {each.reason}.")
    if len(file.left_out) > MOST_LEFT_OUT:
        table.line(f"Left out {len(file.left_out) - MOST_LEFT_OUT:,} more.")


def _say_layer(table: "Table", check: LayerCheck, entry: LayerEntry) -> None:
    dtype = str(check.weight.dtype).removeprefix("torch.")
    table.line(f"{entry.name} {tuple(check.weight.shape)}, {dtype}, {check.spec}")
    for note in entry.notes:
        table.line(f"{note[0].upper()}{note[1:]}.")
    if odd := non_finite({entry.name: check.weight}).get(entry.name):
        table.line(f"The weight holds {odd.n_nan} NaN and {odd.n_infinite} infinities.")


class Table:
    """What is said on the standard output: all, the last line, or nothing."""

    def __init__(self, *, quiet: bool, short: bool) -> None:
        """Say nothing if `quiet`, the last line alone if `short`."""
        self._quiet, self._short = quiet, short

    def line(self, text: str) -> None:
        """Write a line."""
        if not (self._quiet or self._short):
            sys.stdout.write(f"{text}\n")
            # Whoever reads along, through a pipe too, sees each line when it is there.
            sys.stdout.flush()

    def last(self, text: str) -> None:
        """Write the last line."""
        if not self._quiet:
            sys.stdout.write(f"{text}\n")


def _run(check: LayerCheck, paths: list[Path], rows: list[Row], table: Table) -> None:
    """Fill the rows and write each; Ctrl-C ends it with the rows so far."""
    table.line(
        f"{'picture':40} {'output':>12} {'err/bound':>10} {'max abs':>10} {'ULP':>8}  verdict"
    )
    shown = 0.0
    with _interrupts():
        for row in rows_of(check, paths):
            rows.append(row)
            table.line(_line(row))
            if time.monotonic() - shown > _SECONDS_BETWEEN_LINES and sys.stderr.isatty():
                shown = time.monotonic()
                told(f"\r{len(rows):,} of {len(paths):,} pictures\r")
        return
    told(f"\nStopped after {len(rows):,} of {len(paths):,} pictures.\n")


@contextlib.contextmanager
def _interrupts() -> Iterator[None]:
    """Let Ctrl-C end the block, and no more than the block."""
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.default_int_handler) if in_main else None
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)


def _line(row: Row) -> str:
    name = row.picture if len(row.picture) <= 40 else "..." + row.picture[-37:]
    if row.error or row.output_size is None:
        return f"{name:40} {row.error}"
    size = "{} x {}".format(*row.output_size)
    verdict = "agrees" if row.allclose else "DIFFERS"
    if row.first_not_finite is not None:
        alike = " in both" if row.allclose else ""
        verdict += f", {row.n_not_finite:,} NaN or infinite{alike}, first at {row.first_not_finite}"
    ulp = "-" if row.max_ulp_far_from_zero is None else f"{row.max_ulp_far_from_zero:,}"
    errors = f"{row.error_of_bound:10.3g} {row.max_abs_error:10.3g} {ulp:>8}"
    return f"{name:40} {size:>12} {errors}  {verdict}"


def _legend(rows: list[Row]) -> list[str]:
    """What the columns of errors mean, with the bound of this run."""
    bounds = [row for row in rows if row.allclose is not None]
    if not bounds:
        return []
    rtol, most = bounds[0].rtol, max(row.atol for row in bounds)
    return [
        f"err/bound: the largest error over the bound atol + rtol x |output|, agreeing up to 1. "
        f"rtol {rtol:.2g}; atol, for outputs near 0, up to {most:.2g}: unless given, twice what",
        f"rounding may do to such a sum. ULP: units in the last place, of outputs of at least "
        f"{FAR_FROM_ZERO:,} atol; nearer to 0 they mean nothing.",
    ]


def _summary(rows: list[Row], n_pictures: int, seconds: float) -> str:
    agree = sum(row.allclose is True for row in rows)
    differ = sum(row.allclose is False for row in rows)
    errors = sum(bool(row.error) for row in rows)
    rate = len(rows) / seconds if seconds else 0.0
    return (
        f"{agree:,} agree, {differ:,} differ, {errors:,} not checked, of {n_pictures:,} pictures; "
        f"{rate:.1f} pictures a second"
    )


def _entry(entries: list[LayerEntry], name: str | None) -> LayerEntry:
    usable = [entry for entry in entries if entry.is_conv2d]
    if name is None:
        if not usable:
            listed = "; ".join(f"{e.name}: {e.reason}" for e in entries[:6])
            raise InputError(f"The file holds no 2-D convolution ({listed}).")
        return usable[0]
    for entry in entries:
        if entry.name in {name, f"{name}.weight"}:
            return entry
    names = ", ".join(entry.name for entry in usable[:20]) or "none"
    raise InputError(f"There is no layer {name!r}; the 2-D convolutions are {names}.")


def _layer_check(
    options: argparse.Namespace, weight: torch.Tensor, bias: torch.Tensor | None
) -> LayerCheck:
    dtype = getattr(torch, options.dtype)
    spec = Conv2dSpec(
        weight.shape[2:],
        stride=options.stride,
        padding=options.padding,
        dilation=options.dilation,
        groups=options.groups,
        padding_mode=options.padding_mode,
    )
    if not all(value > 0 for value in (options.scale, *options.std)):
        raise InputError("--scale and --std must be larger than 0.")
    return LayerCheck(
        weight.to(dtype),
        None if bias is None else bias.to(dtype),
        spec,
        Preprocessing(
            options.scale,
            options.mean,
            options.std,
            options.grey,
            options.resize,
            options.crop,
        ),
        options.channels,
        options.rtol,
        options.atol,
    )


def _bytes_of(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        what = f"{shown_path(Path(name))!r} cannot be read: {error.strerror or error}."
        raise InputError(what) from error
